/* lens_ridge.c - see lens_ridge.h. */
#include "engine/run/lens_ridge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"

enum { ROWS = 64, BLOCK = 32, TILE = 4 };
static const double ridge = 1e-3;

static double *doubles(struct arena *arena, size_t n, struct err *err)
{
	return arena_array(arena, n, sizeof(double), err);
}

struct lens_ridge *lens_ridge_new(const struct model *m, const struct lens_plan *plan, int room, struct arena *arena,
				  struct err *err)
{
	const size_t D = (size_t)m->config.D, units = (size_t)plan->layers;
	struct lens_ridge *s = arena_alloc(arena, sizeof *s);

	*s = (struct lens_ridge){ .m = m,
				  .plan = *plan,
				  .hh = doubles(arena, units * D * D, err),
				  .hy = doubles(arena, units * D * D, err),
				  .y = doubles(arena, D, err),
				  .yy = doubles(arena, 1, err),
				  .wrong = doubles(arena, units, err),
				  .square = doubles(arena, ROWS, err),
				  .kept = arena_floats(arena, (units + 1) * (size_t)room * D, err),
				  .room = room };
	return s->hh && s->hy && s->y && s->yy && s->wrong && s->square && s->kept ? s : NULL;
}

static int blocks(const struct lens_ridge *s)
{
	return (s->m->config.D + BLOCK - 1) / BLOCK;
}

/* to[TILE, TILE] += aᵀ b, over n rows of either. */
static void add_tile(const float *a, const float *b, size_t n, size_t D, double *to)
{
	double sum[TILE][TILE] = { 0 };

	for (size_t t = 0; t < n; t++, a += D, b += D)
		for (int i = 0; i < TILE; i++)
			for (int j = 0; j < TILE; j++)
				sum[i][j] += (double)a[i] * (double)b[j];
	for (size_t i = 0; i < TILE; i++)
		for (size_t j = 0; j < TILE; j++)
			to[i * D + j] += sum[i][j];
}

/* The same of one number. */
static void add_one(const float *a, const float *b, size_t n, size_t D, double *to)
{
	double sum = 0;

	for (size_t t = 0; t < n; t++)
		sum += (double)a[t * D] * (double)b[t * D];
	*to += sum;
}

/* Rows first … last-1 of to[D, D] += hᵀ b. */
static void add_product(const struct lens_ridge *s, size_t first, size_t last, const float *b, double *to)
{
	const size_t D = (size_t)s->m->config.D, n = (size_t)s->n;

	for (size_t i = first; i < last; i += TILE)
		for (size_t j = 0; j < D; j += TILE) {
			if (i + TILE <= last && j + TILE <= D) {
				add_tile(s->from + i, b + j, n, D, to + i * D + j);
				continue;
			}
			for (size_t k = i; k < i + TILE && k < last; k++)
				for (size_t l = j; l < j + TILE && l < D; l++)
					add_one(s->from + k, b + l, n, D, to + k * D + l);
		}
}

/* Some rows of the sums of a layer. */
static void add_block(void *context, int block)
{
	const struct lens_ridge *s = context;
	const size_t D = (size_t)s->m->config.D, first = (size_t)block * BLOCK, last = first + BLOCK < D ? first + BLOCK : D;

	add_product(s, first, last, s->from, s->into_hh);
	add_product(s, first, last, s->to, s->into_hy);
}

/* Positions of a run, some at a time; the first is left out. */
static bool take_rows(struct lens_ridge *s, const struct run *r, int *at)
{
	const int left = r->T - s->plan.ahead - *at;

	if (left <= 0)
		return false;
	s->n = left < ROWS ? left : ROWS;
	s->to = run_at(r, SITE_RESID_POST, s->m->config.L - 1, *at + s->plan.ahead);
	return true;
}

static float *kept_rows(const struct lens_ridge *s, int unit, int at)
{
	return s->kept + ((size_t)unit * (size_t)s->room + (size_t)at) * (size_t)s->m->config.D;
}

void lens_ridge_add(struct lens_ridge *s, const struct run *r)
{
	const size_t row = (size_t)s->m->config.D * sizeof(float);

	for (int at = 1; take_rows(s, r, &at); at += s->n, s->held += s->n) {
		for (int u = 0; u < s->plan.layers; u++)
			memcpy(kept_rows(s, u, s->held), run_at(r, SITE_RESID_PRE, s->plan.layer[u], at), (size_t)s->n * row);
		memcpy(kept_rows(s, s->plan.layers, s->held), s->to, (size_t)s->n * row);
	}
}

void lens_ridge_take(struct lens_ridge *s)
{
	const size_t D2 = (size_t)s->m->config.D * (size_t)s->m->config.D;

	for (int at = 0; at < s->held; at += ROWS)
		for (int u = 0; u < s->plan.layers; u++) {
			s->n = s->held - at < ROWS ? s->held - at : ROWS;
			s->from = kept_rows(s, u, at);
			s->to = kept_rows(s, s->plan.layers, at);
			s->into_hh = s->hh + (size_t)u * D2;
			s->into_hy = s->hy + (size_t)u * D2;
			pool_run(blocks(s), add_block, s);
		}
	s->held = 0;
}

