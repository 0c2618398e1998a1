/*
 * analysis.h - a technique: (run, unedited run, foil run, metric, arguments) → table.
 *
 * Adding one is one file in analyses/ and one row in analyses.def. Menu, argument form, --help, JSON, preset checks, man page and
 * README table come from the struct.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_ANALYSIS_H
#define LMSCOPE_ENGINE_ANALYSIS_ANALYSIS_H

#include <stdbool.h>

#include "engine/analysis/param.h"
#include "engine/analysis/table.h"
#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/base/str.h"
#include "engine/base/task.h"
#include "engine/run/asset.h"
#include "engine/run/gradient.h"
#include "engine/run/metric.h"
#include "engine/run/run.h"

/* Who watches a table grow. */
struct watch {
	/* The table is borrowed, described already, and still changes: what is kept of it is copied. */
	void (*show)(void *context, const struct table *so_far);
	/* What of it is on the screen now: worth computing first. */
	struct window (*visible)(void *context);
	void *context;
	double next; /* on clock_now(): when it is worth while to look again */
};

/* How many passes an answer takes. */
struct passes {
	int most;  /* 0 for techniques that make none, -1 where it cannot be answered */
	int usual; /* as a rule; most where nothing else is known */
};

struct analysis;

/* What other techniques answer to the same question: found where it was asked before, and kept for who asks next. */
struct others {
	/* Counted. */
	struct table *(*answer)(void *context, const struct analysis *a, const struct value *args, struct err *err);
	struct passes (*passes)(void *context, const struct analysis *a, const struct value *args); /* the gradient's aside */
	void *context;
};

/* The question, as a technique sees it. */
struct ask {
	const struct model *model;
	const struct run *run;	    /* with the edits */
	const struct run *unedited; /* the same run when there are none */
	const struct run *foil;	    /* unedited; NULL when no foil is set */
	const struct metric *metric;
	const struct gradient *gradient; /* of the metric on `run`, for those that need it; NULL for others */
	/* The arguments, resolved: an index along a dimension is 0 … n-1. */
	int arg[PARAM_MAX];	     /* whole numbers, dimensions, choices */
	double real[PARAM_MAX];	     /* any number */
	const char *text[PARAM_MAX]; /* texts and files; a word in place of a number; NULL: none */
	struct assets *assets;	     /* the files that are open */
	struct held *held;	     /* those that ask_asset() gave: let go when the table is made */
	struct arena *scratch;	     /* analysis_compute() makes and frees it */
	struct task *task;
	struct notes *notes;
	/* list its tokens or neurons, so that a difference or a mean knows all; NULL: the strongest */
	const struct table *like;
	struct watch *watch;	     /* NULL: nobody waits for less than the whole table */
	const struct others *others; /* NULL: nobody keeps answers */
};

enum topic { TOPIC_PREDICTION, TOPIC_LENS, TOPIC_ATTENTION, TOPIC_ATTRIBUTION, TOPIC_CAUSAL, TOPIC_GEOMETRY, TOPIC_COUNT };
extern const char *const topic_words[TOPIC_COUNT];

/*
 * What an answer depends on. It is computed again when one of these changes, and only then; the model counts always, and the edits
 * are part of the run.
 */
enum { ON_RUN = 1, ON_FOIL = 2, ON_METRIC = 4, ON_CORPUS = 8, ON_ASSET = 16, ON_COUNT = 5 };
extern const char *const on_words[ON_COUNT]; /* "run", "foil", … in the order of the bits */

/* What it costs: how urgent it is among others, and whether it is worth saying beforehand how long it takes. */
enum cost {
	COST_READ,	 /* reads what a run holds */
	COST_VOCABULARY, /* products of its own, as with the unembedding, but no pass through the layers */
	COST_RUNS,	 /* forward or backward passes of its own */
	COST_CORPUS,	 /* the runs of a file of prompts */
	COST_TRAINING,	 /* minutes */
	COST_COUNT
};
extern const char *const cost_words[COST_COUNT];
extern const char *const cost_sentences[COST_COUNT]; /* for people, beforehand; NULL: it is quick */

/* READS_STREAM: of a run nothing but its stream, so that a prompt will do whose whole run would not fit into memory (layer.h). */
/* NEEDS_SUM: a stream that is the sum of what is written to it (norms.h). */
/* NEEDS_ATTENTION: every layer attends. READS_ATTENTION: the layer does that an argument names. */
/* NEEDS_EXPERTS: some layer is a mixture of experts. */
enum {
	NEEDS_FOIL = 1,
	NEEDS_GRADIENT = 2,
	READS_STREAM = 4,
	NEEDS_SUM = 8,
	NEEDS_ATTENTION = 16,
	READS_ATTENTION = 32,
	NEEDS_EXPERTS = 64
};

enum { PICTURE_LINES = 8, PICTURE_COLUMNS = 60 };

