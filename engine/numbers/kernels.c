/*
 * kernels.c - see kernels.h.
 *
 * Each kernel is written once and compiled for each instruction set (at the end of the file), whose vectors the compiler uses.
 * Sums run in a fixed order that depends on n alone, and nothing is fused: all sets give the same bits.
 */
#include "engine/numbers/kernels.h"

#include <math.h>
#include <string.h>

#include "engine/numbers/cpu.h"
#include "engine/numbers/exponential.h"

/* --- Eight lanes, for sums in a fixed order --- */

enum { LANES = 8 };

typedef float v8 __attribute__((vector_size(32)));
typedef int32_t v8_bits __attribute__((vector_size(32)));

INLINE v8 v_all(float x)
{
	return (v8){ x, x, x, x, x, x, x, x };
}

INLINE v8 v_load(const float *p)
{
	v8 v;

	memcpy(&v, p, sizeof v);
	return v;
}

INLINE void v_store(float *p, v8 v)
{
	memcpy(p, &v, sizeof v);
}

/* Halves upon halves: lane i meets lane i + 4, then 2, 1. */
INLINE float v_sum(v8 v)
{
	const float a = v[0] + v[4], b = v[1] + v[5], c = v[2] + v[6], d = v[3] + v[7];

	return (a + c) + (b + d);
}

/* --- Sums --- */

enum term { TERM_SUM, TERM_PRODUCT, TERM_VARIANCE, TERM_DISTANCE };

INLINE v8 v_size(v8 v)
{
	return (v8)((v8_bits)v & INT32_MAX);
}

/*
 * Of a[i], a[i] b[i], (a[i] - mean)^2, or |a[i] - mean b[i]|: eight sums of eight lanes run side by side, and the odd ones at
 * the end alone.
 */
INLINE float sum_of(enum term what, const float *a, const float *b, float mean, size_t n)
{
	v8 sum[8] = { v_all(0), v_all(0), v_all(0), v_all(0), v_all(0), v_all(0), v_all(0), v_all(0) };
	float rest = 0;
	size_t i = 0;

/* clang-format off */
#define TERM(x, y, m, size) \
	(what == TERM_SUM ? (x) : what == TERM_PRODUCT ? (x) * (y) : what == TERM_VARIANCE ? ((x) - (m)) * ((x) - (m)) : \
	 size((x) - (m) * (y)))
/* clang-format on */
#define ADD(to, at) (to) += TERM(v_load(a + (at)), v_load(b + (at)), v_all(mean), v_size)
	for (; i + 64 <= n; i += 64) {
		ADD(sum[0], i);
		ADD(sum[1], i + 8);
		ADD(sum[2], i + 16);
		ADD(sum[3], i + 24);
		ADD(sum[4], i + 32);
		ADD(sum[5], i + 40);
		ADD(sum[6], i + 48);
		ADD(sum[7], i + 56);
	}
	for (; i + 8 <= n; i += 8)
		ADD(sum[0], i);
	for (; i < n; i++)
		rest += TERM(a[i], b[i], mean, fabsf);
#undef ADD
#undef TERM
	return v_sum(((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]))) + rest;
}

INLINE float dot(const float *a, const float *b, size_t n)
{
	return sum_of(TERM_PRODUCT, a, b, 0, n);
}

INLINE float distance(const float *a, const float *b, float by, size_t n)
{
	return sum_of(TERM_DISTANCE, a, b, by, n);
}

INLINE void axpy(float a, const float *x, float *y, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		v_store(y + i, v_load(y + i) + v_load(x + i) * a);
	for (; i < n; i++)
		y[i] += x[i] * a;
}

enum { ROW = 16 }; /* weights of an input in a panel */

INLINE void panel_back(const float *w, const float *d, float *sum, size_t inputs)
{
	const v8 low = v_load(d), high = v_load(d + LANES);

	for (size_t i = 0; i < inputs * ROW; i += ROW) {
		v_store(sum + i, v_load(sum + i) + v_load(w + i) * low);
		v_store(sum + i + LANES, v_load(sum + i + LANES) + v_load(w + i + LANES) * high);
	}
}

INLINE void add(const float *a, const float *b, float *y, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		v_store(y + i, v_load(a + i) + v_load(b + i));
	for (; i < n; i++)
		y[i] = a[i] + b[i];
}

/* --- Norms --- */

/* y = (x - mean) * scale * gain + bias; y may be x. */
INLINE void rescale(const float *x, float mean, float scale, const float *gain, const float *bias, float *y, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		v8 v = (v_load(x + i) - mean) * scale;

		if (gain)
			v *= v_load(gain + i);
		if (bias)
			v += v_load(bias + i);
		v_store(y + i, v);
	}
	for (; i < n; i++)
		y[i] = (x[i] - mean) * scale * (gain ? gain[i] : 1) + (bias ? bias[i] : 0);
}

