/*
 * token_parts.c - see token_parts.h. The steps of forward.c, each in its linear form; rows of all sources that are under way are
 * one.
 */
#include "engine/analysis/token_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/sources.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/norms.h"
#include "engine/run/result.h"

enum { ROWS = 512 };

/* The scales of a run's norms, [T] each, for each layer. */
struct scales {
	const float *ln1, *ln1_post, *ln2, *ln2_post;
};

/* Some sources on their way up. */
struct carry {
	const struct run *run;
	const struct scales *scales; /* [layers] */
	const float *clipped;	     /* [T, G*K] what a clip leaves of a value; NULL: there is no clip */
	bool bias;		     /* it is the bias, and what is added is added */
	int layer;
	int first, sources; /* sources first … first+sources-1; of the bias: one, from position 0 */
	int n;		    /* rows */
	int *position;	    /* [n] */
	int *base;	    /* [n] the row of its source at that source's own position */
	float *x;	    /* [n, D] */
	float *normed;	    /* [n, D] what products are made from */
	float *v;	    /* [n, G*K] */
	float *z, *used;    /* [n, H*K] */
	float *write;	    /* [n, D] */
	float *pre, *up;    /* [n, F] */
};

static const struct layer *weights(const struct carry *c)
{
	return &c->run->model->layers[c->layer];
}

static void add_bias(const struct carry *c, float *x, const float *b, size_t n)
{
	if (c->bias && b)
		kernel_add(x, b, x, n);
}

/* A site's edits: their linear half on what came from a token; on the bias all of them. */
static void touch(const struct carry *c, enum site site, int position, float *x)
{
	const struct run *r = c->run;

	if (!c->bias) {
		part_edits(r, site, c->layer, position, x);
		return;
	}
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], site, c->layer) && edit_covers(&r->edit[e], position))
			edit_apply(&r->edit[e], &r->model->config, site, position, x);
}

static void normalise(const struct carry *c, enum site site, float scale, const float *x, float *y)
{
	const struct norm *norm = norms_at(c->run->model, site, c->layer);
	size_t D = (size_t)c->run->model->config.D;

	if (norm->there)
		kernel_norm_with(c->run->model->config.norm == NORM_LAYER, x, scale, norm->gain, c->bias ? norm->bias : NULL, y, D);
	else if (x != y)
		memcpy(y, x, D * sizeof *y);
}

/* ---- rows, each in a chunk ---- */

static void enter(void *context, int row)
{
	const struct carry *c = context;
	size_t D = (size_t)c->run->model->config.D;
	float *x = c->x + (size_t)row * D;
	int i = c->position[row];

	touch(c, SITE_RESID_PRE, i, x);
	normalise(c, SITE_LN1, c->scales[c->layer].ln1[i], x, c->normed + (size_t)row * D);
}

static void finish_value(void *context, int row)
{
	const struct carry *c = context;
	size_t GK = run_width(&c->run->model->config, SITE_V);
	float *v = c->v + (size_t)row * GK;

	add_bias(c, v, weights(c)->b_V, GK);
	for (size_t k = 0; c->clipped && k < GK; k++)
		v[k] *= c->clipped[(size_t)c->position[row] * GK + k];
	touch(c, SITE_V, c->position[row], v);
}

/* z of the source's own values, under the run's patterns. */
static void attend(void *context, int row)
{
	const struct carry *c = context;
	const struct config *g = &c->run->model->config;
	size_t K = (size_t)g->K, GK = run_width(g, SITE_V), HK = run_width(g, SITE_Z);
	float *z = c->z + (size_t)row * HK, *used = c->used + (size_t)row * HK;
	int i = c->position[row], base = c->base[row], from = i - (row - base);

	memset(z, 0, HK * sizeof *z);
	for (int h = 0; h < g->H; h++) {
		const float *weight = run_pattern(c->run, c->layer, h, i);
		const float *v = c->v + (size_t)base * GK + (size_t)config_kv_head(g, h) * K;

		for (int k = from; k <= i; k++)
			if (weight[k] != 0)
				kernel_axpy(weight[k], v + (size_t)(k - from) * GK, z + (size_t)h * K, K);
	}
	touch(c, SITE_Z, i, z);
	memcpy(used, z, HK * sizeof *used);
	touch(c, SITE_RESULT, i, used);
}

