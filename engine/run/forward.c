/*
 * forward.c - see forward.h. A layer is a few matrix products and, between them, work on each row by itself, edits included: one
 * function for each such stretch, whose lines are the lines of the papers.
 */
#include "engine/run/forward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/experts.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"
#include "engine/run/result.h"
#include "engine/run/rows.h"
#include "engine/run/run.h"

bool pass_begin(struct pass *p, struct err *err)
{
	const struct config *c = &p->model->config;
	const struct rotary *kind[2] = { &c->rotary, &c->rotary_local };
	int nt = p->T - p->t0;

	p->key0 = p->t0;
	p->touched = arena_alloc(p->arena, (size_t)(p->variants + 1) * sizeof *p->touched);
	p->scratch = arena_floats(p->arena, (size_t)rows_count(p) * (size_t)c->D, err);
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

/* So that a row does not ask every edit at every site. */
static void note_touched(const struct pass *p, int l)
{
	for (int v = 0; v < p->variants; v++) {
		p->touched[v] = 0;
		for (int e = 0; e < p->variant[v].edits; e++)
			p->touched[v] |= edit_sites(p->variant[v].edit[e], l);
	}
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

/* ---- what is between the products ---- */

/* resid_pre -> what q, k and v are made from */
static void enter(const struct rows *r, int row)
{
	size_t D = (size_t)r->p->model->config.D;
	float *x = r->s->resid_pre + (size_t)row * D;

	rows_touch(r, row, SITE_RESID_PRE, x);
	rows_normalise(r, row, SITE_LN1, x, r->p->scratch + (size_t)row * D, NULL);
}

static void touch_z(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;

	rows_touch(r, row, SITE_Z, r->s->z + (size_t)row * (size_t)(c->H * c->K));
}

/* Edits on a head's result act on a copy of z; what z cannot say goes to the stream directly (result.h). */
static void copy_z(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	size_t HK = (size_t)(c->H * c->K);
	float *used = r->s->z_used + (size_t)row * HK;

	memcpy(used, r->s->z + (size_t)row * HK, HK * sizeof *used);
	rows_touch(r, row, SITE_RESULT, used);
}

/* z W_O -> attn_out -> resid_mid -> what the MLP is given */
static void leave_attention(const struct rows *r, int row)
{
	const struct model *m = r->p->model;
	const struct config *c = &m->config;
	const struct variant *v = &r->p->variant[rows_variant(r->p, row)];
	size_t D = (size_t)c->D, at = (size_t)row * D;
	float *out = r->s->attn_out + at, *mid = r->s->resid_mid + at, *pre = r->s->resid_pre + at;
	struct attention_at place;

	rows_add_bias(out, r->layer->b_O, D);
	rows_normalise(r, row, SITE_LN1_POST, out, out, r->s->post_scale ? r->s->post_scale + row : NULL);
	rows_multiply(out, D, c->residual_scale);
	place = (struct attention_at){ m, r->l, rows_position(r, row), r->s->z + (size_t)row * (size_t)(c->H * c->K),
				       r->s->post_scale ? r->s->post_scale[row] : 1 };
	for (int h = 0; rows_touches(r, row, rows_bit(SITE_RESULT)) && h < c->H; h++)
		result_extra(&place, v->edit, v->edits, h, out);
	rows_touch(r, row, SITE_ATTN_OUT, out);
	if (c->stream_normed)
		rows_normalise(r, row, SITE_LN1, pre, mid, NULL);
	kernel_add(c->stream_normed ? mid : pre, out, mid, D);
	rows_touch(r, row, SITE_RESID_MID, mid);
	rows_normalise(r, row, SITE_LN2, c->parallel ? pre : mid, r->p->scratch + at, NULL);
}

static void activate(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	const struct curve curve = config_curve(c, r->l);
	size_t F = (size_t)c->dense, at = (size_t)row * (size_t)c->F;
	float *pre = r->s->mlp_pre + at, *post = r->s->mlp_post + at;
	float *up = c->gated ? r->s->mlp_up + at : NULL;

	rows_add_bias(pre, c->gated ? r->layer->b_gate : r->layer->b_in, F);
	rows_touch(r, row, SITE_MLP_PRE, pre);
	curve_apply(&curve, pre, post, F);
	if (up)
		rows_add_bias(up, r->layer->b_in, F);
	for (size_t i = 0; up && i < F; i++)
		post[i] *= up[i];
	rows_touch(r, row, SITE_MLP_POST, post);
}

static void leave_mlp(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	size_t D = (size_t)c->D, at = (size_t)row * D;
	float *out = r->s->mlp_out + at, *post = r->s->resid_post + at;

	if (!config_mixes(c, r->l)) { /* experts have been through that one by one */
		rows_add_bias(out, r->layer->b_out, D);
		rows_normalise(r, row, SITE_LN2_POST, out, out, NULL);
		rows_multiply(out, D, c->residual_scale);
	}
	rows_touch(r, row, SITE_MLP_OUT, out);
	kernel_add(c->stream_normed ? r->p->scratch + at : r->s->resid_mid + at, out, post, D);
	rows_touch(r, row, SITE_RESID_POST, post);
}

/* ---- layers ---- */

/* The stream -> what the layer's mixer makes of its rows; `whole`: also what it makes for the rows themselves. */
static void read_stream(const struct pass *p, int l, const struct layer_sites *s, bool whole)
{
	rows_each(p, l, s, enter);
	mixer_of(&p->model->config, l)->read(p, l, s, whole);
}

/* -> z, edits on it applied. */
static void attend(const struct pass *p, int l, const struct layer_sites *whole, const struct layer_sites *s, int first_row)
{
	mixer_of(&p->model->config, l)->mix(p, l, whole, first_row);
	if (rows_edited(p, SITE_Z))
		rows_each(p, l, s, touch_z);
}

/* z -> attn_out, resid_mid */
static bool attention_write(const struct pass *p, int l, struct layer_sites *whole, struct layer_sites *s, int first_row,
			    struct err *err)
{
	const struct config *c = &p->model->config;
	size_t HK = (size_t)(c->H * c->K);
	int n = rows_count(p);

	if (rows_edited(p, SITE_RESULT) && !whole->z_memory) {
		if (!layer_sites_split_z(whole, p->model, first_row + n, err))
			return false;
		memcpy(whole->z_used, whole->z, (size_t)first_row * HK * sizeof(float)); /* rows below t0 as they are */
		s->z_used = whole->z_used + (size_t)first_row * HK;
	}
	if (whole->z_memory)
		rows_each(p, l, s, copy_z);
	if (p->stored || !all_replaced(p, l, SITE_ATTN_OUT))
		matrix_apply(p->model->layers[l].W_O, s->z_used, HK, n, s->attn_out, (size_t)c->D);
	rows_each(p, l, s, leave_attention);
	return true;
}

/* A layer without experts, in a model that has some: its rows have nothing there, and less neurons than others. */
static void no_experts(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	const size_t X = (size_t)c->experts.X, F = (size_t)c->F, at = (size_t)row * F + (size_t)c->dense,
		     rest = (F - (size_t)c->dense) * sizeof(float);

	memset(r->s->router_logits + (size_t)row * X, 0, X * sizeof(float));
	memset(r->s->expert_weights + (size_t)row * X, 0, X * sizeof(float));
	for (int i = 0; i < c->experts.chosen; i++)
		r->s->expert_chosen[row * c->experts.chosen + i] = -1;
	memset(r->s->mlp_pre + at, 0, rest);
	memset(r->s->mlp_post + at, 0, rest);
	if (c->gated)
		memset(r->s->mlp_up + at, 0, rest);
}

static void neurons(const struct pass *p, int l, const struct layer_sites *s)
{
	const struct layer *y = &p->model->layers[l];
	const bool gated = p->model->config.gated;
	const struct matrix *W[] = { gated ? y->W_gate : y->W_in, y->W_in };
	float *out[] = { s->mlp_pre, s->mlp_up };
	const size_t D = (size_t)p->model->config.D, F = (size_t)p->model->config.F;
	int n = rows_count(p);

	if (p->model->config.dense == p->model->config.F)
		matrix_apply_each(W, gated ? 2 : 1, p->scratch, D, n, out);
	for (int i = 0; p->model->config.dense < p->model->config.F && i < (gated ? 2 : 1); i++)
		matrix_apply(W[i], p->scratch, D, n, out[i], F);
	rows_each(p, l, s, activate);
	matrix_apply(y->W_out, s->mlp_post, F, n, s->mlp_out, D);
	if (p->model->config.experts.X)
		rows_each(p, l, s, no_experts);
}

static bool from_z(struct pass *p, int l, struct layer_sites *whole, struct layer_sites *s, int first_row, struct err *err)
{
	if (!task_going(p->task, err) || !attention_write(p, l, whole, s, first_row, err) || !task_going(p->task, err))
		return false;
	if (p->stored || !all_replaced(p, l, SITE_MLP_OUT))
		(config_mixes(&p->model->config, l) ? experts_run : neurons)(p, l, s);
	rows_each(p, l, s, leave_mlp);
	return true;
}

bool forward_layer(struct pass *p, int l, struct layer_sites *whole, int first_row, int z_known, struct err *err)
{
	struct layer_sites s = layer_sites_from(whole, &p->model->config, (size_t)first_row);
	struct pass attending = *p;

	note_touched(p, l);
	attending.variants -= z_known;
	if (attending.variants && !p->stored && all_replaced(&attending, l, SITE_ATTN_OUT)) {
		rows_each(&attending, l, &s, enter); /* the stream continues all the same */
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
	mixer_of(&p->model->config, l)->ask(&last, l, &s);
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
	struct rows r = { p, 0, rows_count(p), p->model->layers, NULL, NULL };

	for (int i = 0; i < r.n; i++) {
		const int t = rows_position(&r, i);
		float *row = x + (size_t)i * D;

		if (p->input)
			memcpy(row, p->input + (size_t)i * D, D * sizeof *row);
		else
			model_input(p->model, tokens[t], row);
		model_enter(p->model, t, row);
		rows_apply_edits(&r, i, SITE_EMBED, row);
	}
}
