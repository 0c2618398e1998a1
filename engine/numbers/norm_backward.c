/* norm_backward.c - see norm_backward.h. */
#include "engine/numbers/norm_backward.h"

#include <math.h>

static void norm(bool centred, const float *x, const float *gain, float eps, bool frozen, const float *d, float *g, size_t n)
{
	double mean = 0, square = 0, sum = 0, along = 0, scale; /* sum of e, and of e n */

	for (size_t i = 0; centred && i < n; i++)
		mean += (double)x[i];
	mean /= (double)n;
	for (size_t i = 0; i < n; i++) {
		double from = (double)x[i] - mean, e = (double)d[i] * (gain ? (double)gain[i] : 1);

		square += from * from;
		sum += e;
		along += e * from;
	}
	scale = 1 / sqrt(square / (double)n + (double)eps);
	sum = centred ? sum / (double)n : 0;
	along = frozen ? 0 : along * scale * scale / (double)n;
	for (size_t i = 0; i < n; i++) {
		double e = (double)d[i] * (gain ? (double)gain[i] : 1);

		g[i] = (float)(scale * (e - sum - ((double)x[i] - mean) * along));
	}
}

void back_layer_norm(const float *x, const float *gain, float eps, bool frozen, const float *d, float *g, size_t n)
{
	norm(true, x, gain, eps, frozen, d, g, n);
}

void back_rms_norm(const float *x, const float *gain, float eps, bool frozen, const float *d, float *g, size_t n)
{
	norm(false, x, gain, eps, frozen, d, g, n);
}

void back_norm_with(bool centred, float scale, const float *gain, const float *d, float *g, size_t n)
{
	double mean = 0;

	for (size_t i = 0; centred && i < n; i++)
		mean += (double)d[i] * (gain ? (double)gain[i] : 1) / (double)n;
	for (size_t i = 0; i < n; i++)
		g[i] = (float)((double)scale * ((double)d[i] * (gain ? (double)gain[i] : 1) - mean));
}
