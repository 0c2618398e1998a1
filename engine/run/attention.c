/* attention.c - see attention.h. Some queries at a time meet all their keys; the sums of each run over ascending position. */
#include "engine/run/attention.h"

#include <math.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/numbers/dense.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"

enum { QUERIES = 14 };	/* at a time */

struct attention {
	const struct pass *p;
	const struct layer_sites *s;
	int layer;
	size_t first_row;
};

/* One head of one variant. */
struct head {
	const struct attention *a;
	const struct variant *edits;
	int h;
	const float *q;		/* of query t0; rows are H K apart */
	float *z;
	struct dense keys, values;
};

static float to_bf16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u;	/* to nearest, ties to even */
	memcpy(&x, &bits, sizeof x);
	return x;
}

/* Press et al. 2022 in transformers' form: a slope times the key's position, which differs from the distance by a constant that
 * softmax does not see. */
static float alibi(const struct config *c, int layer, int head, int key)
{
	if (c->alibi_rounded)
		return to_bf16(to_bf16(c->alibi[head]) * (float)key) * c->attention_scale[layer];
	return c->alibi[head] * (float)key;
}

/* Products of a query with keys 0 … n-1 to scores. */
static void finish_scores(const struct config *c, int layer, int head, int query, int n, float *s)
{
	const int window = c->window ? c->window[layer] : 0;
	const float scale = c->attention_scale[layer], cap = c->attention_cap;

	for (int j = 0; j < n; j++)
		s[j] *= scale;
	for (int j = 0; cap > 0 && j < n; j++)
		s[j] = cap * tanhf(s[j] / cap);
	for (int j = 0; c->alibi && j < n; j++)
		s[j] += alibi(c, layer, head, j);
	for (int j = 0; window && j < n && query - j >= window; j++)
		s[j] = -INFINITY;
	for (int j = query + 1; j < n; j++)
		s[j] = -INFINITY;
}

void attention_scores(const struct config *c, int layer, int head, int query, const float *q, const float *k, size_t ldk, int n,
		      float *out)
{
	struct dense keys;

	dense_init(&keys, c->K, n);
	dense_set_columns(&keys, 0, n, k, ldk);
	dense_apply(&keys, 0, c->K, n, q, (size_t)c->K, 1, out, (size_t)n, false);
	dense_done(&keys);
	finish_scores(c, layer, head, query, n, out);
}

/* Where the weights of a query stand: in the run's pattern, or in scratch[QUERIES, T]. */
static float *weights_of(const struct head *h, int query, int number, float *scratch)
{
	const size_t T = (size_t)h->a->p->T;

	if (h->a->s->pattern)
		return h->a->s->pattern + ((size_t)h->h * T + (size_t)query) * T;
	return scratch + (size_t)number * T;
}

/*
 * Queries t … t+n-1. All of them look at keys 0 … t: these values are mixed together. What each sees beyond that goes on from its
 * own sum, so that a later position's values never meet an earlier query, not even times zero.
 */
static void attend(const struct head *h, int t, int n, float *scratch)
{
	const struct pass *p = h->a->p;
	const struct config *c = &p->model->config;
	const size_t T = (size_t)p->T, HK = (size_t)(c->H * c->K), row = (size_t)(t - p->t0);
	float *w = weights_of(h, t, 0, scratch), *z = h->z + row * HK;

	dense_apply(&h->keys, 0, c->K, t + n, h->q + row * HK, HK, n, w, T, false);
	for (int i = 0; i < n; i++) {
		float *mine = w + (size_t)i * T;

		finish_scores(c, h->a->layer, h->h, t + i, t + i + 1, mine);
		memset(mine + t + i + 1, 0, (size_t)(n - 1 - i) * sizeof *mine);	/* products with keys that it may not see */
		kernel_softmax(mine, (size_t)(t + i) + 1);
		for (int e = 0; e < h->edits->edits; e++)
			if (edit_hits(h->edits->edit[e], SITE_PATTERN, h->a->layer) && edit_covers(h->edits->edit[e], t + i))
				edit_apply_pattern(h->edits->edit[e], h->h, t + i, mine);
	}
	dense_apply(&h->values, 0, t + 1, c->K, w, T, n, z, HK, false);
	for (int i = 1; i < n; i++)
		dense_apply(&h->values, t + 1, i, c->K, w + (size_t)i * T + t + 1, T, 1, z + (size_t)i * HK, HK, true);
}

static void attend_head(void *context, int chunk)
{
	const struct attention *a = context;
	const struct pass *p = a->p;
	const struct config *c = &p->model->config;
	const int variant = chunk / c->H, nt = p->T - p->t0;
	const size_t GK = (size_t)(c->G * c->K), HK = (size_t)(c->H * c->K);
	const size_t base = a->first_row + (size_t)(variant * nt);
	const struct layer_sites *past = p->t0 ? p->past[a->layer] : NULL;
	struct head h = { .a = a, .edits = &p->variant[variant], .h = chunk % c->H };
	const size_t head = (size_t)(h.h * c->K), group = (size_t)(config_kv_head(c, h.h) * c->K);
	float *scratch = a->s->pattern ? NULL : xbig((size_t)QUERIES * (size_t)p->T * sizeof *scratch);

	h.q = a->s->q + base * HK + head;
	h.z = a->s->z + base * HK + head;
	dense_init(&h.keys, c->K, p->T);
	dense_init(&h.values, p->T, c->K);
	if (past) {
		dense_set_columns(&h.keys, 0, p->t0, past->k + group, GK);
		dense_set_rows(&h.values, 0, p->t0, past->v + group, GK);
	}
	dense_set_columns(&h.keys, p->t0, nt, a->s->k + base * GK + group, GK);
	dense_set_rows(&h.values, p->t0, nt, a->s->v + base * GK + group, GK);
	for (int t = p->t0; t < p->T; t += QUERIES)
		attend(&h, t, p->T - t < QUERIES ? p->T - t : QUERIES, scratch);
	dense_done(&h.keys);
	dense_done(&h.values);
	big_give(scratch);
}

void attention_run(const struct pass *p, int layer, const struct layer_sites *s, int first_row)
{
	struct attention a = { p, s, layer, (size_t)first_row };

	pool_run(p->variants * p->model->config.H, attend_head, &a);
}
