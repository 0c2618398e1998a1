/* backward_inner.h - what the parts of the backward pass have in common; for them alone. */
#ifndef LMSCOPE_ENGINE_RUN_BACKWARD_INNER_H
#define LMSCOPE_ENGINE_RUN_BACKWARD_INNER_H

#include "engine/run/backward.h"

/* Back through the edits at a site: d[rows, width]. */
void backward_edits(const struct backward *b, int l, enum site site, float *d);
/* What starts at a site: d[rows, width] += its rows. */
void backward_seeds(const struct backward *b, int l, enum site site, float *d);
/* The share of one matrix that reads a normalised stream, of d[rows] that are ld floats apart: normed += d Wᵀ. */
void backward_read(const struct backward *b, const struct matrix *W, const float *d, size_t ld);

/* y[n, out] = x[n, in] W + bias. */
void backward_product(const struct matrix *W, const float *bias, const float *x, int n, float *y);
/* In place: from d[rows, width] at the output of a norm to its input, which was x[rows, width] and which no run keeps. */
void backward_norm(const struct backward *b, enum site site, int l, const float *x, size_t width, float *d);

static inline int backward_position(const struct backward *b, size_t row)
{
	return (int)(row % (size_t)b->run->T);
}

/* n neurons: what they were before the activation, and their linear halves (of a gated MLP); d at them; both halves' gradients. */
struct neurons_back {
	const float *was_pre, *was_up, *d;
	float *pre, *up;
	size_t n;
};
/* By the rules: neuron = f(pre), or f(pre) up. */
void backward_activation(const struct backward *b, int l, const struct neurons_back *n);

#endif
