/*
 * forward.c - see forward.h. A layer is a few matrix products and, between them, work on each row by itself, edits included: one
 * function for each such stretch, whose lines are the lines of the papers.
 */
#include "engine/run/forward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/attention.h"
#include "engine/run/norms.h"
#include "engine/run/result.h"
#include "engine/run/run.h"

static int row_count(const struct pass *p)
{
	return p->ragged ? p->ragged->row[p->variants] : p->variants * (p->T - p->t0);
}

static int variant_of(const struct pass *p, int row)
{
	return p->ragged ? p->ragged->variant[row] : row / (p->T - p->t0);
}

bool pass_begin(struct pass *p, struct err *err)
{
	const struct config *c = &p->model->config;
	const struct rotary *kind[2] = { &c->rotary, &c->rotary_local };
	int nt = p->T - p->t0;

	p->key0 = p->t0;
	p->touched = arena_alloc(p->arena, (size_t)(p->variants + 1) * sizeof *p->touched);
	p->scratch = arena_floats(p->arena, (size_t)row_count(p) * (size_t)c->D, err);
	if (!p->scratch)
		return false;
	for (int i = 0; i < 2 && c->position == POSITION_ROTARY; i++) {
		size_t pairs = (size_t)kind[i]->pairs;
		float *room = arena_floats(p->arena, pairs, err);
		const float *frequency = room ? rotary_frequencies(kind[i], p->T, room) : NULL;

		p->cosine[i] = arena_floats(p->arena, (size_t)nt * pairs, err);
		p->sine[i] = arena_floats(p->arena, (size_t)nt * pairs, err);
		if (!room || !p->cosine[i] || !p->sine[i])
			return false;
		for (int t = 0; t < nt && pairs; t++)
			kernel_rotary_table(frequency, kind[i]->pairs, p->t0 + t, kind[i]->factor, p->cosine[i] + (size_t)t * pairs,
					    p->sine[i] + (size_t)t * pairs);
	}
	return true;
}

_Static_assert(SITE_COUNT <= 32, "a site is a bit of struct pass.touched");

static uint32_t bit(enum site site)
{
	return (uint32_t)1 << site;
}

/* So that a row does not ask every edit at every site. */
static void note_touched(const struct pass *p, int l)
{
	for (int v = 0; v < p->variants; v++) {
		p->touched[v] = 0;
		for (int e = 0; e < p->variant[v].edits; e++)
			p->touched[v] |= edit_sites(p->variant[v].edit[e], l);
	}
}

static bool any_edit(const struct pass *p, enum site site)
{
	for (int v = 0; v < p->variants; v++)
		if (p->touched[v] & bit(site))
			return true;
	return false;
}

/* Every variant puts something in the place of all that is computed at a site: it need not be computed. */
static bool all_replaced(const struct pass *p, int l, enum site site)
{
	for (int v = 0; v < p->variants; v++) {
		int e = 0;

		while (e < p->variant[v].edits && !edit_replaces(p->variant[v].edit[e], site, l, p->t0))
			e++;
		if (e == p->variant[v].edits)
			return false;
	}
	return true;
}

/* ---- rows ---- */

/* The rows of a pass in layer l, and what is done with each. */
struct rows {
	const struct pass *p;
	int l, n;
	const struct layer *layer;
	const struct layer_sites *s; /* from the pass's first row on */
	void (*work)(const struct rows *r, int row);
};

enum { GRAIN = 4 }; /* rows of a chunk */

static void some_rows(void *context, int chunk)
{
	const struct rows *r = context;

	for (int i = chunk * GRAIN; i < r->n && i < (chunk + 1) * GRAIN; i++)
		r->work(r, i);
}

static void each_row(const struct pass *p, int l, const struct layer_sites *s, void (*work)(const struct rows *r, int row))
{
	struct rows r = { p, l, row_count(p), &p->model->layers[l], s, work };

	pool_run((r.n + GRAIN - 1) / GRAIN, some_rows, &r);
}

static int position_of(const struct rows *r, int row)
{
	return r->p->ragged ? r->p->ragged->position[row] : r->p->t0 + row % (r->p->T - r->p->t0);
}

/* Whether its variant has edits at any of these sites. */
static bool touches(const struct rows *r, int row, uint32_t sites)
{
	return r->p->touched[variant_of(r->p, row)] & sites;
}

