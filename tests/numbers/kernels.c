/* kernels.c - the steps between products: right against plain double loops, and the same bits from every instruction set. */
#include "engine/numbers/cpu.h"
#include "engine/numbers/curve.h"
#include "engine/numbers/kernels.h"
#include "tests/tap.h"

#include <stdint.h>
#include <stdlib.h>

enum { MOST = 700 };

static uint32_t seed = 7;

static float uniform(void)
{
	seed = seed * 1664525 + 1013904223;
	return (float)(seed >> 8) / (float)(1 << 23) - 1;
}

static void fill(float *x, size_t n, float scale)
{
	for (size_t i = 0; i < n; i++)
		x[i] = scale * uniform();
}

/* How far x is from the exact value, where 1 is as far as may be. */
static double off(float x, double exact, double relative, double absolute)
{
	return fabs((double)x - exact) / fmax(relative * fabs(exact), absolute);
}

/* --- Sums and norms, for all lengths up to some registers, and some long ones --- */

static size_t next_length(size_t n)
{
	return n < 150 ? n + 1 : n + 97;
}

static void test_sums(const char *set)
{
	float a[MOST], b[MOST], y[MOST + 1];
	double worst = 0;
	bool exact = true;

	for (size_t n = 0; n <= MOST; n = next_length(n)) {
		double dot = 0, size = 0, distance = 0;

		fill(a, n, 1);
		fill(b, n, 1);
		fill(y, MOST + 1, 1);
		for (size_t i = 0; i < n; i++) {
			dot += (double)a[i] * (double)b[i];
			size += (double)a[i] * (double)a[i];
			distance += fabs((double)a[i] + 0.5 * (double)b[i]);
		}
		worst = fmax(worst, off(kernel_dot(a, b, n), dot, 1e-6, 1e-6 * sqrt((double)n + 1)));
		worst = fmax(worst, off(kernel_distance(a, b, -0.5f, n), distance, 1e-6, 0));
		worst = fmax(worst, off(kernel_norm2(a, n), sqrt(size), 1e-6, 0));
		kernel_add(a, b, y, n);
		for (size_t i = 0; i < n; i++)
			exact = exact && y[i] == a[i] + b[i];
		y[n] = 5;
		memcpy(y, b, n * sizeof *b);
		kernel_axpy(0.3f, a, y, n);
		for (size_t i = 0; i < n; i++)
			exact = exact && y[i] == b[i] + a[i] * 0.3f;
		exact = exact && y[n] == 5;
	}
	CHECK_THAT(worst <= 1, "%s: dot products and lengths (%.2f of what may be)", set, worst);
	CHECK_THAT(exact, "%s: sums of vectors", set);
}

static void test_norms(const char *set)
{
	float x[MOST], gain[MOST], bias[MOST], y[MOST];
	double worst = 0;

	for (size_t n = 1; n <= MOST; n = next_length(n)) {
		const bool with_gain = n % 3, with_bias = n % 2;
		double mean = 0, variance = 0, square = 0, scale;

		fill(x, n, 3);
		fill(gain, n, 1);
		fill(bias, n, 1);
		for (size_t i = 0; i < n; i++)
			mean += (double)x[i] / (double)n;
		for (size_t i = 0; i < n; i++) {
			variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
			square += (double)x[i] * (double)x[i] / (double)n;
		}
		scale = 1 / sqrt(variance + 1e-3);
		worst = fmax(worst, off(kernel_layer_norm(x, with_gain ? gain : NULL, with_bias ? bias : NULL, 1e-3f, y, n), scale,
					2e-6, 0));
		for (size_t i = 0; i < n; i++)
			worst = fmax(worst, off(y[i],
						((double)x[i] - mean) * scale * (with_gain ? (double)gain[i] : 1) +
							(with_bias ? (double)bias[i] : 0),
						2e-6, 4e-6));
		scale = 1 / sqrt(square + 1e-5);
		memcpy(y, x, n * sizeof *x); /* in place */
		worst = fmax(worst, off(kernel_rms_norm(y, with_gain ? gain : NULL, 1e-5f, y, n), scale, 2e-6, 0));
		for (size_t i = 0; i < n; i++)
			worst = fmax(worst, off(y[i], (double)x[i] * scale * (with_gain ? (double)gain[i] : 1), 2e-6, 2e-6));
	}
	CHECK_THAT(worst <= 1, "%s: norms (%.2f of what may be)", set, worst);
}