INLINE float layer_norm(const float *x, const float *gain, const float *bias, float eps, float *y, size_t n)
{
	const float mean = sum_of(TERM_SUM, x, x, 0, n) / (float)n;
	const float scale = 1 / sqrtf(sum_of(TERM_VARIANCE, x, x, mean, n) / (float)n + eps);

	rescale(x, mean, scale, gain, bias, y, n);
	return scale;
}

INLINE float rms_norm(const float *x, const float *gain, float eps, float *y, size_t n)
{
	const float scale = 1 / sqrtf(dot(x, x, n) / (float)n + eps);

	rescale(x, 0, scale, gain, NULL, y, n);
	return scale;
}

INLINE void norm_with(bool centred, const float *x, float scale, const float *gain, const float *bias, float *y, size_t n)
{
	rescale(x, centred ? sum_of(TERM_SUM, x, x, 0, n) / (float)n : 0, scale, gain, bias, y, n);
}

/* --- Exponentials --- */

enum { PART = 256 };

INLINE v8 v_largest(v8 a, v8 b)
{
	const v8_bits greater = a > b; /* of NaN and something else neither is */

	return (v8)(((v8_bits)a & greater) | ((v8_bits)b & ~greater));
}

INLINE float largest(const float *x, size_t n)
{
	v8 most[4] = { v_all(-INFINITY), v_all(-INFINITY), v_all(-INFINITY), v_all(-INFINITY) };
	float top = -INFINITY;
	size_t i = 0;

	for (; i + 32 <= n; i += 32)
		for (size_t j = 0; j < 4; j++)
			most[j] = v_largest(v_load(x + i + 8 * j), most[j]);
	for (; i + 8 <= n; i += 8)
		most[0] = v_largest(v_load(x + i), most[0]);
	for (; i < n; i++)
		top = x[i] > top ? x[i] : top;
	most[0] = v_largest(v_largest(most[0], most[1]), v_largest(most[2], most[3]));
	for (int j = 0; j < LANES; j++)
		top = most[0][j] > top ? most[0][j] : top;
	return top;
}

/* y = e^(x - most); y may be x. The sum continues in double after each part: over a vocabulary a float would lose digits. */
INLINE double exponentials(const float *x, float most, float *y, size_t n)
{
	EACH_ALONE
	for (size_t i = 0; i < n; i++)
		y[i] = exponential(x[i] - most);
	return (double)sum_of(TERM_SUM, y, y, 0, n);
}

INLINE double exponentials_of(const float *x, float most, float *y, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i += PART)
		sum += exponentials(x + i, most, y + i, n - i < PART ? n - i : PART);
	return sum;
}

INLINE float softmax(float *x, size_t n)
{
	const float most = largest(x, n);
	const double sum = exponentials_of(x, most, x, n);
	const float divisor = (float)sum;

	for (size_t i = 0; i < n; i++)
		x[i] /= divisor;
	return most + (float)log(sum);
}

INLINE float log_sum_exp(const float *x, size_t n)
{
	const float most = largest(x, n);
	double sum = 0;
	float e[PART];

	for (size_t i = 0; i < n; i += PART)
		sum += exponentials(x + i, most, e, n - i < PART ? n - i : PART);
	return most + (float)log(sum);
}

/* --- Activations --- */

#define TWO_ROOT_2_PI 1.59576912f      /* 2 sqrt(2 / pi) */
#define CUBIC 0.0713548163f	       /* 0.044715 times that */
#define ROOT_2_PI_INVERSE 0.398942280f /* 1 / sqrt(2 pi) */

INLINE float not_negative(float x)
{
	return choose(x <= 0, 0, x); /* NaN stays */
}

INLINE float gelu(float x)
{
	const float part = x * normal_tail(fabsf(x));

	return choose(x > 0, x - part, part);
}

/* x sigmoid(u) */
INLINE float gated(float x, float u)
{
	return x / (exponential(-u) + 1);
}

INLINE float value(enum activation f, float x)
{
	switch (f) {
	case ACTIVATION_RELU:
		return not_negative(x);
	case ACTIVATION_GELU:
		return gelu(x);
	case ACTIVATION_GELU_TANH:
		return gated(x, x * (x * x * CUBIC + TWO_ROOT_2_PI));
	case ACTIVATION_SILU:
		return gated(x, x);
	case ACTIVATION_GELU_QUICK:
		return gated(x, x * 1.702f);
	case ACTIVATION_RELU2:
		return not_negative(x) * not_negative(x);
	case ACTIVATION_XIELU: /* curve.c */
		break;
	}
	return x;
}

