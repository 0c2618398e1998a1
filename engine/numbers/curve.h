/*
 * curve.h - what an MLP's neurons make of what they are given: one of the common activations, or one with numbers of a layer's own.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_CURVE_H
#define LMSCOPE_ENGINE_NUMBERS_CURVE_H

#include "engine/numbers/kernels.h"

/*
 * xIELU (Huang & Schlag 2024), with p = softplus(alpha_p), n = beta + softplus(alpha_n):
 *   x > 0: p x^2 + beta x;  otherwise n (e^min(x, eps) - 1 - x) + beta x
 */
struct curve {
	enum activation kind;
	float alpha_p, alpha_n, beta, eps; /* of ACTIVATION_XIELU alone */
};

/* y = f(x), f'(x), and f(x) / x by closed forms; y may be x. At 0 the last is its limit. */
void curve_apply(const struct curve *c, const float *x, float *y, size_t n);
void curve_slope(const struct curve *c, const float *x, float *y, size_t n);
void curve_chord(const struct curve *c, const float *x, float *y, size_t n);

#endif
