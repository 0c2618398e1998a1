/* attention.c - see attention.h. Some queries at a time meet all their keys; the sums of each run over ascending position. */
#include "engine/run/attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/big.h"
#include "engine/base/bounds.h"
#include "engine/numbers/dense.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/packed.h"

enum {
	QUERIES = 12, /* at a time: whole tiles of rows, of whatever set of instructions */
	MANY = 4,     /* variants for each thread */
	TOGETHER = 8, /* variants of a chunk at most */
	TURNED = 8,   /* keys: so many are turned at once */
};

struct attention {
	const struct pass *p;
	const struct layer_sites *s, *rows; /* rows: of the past; NULL when the pass has all keys */
	struct packed *past, **own;	    /* the past's; [variants], or NULL: see attend_variants */
	int layer;
	size_t first_row;
	int past_to; /* rows of the past that somebody looks at */
	int least_key0;
	int blocks;   /* of QUERIES queries, in a head: the most that a variant has */
	int together; /* variants of a chunk */
};

/* Some queries t … t+n-1 of one head of one variant. */
struct query_block {
	const struct attention *a;
	const struct variant *edits;
	uint32_t touched; /* sites of this layer at which there are some */
	int head, t, n;
	int key0; /* keys from here on are the variant's own */
	const float *q;
	float *z;   /* rows of both are H K apart */
	float *w;   /* [n, T] their weights: in the run's pattern, or scratch */
	size_t ldw; /* floats from one query's weights to the next one's: T, or room for more */
	const struct packed_head *past, *own;
};

static float to_bf16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u; /* to nearest, ties to even */
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