/* What edits add to heads' writes beyond z. */
static void extra(const struct carry *c, int position, const float *z, float *out)
{
	const struct run *r = c->run;
	const float *scale = r->layer[c->layer]->post_scale;
	const struct attention_at place = { r->model, c->layer, position, z, scale ? scale[position] : 1 };

	if (!c->bias) {
		part_extra(r, c->layer, position, z, out);
		return;
	}
	for (int h = 0; r->edits && h < r->model->config.H; h++)
		result_extra(&place, r->edit_list, r->edits, h, out);
}

static void multiply(float *x, size_t n, float by)
{
	for (size_t k = 0; by != 1 && k < n; k++)
		x[k] *= by;
}

/* A block's write through the norm after it, to the stream. */
static void leave_block(const struct carry *c, enum site norm, float scale, const float *bias, float *out)
{
	size_t D = (size_t)c->run->model->config.D;

	add_bias(c, out, bias, D);
	normalise(c, norm, scale, out, out);
	multiply(out, D, c->run->model->config.residual_scale);
}

static void leave_attention(void *context, int row)
{
	const struct carry *c = context;
	const struct config *g = &c->run->model->config;
	const struct scales *s = &c->scales[c->layer];
	size_t D = (size_t)g->D, at = (size_t)row * D;
	float *x = c->x + at, *out = c->write + at;
	int i = c->position[row];

	if (g->parallel)
		normalise(c, SITE_LN2, s->ln2[i], x, c->normed + at);
	leave_block(c, SITE_LN1_POST, s->ln1_post[i], weights(c)->b_O, out);
	extra(c, i, c->z + (size_t)row * run_width(g, SITE_Z), out);
	touch(c, SITE_ATTN_OUT, i, out);
	kernel_add(x, out, x, D);
	touch(c, SITE_RESID_MID, i, x);
	if (!g->parallel)
		normalise(c, SITE_LN2, s->ln2[i], x, c->normed + at);
}

/* part[F] *= act(z)/z, the slope at 0 where z is none; act[F] = act(z). */
static void bend(const struct curve *f, const float *z, float *part, float *act, size_t F)
{
	const float nothing = 0;
	float at_nothing;

	curve_slope(f, &nothing, &at_nothing, 1);
	curve_apply(f, z, act, F);
	for (size_t k = 0; k < F; k++)
		part[k] *= fabsf(z[k]) > 1e-6f ? act[k] / z[k] : at_nothing;
}

static void activate(void *context, int row)
{
	const struct carry *c = context;
	const struct config *g = &c->run->model->config;
	const struct curve curve = config_curve(g, c->layer);
	size_t F = (size_t)g->dense;
	float *pre = c->pre + (size_t)row * F, *up = g->gated ? c->up + (size_t)row * F : NULL, *act = xmalloc(F * sizeof *act);
	int i = c->position[row];

	add_bias(c, pre, g->gated ? weights(c)->b_gate : weights(c)->b_in, F);
	touch(c, SITE_MLP_PRE, i, pre);
	bend(&curve, run_at(c->run, SITE_MLP_PRE, c->layer, i), pre, act, F);
	if (up) {
		const float *all = run_at(c->run, SITE_MLP_UP, c->layer, i);

		add_bias(c, up, weights(c)->b_in, F);
		for (size_t k = 0; k < F; k++)
			pre[k] = 0.5f * (pre[k] * all[k] + act[k] * up[k]);
	}
	touch(c, SITE_MLP_POST, i, pre);
	free(act);
}

static void leave_mlp(void *context, int row)
{
	const struct carry *c = context;
	size_t D = (size_t)c->run->model->config.D, at = (size_t)row * D;
	float *x = c->x + at, *out = c->write + at;
	int i = c->position[row];

	leave_block(c, SITE_LN2_POST, c->scales[c->layer].ln2_post[i], weights(c)->b_out, out);
	touch(c, SITE_MLP_OUT, i, out);
	kernel_add(x, out, x, D);
	touch(c, SITE_RESID_POST, i, x);
}

