/*
 * input_gradient.h - a metric and its gradient at the input, for many runs of one prompt that differ in their inputs alone: the
 * steps of a path (integrated gradients), noisy copies (SmoothGrad), embeddings under an optimiser.
 *
 * The input x[T, D] is the token embedding alone, as the family scales it, before learned positions and a norm on embeddings
 * (run_input). The run's edits act on every variant as they do on the run: those that put something else in the place of an input
 * take its gradient away.
 *
 * Variants go through the layers together, forward and back, so that each weight matrix is read once for all of them: as many as
 * fit into the memory of three runs. The numbers are those of one run and one gradient after the other, bit for bit.
 *
 * Where no gradient is wanted and few positions differ (occlusion by other embeddings), a sweep is cheaper still, since it carries
 * the rows from the first changed one on: edit_put() at `embed` with rows that run_enter() made of the inputs.
 */
#ifndef LMSCOPE_ENGINE_RUN_INPUT_GRADIENT_H
#define LMSCOPE_ENGINE_RUN_INPUT_GRADIENT_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/run/metric.h"
#include "engine/run/run.h"

struct input_variants {
	int n;
	/* x[T, D] has the inputs of the run, and becomes those of variant i. In ascending order. */
	void (*make)(void *context, int i, float *x);
	/*
	 * Variant i has this value of the metric, and d[T, D] is the gradient at its input (0 at positions after the metric's). In
	 * ascending order. False: that is enough, no error.
	 */
	bool (*take)(void *context, int i, double value, const float *d);
	void *context;
};

/* `unedited` is what kl compares with; frozen: FROZEN_ bits of backward.h. ERR_MEMORY, ERR_CANCELLED. */
bool input_gradients(const struct run *run, const struct run *unedited, const struct metric *metric, unsigned frozen,
		     const struct input_variants *v, struct task *task, struct err *err);
/* The metric alone: forward passes, d is NULL. */
bool input_values(const struct run *run, const struct run *unedited, const struct metric *metric, const struct input_variants *v,
		  struct task *task, struct err *err);

/* How many variants input_gradients() computes together: who asks for more one by one does best to ask for so many at a time. */
int input_together(const struct run *run, const struct metric *metric);

#endif
