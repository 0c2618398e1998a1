/*
 * metric.h - the number of a run that a question is about. Of the logits:
 *
 *     logit " Paris" · logprob " Paris" · logit_diff " Mary" " John" · kl · entropy · loss        [@POSITION]
 *
 * and of any layer inside, above which nothing needs to be computed:
 *
 *     neuron 3.17 · neuron_pre 3.17 · neuron_up 3.17 · norm resid_post 3 · along love.npy resid_post 3 ·
 *     lens " Paris" resid_post 3        [@POSITION]
 *     scores 2.1 @13<7 · pattern 2.1 @13<7 · part head 2.1 of logit " Paris"
 *
 * `part` is what a component gives to another metric directly, with what that metric reads (reading.h) frozen at the unedited run.
 *
 * A target is the token whose decoded bytes are exactly the string; failing that the first token of the string tokenised
 * without BOS and dummy prefix, with a note; #ID names a token by number. No spec: the logit of what the unedited model
 * predicts there.
 */
#ifndef LMSCOPE_ENGINE_RUN_METRIC_H
#define LMSCOPE_ENGINE_RUN_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/base/str.h"
#include "engine/base/task.h"
#include "engine/run/place.h"

struct config;
struct run;
struct model;

enum metric_kind {
#define METRIC(KIND, stem) METRIC_##KIND,
#include "engine/run/metrics.def"
#undef METRIC
	METRIC_KINDS,
	METRIC_NONE = -1,
};

/* What a kind takes after its word. */
enum metric_takes {
	TAKES_NOTHING,
	TAKES_TOKEN,	    /* " Paris" */
	TAKES_TOKENS,	    /* " Mary" " John" */
	TAKES_UNIT,	    /* 3.17 */
	TAKES_WEIGHT,	    /* 2.1 @13<7 */
	TAKES_STREAM,	    /* resid_post 3 */
	TAKES_FILE_STREAM,  /* love.npy resid_post 3 */
	TAKES_TOKEN_STREAM, /* " Paris" resid_post 3 */
	TAKES_PART,	    /* head 2.1 of logit " Paris" */
};

struct metric;
struct metric_rows;
struct backward_seed;
struct metric_rules;
struct reading;
struct arena;

/* A kind: a row of metrics.def, and a file of metrics/. */
struct metric_info {
	const char *word;      /* "logit_diff" */
	const char *arguments; /* "TOKEN TOKEN", as help writes them */
	enum metric_takes takes;
	enum site site;	  /* that the numbers after TAKES_UNIT and TAKES_WEIGHT are of; SITE_NONE */
	const char *unit; /* "logit", "nats", "bits" */
	const char *help;
	bool own_tokens; /* it is about the tokens of the prompt itself, so that on another prompt it is another question */
	bool one_norm;	 /* what `read` has is read of the output of one norm, whose scale the reading tells */
	/*
	 * It is not linear in the stream, not even with the scales of norms frozen: the kind to ask where it has to be. NULL: it
	 * is.
	 */
	const char *instead;
	/* Of the logits: value and gradient. */
	double (*of_logits)(const struct metric *m, const float *x, const float *unedited, int V);
	void (*slope)(const struct metric *m, const float *x, const float *unedited, int V, float *d);
	bool reads_unedited; /* the logits of the unedited run, too; otherwise `unedited` may be NULL */
	/* Of a layer inside: value, and where its gradient starts (how many seeds; memory from `arena`). metric_inner.h */
	double (*of_rows)(const struct metric *m, const struct metric_rows *rows);
	int (*seeds)(const struct metric *m, const struct metric_rules *rules, struct arena *arena, struct backward_seed *seed);
	/* What it reads of the stream; NULL where it is not linear in it. reading.h */
	bool (*read)(const struct metric *m, const struct run *run, struct reading *out, struct err *err);
};
extern const struct metric_info *const metric_table[METRIC_KINDS];