struct analysis {
	const char *name, *title; /* "logit-lens", "Logit lens" */
	enum topic topic;
	const char *paper;   /* "nostalgebraist 2020" */
	const char *blurb;   /* one sentence */
	const char *help;    /* how to read it, when it misleads: a few sentences */
	const char *picture; /* what to look for, drawn: at most PICTURE_LINES of PICTURE_COLUMNS, each ends in \n */
	const char *shape;   /* "layer × position": for lists */
	const char *unit;    /* for lists: "probability, logit, …" */
	unsigned on;
	enum cost cost;
	/*
	 * From COST_RUNS on: how many passes through the model this question takes (task->runs), without the gradient that the
	 * session makes and without runs of a file's prompts, which are kept; the most, where what is found decides. For saying
	 * beforehand how long it takes. Of the ask, task, watch, notes and gradient are not there.
	 */
	int (*runs)(const struct ask *ask);
	/* What it takes as a rule, where runs() is the most and far from that. NULL: runs() is what it takes, or nobody knows. */
	int (*usual_runs)(const struct ask *ask);
	/*
	 * Of a training instead: how many multiplications of numbers it consists of, roughly, and *steps. Of the ask there are the
	 * model, the arguments and scratch.
	 */
	double (*work)(const struct ask *ask, int *steps);
	unsigned needs;
	unsigned metrics;		/* METRICS_…: what a metric must be for it to explain it; 0: it does not use the metric */
	const struct param *params;	/* ends with a NULL name */
	const struct asset_kind *makes; /* the kind of file that it writes; NULL: none */
	/* Returns a new table, or NULL. Fills everything but `analysis`, which analysis_compute() does. */
	struct table *(*compute)(const struct ask *ask, struct err *err);
};

extern const struct analysis *const analysis_list[]; /* menu order, NULL at the end */
enum {
#define ANALYSIS(stem) ANALYSIS_##stem,
#include "engine/analysis/analyses.def"
#undef ANALYSIS
	ANALYSIS_COUNT,
};
const struct analysis *analysis_find(const char *name); /* NULL when there is none */
/* The techniques nearest in spelling, for "did you mean": "logit-lens, attention". */
void analysis_suggest(const char *name, struct str *out);

/* Whether the question has what the technique needs: foil, a metric that it can explain, the sites that it reads. */
bool analysis_can_answer(const struct analysis *a, const struct ask *ask, struct err *err);
/* For a technique that reads more than the stream only when its arguments ask for it: false, with the sentence. */
bool analysis_refuse_stream(const struct analysis *a, const struct run *r, struct err *err);
/* Checks that, resolves args[PARAM_MAX] (as given: negatives count from the end) into the question's, computes. NULL on error. */
struct table *analysis_compute(const struct analysis *a, struct ask *ask, const struct value *args, struct err *err);

/* How many passes an answer takes. */
struct passes analysis_runs(const struct analysis *a, struct ask *ask, const struct value *args);

/* The same of a training, in multiplications; 0: it is none. *steps receives how many steps they are. */
double analysis_work(const struct analysis *a, struct ask *ask, const struct value *args, int *steps);

/* What the answer with these arguments depends on. */
unsigned analysis_on(const struct analysis *a, const struct value args[PARAM_MAX]);

/* The arguments when none is given. */
void analysis_defaults(const struct analysis *a, struct value args[PARAM_MAX]);

/* Whether it can explain such a metric. */
bool analysis_explains(const struct analysis *a, enum metric_kind kind);

/* at[T]: the positions of a PARAM_POSITIONS argument; NULL: it is not given. From ask->scratch. */
const bool *ask_positions(const struct ask *ask, int i);
/*
 * The places of a PARAM_UNIT or PARAM_PLACES argument, *n of them (0: not given), that the model has; NULL with a sentence. From
 * ask->scratch.
 */
const struct place *ask_places(const struct ask *ask, const struct analysis *a, int i, int *n, struct err *err);

/*
 * For a technique that takes long: shows the cells that it has so far, the others NaN. ask_watched() says first whether that is of
 * use now: somebody watches, and the last look is a while ago.
 */
bool ask_watched(const struct ask *ask);
void ask_show(const struct ask *ask, const struct table *so_far);
/*
 * What of the table is on the screen now, within its bounds; no rows: nothing, or nobody says. It only tells in which order to
 * compute.
 */
struct window ask_visible(const struct ask *ask, const struct table *t);

/*
 * What another technique answers to the same question with these arguments, as given; counted. Whoever asked it
 * before, in another pane, has paid for it. The technique that asks needs what that one needs.
 */
struct table *ask_other(const struct ask *ask, const struct analysis *a, const struct value *args, struct err *err);
/* The passes that this takes, the gradient's aside: none where it is there already. */
struct passes ask_other_passes(const struct ask *ask, const struct analysis *a, const struct value *args);

/* The file that an argument names, as the kind of its row, open until the table is made. NULL on error; the argument is given. */
const struct asset *ask_asset(const struct ask *ask, int arg, struct err *err);

/* What techniques share. */
extern const struct choice stream_sites[]; /* the stream and what is written to it; values are sites */
/* Labels are the tokens of the run, as far as there are some; name is "position", "query" or "key". */
void axis_tokens(struct table *t, struct axis *axis, const struct run *r, enum dim dim, const char *name);
/* One column, of what each row gives to the metric, to both sides of 0, drawn as the text of the prompt. */
void table_set_attribution(struct table *t, const struct metric *metric, const char *column);
/* Entropies of predictions: one like a blind guess says nothing. */
void table_set_entropy(struct table *t, int V);
void table_set_token(struct table *t, size_t cell, const struct model *m, int32_t id);

#endif
