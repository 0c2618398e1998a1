/* attention.c - see attention.h. Some queries at a time meet all their keys; the sums of each run over ascending position. */
#include "engine/run/attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/big.h"
#include "engine/numbers/dense.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"

enum { QUERIES = 14 };	/* at a time */

/* Keys and values of one KV head, ready for products. */
struct store {
	struct dense keys, values;
};

struct attention {
	const struct pass *p;
	const struct layer_sites *s, *past;	/* past: NULL when the pass has all keys */
	int layer;
	size_t first_row;
	int blocks;		/* of QUERIES queries, in a head */
	struct store *store;	/* [1 + variants, G]: the past's, and each variant's own */
};

/* Some queries t … t+n-1 of one head of one variant. */
struct block {
	const struct attention *a;
	const struct variant *edits;
	int head, t, n;
	const float *q;
	float *z;		/* rows of both are H K apart */
	float *w;		/* [n, T] their weights: in the run's pattern, or scratch */
	const struct store *past, *own;
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

/* The edits at a site of one query's row over keys; whether there were any. */
static bool touch(const struct block *b, enum site site, int query, float *row)
{
	bool any = false;

	for (int e = 0; e < b->edits->edits; e++)
		if (edit_hits(b->edits->edit[e], site, b->a->layer) && edit_covers(b->edits->edit[e], query)) {
			edit_apply_pattern(b->edits->edit[e], b->head, query, row);
			any = true;
		}
	return any;
}

/* Scores of one query to weights. With every key hidden, it looks at nothing. */
static void weigh(const struct block *b, int query, float *row)
{
	bool something = !touch(b, SITE_SCORES, query, row);

	for (int j = 0; !something && j <= query; j++)
		something = row[j] > -INFINITY;
	if (something)
		kernel_softmax(row, (size_t)query + 1);
	else
		memset(row, 0, ((size_t)query + 1) * sizeof *row);
	touch(b, SITE_PATTERN, query, row);
}

static void attend(const struct block *b)
{
	const struct pass *p = b->a->p;
	const struct config *c = &p->model->config;
	const size_t T = (size_t)p->T, HK = (size_t)(c->H * c->K);
	const int key0 = p->key0, common = b->t + 1 - key0;	/* of the pass's own keys: what all of these queries look at */

	if (key0)
		dense_apply(&b->past->keys, 0, c->K, key0, b->q, HK, b->n, b->w, T, false);
	dense_apply(&b->own->keys, 0, c->K, b->t + b->n - key0, b->q, HK, b->n, b->w + key0, T, false);
	for (int i = 0; i < b->n; i++) {
		float *mine = b->w + (size_t)i * T;
		const int t = b->t + i;

		finish_scores(c, b->a->layer, b->head, t, t + 1, mine);
		weigh(b, t, mine);
		if (b->a->s->pattern)
			memset(mine + t + 1, 0, (T - (size_t)t - 1) * sizeof *mine);	/* keys that it may not see */
	}
	/* What each sees beyond the common keys goes on from its own sum, so that a later position's values never meet an earlier query,
	 * not even times zero. */
	if (key0)
		dense_apply(&b->past->values, 0, key0, c->K, b->w, T, b->n, b->z, HK, false);
	dense_apply(&b->own->values, 0, common, c->K, b->w + key0, T, b->n, b->z, HK, key0 > 0);
	for (int i = 1; i < b->n; i++)
		dense_apply(&b->own->values, common, i, c->K, b->w + (size_t)i * T + key0 + common, T, 1, b->z + (size_t)i * HK, HK, true);
}

/* The last blocks come first, since they have the most keys. */
static void attend_chunk(void *context, int chunk)
{
	const struct attention *a = context;
	const struct pass *p = a->p;
	const struct config *c = &p->model->config;
	const int pair = chunk % (p->variants * c->H), variant = pair / c->H, from = (a->blocks - 1 - chunk / (p->variants * c->H)) * QUERIES;
	const int left = p->T - p->t0 - from, group = config_kv_head(c, pair % c->H);
	struct block b = { .a = a, .edits = &p->variant[variant], .head = pair % c->H, .t = p->t0 + from, .n = left < QUERIES ? left : QUERIES,
			   .past = &a->store[group], .own = &a->store[(variant + 1) * c->G + group] };
	const size_t T = (size_t)p->T, row = a->first_row + (size_t)(variant * (p->T - p->t0) + from);
	const size_t at = row * (size_t)(c->H * c->K) + (size_t)(b.head * c->K);
	float *scratch = a->s->pattern ? NULL : xbig((size_t)b.n * T * sizeof *scratch);

	b.q = a->s->q + at;
	b.z = a->s->z + at;
	b.w = scratch ? scratch : a->s->pattern + ((size_t)b.head * T + (size_t)b.t) * T;
	attend(&b);
	big_give(scratch);
}

static void fill(struct store *s, const struct config *c, const float *k, const float *v, int n)
{
	const size_t GK = (size_t)(c->G * c->K);

	dense_init(&s->keys, c->K, n);
	dense_init(&s->values, n, c->K);
	dense_set_columns(&s->keys, 0, n, k, GK);
	dense_set_rows(&s->values, 0, n, v, GK);
}

static void fill_chunk(void *context, int chunk)
{
	const struct attention *a = context;
	const struct pass *p = a->p;
	const struct config *c = &p->model->config;
	const size_t GK = (size_t)(c->G * c->K), head = (size_t)(chunk % c->G * c->K);
	const int own = p->T - p->key0;
	const size_t at = (a->first_row + (size_t)((chunk / c->G - 1) * own)) * GK + head;

	if (chunk >= c->G)
		fill(&a->store[chunk], c, a->s->k + at, a->s->v + at, own);
	else if (a->past)
		fill(&a->store[chunk], c, a->past->k + head, a->past->v + head, p->key0);
}

void attention_run(const struct pass *p, int layer, const struct layer_sites *s, int first_row)
{
	const struct config *c = &p->model->config;
	const int stores = (p->variants + 1) * c->G;
	struct attention a = { .p = p, .s = s, .past = p->key0 ? p->past[layer] : NULL, .layer = layer, .first_row = (size_t)first_row,
			       .blocks = (p->T - p->t0 + QUERIES - 1) / QUERIES, .store = xcalloc((size_t)stores, sizeof *a.store) };

	pool_run(stores, fill_chunk, &a);
	pool_run(p->variants * c->H * a.blocks, attend_chunk, &a);
	for (int i = 0; i < stores; i++) {
		dense_done(&a.store[i].keys);
		dense_done(&a.store[i].values);
	}
	free(a.store);
}