/* Of x sigmoid(u), where `steep` is u'. */
INLINE float gated_slope(float x, float u, float steep)
{
	const float e = exponential(-u), s = 1 / (e + 1);

	return s + x * steep * (s * (e * s));
}

INLINE float gelu_slope(float x)
{
	const float tail = normal_tail(fabsf(x)), below = choose(x > 0, 1 - tail, tail);

	return below + x * (exponential(x * x * -0.5f) * ROOT_2_PI_INVERSE);
}

INLINE float slope(enum activation f, float x)
{
	const float low = choose(x < -20, -20, x), z = choose(low > 20, 20, low); /* flat beyond that */

	switch (f) {
	case ACTIVATION_RELU:
		return choose(x > 0, 1, 0);
	case ACTIVATION_GELU:
		return gelu_slope(z);
	case ACTIVATION_GELU_TANH:
		return gated_slope(z, z * (z * z * CUBIC + TWO_ROOT_2_PI), z * z * (3 * CUBIC) + TWO_ROOT_2_PI);
	case ACTIVATION_SILU:
		return gated_slope(x, x, 1);
	case ACTIVATION_GELU_QUICK:
		return gated_slope(x, x * 1.702f, 1.702f);
	case ACTIVATION_RELU2:
		return not_negative(x) * 2;
	case ACTIVATION_XIELU:
		break;
	}
	return 1;
}

INLINE void activate(enum activation f, const float *x, float *y, size_t n)
{
	EACH_ALONE
	for (size_t i = 0; i < n; i++)
		y[i] = value(f, x[i]);
}

INLINE void activate_slope(enum activation f, const float *x, float *y, size_t n)
{
	EACH_ALONE
	for (size_t i = 0; i < n; i++)
		y[i] = slope(f, x[i]);
}

/* --- Rotary positions --- */

int kernel_best(const float *x, int n)
{
	int best = 0;

	for (int i = 1; i < n; i++)
		if (x[i] > x[best])
			best = i;
	return best;
}

void kernel_rotary_table(const float *frequency, int pairs, double position, float factor, float *cosine, float *sine)
{
	for (int i = 0; i < pairs; i++) {
		double angle = position * (double)frequency[i];

		cosine[i] = (float)(cos(angle) * (double)factor);
		sine[i] = (float)(sin(angle) * (double)factor);
	}
}

void kernel_rotary(float *x, const float *cosine, const float *sine, int pairs, int interleaved)
{
	int apart = interleaved ? 1 : pairs, step = interleaved ? 2 : 1;

	for (int i = 0; i < pairs; i++) {
		float *a = x + i * step, *b = a + apart, old = *a;

		*a = old * cosine[i] - *b * sine[i];
		*b = *b * cosine[i] + old * sine[i];
	}
}

/* --- One copy for each instruction set --- */

struct kernels {
	float (*dot)(const float *a, const float *b, size_t n);
	float (*distance)(const float *a, const float *b, float by, size_t n);
	void (*axpy)(float a, const float *x, float *y, size_t n);
	void (*panel_back)(const float *w, const float *d, float *sum, size_t inputs);
	void (*add)(const float *a, const float *b, float *y, size_t n);
	float (*layer_norm)(const float *x, const float *gain, const float *bias, float eps, float *y, size_t n);
	float (*rms_norm)(const float *x, const float *gain, float eps, float *y, size_t n);
	void (*norm_with)(bool centred, const float *x, float scale, const float *gain, const float *bias, float *y, size_t n);
	float (*softmax)(float *x, size_t n);
	float (*log_sum_exp)(const float *x, size_t n);
	float (*largest)(const float *x, size_t n);
	double (*exponentials)(const float *x, float most, float *y, size_t n);
	void (*activate[ACTIVATIONS])(const float *x, float *y, size_t n);
	void (*activate_slope[ACTIVATIONS])(const float *x, float *y, size_t n);
};

/* clang-format off */
#define ALL_ACTIVATIONS(X, set, target) \
	X(RELU, set, target) X(GELU, set, target) X(GELU_TANH, set, target) X(SILU, set, target) X(GELU_QUICK, set, target) \
	X(RELU2, set, target)

#define DEFINE_ACTIVATION(f, set, target) \
	target static void f##_##set(const float *x, float *y, size_t n) { activate(ACTIVATION_##f, x, y, n); } \
	target static void f##_slope_##set(const float *x, float *y, size_t n) { activate_slope(ACTIVATION_##f, x, y, n); }
/* clang-format on */
#define ENTER_VALUE(f, set, target) [ACTIVATION_##f] = f##_##set,
#define ENTER_SLOPE(f, set, target) [ACTIVATION_##f] = f##_slope_##set,

