/* curve.c - see curve.h. */
#include "engine/numbers/curve.h"

#include <math.h>

/* ---- xIELU ---- */

/* Its two factors: what bends above 0, and below. */
struct xielu {
	double above, below, beta, eps;
};

static double softplus(double x)
{
	return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static struct xielu xielu_of(const struct curve *c)
{
	const double beta = (double)c->beta;

	return (struct xielu){ softplus((double)c->alpha_p), beta + softplus((double)c->alpha_n), beta, (double)c->eps };
}

static double xielu(const struct xielu *f, double x)
{
	return x > 0 ? (f->above * x + f->beta) * x : f->below * (expm1(fmin(x, f->eps)) - x) + f->beta * x;
}

static double xielu_slope(const struct xielu *f, double x)
{
	if (x > 0)
		return 2 * f->above * x + f->beta;
	return f->below * (x < f->eps ? expm1(x) : -1) + f->beta;
}

static double xielu_chord(const struct xielu *f, double x)
{
	return x > 0 ? f->above * x + f->beta : x < 0 ? xielu(f, x) / x : f->beta;
}

static void xielu_each(const struct curve *c, double (*of)(const struct xielu *f, double x), const float *x, float *y, size_t n)
{
	const struct xielu f = xielu_of(c);

	for (size_t i = 0; i < n; i++)
		y[i] = (float)of(&f, (double)x[i]);
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

/* ---- any ---- */

void curve_apply(const struct curve *c, const float *x, float *y, size_t n)
{
	if (c->kind == ACTIVATION_XIELU)
		xielu_each(c, xielu, x, y, n);
	else
		kernel_activate(c->kind, x, y, n);
}

void curve_slope(const struct curve *c, const float *x, float *y, size_t n)
{
	if (c->kind == ACTIVATION_XIELU)
		xielu_each(c, xielu_slope, x, y, n);
	else
		kernel_activate_slope(c->kind, x, y, n);
}

void curve_chord(const struct curve *c, const float *x, float *y, size_t n)
{
	static double (*const chords[ACTIVATIONS])(double) = {
		[ACTIVATION_RELU] = chord_relu,
		[ACTIVATION_GELU] = chord_gelu,
		[ACTIVATION_GELU_TANH] = chord_gelu_tanh,
		[ACTIVATION_SILU] = chord_silu,
		[ACTIVATION_GELU_QUICK] = chord_gelu_quick,
		[ACTIVATION_RELU2] = chord_relu2,
	};

	if (c->kind == ACTIVATION_XIELU)
		xielu_each(c, xielu_chord, x, y, n);
	for (size_t i = 0; c->kind != ACTIVATION_XIELU && i < n; i++)
		y[i] = (float)chords[c->kind]((double)x[i]);
}
