/* kernels.c - see kernels.h. */
#include "engine/numbers/kernels.h"

#include <math.h>

float kernel_dot(const float *a, const float *b, size_t n)
{
	float sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

void kernel_axpy(float a, const float *x, float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += a * x[i];
}

void kernel_add(const float *a, const float *b, float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = a[i] + b[i];
}

float kernel_norm2(const float *x, size_t n)
{
	return sqrtf(kernel_dot(x, x, n));
}

float kernel_layer_norm(const float *x, const float *gain, const float *bias, float eps, float *y, size_t n)
{
	float mean = 0, variance = 0, scale;

	for (size_t i = 0; i < n; i++)
		mean += x[i];
	mean /= (float)n;
	for (size_t i = 0; i < n; i++)
		variance += (x[i] - mean) * (x[i] - mean);
	scale = 1 / sqrtf(variance / (float)n + eps);
	for (size_t i = 0; i < n; i++)
		y[i] = (x[i] - mean) * scale * (gain ? gain[i] : 1) + (bias ? bias[i] : 0);
	return scale;
}

float kernel_rms_norm(const float *x, const float *gain, float eps, float *y, size_t n)
{
	float scale = 1 / sqrtf(kernel_dot(x, x, n) / (float)n + eps);

	for (size_t i = 0; i < n; i++)
		y[i] = x[i] * scale * (gain ? gain[i] : 1);
	return scale;
}

static float maximum(const float *x, size_t n)
{
	float most = -INFINITY;

	for (size_t i = 0; i < n; i++)
		most = x[i] > most ? x[i] : most;
	return most;
}

float kernel_softmax(float *x, size_t n)
{
	float most = maximum(x, n);
	double sum = 0;	/* over a vocabulary a float would lose four digits */

	for (size_t i = 0; i < n; i++)
		sum += (double)(x[i] = expf(x[i] - most));
	for (size_t i = 0; i < n; i++)
		x[i] = (float)((double)x[i] / sum);
	return (float)((double)most + log(sum));
}

float kernel_log_sum_exp(const float *x, size_t n)
{
	float most = maximum(x, n);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)expf(x[i] - most);
	return (float)((double)most + log(sum));
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double tanh_argument(double x)
{
	return M_2_SQRTPI * M_SQRT1_2 * (x + 0.044715 * x * x * x);
}

static double value(enum activation f, double x)
{
	switch (f) {
	case ACTIVATION_RELU:
		return x > 0 ? x : 0;
	case ACTIVATION_GELU:
		return x * 0.5 * erfc(-x * M_SQRT1_2);
	case ACTIVATION_GELU_TANH:
		return x * sigmoid(2 * tanh_argument(x));
	case ACTIVATION_SILU:
		return x * sigmoid(x);
	case ACTIVATION_GELU_QUICK:
		return x * sigmoid(1.702 * x);
	case ACTIVATION_RELU2:
		return x > 0 ? x * x : 0;
	}
	return x;
}

static double slope(enum activation f, double x)
{
	double s;

	switch (f) {
	case ACTIVATION_RELU:
		return x > 0;
	case ACTIVATION_GELU:
		return 0.5 * erfc(-x * M_SQRT1_2) + x * exp(-x * x / 2) * 0.5 * M_2_SQRTPI * M_SQRT1_2;
	case ACTIVATION_GELU_TANH:
		s = sigmoid(2 * tanh_argument(x));
		return s + x * s * (1 - s) * 2 * M_2_SQRTPI * M_SQRT1_2 * (1 + 3 * 0.044715 * x * x);
	case ACTIVATION_SILU:
		s = sigmoid(x);
		return s + x * s * (1 - s);
	case ACTIVATION_GELU_QUICK:
		s = sigmoid(1.702 * x);
		return s + 1.702 * x * s * (1 - s);
	case ACTIVATION_RELU2:
		return x > 0 ? 2 * x : 0;
	}
	return 1;
}

void kernel_activate(enum activation f, const float *x, float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = (float)value(f, (double)x[i]);
}

void kernel_activate_slope(enum activation f, const float *x, float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = (float)slope(f, (double)x[i]);
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