float attention_bias(const struct config *c, int layer, int head, int key)
{
	return c->alibi ? alibi(c, layer, head, key) : 0;
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
static bool touch(const struct query_block *b, enum site site, int query, float *row)
{
	bool any = false;

	if (!(b->touched >> site & 1))
		return false;
	for (int e = 0; e < b->edits->edits; e++)
		if (edit_hits(b->edits->edit[e], site, b->a->layer) && edit_covers(b->edits->edit[e], query)) {
			edit_apply_pattern(b->edits->edit[e], b->head, query, row);
			any = true;
		}
	return any;
}

/* Scores of one query to weights. With every key hidden, it looks at nothing. */
static void weigh(const struct query_block *b, int query, float *row)
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

static void attend(const struct query_block *b)
{
	const struct pass *p = b->a->p;
	const struct config *c = &p->model->config;
	const size_t HK = (size_t)(c->H * c->K), ldw = b->ldw;
	const int key0 = b->key0, common = b->t + 1 - key0; /* of its own keys: what all of these queries look at */

	if (key0)
		dense_apply(&b->past->keys, 0, c->K, key0, b->q, HK, b->n, b->w, ldw, false);
	dense_apply(&b->own->keys, 0, c->K, b->t + b->n - key0, b->q, HK, b->n, b->w + key0, ldw, false);
	for (int i = 0; i < b->n; i++) {
		float *mine = b->w + (size_t)i * ldw;
		const int t = b->t + i;

		finish_scores(c, b->a->layer, b->head, t, t + 1, mine);
		weigh(b, t, mine);
		if (b->a->s->pattern)
			memset(mine + t + 1, 0, (ldw - (size_t)t - 1) * sizeof *mine); /* keys that it may not see */
	}
	/*
	 * What each sees beyond the common keys continues its own sum, so that a later position's values never meet an earlier
	 * query, not even times zero.
	 */
	if (key0)
		dense_apply(&b->past->values, 0, key0, c->K, b->w, ldw, b->n, b->z, HK, false);
	dense_apply(&b->own->values, 0, common, c->K, b->w + key0, ldw, b->n, b->z, HK, key0 > 0);
	for (int i = 1; i < b->n; i++)
		dense_apply(&b->own->values, common, i, c->K, b->w + (size_t)i * ldw + key0 + common, ldw, 1, b->z + (size_t)i * HK,
			    HK, true);
}

/* The first position whose keys are the variant's own, be they in the pass's rows or in those that it has in common with others. */
static int own_from(const struct pass *p, int variant)
{
	const struct past_rows *past = p->ragged ? p->ragged->past[variant] : NULL;

	while (past && past->before)
		past = past->before;
	return past ? past->from : p->ragged ? p->ragged->t0[variant] : p->key0;
}

/* A variant's queries: the first one's row, and its position; all up to T. */
static int first_row_of(const struct pass *p, int variant)
{
	return p->ragged ? p->ragged->row[variant] : variant * (p->T - p->t0);
}

static int first_query(const struct pass *p, int variant)
{
	return p->ragged ? p->ragged->position[p->ragged->row[variant]] : p->t0;
}

/* Room for the weights of some queries; NULL: they are kept in the pattern. */
static float *weights_new(const struct attention *a)
{
	return a->s->pattern ? NULL : xbig((size_t)QUERIES * (size_t)a->p->T * sizeof(float));
}

/* Queries `from` … of a variant, as many as go together; none are left where another variant has more of them. */
static void attend_from(const struct attention *a, int variant, int head, int from, const struct packed_head *own, float *weights)
{
	const struct pass *p = a->p;
	const struct config *c = &p->model->config;
	const int t = first_query(p, variant) + from, left = p->T - t;
	struct query_block b = { .a = a,
				 .edits = &p->variant[variant],
				 .touched = p->touched[variant],
				 .head = head,
				 .t = t,
				 .key0 = own_from(p, variant),
				 .n = least(left, QUERIES),
				 .ldw = a->s->pattern ? a->s->pattern_room : (size_t)p->T,
				 .past = a->past ? &a->past->head[config_kv_head(c, head)] : NULL,
				 .own = own };
	const size_t row = a->first_row + (size_t)(first_row_of(p, variant) + from);
	const size_t at = row * (size_t)(c->H * c->K) + (size_t)(head * c->K);

	if (left <= 0)
		return;
	b.q = a->s->q + at;
	b.z = a->s->z + at;
	b.w = weights ? weights : layer_weights(a->s, variant * c->H + head, t);
	attend(&b);
}

/* The last blocks come first, since they have the most keys. */
static void attend_chunk(void *context, int chunk)
{
	const struct attention *a = context;
	const struct config *c = &a->p->model->config;
	const int pairs = a->p->variants * c->H, pair = chunk % pairs, head = pair % c->H;
	float *weights = weights_new(a);

	attend_from(a, pair / c->H, head, (a->blocks - 1 - chunk / pairs) * QUERIES,
		    &a->own[pair / c->H]->head[config_kv_head(c, head)], weights);
	big_free(weights);
}

/* What a variant has of its own: in common with others, and then in the pass's rows. */
struct own_rows {
	int key0, t0; /* the first position of the one and of the other */
	const struct past_rows *shared;
	const float *k, *v; /* [T - t0, G, K] */
	const struct config *c;
	size_t GK;
};

static struct own_rows own_rows(const struct attention *a, int variant)
{
	const struct pass *p = a->p;
	const struct config *c = &p->model->config;
	const struct ragged *r = p->ragged;
	const int key0 = own_from(p, variant), t0 = r ? r->t0[variant] : key0;
	const size_t GK = (size_t)(c->G * c->K), row = a->first_row + (size_t)(r ? r->key_row[variant] : variant * (p->T - t0));

	return (struct own_rows){ key0, t0, r ? r->past[variant] : NULL, a->s->k + row * GK, a->s->v + row * GK, c, GK };
}

static void fill_chunk(void *context, int chunk)
{
	const struct attention *a = context;
	const struct config *c = &a->p->model->config;
	const int variant = chunk / c->G, group = chunk % c->G;
	const struct own_rows o = own_rows(a, variant);

	for (const struct past_rows *past = o.shared; past; past = past->before)
		packed_put(a->own[variant], c, group, past->k[a->layer] + past->row * o.GK, past->v[a->layer] + past->row * o.GK,
			   past->from - o.key0, past->to - past->from);
	packed_put(a->own[variant], c, group, o.k, o.v, o.t0 - o.key0, a->p->T - o.t0);
}

static void past_chunk(void *context, int group)
{
	const struct attention *a = context;

	packed_fill(a->past, &a->p->model->config, group, a->rows->k, a->rows->v, a->past->rows, a->past_to);
}

/* What the past has not in order yet. */
static void fill_past(struct attention *a)
{
	const struct config *c = &a->p->model->config;

	a->rows = a->past_to ? a->p->past[a->layer] : NULL;
	a->past = a->rows ? layer_packed(a->rows, c) : NULL;
	if (!a->past || a->past->rows >= a->past_to)
		return;
	pool_run(c->G, past_chunk, a);
	a->past->rows = a->past_to;
}

/* ---- many variants ---- */

/* Room for the keys and values of one KV head, which one variant after the other has. */
struct desk {
	struct packed_head own;
	float *keys;	/* [room, K] before they are turned */
	float *weights; /* or NULL */
};

static struct desk desk_new(const struct attention *a)
{
	const struct config *c = &a->p->model->config;
	const int room = (a->p->T - a->least_key0 + PANEL - 1) / PANEL * PANEL;
	struct desk d = { .keys = xcalloc((size_t)room * (size_t)c->K, sizeof *d.keys), .weights = weights_new(a) };

	dense_init(&d.own.keys, c->K, room);
	dense_init(&d.own.values, room, c->K);
	return d;
}

static void desk_done(struct desk *d)
{
	dense_done(&d->own.keys);
	dense_done(&d->own.values);
	big_free(d->weights);
	free(d->keys);
}

static void lay_out(struct desk *d, const struct config *c, int group, const float *k, const float *v, int at, int n)
{
	const size_t K = (size_t)c->K, GK = (size_t)c->G * K, from = (size_t)group * K;

	for (int i = 0; i < n; i++)
		memcpy(d->keys + (size_t)(at + i) * K, k + (size_t)i * GK + from, K * sizeof *k);
	dense_set_rows(&d->own.values, at, n, v + from, GK);
}

/* As fill_own(). Whole blocks of keys are turned: nobody looks at those that are no longer, or not yet, anybody's. */
static void fill_desk(const struct attention *a, int variant, int group, struct desk *d)
{
	const struct own_rows o = own_rows(a, variant);

	for (const struct past_rows *past = o.shared; past; past = past->before)
		lay_out(d, o.c, group, past->k[a->layer] + past->row * o.GK, past->v[a->layer] + past->row * o.GK,
			past->from - o.key0, past->to - past->from);
	lay_out(d, o.c, group, o.k, o.v, o.t0 - o.key0, a->p->T - o.t0);
	dense_set_columns(&d->own.keys, 0, (a->p->T - o.key0 + TURNED - 1) / TURNED * TURNED, d->keys, (size_t)o.c->K);
}

static void attend_variants(void *context, int chunk)
{
	const struct attention *a = context;
	const struct config *c = &a->p->model->config;
	struct desk d = desk_new(a);

	for (int v = chunk * a->together; v < least((chunk + 1) * a->together, a->p->variants); v++)
		for (int h = 0; h < c->H; h++) {
			if (!h || config_kv_head(c, h) != config_kv_head(c, h - 1))
				fill_desk(a, v, config_kv_head(c, h), &d);
			for (int i = a->blocks - 1; i >= 0; i--)
				attend_from(a, v, h, i * QUERIES, &d.own, d.weights);
		}
	desk_done(&d);
}

static void attend_each(struct attention *a)
{
	const int variants = a->p->variants;

	a->together = most(1, least(variants / (4 * pool_size()), TOGETHER));
	pool_run((variants + a->together - 1) / a->together, attend_variants, a);
}

/* ---- few variants: heads and blocks of queries are shared out ---- */

static void attend_few(struct attention *a)
{
	const struct pass *p = a->p;
	const struct config *c = &p->model->config;

	a->own = xcalloc((size_t)p->variants, sizeof *a->own);
	for (int i = 0; i < p->variants; i++)
		a->own[i] = packed_new(c, p->T - own_from(p, i));
	pool_run(p->variants * c->G, fill_chunk, a);
	pool_run(p->variants * c->H * a->blocks, attend_chunk, a);
	for (int i = 0; i < p->variants; i++)
		packed_free(a->own[i]);
	free(a->own);
}

void attention_run(const struct pass *p, int layer, const struct layer_sites *s, int first_row)
{
	struct attention a = { .p = p, .s = s, .layer = layer, .first_row = (size_t)first_row, .least_key0 = p->T };

	for (int i = 0; i < p->variants; i++) {
		const int key0 = own_from(p, i), blocks = (p->T - first_query(p, i) + QUERIES - 1) / QUERIES;

		a.past_to = most(key0, a.past_to);
		a.least_key0 = least(key0, a.least_key0);
		a.blocks = most(blocks, a.blocks);
	}
	fill_past(&a);
	if (p->variants >= MANY * pool_size())
		attend_each(&a);
	else
		attend_few(&a);
}
