/*
 * attention_back.c - see attention_back.h. As on the way up, some queries at a time meet all their keys; what keys and values
 * receive is summed over ascending queries, what a query receives over ascending keys.
 */
#include "engine/run/attention_back.h"

#include <math.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/numbers/dense.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/attention.h"

enum { QUERIES = 12 }; /* at a time */

struct attention_back {
	const struct backward *b;
	struct layer_sites *s;
	const float *z; /* [rows, H, K] the gradient at z before edits on it */
	int l;
};

/* One head of one run. Rows of queries are H K apart, those of keys and values G K. */
struct head {
	const struct attention_back *a;
	const struct run *run;
	int number, h;	/* of the run; of the head */
	float *pattern; /* [T, T] receives the gradient there */
	size_t HK;
	const float *queries, *keys, *values, *z;
	float *q, *k, *v;	    /* receive the gradients at queries, keys, values */
	struct dense by_value, key; /* [K, T]: z to weights; [T, K]: products to queries */
	float *d;		    /* [QUERIES, T] the gradient at the products q·k */
	float *row;		    /* [T] scratch */
	struct lost *lost;	    /* this head's, with [T] scratch; NULL: it is not counted */
	float *scores;
	float share;	   /* what weights and values get of their product */
	float score_share; /* and queries and keys of theirs */
};

/* Back through the edits on one row over keys; whether there were any. */
static bool row_edits(const struct head *y, enum site site, int query, float *d)
{
	const struct run *run = y->a->b->run;
	bool any = false;

	for (int e = run->edits - 1; e >= 0; e--)
		if (edit_hits(&run->edit[e], site, y->a->l) && edit_covers(&run->edit[e], query)) {
			lost_pattern_edit(y->lost, &run->edit[e], y->h, query, d);
			edit_back_pattern(&run->edit[e], y->h, query, d);
			any = true;
		}
	return any;
}

/* The weights that softmax gave, which are not those that were used when an edit came between. With every key hidden, none. */
static const float *softmax_row(const struct head *y, int query, float *row)
{
	bool something = false;

	run_scores(y->run, y->a->l, y->h, query, row);
	for (int j = 0; j <= query; j++)
		something = something || row[j] > -INFINITY;
	if (something)
		kernel_softmax(row, (size_t)query + 1);
	else
		memset(row, 0, ((size_t)query + 1) * sizeof *row);
	return row;
}

/* Softmax is not linear: Σ A dA, which is `mean`, less Σ s dS. */
static void lose_softmax(const struct head *y, int query, double mean, const float *d)
{
	double scores = 0;

	if (!y->lost)
		return;
	run_scores(y->run, y->a->l, y->h, query, y->scores);
	for (int j = 0; j <= query; j++)
		scores += d[j] != 0 ? (double)y->scores[j] * (double)d[j] : 0; /* those that are hidden are -INFINITY */
	y->lost->softmax += mean - scores;
}

/* What starts at one of a query's weights or scores; NULL: nothing. */
static const struct backward_seed *weight_seed(const struct head *y, int query)
{
	const struct attention_back *a = y->a;

	for (int i = 0; i < a->b->seeds; i++) {
		const struct place *p = &a->b->seed[i].place;

		if ((p->site == SITE_PATTERN || p->site == SITE_SCORES) && p->layer == a->l && p->unit == y->h &&
		    p->position == query && a->b->seed[i].run == y->number)
			return &a->b->seed[i];
	}
	return NULL;
}

/*
 * One row of attention weights: d[query + 1] at the weights that were used becomes the gradient at the products q·k. `row` is room
 * for T floats.
 */
