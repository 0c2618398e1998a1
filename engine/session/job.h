/*
 * job.h - a question: model, prompt, foil, edits, metric, and the techniques that should answer it.
 *
 * A value: copied freely, compared, kept on the undo stack, sent to the worker, written to YAML as part of a preset.
 */
#ifndef LMSCOPE_ENGINE_SESSION_JOB_H
#define LMSCOPE_ENGINE_SESSION_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/analysis/analysis.h"
#include "engine/model/tokenizer/tokenizer.h"

enum { JOB_PANES = 12, WAY_MOST = 16 };

/* Which table of a technique is shown. */
enum shown { SHOWN_RUN, SHOWN_MINUS_UNEDITED, SHOWN_MINUS_FOIL, SHOWN_FOIL, SHOWN_COUNT };
extern const struct shown_words {
	const char *word;  /* "none", "edits", "foil", "on-foil" */
	const char *title; /* "as it is", "edited − unedited", "prompt − foil", "of the foil" */
} shown_words[SHOWN_COUNT];

/* How the table of a pane is drawn, in the words of the screen, which are interned: no part of the question. */
struct job_view {
	const char *name; /* of tui/views/views.def; NULL: as the table's look says */
	const char *zoom; /* NULL: automatic */
	double threshold; /* edges of a graph from this weight on; 0: as many as there is room for */
};

/* One technique with its arguments. */
struct job_pane {
	const struct analysis *analysis;
	struct value args[PARAM_MAX]; /* as given: negatives are kept */
	bool given[PARAM_MAX];	      /* false: the default, which may follow the cursor or the metric */
	enum shown shown;
	const char *over; /* a file of prompts, interned: the mean over them; NULL: of the job's own prompt */
	struct job_view view;
};

struct job_edit {
	char *line;
	bool on;
};

/* A metric that was explained by one of its parts, which is the metric now. */
struct way_step {
	char *spec;
	double value; /* when it was left */
	/* Where the part was: the pane and the cursors. pane -1: not known, as of a preset. */
	int pane, cursor[DIM_COUNT];
};

struct job {
	char *model;		       /* NULL: demo */
	char *prompt;		       /* bytes; may be empty; not NULL */
	char *foil;		       /* NULL: none */
	char *metric;		       /* NULL: the default */
	struct way_step way[WAY_MOST]; /* [ways] how one came to the metric; no part of the question */
	int ways;
	enum tokenizer_bos bos;
	struct job_edit *edit;
	int edits;
	struct job_pane pane[JOB_PANES];
	int panes;
	unsigned again; /* another number: what was stopped is asked for again */
	int focus;	/* the pane that is looked at: of several that take as long, it comes first */
	int generate;	/* tokens to append greedily; 0: none */
};

/* What of a job cannot be answered. */
enum job_part { JOB_WHOLE, JOB_MODEL, JOB_PROMPT, JOB_FOIL, JOB_EDIT, JOB_METRIC, JOB_GENERATE };
struct job_fault {
	enum job_part part; /* JOB_WHOLE: no single one */
	int edit;	    /* JOB_EDIT: its index */
};

void job_init(struct job *job);
void job_done(struct job *job);
void job_copy(struct job *to, const struct job *from);	  /* `to` is uninitialised or done */
bool job_equal(const struct job *a, const struct job *b); /* `focus` and `again` aside: they ask nothing else */
/* What answers depend on is the same: model, prompt, foil, metric; and with `edits`, the edits that are on. */
bool job_same_ground(const struct job *a, const struct job *b, bool edits);
/* The same for one pane, which does not depend on all of it. */
bool job_pane_same_ground(const struct job *a, const struct job *b, const struct job_pane *pane, bool edits);
/* Whether its answer is read from a run at all, and not from weights alone. */
bool job_pane_reads_run(const struct job_pane *pane);
/* The same technique, of the same of its tables; arguments aside. */
bool job_pane_alike(const struct job_pane *a, const struct job_pane *b);
bool job_pane_equal(const struct job_pane *a, const struct job_pane *b); /* the same question, however it is drawn */
bool job_view_equal(const struct job_view *a, const struct job_view *b);
bool job_edited(const struct job *job); /* some edit is on */

void job_set(char **field, const char *text);	     /* replaces a heap string; NULL goes */
int job_add_edit(struct job *job, const char *line); /* its index; switched on */
void job_remove_edit(struct job *job, int i);
/* Past WAY_MOST the oldest goes; the spec is copied. */
void job_way_push(struct job *job, const struct way_step *step);
void job_way_cut(struct job *job, int n); /* the first n stay */
void job_way_copy(struct job *to, const struct job *from);
/* The pane with all defaults. */
void job_pane_init(struct job_pane *pane, const struct analysis *analysis);
/* "layer=3" into the pane: ERR_USAGE when there is no such argument or value. */
bool job_pane_set(struct job_pane *pane, const char *assignment, struct err *err);

#endif
