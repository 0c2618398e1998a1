/* lost.c - see lost.h. */
#include "engine/run/lost.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/memory.h"

double lost_in_all(const struct lost *lost)
{
	return lost->bias + lost->softmax + lost->activation + lost->edits;
}

void lost_add(struct lost *to, const struct lost *lost)
{
	to->bias += lost->bias;
	to->softmax += lost->softmax;
	to->activation += lost->activation;
	to->edits += lost->edits;
}

static double product(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

void lost_bias(struct lost *lost, const float *bias, const float *d, size_t rows, size_t width)
{
	for (size_t r = 0; lost && bias && r < rows; r++)
		lost->bias += product(bias, d + r * width, width);
}

void lost_edit(struct lost *lost, const struct edit *e, const struct config *c, enum site site, int position, const float *d,
	       size_t width)
{
	float *x;

	if (!lost)
		return;
	x = xcalloc(width, sizeof *x);
	edit_apply(e, c, site, position, x);
	lost->edits += product(x, d, width);
	free(x);
}

void lost_pattern_edit(struct lost *lost, const struct edit *e, int head, int query, const float *d)
{
	float *x;

	if (!lost)
		return;
	x = xcalloc((size_t)query + 1, sizeof *x);
	edit_apply_pattern(e, head, query, x);
	for (int j = 0; j <= query; j++)
		lost->edits += d[j] != 0 ? (double)x[j] * (double)d[j] : 0; /* a score that is hidden has none */
	free(x);
}

void lost_gate(struct lost *lost, enum activation f, double share, const float *z, const float *up, const float *d, size_t n)
{
	float *value, *slope;

	if (!lost)
		return;
	value = xcalloc(2 * n, sizeof *value);
	slope = value + n;
	kernel_activate(f, z, value, n);
	kernel_activate_slope(f, z, slope, n);
	for (size_t i = 0; i < n; i++)
		lost->activation += share * ((double)value[i] - (double)slope[i] * (double)z[i]) * (double)up[i] * (double)d[i];
	free(value);
}

/* ---- f(z) / z ---- */

static double chord_relu(double z)
{
	return z > 0;
}

static double chord_gelu(double z)
{
	return 0.5 * erfc(-z * 0.70710678118654752440);
}

static double chord_gelu_tanh(double z)
{
	return 0.5 * (1 + tanh(0.79788456080286535588 * (z + 0.044715 * z * z * z)));
}

static double chord_silu(double z)
{
	return 1 / (1 + exp(-z));
}

static double chord_gelu_quick(double z)
{
	return chord_silu(1.702 * z);
}

static double chord_relu2(double z)
{
	return fmax(z, 0);
}

void activation_chord(enum activation f, const float *z, float *y, size_t n)
{
	static double (*const chords[ACTIVATIONS])(double) = {
		[ACTIVATION_RELU] = chord_relu,
		[ACTIVATION_GELU] = chord_gelu,
		[ACTIVATION_GELU_TANH] = chord_gelu_tanh,
		[ACTIVATION_SILU] = chord_silu,
		[ACTIVATION_GELU_QUICK] = chord_gelu_quick,
		[ACTIVATION_RELU2] = chord_relu2,
	};

	for (size_t i = 0; i < n; i++)
		y[i] = (float)chords[f]((double)z[i]);
}
