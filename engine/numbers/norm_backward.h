/*
 * norm_backward.h - the norms of kernels.h backwards: what a gradient at a norm's output is at its input.
 *
 *   y = (x - mean) s gain + bias,   s = 1/sqrt(var + eps)
 *   d at y gives s (e - mean(e) - n mean(e n)),   e = d gain, n = (x - mean) s
 *
 * RMS norm is the same without the mean. A frozen norm takes s as a constant: the last term goes. Sums are in double precision.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_NORM_BACKWARD_H
#define LMSCOPE_ENGINE_NUMBERS_NORM_BACKWARD_H

#include <stdbool.h>
#include <stddef.h>

/* x[n] as the norm read it, d[n] at its output; g[n] (may be d). gain may be NULL (1). */
void back_layer_norm(const float *x, const float *gain, float eps, bool frozen, const float *d, float *g, size_t n);
void back_rms_norm(const float *x, const float *gain, float eps, bool frozen, const float *d, float *g, size_t n);
/* Of either with a scale that was given. */
void back_norm_with(bool centred, float scale, const float *gain, const float *d, float *g, size_t n);

#endif