/* Applies the edits at a site to one row, in the order in which they were written. */
static void apply_edits(const struct rows *r, int row, enum site site, float *x)
{
	const struct variant *v = &r->p->variant[variant_of(r->p, row)];
	int t = position_of(r, row);

	for (int e = 0; e < v->edits; e++)
		if (edit_hits(v->edit[e], site, r->l) && edit_covers(v->edit[e], t))
			edit_apply(v->edit[e], &r->p->model->config, site, t, x);
}

static void touch(const struct rows *r, int row, enum site site, float *x)
{
	if (touches(r, row, bit(site)))
		apply_edits(r, row, site, x);
}

/* One of the layer's norms; where one serves attention and MLP, edits are at the first. */
static void normalise(const struct rows *r, int row, enum site site, const float *x, float *y, float *scale)
{
	const struct variant *v = &r->p->variant[variant_of(r->p, row)];
	const bool edited = touches(r, row, bit(site) | bit(SITE_LN1));
	const struct edited_norm place = { r->p->model, v->edit, edited ? v->edits : 0, site, r->l };

	norms_apply(&place, position_of(r, row), x, y, scale);
}

static void add_bias(float *x, const float *b, size_t n)
{
	if (b)
		kernel_add(x, b, x, n);
}

static void clip(float *x, size_t n, float limit)
{
	for (size_t i = 0; limit > 0 && i < n; i++)
		x[i] = fminf(fmaxf(x[i], -limit), limit);
}

static void multiply_by(float *x, size_t n, float by)
{
	for (size_t i = 0; by != 1 && i < n; i++)
		x[i] *= by;
}

/* Norms on heads and rotary positions, in the order of every family that has both (norm first). */
static void place(const struct rows *r, int row, enum site norm, float *x, int heads)
{
	const struct config *c = &r->p->model->config;
	const struct rotary *rotary = config_rotary(c, r->l);
	int which = rotary != &c->rotary;
	size_t at = (size_t)(position_of(r, row) - r->p->key0) * (size_t)rotary->pairs;
	bool rotate = c->position == POSITION_ROTARY && !(c->no_rotary && c->no_rotary[r->l]);

	normalise(r, row, norm, x, x, NULL);
	for (int h = 0; rotate && h < heads; h++)
		kernel_rotary(x + h * c->K, r->p->cosine[which] + at, r->p->sine[which] + at, rotary->pairs, rotary->interleaved);
}

/* ---- what is between the products ---- */

/* resid_pre -> what q, k and v are made from */
static void enter(const struct rows *r, int row)
{
	size_t D = (size_t)r->p->model->config.D;
	float *x = r->s->resid_pre + (size_t)row * D;

	touch(r, row, SITE_RESID_PRE, x);
	normalise(r, row, SITE_LN1, x, r->p->scratch + (size_t)row * D, NULL);
}

static void finish_query(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	size_t HK = (size_t)(c->H * c->K);
	float *q = r->s->q + (size_t)row * HK;

	add_bias(q, r->layer->b_Q, HK);
	clip(q, HK, c->qkv_clip);
	place(r, row, SITE_Q_NORM, q, c->H);
	multiply_by(q, HK, config_query_scale(c, position_of(r, row)));
	touch(r, row, SITE_Q, q);
}

static void finish_key_and_value(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	size_t GK = (size_t)(c->G * c->K);
	float *k = r->s->k + (size_t)row * GK, *v = r->s->v + (size_t)row * GK;

	add_bias(k, r->layer->b_K, GK);
	add_bias(v, r->layer->b_V, GK);
	clip(k, GK, c->qkv_clip);
	clip(v, GK, c->qkv_clip);
	place(r, row, SITE_K_NORM, k, c->G);
	touch(r, row, SITE_K, k);
	touch(r, row, SITE_V, v);
}

static void finish_query_key_and_value(const struct rows *r, int row)
{
	finish_query(r, row);
	finish_key_and_value(r, row);
}

static void touch_z(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;

	touch(r, row, SITE_Z, r->s->z + (size_t)row * (size_t)(c->H * c->K));
}

/* Edits on a head's result act on a copy of z; what z cannot say goes to the stream directly (result.h). */
static void copy_z(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	size_t HK = (size_t)(c->H * c->K);
	float *used = r->s->z_used + (size_t)row * HK;

	memcpy(used, r->s->z + (size_t)row * HK, HK * sizeof *used);
	touch(r, row, SITE_RESULT, used);
}

