/*
 * output_back.h - from a metric of the logits back to the last stream, for one run or for several at once: the unembedding is read
 * once for all of them, and only where the metric looks. With the metric's value, which costs nothing more.
 */
#ifndef LMSCOPE_ENGINE_RUN_OUTPUT_BACK_H
#define LMSCOPE_ENGINE_RUN_OUTPUT_BACK_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/run/lost.h"
#include "engine/run/metric.h"
#include "engine/run/run.h"

struct output_back {
	const struct metric *metric;
	const struct run *const *run; /* [runs] of as many tokens, whose last streams are there */
	int runs;
	const struct run *unedited; /* what kl compares with */
	unsigned frozen;	    /* FROZEN_ bits and rules: backward.h */
	struct lost *lost;	    /* between the metric and the last stream, increased; NULL: it is not counted */
};

/*
 * value[runs]; and into x[runs, T, D], which is zeroed, the gradient at resid_post of the last layer. x NULL: values alone.
 * ERR_MEMORY, ERR_CANCELLED.
 */
bool output_back(const struct output_back *o, float *x, double *value, struct task *task, struct err *err);

#endif
