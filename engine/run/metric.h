/*
 * metric.h - the scalar of the final logits that a question is about.
 *
 *     logit " Paris" · logprob " Paris" · logit_diff " Mary" " John" · kl · entropy · loss        [@POSITION]
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

struct run;
struct model;

enum metric_kind { METRIC_LOGIT, METRIC_LOGPROB, METRIC_LOGIT_DIFF, METRIC_KL, METRIC_ENTROPY, METRIC_LOSS, METRIC_KINDS };

struct metric_info {
	const char *word;	/* "logit_diff" */
	int targets;		/* 0, 1, 2 */
	const char *unit;	/* "logit", "nats", "bits" */
	const char *help;
};
extern const struct metric_info metric_table[METRIC_KINDS];

struct metric {
	enum metric_kind kind;
	int32_t target[2];	/* token ids; -1 when there is none */
	int position;		/* resolved: 0 … T-1 */
	char spec[256];		/* as shown: canonical, also when it was defaulted */
};

/* Resolves `spec` (NULL or "": the default) against the unedited run. */
bool metric_resolve(const char *spec, const struct run *unedited, struct metric *metric, struct notes *notes, struct err *err);
/*
 * What can be said of a spec before anything runs: whether it parses (ERR_USAGE), and whether a vocabulary of V tokens and a prompt of T
 * have what it names (ERR_ARGUMENT); 0: not known yet. metric_resolve() checks the same first.
 */
bool metric_check(const char *spec, int V, int T, struct err *err);

/* Its value on a run; `unedited` is what kl compares with (may be the same run: 0). */
bool metric_value(const struct metric *metric, const struct run *run, const struct run *unedited, double *value,
		  struct task *task, struct err *err);
/* The value from one row of final logits, x[V], at metric->position: for sweeps. Not for `loss`. */
double metric_of_logits(const struct metric *metric, const float *x, const float *unedited, int V);
/* Its gradient there: d[V]. */
void metric_slope_of_logits(const struct metric *metric, const float *x, const float *unedited, int V, float *d);

#endif
