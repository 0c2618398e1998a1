/* head_spectrum.c - see head_spectrum.h. */
#include "engine/analysis/head_spectrum.h"

#include <math.h>
#include <string.h>

#include "engine/numbers/lapack.h"

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static double dot_doubles(const double *a, const double *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

bool head_root(const float *rows, int K, int D, double *root, struct arena *scratch, struct err *err)
{
	const size_t k = (size_t)K, d = (size_t)D;
	double *value = arena_alloc(scratch, k * sizeof *value);

	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j <= i; j++)
			root[i * k + j] = root[j * k + i] = dot(rows + i * d, rows + j * d, d);
	if (!lapack_symmetric(root, K, value, err))
		return false;
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < k; j++)
			root[i * k + j] *= sqrt(fmax(value[i], 0));
	return true;
}

/* out[n, D] = left[n, K] rows[K, D]. */
static void combine(const double *left, size_t n, const double *rows, size_t K, size_t D, double *out)
{
	memset(out, 0, n * D * sizeof *out);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < K; k++)
			for (size_t d = 0; d < D; d++)
				out[i * D + d] += left[i * K + k] * rows[k * D + d];
}

/* To length 1; of nothing but rounding, nothing. Returns the length. */
static double normalise(double *x, size_t D, double least)
{
	const double length = sqrt(dot_doubles(x, x, D));

	for (size_t d = 0; d < D; d++)
		x[d] = length > least ? x[d] / length : 0;
	return length > least ? length : 0;
}

/* What is written: the singular vectors of B[K, D], and sigma. */
static bool take_apart(const double *B, int K, size_t D, struct head_spectrum *s, struct arena *arena, struct err *err)
{
	const size_t k = (size_t)K;
	double *gram = arena_alloc(arena, k * k * sizeof *gram), *value = arena_alloc(arena, k * sizeof *value);

	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j <= i; j++)
			gram[i * k + j] = gram[j * k + i] = dot_doubles(B + i * D, B + j * D, D);
	if (!lapack_symmetric(gram, K, value, err))
		return false;
	for (size_t i = 0; i < (size_t)s->rank; i++) {
		combine(gram + (k - 1 - i) * k, 1, B, k, D, s->writes + i * D);
		s->sigma[i] = normalise(s->writes + i * D, D, 1e-7 * sqrt(fmax(value[k - 1], 0)));
	}
	return true;
}

/* What is read to write those: Aᵀ C of each, and of length 1. */
static void find_reads(const double *A, const double *C, size_t K, size_t D, struct head_spectrum *s, double *y)
{
	for (size_t i = 0; i < (size_t)s->rank; i++) {
		for (size_t k = 0; k < K; k++)
			y[k] = dot_doubles(C + k * D, s->writes + i * D, D);
		combine(y, 1, A, K, D, s->reads + i * D);
		normalise(s->reads + i * D, D, 0);
	}
}

bool head_spectrum_of(const struct model *m, int l, int head, bool keys, bool fold, struct head_spectrum *s, struct arena *arena,
		      struct err *err)
{
	const size_t K = (size_t)m->config.K, D = (size_t)m->config.D, n = K * D;
	float *rows = arena_floats(arena, 2 * n, err);
	double *both = arena_array(arena, 5 * n, sizeof *both, err), *root = arena_array(arena, K * K, sizeof *root, err);

	s->rank = (int)(K < D ? K : D);
	s->sigma = arena_alloc(arena, K * sizeof *s->sigma);
	if (!rows || !both || !root)
		return false;
	s->reads = both + 3 * n;
	s->writes = both + 4 * n;
	weight_rows_of_head(m, l, keys ? HEAD_Q : HEAD_V, head, fold, rows);
	weight_rows_of_head(m, l, keys ? HEAD_K : HEAD_O, head, fold, rows + n);
	for (size_t i = 0; i < 2 * n; i++)
		both[i] = (double)rows[i];
	if (!head_root(rows, (int)K, (int)D, root, arena, err))
		return false;
	combine(root, K, both + n, K, D, both + 2 * n);
	if (!take_apart(both + 2 * n, (int)K, D, s, arena, err))
		return false;
	find_reads(both, both + n, K, D, s, arena_alloc(arena, K * sizeof(double)));
	return true;
}