static void test_softmax(const char *set)
{
	float x[MOST], y[MOST];
	double worst = 0;
	bool zero = true;

	for (size_t n = 1; n <= MOST; n = next_length(n)) {
		double sum = 0, log_sum, most = -INFINITY;

		fill(x, n, n % 2 ? 3 : 40);
		for (size_t i = 1; i < n; i += 3)
			x[i] = -INFINITY;
		for (size_t i = 0; i < n; i++)
			most = fmax(most, (double)x[i]);
		for (size_t i = 0; i < n; i++)
			sum += exp((double)x[i] - most);
		log_sum = most + log(sum);
		memcpy(y, x, sizeof x);
		worst = fmax(worst, off(kernel_log_sum_exp(x, n), log_sum, 5e-7, 1e-6));
		worst = fmax(worst, off(kernel_softmax(y, n), log_sum, 5e-7, 1e-6));
		for (size_t i = 0; i < n; i++) {
			worst = fmax(worst, off(y[i], exp((double)x[i] - most) / sum, 6e-6, 1e-30));
			zero = zero && (i % 3 != 1 || y[i] == 0);
		}
	}
	CHECK_THAT(worst <= 1, "%s: softmax and its logarithm (%.2f of what may be)", set, worst);
	CHECK_THAT(zero, "%s: what is -infinity becomes 0", set);
}