/* clang-format off */
#define DEFINE_SET(set, target) \
	target static float dot_##set(const float *a, const float *b, size_t n) { return dot(a, b, n); } \
	target static float distance_##set(const float *a, const float *b, float by, size_t n) { return distance(a, b, by, n); } \
	target static void axpy_##set(float a, const float *x, float *y, size_t n) { axpy(a, x, y, n); } \
	target static void panel_back_##set(const float *w, const float *d, float *sum, size_t inputs) \
	{ panel_back(w, d, sum, inputs); } \
	target static void add_##set(const float *a, const float *b, float *y, size_t n) { add(a, b, y, n); } \
	target static float layer_norm_##set(const float *x, const float *gain, const float *bias, float eps, float *y, size_t n) \
	{ return layer_norm(x, gain, bias, eps, y, n); } \
	target static float rms_norm_##set(const float *x, const float *gain, float eps, float *y, size_t n) \
	{ return rms_norm(x, gain, eps, y, n); } \
	target static void norm_with_##set(bool centred, const float *x, float scale, const float *gain, const float *bias, \
					   float *y, size_t n) \
	{ norm_with(centred, x, scale, gain, bias, y, n); } \
	target static float softmax_##set(float *x, size_t n) { return softmax(x, n); } \
	target static float log_sum_exp_##set(const float *x, size_t n) { return log_sum_exp(x, n); } \
	target static float largest_##set(const float *x, size_t n) { return largest(x, n); } \
	target static double exponentials_##set(const float *x, float most, float *y, size_t n) \
	{ return exponentials_of(x, most, y, n); } \
	ALL_ACTIVATIONS(DEFINE_ACTIVATION, set, target) \
	static const struct kernels kernels_##set = { \
		dot_##set, distance_##set, axpy_##set, panel_back_##set, add_##set, layer_norm_##set, rms_norm_##set, \
		norm_with_##set, softmax_##set, log_sum_exp_##set, largest_##set, exponentials_##set, \
		{ ALL_ACTIVATIONS(ENTER_VALUE, set, target) }, { ALL_ACTIVATIONS(ENTER_SLOPE, set, target) }, \
	};
/* clang-format on */

DEFINE_SET(generic, )
#if defined(__x86_64__)
#ifdef __clang__
#define WIDE_VECTORS
#else
#define WIDE_VECTORS ",prefer-vector-width=512"
#endif
DEFINE_SET(avx2, __attribute__((target("avx2"))))
DEFINE_SET(avx512, __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2" WIDE_VECTORS))))
#endif

static const struct kernels *here(void)
{
	static const struct kernels *const sets[CPU_SETS] = {
		[CPU_GENERIC] = &kernels_generic,
#if defined(__x86_64__)
		[CPU_AVX2] = &kernels_avx2,
		[CPU_AVX512] = &kernels_avx512,
#endif
	};

	return sets[cpu_set()];
}

float kernel_dot(const float *a, const float *b, size_t n)
{
	return here()->dot(a, b, n);
}

float kernel_distance(const float *a, const float *b, float by, size_t n)
{
	return here()->distance(a, b, by, n);
}

void kernel_axpy(float a, const float *x, float *y, size_t n)
{
	here()->axpy(a, x, y, n);
}

void kernel_panel_back(const float *w, const float *d, float *sum, size_t inputs)
{
	here()->panel_back(w, d, sum, inputs);
}

void kernel_add(const float *a, const float *b, float *y, size_t n)
{
	here()->add(a, b, y, n);
}

float kernel_norm2(const float *x, size_t n)
{
	return sqrtf(kernel_dot(x, x, n));
}

float kernel_layer_norm(const float *x, const float *gain, const float *bias, float eps, float *y, size_t n)
{
	return here()->layer_norm(x, gain, bias, eps, y, n);
}

float kernel_rms_norm(const float *x, const float *gain, float eps, float *y, size_t n)
{
	return here()->rms_norm(x, gain, eps, y, n);
}

void kernel_norm_with(bool centred, const float *x, float scale, const float *gain, const float *bias, float *y, size_t n)
{
	here()->norm_with(centred, x, scale, gain, bias, y, n);
}

float kernel_softmax(float *x, size_t n)
{
	return here()->softmax(x, n);
}

float kernel_log_sum_exp(const float *x, size_t n)
{
	return here()->log_sum_exp(x, n);
}

float kernel_largest(const float *x, size_t n)
{
	return here()->largest(x, n);
}

double kernel_exponentials(const float *x, float most, float *y, size_t n)
{
	return here()->exponentials(x, most, y, n);
}

void kernel_activate(enum activation f, const float *x, float *y, size_t n)
{
	here()->activate[f](x, y, n);
}

void kernel_activate_slope(enum activation f, const float *x, float *y, size_t n)
{
	here()->activate_slope[f](x, y, n);
}
