/*
 * lost.h - relevance that goes to no input. Relevance is activation · gradient, the gradient taken by rules under which every step
 * hands on as much as it got (backward.h), but for:
 *
 *   bias        Σ b · g of what is added without an input: biases of matrices and norms, ALiBi, learned positions
 *   softmax     Σ A · dA - Σ s · dS: weights are not linear in scores. Of the metric: m - Σ logits · dm
 *   activation  Σ f(z) df - Σ z dz where the tangent is kept, and what clips put in the place of a value
 *   edits       Σ e(0) · g of edits, which are linear but for a constant
 *
 * Each is worked out by its own formula where the way back passes, so that a layer's books can be checked.
 */
#ifndef LMSCOPE_ENGINE_RUN_LOST_H
#define LMSCOPE_ENGINE_RUN_LOST_H

#include <stddef.h>

#include "engine/numbers/curve.h"
#include "engine/run/edit.h"

struct lost {
	double bias, softmax, activation, edits;
};

double lost_in_all(const struct lost *lost);
void lost_add(struct lost *to, const struct lost *lost);

/* All do nothing when `lost` is NULL. d: the gradient at what is made there. bias[width] (NULL: none) of d[rows, width]. */
void lost_bias(struct lost *lost, const float *bias, const float *d, size_t rows, size_t width);
/* An edit on d[width], the whole row of the site at a position; one on a row over keys. */
void lost_edit(struct lost *lost, const struct edit *e, const struct config *c, enum site site, int position, const float *d,
	       size_t width);
void lost_pattern_edit(struct lost *lost, const struct edit *e, int head, int query, const float *d);
/* f(z) up where the tangent f'(z) is kept, and each half gets that share: z, up, d[n]. */
void lost_gate(struct lost *lost, const struct curve *f, double share, const float *z, const float *up, const float *d, size_t n);

#endif