/* z W_O -> attn_out -> resid_mid -> what the MLP is given */
static void leave_attention(const struct rows *r, int row)
{
	const struct model *m = r->p->model;
	const struct config *c = &m->config;
	const struct variant *v = &r->p->variant[variant_of(r->p, row)];
	size_t D = (size_t)c->D, at = (size_t)row * D;
	float *out = r->s->attn_out + at, *mid = r->s->resid_mid + at, *pre = r->s->resid_pre + at;
	struct attention_at place;

	add_bias(out, r->layer->b_O, D);
	normalise(r, row, SITE_LN1_POST, out, out, r->s->post_scale ? r->s->post_scale + row : NULL);
	multiply_by(out, D, c->residual_scale);
	place = (struct attention_at){ m, r->l, position_of(r, row), r->s->z + (size_t)row * (size_t)(c->H * c->K),
				       r->s->post_scale ? r->s->post_scale[row] : 1 };
	for (int h = 0; touches(r, row, bit(SITE_RESULT)) && h < c->H; h++)
		result_extra(&place, v->edit, v->edits, h, out);
	touch(r, row, SITE_ATTN_OUT, out);
	kernel_add(pre, out, mid, D);
	touch(r, row, SITE_RESID_MID, mid);
	normalise(r, row, SITE_LN2, c->parallel ? pre : mid, r->p->scratch + at, NULL);
}

static void activate(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	const struct curve curve = config_curve(c, r->l);
	size_t F = (size_t)c->F;
	float *pre = r->s->mlp_pre + (size_t)row * F, *post = r->s->mlp_post + (size_t)row * F;
	float *up = c->gated ? r->s->mlp_up + (size_t)row * F : NULL;

	add_bias(pre, c->gated ? r->layer->b_gate : r->layer->b_in, F);
	touch(r, row, SITE_MLP_PRE, pre);
	curve_apply(&curve, pre, post, F);
	if (up)
		add_bias(up, r->layer->b_in, F);
	for (size_t i = 0; up && i < F; i++)
		post[i] *= up[i];
	touch(r, row, SITE_MLP_POST, post);
}

static void leave_mlp(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	size_t D = (size_t)c->D, at = (size_t)row * D;
	float *out = r->s->mlp_out + at, *post = r->s->resid_post + at;

	add_bias(out, r->layer->b_out, D);
	normalise(r, row, SITE_LN2_POST, out, out, NULL);
	multiply_by(out, D, c->residual_scale);
	touch(r, row, SITE_MLP_OUT, out);
	kernel_add(r->s->resid_mid + at, out, post, D);
	touch(r, row, SITE_RESID_POST, post);
}

/* ---- layers ---- */

/* y = x W, for every row. */
static void linear(const struct matrix *W, const float *x, int n, float *y)
{
	matrix_apply(W, x, (size_t)matrix_in(W), n, y, (size_t)matrix_out(W));
}

/* The stream -> keys and values; and queries, if they are wanted of the same rows. */
static void read_stream(const struct pass *p, int l, const struct layer_sites *s, bool queries_too)
{
	const struct layer *y = &p->model->layers[l];
	const struct matrix *W[] = { y->W_K, y->W_V, y->W_Q };
	float *out[] = { s->k, s->v, s->q };

	each_row(p, l, s, enter);
	matrix_apply_each(W, queries_too ? 3 : 2, p->scratch, (size_t)p->model->config.D, row_count(p), out);
	each_row(p, l, s, queries_too ? finish_query_key_and_value : finish_key_and_value);
}

static void queries(const struct pass *p, int l, const struct layer_sites *s)
{
	linear(p->model->layers[l].W_Q, p->scratch, row_count(p), s->q);
	each_row(p, l, s, finish_query);
}

/* Queries -> pattern -> z. */
static void attend(const struct pass *p, int l, const struct layer_sites *whole, const struct layer_sites *s, int first_row)
{
	attention_run(p, l, whole, first_row);
	if (any_edit(p, SITE_Z))
		each_row(p, l, s, touch_z);
}

/* z -> attn_out, resid_mid */
static bool attention_write(const struct pass *p, int l, struct layer_sites *whole, struct layer_sites *s, int first_row,
			    struct err *err)
{
	const struct config *c = &p->model->config;
	size_t HK = (size_t)(c->H * c->K);
	int n = row_count(p);

	if (any_edit(p, SITE_RESULT) && !whole->z_memory) {
		if (!layer_sites_split_z(whole, p->model, first_row + n, err))
			return false;
		memcpy(whole->z_used, whole->z, (size_t)first_row * HK * sizeof(float)); /* rows below t0 as they are */
		s->z_used = whole->z_used + (size_t)first_row * HK;
	}
	if (whole->z_memory)
		each_row(p, l, s, copy_z);
	if (p->stored || !all_replaced(p, l, SITE_ATTN_OUT))
		linear(p->model->layers[l].W_O, s->z_used, n, s->attn_out);
	each_row(p, l, s, leave_attention);
	return true;
}

