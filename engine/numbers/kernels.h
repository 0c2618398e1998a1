/*
 * kernels.h - the small steps between matrix products: norms, softmax, activations, rotary positions.
 *
 * Each works on one row (or one head) and is deterministic: the order of summation is fixed and does not depend on rows
 * beside it. Vectorised where it is hot; the kernels of all instruction sets give the same bits.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_KERNELS_H
#define LMSCOPE_ENGINE_NUMBERS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

/* sum_i a[i] b[i] in a fixed order. */
float kernel_dot(const float *a, const float *b, size_t n);
/* sum_i |a[i] - by b[i]|: the L1 distance, in a fixed order. */
float kernel_distance(const float *a, const float *b, float by, size_t n);
/* y += a x */
void kernel_axpy(float a, const float *x, float *y, size_t n);
/*
 * sum[inputs, 16] += w[inputs, 16] d[16], column by column: a gradient at sixteen outputs of a panel of weights, on its way to
 * the inputs.
 */
void kernel_panel_back(const float *w, const float *d, float *sum, size_t inputs);
/* y = a + b */
void kernel_add(const float *a, const float *b, float *y, size_t n);
float kernel_norm2(const float *x, size_t n); /* sqrt(sum x^2) */

/*
 * Layer norm (Ba et al. 2016): y = (x - mean) / sqrt(var + eps) * gain + bias; RMS norm (Zhang & Sennrich 2019):
 * y = x / sqrt(mean(x^2) + eps) * gain. gain and bias may be NULL (1 and 0). y may be x. The scale that was applied,
 * 1/sqrt(…), is returned: attribution freezes it.
 */
float kernel_layer_norm(const float *x, const float *gain, const float *bias, float eps, float *y, size_t n);
float kernel_rms_norm(const float *x, const float *gain, float eps, float *y, size_t n);
/*
 * Either with a scale that is given: equal bits where it is the norm's own. `centred`: the mean is taken off, as layer norm
 * does.
 */
void kernel_norm_with(bool centred, const float *x, float scale, const float *gain, const float *bias, float *y, size_t n);

/* In place; the maximum is subtracted first. Entries of -INFINITY become 0; at least one must be finite. Returns the log of
 * the sum of exponentials. */
float kernel_softmax(float *x, size_t n);
/* log(sum(exp x)) alone. */
float kernel_log_sum_exp(const float *x, size_t n);
/* The greatest; -INFINITY of none. */
float kernel_largest(const float *x, size_t n);
/* Where it is, of n >= 1; of equals the first. */
int kernel_best(const float *x, int n);
/* y = e^(x - most), where no x is greater than most; their sum. y may be x. */
double kernel_exponentials(const float *x, float most, float *y, size_t n);

enum activation {
	ACTIVATION_RELU,
	ACTIVATION_GELU,       /* exact, with erf */
	ACTIVATION_GELU_TANH,  /* gelu_new, gelu_pytorch_tanh */
	ACTIVATION_SILU,       /* swish */
	ACTIVATION_GELU_QUICK, /* x sigmoid(1.702 x) */
	ACTIVATION_RELU2,      /* relu(x)^2 */
	ACTIVATION_XIELU,      /* has numbers of its own: curve.h */
};
enum { ACTIVATIONS = ACTIVATION_RELU2 + 1 }; /* of those without such numbers */
/* y = f(x); y may be x. Within 2e-7 relative (or 1e-7 absolute) of the exact function. */
void kernel_activate(enum activation f, const float *x, float *y, size_t n);
/* y = f'(x), within 3e-7 relative or 2e-7 absolute. */
void kernel_activate_slope(enum activation f, const float *x, float *y, size_t n);

/*
 * Rotary positions (Su et al. 2021) on one head's vector x[width], in place: the first 2*pairs channels rotate by
 * position * frequency[pair]. Half-split layout pairs channel i with i + pairs (Hugging Face); interleaved pairs 2i with
 * 2i + 1 (GPT-J). cosine and sine [pairs] are computed by kernel_rotary_table for a position, in double precision.
 */
void kernel_rotary_table(const float *frequency, int pairs, double position, float factor, float *cosine, float *sine);
void kernel_rotary(float *x, const float *cosine, const float *sine, int pairs, int interleaved);

#endif