/* --- Activations --- */

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double exact_value(enum activation f, double x)
{
	switch (f) {
	case ACTIVATION_RELU:
		return x > 0 ? x : 0;
	case ACTIVATION_GELU:
		return x * 0.5 * erfc(-x * M_SQRT1_2);
	case ACTIVATION_GELU_TANH:
		return x * sigmoid(2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
	case ACTIVATION_SILU:
		return x * sigmoid(x);
	case ACTIVATION_GELU_QUICK:
		return x * sigmoid(1.702 * x);
	default:
		return x > 0 ? x * x : 0;
	}
}

/* By differences; where f bends sharply (relu at 0) there is no slope, and the test keeps away. */
static double exact_slope(enum activation f, double x)
{
	const double h = 1e-3;

	return (8 * (exact_value(f, x + h) - exact_value(f, x - h)) - (exact_value(f, x + 2 * h) - exact_value(f, x - 2 * h))) /
	       (12 * h);
}

static void test_activation(const char *set, enum activation f)
{
	enum { N = 4001 };
	float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
	double value = 0, slope = 0;

	for (int i = 0; i < N; i++)
		x[i] = (float)(i - N / 2) / 200 + (i == N / 2 ? 0.005f : 0);
	kernel_activate(f, x, y, N);
	for (int i = 0; i < N; i++)
		value = fmax(value, off(y[i], exact_value(f, (double)x[i]), 2e-7, 1e-7));
	kernel_activate_slope(f, x, y, N);
	for (int i = 0; i < N; i++)
		slope = fmax(slope, off(y[i], exact_slope(f, (double)x[i]), 3e-7, 2e-7));
	CHECK_THAT(value <= 1 && slope <= 1, "%s: activation %d (%.2f of what may be), its slope (%.2f)", set, (int)f, value,
		   slope);
	for (int i = 0; i < 37; i++)
		x[i] = i % 3 == 0 ? 1e30f : i % 3 == 1 ? -1e30f : NAN;
	kernel_activate(f, x, y, 37);
	for (int i = 0; i < 37; i++)
		value = i % 3 == 2	? (isnan(y[i]) ? value : 9)
			: i % 3 == 1	? (y[i] <= 0 && y[i] > -1e-3f ? value : 9)
			: y[i] >= 1e30f ? value
					: 9;
	kernel_activate_slope(f, x, y, 36);
	for (int i = 0; i < 36; i++)
		if (i % 3 != 2 && !isfinite(y[i]))
			value = 9;
	CHECK_THAT(value <= 1, "%s: activation %d far out, and NaN", set, (int)f);
	free(x);
	free(y);
}

/* xIELU by its formula, its slope by differences, and f(x) / x. */
static double exact_xielu(const struct curve *c, double x)
{
	double above = log1p(exp((double)c->alpha_p)), below = (double)c->beta + log1p(exp((double)c->alpha_n));

	return (x > 0 ? above * x * x : below * (exp(x) - 1 - x)) + (double)c->beta * x;
}

static void test_curve(float alpha_p, float alpha_n)
{
	const struct curve c = { ACTIVATION_XIELU, alpha_p, alpha_n, 0.4f, -1e-6f };
	enum { N = 801 };
	float x[N], y[N], slope[N], chord[N];
	double value = 0, by_slope = 0, by_chord = 0;

	for (int i = 0; i < N; i++)
		x[i] = (float)(i - N / 2) / 40 + 0.003f;
	curve_apply(&c, x, y, N);
	curve_slope(&c, x, slope, N);
	curve_chord(&c, x, chord, N);
	for (int i = 0; i < N; i++) {
		const double h = 1e-3, at = (double)x[i];

		value = fmax(value, off(y[i], exact_xielu(&c, at), 2e-7, 1e-7));
		by_slope = fmax(by_slope, off(slope[i], (exact_xielu(&c, at + h) - exact_xielu(&c, at - h)) / (2 * h), 1e-6, 1e-6));
		by_chord = fmax(by_chord, off(chord[i], exact_xielu(&c, at) / at, 2e-7, 1e-7));
	}
	CHECK_THAT(value <= 1 && by_slope <= 1 && by_chord <= 1, "xIELU %g %g: %.2f of what may be, its slope %.2f, its chord %.2f",
		   (double)alpha_p, (double)alpha_n, value, by_slope, by_chord);
	x[0] = 0;
	curve_chord(&c, x, chord, 1);
	CHECK_THAT(fabsf(chord[0] - c.beta) < 1e-6f, "xIELU: f(x) / x at 0 is its limit, %g", (double)chord[0]);
}

/* --- The same bits everywhere --- */

struct results {
	float numbers[20000];
	size_t n;
};

static void keep(struct results *r, const float *x, size_t n)
{
	memcpy(r->numbers + r->n, x, n * sizeof *x);
	r->n += n;
}

static void all_kernels(struct results *r)
{
	float a[257], b[257], y[257];

	seed = 99;
	r->n = 0;
	for (size_t n = 1; n <= 257; n += 16) {
		fill(a, n, 4);
		fill(b, n, 1);
		keep(r, &(float){ kernel_dot(a, b, n) }, 1);
		keep(r, &(float){ kernel_distance(a, b, 0.3f, n) }, 1);
		keep(r, &(float){ kernel_log_sum_exp(a, n) }, 1);
		keep(r, &(float){ kernel_layer_norm(a, b, NULL, 1e-5f, y, n) }, 1);
		keep(r, y, n);
		for (int f = 0; f < ACTIVATIONS; f++) {
			kernel_activate((enum activation)f, a, y, n);
			keep(r, y, n > 50 ? 50 : n);
			kernel_activate_slope((enum activation)f, a, y, n);
			keep(r, y, n > 20 ? 20 : n);
		}
		kernel_softmax(a, n);
		keep(r, a, n);
	}
}

static void test_same(const char *set)
{
	struct results *plain = malloc(sizeof *plain), *these = malloc(sizeof *these);
	enum cpu_set now = cpu_set();

	all_kernels(these);
	cpu_use(CPU_GENERIC);
	all_kernels(plain);
	cpu_use(now);
	CHECK_THAT(plain->n == these->n && !memcmp(plain->numbers, these->numbers, plain->n * sizeof(float)),
		   "%s: the bits of the generic kernels (%zu numbers)", set, plain->n);
	free(plain);
	free(these);
}

static void test_rotary(void)
{
	const float frequency[] = { 1, 0.1f, 0.01f };
	float cosine[3], sine[3], half[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, twin[8] = { 1, 4, 2, 5, 3, 6, 7, 8 };
	double worst = 0;

	kernel_rotary_table(frequency, 3, 1000, 2, cosine, sine);
	for (int i = 0; i < 3; i++) {
		worst = fmax(worst, off(cosine[i], 2 * cos(1000 * (double)frequency[i]), 1e-7, 1e-7));
		worst = fmax(worst, off(sine[i], 2 * sin(1000 * (double)frequency[i]), 1e-7, 1e-7));
	}
	kernel_rotary(half, cosine, sine, 3, 0);
	kernel_rotary(twin, cosine, sine, 3, 1);
	for (int i = 0; i < 3; i++) {
		worst = fmax(worst, off(half[i], (i + 1) * (double)cosine[i] - (i + 4) * (double)sine[i], 3e-7, 1e-6));
		worst = fmax(worst, off(half[i + 3], (i + 4) * (double)cosine[i] + (i + 1) * (double)sine[i], 3e-7, 1e-6));
		CHECK(half[i] == twin[2 * i] && half[i + 3] == twin[2 * i + 1]);
	}
	CHECK(half[6] == 7 && half[7] == 8);
	CHECK_THAT(worst <= 1, "rotary positions, in both layouts");
}

int main(void)
{
	for (enum cpu_set set = 0; set < CPU_SETS; set++) {
		const char *name = cpu_names[set];

		if (!cpu_use(set)) {
			tap_skip("%s: this processor does not have it", name);
			continue;
		}
		test_sums(name);
		test_norms(name);
		test_softmax(name);
		for (int f = 0; f < ACTIVATIONS; f++)
			test_activation(name, (enum activation)f);
		test_same(name);
	}
	test_rotary();
	test_curve(0.3f, -0.2f);
	test_curve(-3, 2);
	return tap_done();
}
