/*
 * result.h - what a head writes to the stream, and edits on it. A write is z W_O: edits that are linear in z act on z (edit_apply),
 * so that the matrix product stays one for all heads. A vector that is added, noise, and a direction that is taken out or exchanged
 * are not: what they add to the head's write goes to attention's write directly.
 */
#ifndef LMSCOPE_ENGINE_RUN_RESULT_H
#define LMSCOPE_ENGINE_RUN_RESULT_H

#include "engine/model/model.h"
#include "engine/run/edit.h"

/* A layer's attention at one position. */
struct attention_at {
	const struct model *model;
	int layer, position;
	const float *z;	  /* [H, K] before edits on results */
	float post_scale; /* of the norm after attention, where the family has one */
};

/* Whether an edit on a head's result acts by way of z. */
bool result_by_z(const struct edit *edit);

/*
 * In place: from the matrix product x[D] to the stream, through the norm after attention (its scale as it is) and the
 * multiplier.
 */
void result_finish(const struct attention_at *p, float *x);
/* out[D]: what a head writes with z[K] in place of its own, as it reaches the stream: without b_O. */
void result_write(const struct attention_at *p, int head, const float *z, float *out);

/* x[D] += what the edits on this head's result add beyond z, in the order in which they are written. */
void result_extra(const struct attention_at *p, const struct edit *const *edits, int n, int head, float *x);

/*
 * The way back through all edits on results: d[D] is the gradient at attention's write as it is in the stream, g[H, K] the gradient
 * at what W_O was given, which becomes the one at z before these edits. The derivative by the scale of the norm after attention is
 * returned, since what is added to a head's write depends on it (0 where there is none).
 */
double result_back(const struct attention_at *p, const struct edit *const *edits, int n, const float *d, float *g);

#endif