/* ---- layers ---- */

static void linear(const struct matrix *W, const float *x, int n, float *y)
{
	matrix_apply(W, x, (size_t)matrix_in(W), n, y, (size_t)matrix_out(W));
}

/* Of each value before the clip, what the clip leaves. */
static bool find_clipped(struct carry *c, struct arena *arena, struct err *err)
{
	const struct run *r = c->run;
	const struct config *g = &r->model->config;
	size_t D = (size_t)g->D, GK = run_width(g, SITE_V);
	const struct edited_norm place = { r->model, r->edit_list, r->edits, SITE_LN1, c->layer };
	float *normed, *v;

	c->clipped = NULL;
	if (g->qkv_clip <= 0)
		return true;
	if (!(normed = arena_floats(arena, (size_t)r->T * D, err)) || !(v = arena_floats(arena, (size_t)r->T * GK, err)))
		return false;
	for (int t = 0; t < r->T; t++)
		norms_apply(&place, t, run_at(r, SITE_RESID_PRE, c->layer, t), normed + (size_t)t * D, NULL);
	linear(weights(c)->W_V, normed, r->T, v);
	for (size_t t = 0; weights(c)->b_V && t < (size_t)r->T; t++)
		kernel_add(v + t * GK, weights(c)->b_V, v + t * GK, GK);
	for (size_t k = 0; k < (size_t)r->T * GK; k++)
		v[k] = fabsf(v[k]) > g->qkv_clip ? g->qkv_clip / fabsf(v[k]) : 1;
	c->clipped = v;
	return true;
}

static bool carry_layer(struct carry *c, struct arena *arena, struct err *err)
{
	const struct layer *y = weights(c);
	const bool gated = c->run->model->config.gated;
	const struct matrix *in[] = { gated ? y->W_gate : y->W_in, y->W_in };
	float *out[] = { c->pre, c->up };
	struct arena_mark mark = arena_mark(arena);

	if (!find_clipped(c, arena, err))
		return false;
	pool_run(c->n, enter, c);
	linear(y->W_V, c->normed, c->n, c->v);
	pool_run(c->n, finish_value, c);
	pool_run(c->n, attend, c);
	linear(y->W_O, c->used, c->n, c->write);
	pool_run(c->n, leave_attention, c);
	matrix_apply_each(in, gated ? 2 : 1, c->normed, (size_t)c->run->model->config.D, c->n, out);
	pool_run(c->n, activate, c);
	linear(y->W_out, c->pre, c->n, c->write);
	pool_run(c->n, leave_mlp, c);
	arena_rewind(arena, mark);
	return true;
}

static bool read_scales(const struct run *r, int layer, struct scales *s, struct arena *arena, struct err *err)
{
	const float **scale[] = { &s->ln1, &s->ln1_post, &s->ln2, &s->ln2_post };
	static const enum site site[] = { SITE_LN1, SITE_LN1_POST, SITE_LN2, SITE_LN2_POST };

	for (int i = 0; i < 4; i++) {
		float *own = arena_floats(arena, (size_t)r->T, err), *read;
		struct arena_mark mark = arena_mark(arena);

		if (!own)
			return false;
		*scale[i] = own;
		if (!norms_at(r->model, site[i], layer)->there)
			continue;
		if (!(read = norms_scales(r, site[i], layer, arena, err)))
			return false;
		memcpy(own, read, (size_t)r->T * sizeof *own);
		arena_rewind(arena, mark);
	}
	return true;
}