static void neurons(const struct pass *p, int l, const struct layer_sites *s)
{
	const struct layer *y = &p->model->layers[l];
	const bool gated = p->model->config.gated;
	const struct matrix *W[] = { gated ? y->W_gate : y->W_in, y->W_in };
	float *out[] = { s->mlp_pre, s->mlp_up };
	int n = row_count(p);

	matrix_apply_each(W, gated ? 2 : 1, p->scratch, (size_t)p->model->config.D, n, out);
	each_row(p, l, s, activate);
	linear(y->W_out, s->mlp_post, n, s->mlp_out);
}

static bool from_z(struct pass *p, int l, struct layer_sites *whole, struct layer_sites *s, int first_row, struct err *err)
{
	if (!task_going(p->task, err) || !attention_write(p, l, whole, s, first_row, err) || !task_going(p->task, err))
		return false;
	if (p->stored || !all_replaced(p, l, SITE_MLP_OUT))
		neurons(p, l, s);
	each_row(p, l, s, leave_mlp);
	return true;
}

bool forward_layer(struct pass *p, int l, struct layer_sites *whole, int first_row, int z_known, struct err *err)
{
	struct layer_sites s = layer_sites_from(whole, &p->model->config, (size_t)first_row);
	struct pass attending = *p;

	note_touched(p, l);
	attending.variants -= z_known;
	if (attending.variants && !p->stored && all_replaced(&attending, l, SITE_ATTN_OUT)) {
		each_row(&attending, l, &s, enter); /* the stream continues all the same */
	} else if (attending.variants) {
		read_stream(&attending, l, &s, true);
		attend(&attending, l, whole, &s, first_row);
	}
	return from_z(p, l, whole, &s, first_row, err);
}

/* Of each variant the last row alone is left; its keys stay where they are. */
static struct ragged last_rows(const struct pass *p, int *row)
{
	struct ragged r = *p->ragged;
	int *position = row + p->variants + 1;

	for (int v = 0; v <= p->variants; v++)
		row[v] = v;
	for (int v = 0; v < p->variants; v++)
		position[v] = p->T - 1;
	r.row = r.variant = row;
	r.position = position;
	return r;
}

static int last_row(const struct pass *p, int v)
{
	return p->ragged ? p->ragged->row[v + 1] - 1 : (v + 1) * (p->T - p->t0) - 1;
}

bool forward_last(struct pass *p, int l, struct layer_sites *whole, struct err *err)
{
	int *rows = p->ragged ? xmalloc((size_t)(2 * p->variants + 1) * sizeof *rows) : NULL;
	struct ragged ragged;
	struct layer_sites s = *whole;
	struct pass last = *p;
	size_t D = (size_t)p->model->config.D;
	bool ok;

	note_touched(p, l);
	read_stream(p, l, &s, false);
	last.t0 = p->T - 1;
	for (int v = 0; v < p->variants; v++) {
		size_t from = (size_t)last_row(p, v) * D, to = (size_t)v * D;

		memmove(s.resid_pre + to, s.resid_pre + from, D * sizeof *s.resid_pre);
		memmove(p->scratch + to, p->scratch + from, D * sizeof *p->scratch);
	}
	if (rows) {
		ragged = last_rows(p, rows);
		last.ragged = &ragged;
	}
	queries(&last, l, &s);
	attend(&last, l, whole, &s, 0);
	ok = from_z(&last, l, whole, &s, 0, err);
	free(rows);
	return ok;
}

bool forward_keys(struct pass *p, int l, struct layer_sites *s, struct err *err)
{
	note_touched(p, l);
	read_stream(p, l, s, false);
	return task_going(p->task, err);
}

void forward_embed(struct pass *p, const int32_t *tokens, float *x)
{
	const size_t D = (size_t)p->model->config.D;
	struct rows r = { p, 0, row_count(p), p->model->layers, NULL, NULL };

	for (int i = 0; i < r.n; i++) {
		const int t = position_of(&r, i);
		float *row = x + (size_t)i * D;

		if (p->input)
			memcpy(row, p->input + (size_t)i * D, D * sizeof *row);
		else
			model_input(p->model, tokens[t], row);
		model_enter(p->model, t, row);
		apply_edits(&r, i, SITE_EMBED, row);
	}
}
