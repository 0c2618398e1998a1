/* forward.c - see forward.h. Each line of forward_layer() is a line of the papers; touch() after it applies the edits at that site. */
#include "engine/run/forward.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/run/attention.h"
#include "engine/run/run.h"

size_t run_width(const struct config *c, enum site site)
{
	switch (site_table[site].width) {
	case 'D': return (size_t)c->D;
	case 'F': return (size_t)c->F;
	case 'K': return (size_t)((site_table[site].unit == DIM_KV_HEAD ? c->G : c->H) * c->K);
	default: return 0;
	}
}

float *layer_site(const struct layer_sites *s, enum site site)
{
	switch (site) {
	case SITE_RESID_PRE: return s->resid_pre;
	case SITE_Q: return s->q;
	case SITE_K: return s->k;
	case SITE_V: return s->v;
	case SITE_Z: return s->z;
	case SITE_ATTN_OUT: return s->attn_out;
	case SITE_RESID_MID: return s->resid_mid;
	case SITE_MLP_PRE: return s->mlp_pre;
	case SITE_MLP_POST: return s->mlp_post;
	case SITE_MLP_OUT: return s->mlp_out;
	case SITE_RESID_POST: return s->resid_post;
	default: return NULL;
	}
}

static float *take(float **from, size_t count)
{
	float *p = *from;

	*from += (count + 15) / 16 * 16;	/* every array starts on a cache line */
	return p;
}

static float *floats(size_t count, struct err *err)
{
	float *p = count < SIZE_MAX / 8 ? big_take(count * sizeof *p) : NULL;

	if (!p)
		err_set(err, ERR_MEMORY, "%.0f MB for a layer of the run could not be had", (double)count * 4e-6);
	return p;
}

enum { ARRAYS = 14 };	/* of a layer's sites: each may be a cache line longer than it needs */

struct layer_sites *layer_sites_new(const struct model *m, int rows, bool keep_pattern, struct err *err)
{
	const struct config *c = &m->config;
	size_t n = (size_t)rows, D = (size_t)c->D, HK = (size_t)(c->H * c->K), GK = (size_t)(c->G * c->K), F = (size_t)c->F;
	size_t pattern = keep_pattern ? (size_t)c->H * n * n : 0;
	size_t all = n * model_site_floats(c) + pattern + ARRAYS * 16;
	float *p = floats(all, err);
	struct layer_sites *s;

	if (!p)
		return NULL;
	s = xcalloc(1, sizeof *s);
	s->memory = p;
	s->resid_pre = take(&p, n * D);
	s->q = take(&p, n * HK);
	s->k = take(&p, n * GK);
	s->v = take(&p, n * GK);
	s->z = s->z_used = take(&p, n * HK);
	s->attn_out = take(&p, n * D);
	s->resid_mid = take(&p, n * D);
	s->mlp_pre = take(&p, n * F);
	if (c->gated)
		s->mlp_up = take(&p, n * F);
	s->mlp_post = take(&p, n * F);
	s->mlp_out = take(&p, n * D);
	s->resid_post = take(&p, n * D);
	if (m->layers[0].ln1_post.there)
		s->post_scale = take(&p, n);
	if (keep_pattern)
		s->pattern = memset(take(&p, pattern), 0, pattern * sizeof *p);
	assert((size_t)(p - s->memory) <= all);
	atomic_init(&s->refs, 1);
	return s;
}