/* Rows of its sources, each its embedding at its own position and nothing after it. */
static void begin(struct carry *c)
{
	const struct run *r = c->run;
	size_t D = (size_t)r->model->config.D;

	c->n = 0;
	for (int s = 0; s < c->sources; s++) {
		int from = c->first + s, base = c->n;

		for (int i = from; i < r->T; i++, c->n++) {
			c->position[c->n] = i;
			c->base[c->n] = base;
		}
		memset(c->x + (size_t)base * D, 0, (size_t)(c->n - base) * D * sizeof *c->x);
		if (!c->bias)
			memcpy(c->x + (size_t)base * D, run_at(r, SITE_EMBED, 0, from), D * sizeof *c->x);
	}
}

static bool open_rows(struct carry *c, int n, struct arena *arena, struct err *err)
{
	const struct config *g = &c->run->model->config;
	size_t rows = (size_t)n, D = (size_t)g->D, F = (size_t)g->dense, HK = run_width(g, SITE_Z);

	c->position = arena_alloc(arena, rows * sizeof *c->position);
	c->base = arena_alloc(arena, rows * sizeof *c->base);
	return (c->x = arena_floats(arena, rows * D, err)) && (c->normed = arena_floats(arena, rows * D, err)) &&
	       (c->v = arena_floats(arena, rows * run_width(g, SITE_V), err)) && (c->z = arena_floats(arena, rows * HK, err)) &&
	       (c->used = arena_floats(arena, rows * HK, err)) && (c->write = arena_floats(arena, rows * D, err)) &&
	       (c->pre = arena_floats(arena, rows * F, err)) && (!g->gated || (c->up = arena_floats(arena, rows * F, err)));
}

/* As many sources from this one on as fit into the rows of a pass. */
static int together(int from, int T)
{
	int rows = T - from, n = 1;

	while (from + n < T && rows + T - from - n <= ROWS)
		rows += T - from - n++;
	return n;
}

/* Rows that are done of all, each through every layer, before these sources. */
static int done_before(const struct carry *c)
{
	int T = c->run->T, j = c->first;

	return c->bias ? 0 : T + j * T - j * (j - 1) / 2;
}

static bool climb(struct carry *c, int layer, token_parts_done *done, void *context, struct arena *arena, struct task *task,
		  struct err *err)
{
	const int T = c->run->T, all = T + T * (T + 1) / 2;
	size_t D = (size_t)c->run->model->config.D;
	int row = 0;

	begin(c);
	for (c->layer = 0; c->layer <= layer; c->layer++)
		if (!task_step(task, done_before(c) + c->n * c->layer / (layer + 1), all, err) || !carry_layer(c, arena, err))
			return false;
	for (int s = 0; s < c->sources; row += T - c->first - s, s++)
		done(context, c->bias ? -1 : c->first + s, c->first + s, c->x + (size_t)row * D);
	return true;
}

bool token_parts(const struct run *run, int layer, token_parts_done *done, void *context, struct arena *scratch, struct task *task,
		 struct err *err)
{
	struct scales *scales = arena_alloc(scratch, ((size_t)layer + 1) * sizeof *scales);
	struct carry c = { .run = run, .scales = scales, .bias = true, .sources = 1 };

	if (!norms_off_stream(&run->model->config, err))
		return false;
	for (int l = 0; l <= layer; l++)
		if (config_mixes(&run->model->config, l))
			return err_set(
				err, ERR_ARGUMENT,
				"the MLP of layer %d is a mixture of experts, and what each token is sent to depends on all that "
				"it has read: it cannot be carried part by part",
				l);
	task_count_runs(task, token_parts_runs(&run->model->config, run->T, layer));
	for (int l = 0; l <= layer; l++)
		if (!read_scales(run, l, &scales[l], scratch, err))
			return false;
	if (!open_rows(&c, run->T > ROWS ? run->T : ROWS, scratch, err) || !climb(&c, layer, done, context, scratch, task, err))
		return false;
	c.bias = false;
	for (; c.first < run->T; c.first += c.sources) {
		c.sources = together(c.first, run->T);
		if (!climb(&c, layer, done, context, scratch, task, err))
			return false;
	}
	return true;
}

int token_parts_runs(const struct config *c, int T, int layer)
{
	return ((T + 3) * (layer + 1) + 2 * c->L - 1) / (2 * c->L);
}
