/*
 * gradient.h - the derivative of a metric by every site of a run. Immutable once made, counted like a run, about as large and about
 * as expensive as one.
 *
 * To first order, a run whose site is changed by δ has the metric changed by δ · gradient. A site's gradient is the one at the
 * value that the run has there, its edits applied; positions after the metric's and layers above it
 * have none.
 */
#ifndef LMSCOPE_ENGINE_RUN_GRADIENT_H
#define LMSCOPE_ENGINE_RUN_GRADIENT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/run/backward.h"
#include "engine/run/metric.h"
#include "engine/run/run.h"

struct gradient {
	const struct run *run, *unedited; /* counted */
	struct metric metric;
	unsigned frozen;	    /* FROZEN_ bits and rules: backward.h */
	struct layer_sites **layer; /* [L] NULL above the metric's: 0 */
	float *embed;		    /* [T, D] */
	/*
	 * [L + 2] with COUNTING_LOSSES: from layer 0 to the inputs, in layer l at l + 1, from the metric to where its gradient
	 * starts; or NULL
	 */
	struct lost *lost;
	float *nothing; /* [T, the widest site] zeros, for those above; of the logits NULL */
	struct arena *arena;
	atomic_int refs;
};

/* `unedited` is what kl compares with. NULL: ERR_MEMORY, ERR_CANCELLED. */
struct gradient *gradient_new(const struct run *run, const struct metric *metric, const struct run *unedited, unsigned frozen,
			      struct task *task, struct err *err);
/*
 * The same with one layer's attention and MLP left out on the way back (GradDrop, Kramár et al. 2024): what cancels between paths
 * through that layer and around it is seen. Layers above it are as in g, and not given; from it down each is shown to `visit`,
 * which may read that layer of it alone, until visit returns false: no more than one layer is kept.
 */
typedef bool gradient_visit(void *context, const struct gradient *dropped, int layer);
bool gradient_drop(const struct gradient *g, int layer, gradient_visit *visit, void *context, struct task *task, struct err *err);
struct gradient *gradient_ref(const struct gradient *g);
void gradient_unref(struct gradient *g); /* NULL is fine */

/* Whether it is that of this question. */
bool gradient_answers(const struct gradient *g, const struct run *run, const struct metric *metric, const struct run *unedited,
		      unsigned frozen);

/* As run_at: float[width] or float[units, width] at (layer, position). Not for SITE_PATTERN. */
const float *gradient_at(const struct gradient *g, enum site site, int layer, int position);
/*
 * out[D]: at the input, the token's embedding alone (model_input): before learned positions and a norm on embeddings, and before
 * edits there.
 */
void gradient_input(const struct gradient *g, int position, float *out);
/* At the attention weights of one query: float[T], 0 for later keys. */
const float *gradient_pattern(const struct gradient *g, int layer, int head, int query);

#endif
