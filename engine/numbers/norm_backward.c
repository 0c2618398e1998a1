/* norm_backward.c - see norm_backward.h. */
#include "engine/numbers/norm_backward.h"

#include <math.h>

/* Sums of as many chains side by side, or each addition would wait for the one before. */
enum { CHAINS = 4 };

static double total(const double sum[CHAINS])
{
	return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

static double mean_of(const float *x, size_t n)
{
	double sum[CHAINS] = { 0 };
	size_t i = 0;

	for (; i + CHAINS <= n; i += CHAINS)
		for (size_t c = 0; c < CHAINS; c++)
			sum[c] += (double)x[i + c];
	for (; i < n; i++)
		sum[0] += (double)x[i];
	return total(sum) / (double)n;
}

/* Of e = d * gain and n = x - mean: n n, e, and e n. */
struct norm_sums {
	double square[CHAINS], e[CHAINS], along[CHAINS];
};

static void add_to(struct norm_sums *s, size_t c, double from, double e)
{
	s->square[c] += from * from;
	s->e[c] += e;
	s->along[c] += e * from;
}

static void norm(bool centred, const float *x, const float *gain, float eps, bool frozen, const float *d, float *g, size_t n)
{
	const double mean = centred ? mean_of(x, n) : 0;
	struct norm_sums s = { { 0 }, { 0 }, { 0 } };
	double scale, sum, along;
	size_t i = 0;

	for (; i + CHAINS <= n; i += CHAINS)
		for (size_t c = 0; c < CHAINS; c++)
			add_to(&s, c, (double)x[i + c] - mean, (double)d[i + c] * (gain ? (double)gain[i + c] : 1));
	for (; i < n; i++)
		add_to(&s, 0, (double)x[i] - mean, (double)d[i] * (gain ? (double)gain[i] : 1));
	scale = 1 / sqrt(total(s.square) / (double)n + (double)eps);
	sum = centred ? total(s.e) / (double)n : 0;
	along = frozen ? 0 : total(s.along) * scale * scale / (double)n;
	for (i = 0; i < n; i++) {
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
