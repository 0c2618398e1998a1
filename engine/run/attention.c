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
#include "engine/run/packed.h"

enum { QUERIES = 14 }; /* at a time */

struct attention {
	const struct pass *p;
	const struct layer_sites *s, *rows; /* rows: of the past; NULL when the pass has all keys */
	struct packed *past, **own;	    /* the past's; [variants] */
	int layer;
	size_t first_row;
	int past_to; /* rows of the past that somebody looks at */
	int blocks;  /* of QUERIES queries, in a head: the most that a variant has */
};

/* Some queries t … t+n-1 of one head of one variant. */
struct block {
	const struct attention *a;
	const struct variant *edits;
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

/* The last blocks come first, since they have the most keys. */
static void attend_chunk(void *context, int chunk)
{
	const struct attention *a = context;
	const struct pass *p = a->p;
	const struct config *c = &p->model->config;
	const int pair = chunk % (p->variants * c->H), variant = pair / c->H,
		  from = (a->blocks - 1 - chunk / (p->variants * c->H)) * QUERIES;
	const int t = first_query(p, variant) + from, left = p->T - t, group = config_kv_head(c, pair % c->H);
	struct block b = { .a = a,
			   .edits = &p->variant[variant],
			   .head = pair % c->H,
			   .t = t,
			   .key0 = own_from(p, variant),
			   .n = left < QUERIES ? left : QUERIES,
			   .ldw = a->s->pattern ? a->s->pattern_room : (size_t)p->T,
			   .past = a->past ? &a->past->head[group] : NULL,
			   .own = &a->own[variant]->head[group] };
	const size_t row = a->first_row + (size_t)(first_row_of(p, variant) + from);
	const size_t at = row * (size_t)(c->H * c->K) + (size_t)(b.head * c->K);
	float *scratch;

	if (left <= 0) /* another variant has more of them */
		return;
	scratch = a->s->pattern ? NULL : xbig((size_t)b.n * b.ldw * sizeof *scratch);
	b.q = a->s->q + at;
	b.z = a->s->z + at;
	b.w = scratch ? scratch : layer_weights(a->s, variant * c->H + b.head, b.t);
	attend(&b);
	big_free(scratch);
}

/* What a variant has of its own: in common with others, and then in the pass's rows. */
static void fill_own(const struct attention *a, int variant, int group)
{
	const struct pass *p = a->p;
	const struct config *c = &p->model->config;
	const struct ragged *r = p->ragged;
	const int key0 = own_from(p, variant), t0 = r ? r->t0[variant] : key0;
	const size_t GK = (size_t)(c->G * c->K), row = a->first_row + (size_t)(r ? r->key_row[variant] : variant * (p->T - t0));

	for (const struct past_rows *past = r ? r->past[variant] : NULL; past; past = past->before)
		packed_put(a->own[variant], c, group, past->k[a->layer] + past->row * GK, past->v[a->layer] + past->row * GK,
			   past->from - key0, past->to - past->from);
	packed_put(a->own[variant], c, group, a->s->k + row * GK, a->s->v + row * GK, t0 - key0, p->T - t0);
}

/* What the past has not in order yet, and each variant's own. */
static void fill_chunk(void *context, int chunk)
{
	const struct attention *a = context;
	const struct config *c = &a->p->model->config;
	const int variant = chunk / c->G, group = chunk % c->G;

	if (variant < a->p->variants)
		fill_own(a, variant, group);
	else
		packed_fill(a->past, c, group, a->rows->k, a->rows->v, a->past->rows, a->past_to);
}

void attention_run(const struct pass *p, int layer, const struct layer_sites *s, int first_row)
{
	const struct config *c = &p->model->config;
	struct attention a = {
		.p = p, .s = s, .layer = layer, .first_row = (size_t)first_row, .own = xcalloc((size_t)p->variants, sizeof *a.own)
	};
	bool more;

	for (int i = 0; i < p->variants; i++) {
		const int key0 = own_from(p, i), blocks = (p->T - first_query(p, i) + QUERIES - 1) / QUERIES;

		a.own[i] = packed_new(c, p->T - key0);
		a.past_to = key0 > a.past_to ? key0 : a.past_to;
		a.blocks = blocks > a.blocks ? blocks : a.blocks;
	}
	a.rows = a.past_to ? p->past[layer] : NULL;
	a.past = a.rows ? layer_packed(a.rows, c) : NULL;
	more = a.past && a.past->rows < a.past_to;
	pool_run((p->variants + more) * c->G, fill_chunk, &a);
	if (more)
		a.past->rows = a.past_to;
	pool_run(p->variants * c->H * a.blocks, attend_chunk, &a);
	for (int i = 0; i < p->variants; i++)
		packed_free(a.own[i]);
	free(a.own);
}
