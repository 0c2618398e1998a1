/* mix_attention.c - the mixer that nearly all layers have: queries, keys and values, and softmax(q kᵀ) v between them. */
#include <math.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/attention.h"
#include "engine/run/mixer.h"
#include "engine/run/rows.h"

static void clip(float *x, size_t n, float limit)
{
	for (size_t i = 0; limit > 0 && i < n; i++)
		x[i] = fminf(fmaxf(x[i], -limit), limit);
}

/* Norms on heads and rotary positions, in the order of every family that has both (norm first). */
static void place(const struct rows *r, int row, enum site norm, float *x, int heads)
{
	const struct config *c = &r->p->model->config;
	const struct rotary *rotary = config_rotary(c, r->l);
	int which = rotary != &c->rotary;
	size_t at = (size_t)(rows_position(r, row) - r->p->key0) * (size_t)rotary->pairs;
	bool rotate = c->position == POSITION_ROTARY && !(c->no_rotary && c->no_rotary[r->l]);

	rows_normalise(r, row, norm, x, x, NULL);
	if (c->clip_normed)
		clip(x, (size_t)(heads * c->K), c->qkv_clip);
	for (int h = 0; rotate && h < heads; h++)
		kernel_rotary(x + h * c->K, r->p->cosine[which] + at, r->p->sine[which] + at, rotary->pairs, rotary->interleaved);
}

static void finish_query(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	size_t HK = (size_t)(c->H * c->K);
	float *q = r->s->q + (size_t)row * HK;

	rows_add_bias(q, r->layer->b_Q, HK);
	if (!c->clip_normed)
		clip(q, HK, c->qkv_clip);
	place(r, row, SITE_Q_NORM, q, c->H);
	rows_multiply(q, HK, config_query_scale(c, rows_position(r, row)));
	rows_touch(r, row, SITE_Q, q);
}

static void finish_key_and_value(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	size_t GK = (size_t)(c->G * c->K);
	float *k = r->s->k + (size_t)row * GK, *v = r->s->v + (size_t)row * GK;

	rows_add_bias(k, r->layer->b_K, GK);
	rows_add_bias(v, r->layer->b_V, GK);
	if (!c->clip_normed)
		clip(k, GK, c->qkv_clip);
	clip(v, GK, c->qkv_clip);
	place(r, row, SITE_K_NORM, k, c->G);
	rows_touch(r, row, SITE_K, k);
	rows_touch(r, row, SITE_V, v);
}

static void finish_query_key_and_value(const struct rows *r, int row)
{
	finish_query(r, row);
	finish_key_and_value(r, row);
}

/* Keys and values; and queries, if they are wanted of the same rows. */
static void read_rows(const struct pass *p, int l, const struct layer_sites *s, bool queries_too)
{
	const struct layer *y = &p->model->layers[l];
	const struct matrix *W[] = { y->W_K, y->W_V, y->W_Q };
	float *out[] = { s->k, s->v, s->q };

	mix_conv_nothing(p, s);
	matrix_apply_each(W, queries_too ? 3 : 2, p->scratch, (size_t)p->model->config.D, rows_count(p), out);
	rows_each(p, l, s, queries_too ? finish_query_key_and_value : finish_key_and_value);
}

static void queries(const struct pass *p, int l, const struct layer_sites *s)
{
	const struct config *c = &p->model->config;

	matrix_apply(p->model->layers[l].W_Q, p->scratch, (size_t)c->D, rows_count(p), s->q, (size_t)(c->H * c->K));
	rows_each(p, l, s, finish_query);
}

static const float *value_of(const struct run *r, int l, int head, int key)
{
	const struct config *c = &r->model->config;

	return run_at(r, SITE_V, l, key) + (size_t)config_kv_head(c, head) * (size_t)c->K;
}

static void from(const struct run *r, int l, int head, int query, int key, float *z)
{
	const float weight = run_pattern(r, l, head, query)[key];

	if (weight != 0)
		kernel_axpy(weight, value_of(r, l, head, key), z, (size_t)r->model->config.K);
}

static double from_along(const struct run *r, int l, int head, int query, int key, const float *along)
{
	const double weight = (double)run_pattern(r, l, head, query)[key];

	return weight != 0 ? weight * (double)kernel_dot(value_of(r, l, head, key), along, (size_t)r->model->config.K) : 0;
}

const struct mixer mixer_attention = {
	.read = read_rows,
	.ask = queries,
	.mix = attention_run,
	.back = mix_attention_back,
	.from = from,
	.from_along = from_along,
};