static void weights_back(const struct head *y, int query, const struct backward_seed *seed, float *d, float *row)
{
	const struct attention_back *a = y->a;
	const struct run *run = y->run;
	const int h = y->h;
	const struct config *c = &run->model->config;
	const float *p = run_pattern(run, a->l, h, query);
	const float *q = run_at(run, SITE_Q, a->l, query) + (size_t)(h * c->K);
	size_t n = (size_t)query + 1, group = (size_t)(config_kv_head(c, h) * c->K);
	float mean;

	if (row_edits(y, SITE_PATTERN, query, d))
		p = softmax_row(y, query, row);
	mean = kernel_dot(p, d, n);
	for (size_t j = 0; j < n; j++)
		d[j] = p[j] * (d[j] - mean);
	lose_softmax(y, query, (double)mean, d);
	if (seed && seed->place.site == SITE_SCORES)
		d[seed->place.key] += *seed->d;
	row_edits(y, SITE_SCORES, query, d);
	for (size_t j = 0; y->lost && j < n; j++)
		y->lost->bias += (double)attention_bias(c, a->l, h, (int)j) * (double)d[j];
	for (size_t j = 0; j < n; j++)
		d[j] *= c->attention_scale[a->l];
	for (size_t j = 0; c->attention_cap > 0 && j < n; j++) {
		float s = c->attention_scale[a->l] * kernel_dot(q, run_at(run, SITE_K, a->l, (int)j) + group, (size_t)c->K);
		float t = tanhf(s / c->attention_cap);

		if (d[j] == 0)
			continue;
		if (!(a->b->frozen & CHORDS))
			d[j] *= 1 - t * t;
		else if (s != 0)
			d[j] *= t * c->attention_cap / s;
	}
}

static bool all_zero(const float *x, size_t n)
{
	size_t i = 0;

	while (i < n && x[i] == 0)
		i++;
	return i == n;
}

static void own_weight(const struct backward_seed *seed, size_t n, float *d)
{
	memset(d, 0, n * sizeof *d);
	if (seed->place.site == SITE_PATTERN)
		d[seed->place.key] = *seed->d;
}

/*
 * One query, whose row of the pattern has the gradient through values already: d[T] at its products with keys. False: nothing flows
 * there.
 */
static bool query_back(const struct head *y, int t, float *d)
{
	const struct backward *b = y->a->b;
	const size_t T = (size_t)y->run->T, K = (size_t)y->run->model->config.K, seen = (size_t)t + 1;
	const struct backward_seed *seed = weight_seed(y, t);
	float *pattern = y->pattern + (size_t)t * y->a->s->pattern_room;

	memset(d, 0, T * sizeof *d);
	if (!seed && all_zero(y->z + (size_t)t * y->HK, K)) { /* in the last layer, all queries but the metric's */
		memset(pattern, 0, T * sizeof *pattern);
		return false;
	}
	memset(pattern + seen, 0, (T - seen) * sizeof *pattern); /* keys that it may not see */
	for (size_t j = 0; y->share != 1 && j < seen; j++)
		pattern[j] *= y->share;
	if (seed && seed->place.site == SITE_PATTERN)
		pattern[seed->place.key] += *seed->d;
	if (!(b->frozen & FROZEN_PATTERNS))
		memcpy(d, pattern, seen * sizeof *d);
	else if (!seed)
		return false;
	else /* weights are constants, but not the one that the metric is */
		own_weight(seed, seen, d);
	weights_back(y, t, seed, d, y->row);
	for (size_t j = 0; y->score_share != 1 && j < seen; j++)
		d[j] *= y->score_share;
	return true;
}

/*
 * to[keys, K] += x[n, keys]ᵀ rows[n, K], for n queries from t on. Keys among them meet the queries from their own position on
 * alone, so that an earlier query never meets a later key, not even times zero.
 */
static void to_keys(const struct head *y, int t, int n, const float *x, size_t ldx, const float *rows, float *to, size_t ldto)
{
	const int K = y->run->model->config.K;
	struct dense query;

	dense_init(&query, n, K);
	dense_set_rows(&query, 0, n, rows, y->HK);
	dense_apply_turned(&query, 0, n, K, x, ldx, t, to, ldto, true);
	for (int i = 0; i < n; i++)
		dense_apply_turned(&query, i, n - i, K, x + (size_t)i * ldx + (size_t)(t + i), ldx, 1, to + (size_t)(t + i) * ldto,
				   ldto, true);
	dense_done(&query);
}

/* Queries t … t+n-1 from their products with keys. */
static void to_queries(const struct head *y, int t, int n)
{
	const int K = y->run->model->config.K;
	const size_t T = (size_t)y->run->T;
	float *q = y->q + (size_t)t * y->HK;

	dense_apply(&y->key, 0, t + 1, K, y->d, T, n, q, y->HK, false);
	for (int i = 1; i < n; i++)
		dense_apply(&y->key, t + 1, i, K, y->d + (size_t)i * T + (size_t)t + 1, T, 1, q + (size_t)i * y->HK, y->HK, true);
}