/* ---- the least ---- */

/* λ: a little of what a channel's square is in the mean. */
static double lambda(const struct lens_ridge *s, int unit)
{
	const size_t D = (size_t)s->m->config.D;
	const double *hh = s->hh + (size_t)unit * D * D;
	double trace = 0;

	for (size_t i = 0; i < D; i++)
		trace += hh[i * D + i];
	return ridge * trace / (double)D;
}

/* M[D, D] = C Cᵀ in place, the lower triangle; M is positive definite, or nearly. */
static void factor(double *m, size_t D)
{
	for (size_t i = 0; i < D; i++)
		for (size_t j = 0; j <= i; j++) {
			double sum = m[i * D + j];

			for (size_t k = 0; k < j; k++)
				sum -= m[i * D + k] * m[j * D + k];
			m[i * D + j] = i == j ? sqrt(fmax(sum, 1e-300)) : sum / m[j * D + j];
		}
}

/* x[D, D] = (C Cᵀ)⁻¹ x, all columns together. */
static void substitute(const double *c, double *x, size_t D)
{
	for (size_t i = 0; i < D; i++) {
		for (size_t k = 0; k < i; k++)
			for (size_t j = 0; j < D; j++)
				x[i * D + j] -= c[i * D + k] * x[k * D + j];
		for (size_t j = 0; j < D; j++)
			x[i * D + j] /= c[i * D + i];
	}
	for (size_t i = D; i-- > 0;) {
		for (size_t k = i + 1; k < D; k++)
			for (size_t j = 0; j < D; j++)
				x[i * D + j] -= c[k * D + i] * x[k * D + j];
		for (size_t j = 0; j < D; j++)
			x[i * D + j] /= c[i * D + i];
	}
}

/* One layer, in one thread: layers are solved beside one another. */
static void solve_unit(void *context, int unit)
{
	const struct lens_ridge *s = context;
	const size_t D = (size_t)s->m->config.D, D2 = D * D;
	float *W = s->solved + (size_t)unit * lens_plan_floats(s->m);
	double *m = xcalloc(2 * D2, sizeof *m), *x = m + D2;
	const double l = lambda(s, unit);

	memcpy(m, s->hh + (size_t)unit * D2, D2 * sizeof *m);
	memcpy(x, s->hy + (size_t)unit * D2, D2 * sizeof *x);
	for (size_t i = 0; i < D; i++)
		m[i * D + i] += l;
	factor(m, D);
	substitute(m, x, D);
	for (size_t i = 0; i < D; i++)
		for (size_t j = 0; j < D; j++)
			W[i * D + j] = (float)(x[j * D + i] - (i == j));
	free(m);
}

void lens_ridge_solve(struct lens_ridge *s, float *translators)
{
	s->solved = translators;
	pool_run(s->plan.layers, solve_unit, s);
}

/* ---- how good it is ---- */

void lens_ridge_clear(struct lens_ridge *s)
{
	memset(s->y, 0, (size_t)s->m->config.D * sizeof *s->y);
	memset(s->wrong, 0, (size_t)s->plan.layers * sizeof *s->wrong);
	*s->yy = s->rows = 0;
	s->held = 0;
}

/* |y - h - W h|² of a row. */
static void wrong_row(void *context, int i)
{
	const struct lens_ridge *s = context;
	const size_t D = (size_t)s->m->config.D;
	const float *h = s->from + (size_t)i * D, *y = s->to + (size_t)i * D;
	double square = 0;

	for (size_t k = 0; k < D; k++) {
		const double left = (double)y[k] - (double)h[k] - (double)kernel_dot(s->translator + k * D, h, D);

		square += left * left;
	}
	s->square[i] = square;
}

static void add_target(struct lens_ridge *s)
{
	const size_t D = (size_t)s->m->config.D;

	for (size_t t = 0; t < (size_t)s->n; t++)
		for (size_t k = 0; k < D; k++) {
			const double y = (double)s->to[t * D + k];

			s->y[k] += y;
			*s->yy += y * y;
		}
	s->rows += s->n;
}

void lens_ridge_measure(struct lens_ridge *s, const float *translators, const struct run *r)
{
	for (int at = 1; take_rows(s, r, &at); at += s->n) {
		add_target(s);
		for (int u = 0; u < s->plan.layers; u++) {
			s->from = run_at(r, SITE_RESID_PRE, s->plan.layer[u], at);
			s->translator = translators + (size_t)u * lens_plan_floats(s->m);
			pool_run(s->n, wrong_row, s);
			for (int i = 0; i < s->n; i++)
				s->wrong[u] += s->square[i];
		}
	}
}

double lens_ridge_unexplained(const struct lens_ridge *s)
{
	double spread = *s->yy, sum = 0;

	for (int k = 0; k < s->m->config.D; k++)
		spread -= s->y[k] * s->y[k] / s->rows;
	for (int u = 0; u < s->plan.layers; u++)
		sum += s->wrong[u];
	return sum / spread / s->plan.layers;
}