/*
 * What a kind can be asked for, by its row: bits of what a technique wants of the metrics that it explains. So a new kind is known
 * to every technique.
 */
enum {
	METRICS_ALL = 1,
	METRICS_LINEAR = 2,	 /* in the stream, once the scales of norms are frozen: reading.h */
	METRICS_ONE_NORM = 4,	 /* and read of one norm's output */
	METRICS_OF_OUTPUT = 8,	 /* numbers of the logits */
	METRICS_OF_TOKEN = 16,	 /* of these, about one token */
	METRICS_ANY_PROMPT = 32, /* the same question of another prompt */
};
unsigned metric_kind_can(enum metric_kind kind);

/* Numbers that a metric brings along: the direction of `along`, what `part` reads. Never changed; counted. */
struct metric_vector;

struct metric {
	enum metric_kind kind;
	int32_t target[2];	      /* token ids; -1 when there is none */
	int position;		      /* resolved: 0 … T-1; of several, the last */
	struct place place;	      /* what an inner kind reads */
	enum metric_kind of;	      /* whose unit a part has */
	struct metric_vector *vector; /* or NULL */
	char spec[256];		      /* as shown: canonical, also when it was defaulted */
};

/* Resolves `spec` (NULL or "": the default) against the unedited run. What was resolved is given back with metric_done(). */
bool metric_resolve(const char *spec, const struct run *unedited, struct metric *metric, struct notes *notes, struct err *err);
struct metric metric_share(const struct metric *m); /* a copy, to be given back by itself */
void metric_done(struct metric *m);
/*
 * How many bytes of a spec say what it is, without what it is a part of: of `part head 2.1 of logit " Paris"`, the first three
 * words.
 */
size_t metric_own_bytes(const char *spec);
/*
 * What can be known of a spec before anything runs: whether it parses (ERR_USAGE), and whether a model (NULL: not known yet) and a
 * prompt of T tokens (0: not known yet) have what it names (ERR_ARGUMENT). metric_resolve() checks the same first.
 */
bool metric_check(const char *spec, const struct config *c, int T, struct err *err);
/* Adds the spec to out, with the file that it reads, if it does, named as name(written, context) says. */
void metric_name_file(const char *spec, const char *(*name)(const char *written, const char *context), const char *context,
		      struct str *out);
/*
 * The token that a text names: #ID, the one whose bytes it is, or the first of its tokens, with a note. `what` begins sentences:
 * "metric", "token". ERR_ARGUMENT.
 */
bool metric_find_token(const struct model *m, const char *what, const char *text, int32_t *id, struct notes *notes,
		       struct err *err);
/* Whether both are the same number of a run. */
bool metric_equal(const struct metric *a, const struct metric *b);
/* The file's identity, for cache keys; 0: it reads none. */
uint64_t metric_version(const struct metric *m);
/* The same question of another position, or of a prompt of T tokens. Shares what m has: not to be given back. */
struct metric metric_at(const struct metric *m, int position);

/* "logit"; of a part, that of what it is a part of. */
const char *metric_unit(const struct metric *m);
/* It is a number of the logits; otherwise of the layer metric_layer(). */
bool metric_of_output(const struct metric *m);
/* The last layer that it needs: nothing above is read. */
int metric_layer(const struct metric *m, const struct config *c);

/* Its value on a run; `unedited` is what kl compares with (may be the same run: 0). */
bool metric_value(const struct metric *metric, const struct run *run, const struct run *unedited, double *value, struct task *task,
		  struct err *err);
/* The value from one row of final logits, x[V], at metric->position: for sweeps. Not for `loss`, nor of a layer inside. */
double metric_of_logits(const struct metric *metric, const float *x, const float *unedited, int V);
/* Its gradient there: d[V]. */
void metric_slope_of_logits(const struct metric *metric, const float *x, const float *unedited, int V, float *d);

#endif