struct layer_sites *layer_sites_ref(struct layer_sites *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void layer_sites_unref(struct layer_sites *s)
{
	if (s && atomic_fetch_sub(&s->refs, 1) == 1) {
		big_give(s->z_memory);
		big_give(s->memory);
		free(s);
	}
}

bool layer_sites_split_z(struct layer_sites *s, const struct model *m, int rows, struct err *err)
{
	if (s->z_memory)
		return true;
	s->z_memory = floats((size_t)rows * (size_t)(m->config.H * m->config.K), err);
	if (s->z_memory)
		s->z_used = s->z_memory;
	return s->z_memory != NULL;
}

static int row_count(const struct pass *p)
{
	return p->variants * (p->T - p->t0);
}

/* The kinds of rotary tables in a pass: of most layers, and of layers with a window where they have one of their own. */
static const struct rotary *rotary_kind(const struct pass *p, int local)
{
	const struct config *c = &p->model->config;

	return local ? &c->rotary_local : c->rotary_long.pairs && p->T > c->long_from ? &c->rotary_long : &c->rotary;
}

static int is_local(const struct config *c, int l)
{
	return c->window && c->window[l] && c->rotary_local.pairs;
}

bool pass_begin(struct pass *p, struct err *err)
{
	const struct config *c = &p->model->config;
	const struct rotary *kind[2] = { rotary_kind(p, 0), rotary_kind(p, 1) };
	int nt = p->T - p->t0;

	p->scratch = arena_floats(p->arena, (size_t)row_count(p) * (size_t)c->D, err);
	if (!p->scratch)
		return false;
	for (int i = 0; i < 2 && c->position == POSITION_ROTARY; i++) {
		size_t pairs = (size_t)kind[i]->pairs;

		p->cosine[i] = arena_floats(p->arena, (size_t)nt * pairs, err);
		p->sine[i] = arena_floats(p->arena, (size_t)nt * pairs, err);
		if (!p->cosine[i] || !p->sine[i])
			return false;
		for (int t = 0; t < nt && pairs; t++)
			kernel_rotary_table(kind[i]->frequency, kind[i]->pairs, p->t0 + t, kind[i]->factor,
					    p->cosine[i] + (size_t)t * pairs, p->sine[i] + (size_t)t * pairs);
	}
	return true;
}

/* Applies the edits at a site to x[rows, width], in the order in which they were written. */
static void touch(const struct pass *p, int l, enum site site, float *x)
{
	const struct config *c = &p->model->config;
	size_t width = run_width(c, site == SITE_RESULT ? SITE_Z : site);
	int nt = p->T - p->t0;

	for (int v = 0; v < p->variants; v++)
		for (int e = 0; e < p->variant[v].edits; e++) {
			const struct edit *edit = p->variant[v].edit[e];

			for (int t = p->t0; edit_hits(edit, site, l) && t < p->T; t++)
				if (edit_covers(edit, t))
					edit_apply(edit, c, site, t, x + ((size_t)(v * nt) + (size_t)(t - p->t0)) * width);
		}
}

static bool any_edit(const struct pass *p, int l, enum site site)
{
	for (int v = 0; v < p->variants; v++)
		for (int e = 0; e < p->variant[v].edits; e++)
			if (edit_hits(p->variant[v].edit[e], site, l))
				return true;
	return false;
}

/* y = x W + b, for every row. */
static void linear(const struct matrix *W, const float *b, const float *x, int n, float *y)
{
	size_t in = (size_t)matrix_in(W), out = (size_t)matrix_out(W);

	matrix_apply(W, x, in, n, y, out);
	for (int i = 0; b && i < n; i++)
		kernel_add(y + (size_t)i * out, b, y + (size_t)i * out, out);
}

static void clip(float *x, size_t n, float limit)
{
	for (size_t i = 0; limit > 0 && i < n; i++)
		x[i] = fminf(fmaxf(x[i], -limit), limit);
}

static void norm_heads(const struct config *c, const struct norm *norm, float *x, int heads)
{
	bool whole = c->qk_span == QK_WHOLE;
	int parts = whole ? 1 : heads, width = whole ? heads * c->K : c->K;

	for (int h = 0; norm->there && h < parts; h++) {
		float *y = x + h * width;
		size_t own = c->qk_span == QK_OWN ? (size_t)(h * width) : 0;

		if (c->qk_norm == NORM_LAYER)
			kernel_layer_norm(y, norm->gain + own, norm->bias ? norm->bias + own : NULL, c->norm_eps, y, (size_t)width);
		else
			kernel_rms_norm(y, norm->gain + own, c->norm_eps, y, (size_t)width);
	}
}

/* Norms on heads and rotary positions, in the order of every family that has both (norm first). */
static void place(const struct pass *p, int l, const struct norm *norm, float *x, int heads)
{
	const struct config *c = &p->model->config;
	int which = is_local(c, l), nt = p->T - p->t0;
	const struct rotary *r = rotary_kind(p, which);
	bool rotate = c->position == POSITION_ROTARY && !(c->no_rotary && c->no_rotary[l]);

	for (int i = 0; i < row_count(p); i++) {
		float *row = x + (size_t)i * (size_t)(heads * c->K);
		size_t at = (size_t)(i % nt) * (size_t)r->pairs;

		norm_heads(c, norm, row, heads);
		for (int h = 0; rotate && h < heads; h++)
			kernel_rotary(row + h * c->K, p->cosine[which] + at, p->sine[which] + at, r->pairs, r->interleaved);
	}
}

/* The part of a layer's arrays that a pass works on. */
static struct layer_sites rows_from(const struct layer_sites *s, const struct config *c, size_t row)
{
	struct layer_sites r = *s;

	r.resid_pre += row * (size_t)c->D;
	r.q += row * (size_t)(c->H * c->K);
	r.k += row * (size_t)(c->G * c->K);
	r.v += row * (size_t)(c->G * c->K);
	r.z += row * (size_t)(c->H * c->K);
	r.z_used += row * (size_t)(c->H * c->K);
	r.attn_out += row * (size_t)c->D;
	r.resid_mid += row * (size_t)c->D;
	r.mlp_pre += row * (size_t)c->F;
	r.mlp_up = s->mlp_up ? s->mlp_up + row * (size_t)c->F : NULL;
	r.mlp_post += row * (size_t)c->F;
	r.mlp_out += row * (size_t)c->D;
	r.resid_post += row * (size_t)c->D;
	r.post_scale = s->post_scale ? s->post_scale + row : NULL;
	return r;
}

/* x -> q, k, v -> pattern -> z */
static void attention_to_z(struct pass *p, int l, const struct layer_sites *whole, struct layer_sites *s, int first_row)
{
	const struct model *m = p->model;
	const struct config *c = &m->config;
	const struct layer *y = &m->layers[l];
	size_t n = (size_t)row_count(p);

	touch(p, l, SITE_RESID_PRE, s->resid_pre);
	model_norm(m, &y->ln1, s->resid_pre, (int)n, p->scratch, NULL);
	linear(y->W_Q, y->b_Q, p->scratch, (int)n, s->q);
	linear(y->W_K, y->b_K, p->scratch, (int)n, s->k);
	linear(y->W_V, y->b_V, p->scratch, (int)n, s->v);
	clip(s->q, n * (size_t)(c->H * c->K), c->qkv_clip);
	clip(s->k, n * (size_t)(c->G * c->K), c->qkv_clip);
	clip(s->v, n * (size_t)(c->G * c->K), c->qkv_clip);
	place(p, l, &y->q_norm, s->q, c->H);
	place(p, l, &y->k_norm, s->k, c->G);
	touch(p, l, SITE_Q, s->q);
	touch(p, l, SITE_K, s->k);
	touch(p, l, SITE_V, s->v);
	attention_run(p, l, whole, first_row);
	touch(p, l, SITE_Z, s->z);
}

static void scale_rows(float *x, size_t n, float by)
{
	for (size_t i = 0; by != 1 && i < n; i++)
		x[i] *= by;
}

/* z -> attn_out. Edits on a head's result act on a copy of z, except for vectors added to it, which go to the stream directly. */
static bool attention_write(struct pass *p, int l, struct layer_sites *whole, struct layer_sites *s, int first_row, struct err *err)
{
	const struct model *m = p->model;
	const struct config *c = &m->config;
	const struct layer *y = &m->layers[l];
	int n = row_count(p), nt = p->T - p->t0;
	size_t HK = (size_t)(c->H * c->K), D = (size_t)c->D;

	if (any_edit(p, l, SITE_RESULT) && !whole->z_memory) {
		if (!layer_sites_split_z(whole, m, first_row + n, err))
			return false;
		memcpy(whole->z_used, whole->z, (size_t)first_row * HK * sizeof(float));	/* rows below t0 as they are */
		s->z_used = whole->z_used + (size_t)first_row * HK;
	}
	if (whole->z_memory)
		memcpy(s->z_used, s->z, (size_t)n * HK * sizeof(float));
	touch(p, l, SITE_RESULT, s->z_used);
	linear(y->W_O, y->b_O, s->z_used, n, s->attn_out);
	if (y->ln1_post.there)
		model_norm(m, &y->ln1_post, s->attn_out, n, s->attn_out, s->post_scale);
	scale_rows(s->attn_out, (size_t)n * D, c->residual_scale);
	for (int v = 0; v < p->variants; v++)
		for (int e = 0; e < p->variant[v].edits; e++)
			for (int t = p->t0; edit_hits(p->variant[v].edit[e], SITE_RESULT, l) && t < p->T; t++)
				if (edit_covers(p->variant[v].edit[e], t))
					edit_apply_write(p->variant[v].edit[e], c, s->attn_out + (size_t)(v * nt + t - p->t0) * D);
	touch(p, l, SITE_ATTN_OUT, s->attn_out);
	return true;
}

static void mlp(struct pass *p, int l, struct layer_sites *s)
{
	const struct model *m = p->model;
	const struct config *c = &m->config;
	const struct layer *y = &m->layers[l];
	int n = row_count(p);
	size_t F = (size_t)c->F;
	const struct norm *norm = c->parallel_shared_norm ? &y->ln1 : &y->ln2;

	model_norm(m, norm, c->parallel ? s->resid_pre : s->resid_mid, n, p->scratch, NULL);
	if (c->gated) {
		linear(y->W_gate, y->b_gate, p->scratch, n, s->mlp_pre);
		linear(y->W_in, y->b_in, p->scratch, n, s->mlp_up);
	} else {
		linear(y->W_in, y->b_in, p->scratch, n, s->mlp_pre);
	}
	touch(p, l, SITE_MLP_PRE, s->mlp_pre);
	for (size_t i = 0; i < (size_t)n; i++)	/* a row at a time: where a vector ends must not depend on the rows before */
		kernel_activate(c->activation, s->mlp_pre + i * F, s->mlp_post + i * F, F);
	for (size_t i = 0; c->gated && i < (size_t)n * F; i++)
		s->mlp_post[i] *= s->mlp_up[i];
	touch(p, l, SITE_MLP_POST, s->mlp_post);
	linear(y->W_out, y->b_out, s->mlp_post, n, s->mlp_out);
	if (y->ln2_post.there)
		model_norm(m, &y->ln2_post, s->mlp_out, n, s->mlp_out, NULL);
	scale_rows(s->mlp_out, (size_t)n * (size_t)c->D, c->residual_scale);
	touch(p, l, SITE_MLP_OUT, s->mlp_out);
}

bool forward_layer(struct pass *p, int l, struct layer_sites *whole, int first_row, bool z_known, struct err *err)
{
	const struct config *c = &p->model->config;
	size_t all = (size_t)row_count(p) * (size_t)c->D;
	struct layer_sites s = rows_from(whole, c, (size_t)first_row);

	if (!z_known)
		attention_to_z(p, l, whole, &s, first_row);
	if (!task_going(p->task, err) || !attention_write(p, l, whole, &s, first_row, err))
		return false;
	kernel_add(s.resid_pre, s.attn_out, s.resid_mid, all);
	touch(p, l, SITE_RESID_MID, s.resid_mid);
	if (!task_going(p->task, err))
		return false;
	mlp(p, l, &s);
	kernel_add(s.resid_mid, s.mlp_out, s.resid_post, all);
	touch(p, l, SITE_RESID_POST, s.resid_post);
	return true;
}

void forward_embed(struct pass *p, const int32_t *tokens, float *x)
{
	size_t D = (size_t)p->model->config.D;
	int nt = p->T - p->t0;

	for (int t = p->t0; t < p->T; t++)
		model_embed(p->model, tokens[t], t, x + (size_t)(t - p->t0) * D);
	for (int v = 1; v < p->variants; v++)
		memcpy(x + (size_t)(v * nt) * D, x, (size_t)nt * D * sizeof *x);
	touch(p, 0, SITE_EMBED, x);
}