static bool silent(const struct head *y, int t, int n)
{
	for (int i = t; i < t + n; i++)
		if (weight_seed(y, i) || !all_zero(y->z + (size_t)i * y->HK, (size_t)y->run->model->config.K))
			return false;
	return true;
}

/* Queries t … t+n-1: to the pattern, values, and through softmax to queries and keys. */
static void queries_back(const struct head *y, int t, int n)
{
	const struct attention_back *a = y->a;
	const size_t room = a->s->pattern_room, T = (size_t)y->run->T;
	const float *z = y->z + (size_t)t * y->HK;
	bool any = false;

	if (silent(y, t, n)) {
		for (int i = t; i < t + n; i++)
			memset(y->pattern + (size_t)i * room, 0, T * sizeof *y->pattern);
		return;
	}
	dense_apply(&y->by_value, 0, y->run->model->config.K, t + n, z, y->HK, n, y->pattern + (size_t)t * room, room, false);
	for (int i = 0; i < n; i++)
		any |= query_back(y, t + i, y->d + (size_t)i * T);
	to_keys(y, t, n, run_pattern(y->run, a->l, y->h, t), y->run->layer[a->l]->pattern_room, z, y->v, y->HK);
	if (!any)
		return;
	to_queries(y, t, n);
	to_keys(y, t, n, y->d, T, y->queries + (size_t)t * y->HK, y->k, y->HK);
}

/* Of run number chunk / H, head chunk % H. */
static struct head head_of(const struct attention_back *a, int chunk)
{
	const struct backward *b = a->b;
	const struct config *c = &b->run->model->config;
	const int number = chunk / c->H, h = chunk % c->H;
	const struct run *run = b->each[number];
	const size_t K = (size_t)c->K, T = (size_t)run->T, HK = (size_t)c->H * K, own = (size_t)number * T * HK + (size_t)h * K,
		     group = (size_t)config_kv_head(c, h) * K;

	return (struct head){ .a = a,
			      .run = run,
			      .number = number,
			      .h = h,
			      .HK = HK,
			      .pattern = layer_weights(a->s, chunk, 0),
			      .queries = run_at(run, SITE_Q, a->l, 0) + (size_t)h * K,
			      .keys = run_at(run, SITE_K, a->l, 0) + group,
			      .values = run_at(run, SITE_V, a->l, 0) + group,
			      .z = a->z + own,
			      .q = a->s->q + own,
			      .k = b->head_k + own,
			      .v = b->head_v + own,
			      .lost = b->lost ? &b->head_lost[chunk] : NULL,
			      .share = backward_share(b, !(b->frozen & FROZEN_PATTERNS)),
			      .score_share = backward_share(b, true) };
}

static void head_back(void *context, int chunk)
{
	struct head y = head_of(context, chunk);
	const struct config *c = &y.run->model->config;
	const int T = y.run->T;
	const size_t GK = (size_t)(c->G * c->K), all = (size_t)T;
	float *scratch = xbig((QUERIES + 2) * all * sizeof *scratch);

	y.d = scratch;
	y.row = y.d + QUERIES * all;
	y.scores = y.row + all;
	dense_init(&y.by_value, c->K, T);
	dense_set_columns(&y.by_value, 0, T, y.values, GK);
	dense_init(&y.key, T, c->K);
	dense_set_rows(&y.key, 0, T, y.keys, GK);
	for (int t = 0; t < T; t += QUERIES)
		queries_back(&y, t, T - t < QUERIES ? T - t : QUERIES);
	for (int t = 0; y.share != 1 && t < T; t++)
		for (int i = 0; i < c->K; i++)
			y.v[(size_t)t * y.HK + (size_t)i] *= y.share;
	dense_done(&y.by_value);
	dense_done(&y.key);
	big_free(scratch);
}

void attention_back(const struct backward *b, int l, const float *z, struct layer_sites *s)
{
	const struct config *c = &b->run->model->config;
	const size_t bytes = (size_t)b->rows * (size_t)(c->H * c->K) * sizeof(float);
	struct attention_back a = { b, s, z, l };

	memset(s->q, 0, bytes);
	memset(b->head_k, 0, bytes);
	memset(b->head_v, 0, bytes);
	if (b->lost)
		memset(b->head_lost, 0, (size_t)(b->runs * c->H) * sizeof *b->head_lost);
	pool_run(b->runs * c->H, head_back, &a);
	for (int i = 0; b->lost && i < b->runs * c->H; i++)
		lost_add(b->lost, &b->head_lost[i]);
}
