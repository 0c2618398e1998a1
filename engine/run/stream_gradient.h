/*
 * stream_gradient.h - gradients at the stream that leaves each layer, of quantities that are linear in the stream that leaves the
 * last one: Σ_t ⟨x_t, resid_post[L-1, t]⟩ for given x. Many of them of one run are rows of the Jacobian of its last stream.
 *
 * They go back through the layers together, each weight matrix read once for all.
 */
#ifndef LMSCOPE_ENGINE_RUN_STREAM_GRADIENT_H
#define LMSCOPE_ENGINE_RUN_STREAM_GRADIENT_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/run/run.h"

struct stream_gradients {
	int n;
	/* x[T, D], which is zeroed, receives quantity i. */
	void (*quantity)(void *context, int i, float *x);
	/*
	 * d[T, D] is the gradient of quantity i at resid_post of the layer, as the run has it: from the last layer but one to
	 * layer 0.
	 */
	void (*take)(void *context, int i, int layer, const float *d);
	void *context;
};

/* The run's edits act. ERR_MEMORY, ERR_CANCELLED. */
bool stream_gradients(const struct run *run, const struct stream_gradients *g, struct task *task, struct err *err);

#endif
