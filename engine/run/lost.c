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

void lost_gate(struct lost *lost, const struct curve *f, double share, const float *z, const float *up, const float *d, size_t n)
{
	float *value, *slope;

	if (!lost)
		return;
	value = xcalloc(2 * n, sizeof *value);
	slope = value + n;
	curve_apply(f, z, value, n);
	curve_slope(f, z, slope, n);
	for (size_t i = 0; i < n; i++)
		lost->activation += share * ((double)value[i] - (double)slope[i] * (double)z[i]) * (double)up[i] * (double)d[i];
	free(value);
}
