/* backward.c - see backward.h. backward_layer() is forward_layer() read from its last line to its first. */
#include "engine/run/backward_inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/experts.h"
#include "engine/run/forward.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"
#include "engine/run/result.h"

/* ---- preparing ---- */

/* `which` receives which of the two tables is its. */
static const struct rotary *layer_rotary(const struct config *c, int l, int *which)
{
	const struct rotary *r = config_rotary(c, l);

	*which = r != &c->rotary;
	return r;
}

/* A turn back is a turn with the other sign of the sine; a factor of both stays. */
static bool begin_rotary(struct backward *b, int l, struct arena *arena, struct err *err)
{
	int which, T = b->run->T;
	const struct rotary *r = layer_rotary(&b->run->model->config, l, &which);
	size_t pairs = (size_t)r->pairs;
	const float *frequency;
	float *room;

	if (b->cosine[which])
		return true;
	b->cosine[which] = arena_floats(arena, (size_t)T * pairs, err);
	b->sine[which] = arena_floats(arena, (size_t)T * pairs, err);
	if (!b->cosine[which] || !b->sine[which] || !(room = arena_floats(arena, pairs, err)))
		return false;
	frequency = rotary_frequencies(r, T, room);
	for (int t = 0; t < T && pairs; t++)
		kernel_rotary_table(frequency, r->pairs, t, r->factor, b->cosine[which] + (size_t)t * pairs,
				    b->sine[which] + (size_t)t * pairs);
	for (size_t i = 0; i < (size_t)T * pairs; i++)
		b->sine[which][i] = -b->sine[which][i];
	return true;
}

size_t backward_bytes(const struct config *c, int runs, int T)
{
	const size_t rows = (size_t)runs * (size_t)T, D = (size_t)c->D, HK = (size_t)(c->H * c->K),
		     widest = (size_t)c->F > HK ? (size_t)c->F : HK;

	return rows * (4 * D + 2 * widest + 2 * HK) * sizeof(float);
}

bool backward_begin(struct backward *b, const struct run *const *each, int runs, unsigned frozen, struct arena *arena,
		    struct err *err)
{
	const struct run *run = each[0];
	const struct config *c = &run->model->config;
	const size_t rows = (size_t)runs * (size_t)run->T, D = (size_t)c->D, HK = (size_t)(c->H * c->K),
		     widest = (size_t)c->F > HK ? (size_t)c->F : HK;

	*b = (struct backward){ .each = each, .runs = runs, .rows = (int)rows, .run = run, .frozen = frozen };
	for (int l = 0; c->position == POSITION_ROTARY && l < c->L; l++)
		if (!begin_rotary(b, l, arena, err))
			return false;
	return (b->read = arena_floats(arena, rows * D, err)) && (b->write = arena_floats(arena, rows * D, err)) &&
	       (b->normed = arena_floats(arena, rows * D, err)) && (b->part = arena_floats(arena, rows * D, err)) &&
	       (b->wide = arena_floats(arena, rows * widest, err)) && (b->inner = arena_floats(arena, rows * widest, err)) &&
	       (b->head_k = arena_floats(arena, rows * HK, err)) && (b->head_v = arena_floats(arena, rows * HK, err)) &&
	       (b->by_scale = arena_array(arena, rows, sizeof *b->by_scale, err)) &&
	       (!(frozen & COUNTING_LOSSES) ||
		(b->head_lost = arena_array(arena, (size_t)(runs * c->H), sizeof *b->head_lost, err)));
}

void backward_edits(const struct backward *b, int l, enum site site, float *d)
{
	const struct run *run = b->run;
	size_t width = run_width(&run->model->config, site == SITE_RESULT ? SITE_Z : site);

	for (int e = run->edits - 1; e >= 0; e--)
		for (size_t r = 0; r < (size_t)b->rows && edit_hits(&run->edit[e], site, l); r++)
			if (edit_covers(&run->edit[e], backward_position(b, r))) {
				lost_edit(b->lost, &run->edit[e], &run->model->config, site, backward_position(b, r), d + r * width,
					  width);
				edit_back(&run->edit[e], &run->model->config, d + r * width);
			}
}

void backward_seeds(const struct backward *b, int l, enum site site, float *d)
{
	const struct config *c = &b->run->model->config;

	for (int i = 0; i < b->seeds; i++)
		if (b->seed[i].place.site == site && b->seed[i].place.layer == l)
			backward_plant(&b->seed[i], c, d + (size_t)(b->seed[i].run * b->run->T) * run_width(c, site));
}

void backward_plant(const struct backward_seed *seed, const struct config *c, float *d)
{
	size_t width = run_width(c, seed->place.site), from;

	place_slice(&seed->place, c, &from);
	for (int i = 0; i < seed->n; i++) {
		float *row = d + (size_t)(seed->from + i) * width + from;

		kernel_add(row, seed->d + (size_t)i * seed->width, row, seed->width);
	}
}

/* ---- the steps ---- */

void backward_product(const struct matrix *W, const float *bias, const float *x, int n, float *y)
{
	size_t in = (size_t)matrix_in(W), out = (size_t)matrix_out(W);

	matrix_apply(W, x, in, n, y, out);
	for (int i = 0; bias && i < n; i++)
		kernel_add(y + (size_t)i * out, bias, y + (size_t)i * out, out);
}

void backward_read(const struct backward *b, const struct matrix *W, const float *d, size_t ld)
{
	size_t all = (size_t)b->rows * (size_t)matrix_in(W);

	matrix_apply_back(W, d, ld, b->rows, b->part, (size_t)matrix_in(W));
	kernel_add(b->normed, b->part, b->normed, all);
}

static void lose_norm(const struct backward *b, const struct edited_norm *place, const float *d, size_t width)
{
	for (size_t r = 0; b->lost && r < (size_t)b->rows; r++)
		b->lost->bias += norms_bias_share(place, d + r * width);
}

/* In place: from d[rows, D] at the output of a norm that a block reads through to its input. */
static void read_norm_back(const struct backward *b, enum site site, int l, float *d)
{
	const struct run *run = b->run;
	const struct edited_norm place = { run->model, run->edit_list, run->edits, site, l };
	size_t D = (size_t)run->model->config.D;

	lose_norm(b, &place, d, D);
	for (size_t r = 0; r < (size_t)b->rows; r++)
		norms_back(&place, backward_position(b, r), norms_input(run, site, l, (int)r), (b->frozen & FROZEN_NORMS) != 0,
			   d + r * D, d + r * D);
}

void backward_norm(const struct backward *b, enum site site, int l, const float *x, size_t width, float *d)
{
	const struct run *run = b->run;
	const struct edited_norm place = { run->model, run->edit_list, run->edits, site, l };

	lose_norm(b, &place, d, width);
	for (size_t r = 0; r < (size_t)b->rows; r++)
		norms_back(&place, backward_position(b, r), x + r * width, (b->frozen & FROZEN_NORMS) != 0, d + r * width,
			   d + r * width);
}

/* How a block writes. */
struct writer {
	enum site site;
	const struct matrix *W; /* [in, D] */
	const float *bias;
	enum site post;		/* the norm after it */
	const float *in;	/* [rows, in] of the runs */
	const double *by_scale; /* [rows] what else the scale of that norm does to the metric; or NULL */
	size_t ld;		/* floats from one row of `in` and g to the next */
};

/* From d[rows, D] at what is in the stream to g[rows, in] at what the matrix read. */
static void write_back(const struct backward *b, int l, const struct writer *w, const float *d, float *g)
{
	const struct config *c = &b->run->model->config;
	const struct edited_norm post = { b->run->model, b->run->edit_list, b->run->edits, w->post, l };
	size_t all = (size_t)b->rows * (size_t)c->D;

	memcpy(b->write, d, all * sizeof *d);
	backward_edits(b, l, w->site, b->write);
	for (size_t i = 0; c->residual_scale != 1 && i < all; i++)
		b->write[i] *= c->residual_scale;
	if (norms_at(b->run->model, w->post, l)->there) {
		backward_product(w->W, w->bias, w->in, b->rows, b->part);
		backward_norm(b, w->post, l, b->part, (size_t)c->D, b->write);
	}
	for (size_t r = 0; w->by_scale && r < (size_t)b->rows; r++) { /* scale = (mean x² + ε)^-½, unless it is kept */
		double s = (double)b->run->layer[l]->post_scale[r], by = -w->by_scale[r] * s * s * s / c->D;

		if (norms_kept(&post, backward_position(b, r)))
			continue;
		kernel_axpy((float)by, b->part + r * (size_t)c->D, b->write + r * (size_t)c->D, (size_t)c->D);
	}
	lost_bias(b->lost, w->bias, b->write, (size_t)b->rows, (size_t)c->D);
	matrix_apply_back(w->W, b->write, (size_t)c->D, b->rows, g, w->ld);
}

/* ---- the MLP ---- */

void backward_activation(const struct backward *b, int l, const struct neurons_back *n)
{
	const struct config *c = &b->run->model->config;
	const bool frozen = c->gated && (b->frozen & FROZEN_GATES), chord = b->frozen & (c->gated ? CHORDS_IN_GATES : CHORDS);
	const struct curve curve = config_curve(c, l);
	const float half = backward_share(b, c->gated && !frozen);

	if (chord)
		curve_chord(&curve, n->was_pre, n->pre, n->n);
	else
		curve_slope(&curve, n->was_pre, n->pre, n->n);
	if (c->gated)
		curve_apply(&curve, n->was_pre, n->up, n->n);
	if (c->gated && !chord && !frozen)
		lost_gate(b->lost, &curve, (double)half, n->was_pre, n->was_up, n->d, n->n);
	for (size_t i = 0; i < n->n; i++) {
		n->pre[i] *= frozen ? 0 : half * n->d[i] * (c->gated ? n->was_up[i] : 1);
		if (c->gated)
			n->up[i] *= half * n->d[i];
	}
}

/* A layer without experts, in a model that has some. */
static void no_experts_back(const struct backward *b, const struct layer_sites *s)
{
	const size_t bytes = (size_t)b->rows * (size_t)b->run->model->config.experts.X * sizeof(float);

	if (!bytes)
		return;
	memset(s->router_logits, 0, bytes);
	memset(s->expert_weights, 0, bytes);
}

/* The same as below for a mixture. */
static void mixture_back(const struct backward *b, int l, const struct layer_sites *s, const float *past, float *into)
{
	const size_t all = (size_t)b->rows * (size_t)b->run->model->config.D;

	memcpy(b->write, s->mlp_out, all * sizeof *b->write);
	backward_edits(b, l, SITE_MLP_OUT, b->write);
	memset(b->normed, 0, all * sizeof *b->normed);
	experts_back(b, l, b->write, s);
	if (past)
		kernel_add(b->normed, past, b->normed, all);
	read_norm_back(b, SITE_LN2, l, b->normed);
	kernel_add(into, b->normed, into, all);
}

/*
 * From mlp_out to what the MLP read, which `into` [rows, D] is increased by. past[rows, D]: at the stream after the block, where
 * that continues from what the norm gives; or NULL.
 */
static void mlp_back(const struct backward *b, int l, const struct layer_sites *s, const float *past, float *into)
{
	const struct model *m = b->run->model;
	const struct config *c = &m->config;
	const struct layer *y = &m->layers[l];
	const struct layer_sites *was = b->run->layer[l];
	const struct writer writer = { SITE_MLP_OUT, y->W_out, y->b_out, SITE_LN2_POST, was->mlp_post, NULL, (size_t)c->F };
	size_t F = (size_t)c->F, rows = (size_t)b->rows;

	if (c->dense < c->F) /* of a model whose other layers have more neurons */
		memset(s->mlp_post, 0, rows * F * sizeof *s->mlp_post);
	write_back(b, l, &writer, s->mlp_out, s->mlp_post);
	backward_seeds(b, l, SITE_MLP_POST, s->mlp_post);
	memcpy(b->wide, s->mlp_post, rows * F * sizeof *b->wide);
	backward_edits(b, l, SITE_MLP_POST, b->wide);
	backward_activation(b, l, &(struct neurons_back){ was->mlp_pre, was->mlp_up, b->wide, s->mlp_pre, s->mlp_up, rows * F });
	backward_seeds(b, l, SITE_MLP_PRE, s->mlp_pre);
	if (c->gated)
		backward_seeds(b, l, SITE_MLP_UP, s->mlp_up);
	memset(b->normed, 0, rows * (size_t)c->D * sizeof *b->normed);
	memcpy(b->wide, s->mlp_pre, rows * F * sizeof *b->wide);
	backward_edits(b, l, SITE_MLP_PRE, b->wide);
	lost_bias(b->lost, c->gated ? y->b_gate : y->b_in, b->wide, rows, F);
	backward_read(b, c->gated ? y->W_gate : y->W_in, b->wide, F);
	if (c->gated) {
		lost_bias(b->lost, y->b_in, s->mlp_up, rows, F);
		backward_read(b, y->W_in, s->mlp_up, F);
	}
	if (past)
		kernel_add(b->normed, past, b->normed, rows * (size_t)c->D);
	read_norm_back(b, SITE_LN2, l, b->normed);
	kernel_add(into, b->normed, into, rows * (size_t)c->D);
	no_experts_back(b, s);
}

/* ---- attention ---- */

static bool edits_results(const struct run *run, int l)
{
	int e = 0;

	while (e < run->edits && !edit_hits(&run->edit[e], SITE_RESULT, l))
		e++;
	return e < run->edits;
}

/* What edits on heads' results put there, by way of z and beyond it, were z nothing. */
static void lose_results(const struct backward *b, const struct attention_at *place, const float *d, const float *g)
{
	const struct run *run = b->run;
	const struct config *c = &run->model->config;
	const size_t HK = (size_t)(c->H * c->K);
	struct attention_at nothing = *place;
	float *z, *extra;

	if (!b->lost)
		return;
	nothing.z = z = xcalloc(HK + (size_t)c->D, sizeof *z);
	extra = z + HK;
	for (int h = 0; h < c->H; h++)
		result_extra(&nothing, run->edit_list, run->edits, h, extra);
	b->lost->edits += (double)kernel_dot(extra, d, (size_t)c->D);
	for (int e = 0; e < run->edits; e++)
		if (edit_hits(&run->edit[e], SITE_RESULT, place->layer) && edit_covers(&run->edit[e], place->position))
			edit_apply(&run->edit[e], c, SITE_RESULT, place->position, z);
	b->lost->edits += (double)kernel_dot(z, g, HK);
	free(z);
}

/*
 * Back through the edits on heads' results, with d[rows, D] at attention's write in the stream: g[rows, H, K] and by_scale[rows] as
 * result_back has them.
 */
static void results_back(const struct backward *b, int l, const float *d, float *g, double *by_scale)
{
	const struct run *run = b->run;
	const struct config *c = &run->model->config;
	const float *post = run->layer[l]->post_scale;
	const bool any = edits_results(run, l);

	memset(by_scale, 0, (size_t)b->rows * sizeof *by_scale);
	for (size_t r = 0; any && r < (size_t)b->rows; r++) {
		struct attention_at place = { run->model, l, backward_position(b, r), run_at(run, SITE_Z, l, (int)r),
					      post ? post[r] : 1 };

		lose_results(b, &place, d + r * (size_t)c->D, g + r * (size_t)(c->H * c->K));
		by_scale[r] = result_back(&place, run->edit_list, run->edits, d + r * (size_t)c->D, g + r * (size_t)(c->H * c->K));
	}
}

/* What starts at a head's write: through the edits on its result to z. */
static void plant_results(const struct backward *b, int l, float *z)
{
	const struct run *run = b->run;
	const struct config *c = &run->model->config;
	const size_t D = (size_t)c->D, K = (size_t)c->K, HK = (size_t)c->H * K;
	float *d = xmalloc((D + 2 * HK) * sizeof *d), *u = d + D, *g = u + HK;

	for (int e = 0; e < b->seeds; e++) {
		const struct backward_seed *seed = &b->seed[e];
		const size_t at = (size_t)(seed->place.unit > 0 ? seed->place.unit : 0) * K;

		for (int i = 0; seed->place.site == SITE_RESULT && seed->place.layer == l && i < seed->n; i++) {
			const int t = seed->from + i;
			const size_t row = (size_t)(seed->run * run->T + t);
			const struct attention_at place = { run->model, l, t, run_at(run, SITE_Z, l, (int)row), seed->scale[i] };

			memcpy(d, seed->d + (size_t)i * D, D * sizeof *d);
			result_finish(&place, d);
			matrix_apply_back(run->model->layers[l].W_O, d, D, 1, u, HK);
			memset(g, 0, HK * sizeof *g);
			memcpy(g + at, u + at, K * sizeof *g);
			result_back(&place, run->edit_list, run->edits, seed->d + (size_t)i * D, g);
			kernel_add(z + row * HK + at, g + at, z + row * HK + at, K);
		}
	}
	free(d);
}

/* From attn_out to what attention read, which s->resid_pre is increased by; past as above. */
static void attention_block_back(const struct backward *b, int l, struct layer_sites *s, const float *past)
{
	const struct model *m = b->run->model;
	const struct config *c = &m->config;
	const struct layer *y = &m->layers[l];
	const struct layer_sites *was = b->run->layer[l];
	const struct edited_norm read = { m, b->run->edit_list, b->run->edits, SITE_LN1, l };
	struct writer writer = { SITE_ATTN_OUT, y->W_O, y->b_O, SITE_LN1_POST, was->z_used, NULL, (size_t)(c->H * c->K) };
	size_t rows = (size_t)b->rows, HK = (size_t)(c->H * c->K);
	struct backward uncounted = *b; /* write_back counts the edits on the write */

	uncounted.lost = NULL;
	memcpy(b->normed, s->attn_out, rows * (size_t)c->D * sizeof *b->normed);
	backward_edits(&uncounted, l, SITE_ATTN_OUT, b->normed);
	if (y->ln1_post.there && !(b->frozen & FROZEN_NORMS)) {
		results_back(b, l, b->normed, s->z, b->by_scale); /* for the scales alone: s->z is written below */
		writer.by_scale = b->by_scale;
	}
	write_back(b, l, &writer, s->attn_out, s->z);
	results_back(b, l, b->normed, s->z, b->by_scale);
	plant_results(b, l, s->z);
	memcpy(b->wide, s->z, rows * HK * sizeof *s->z);
	backward_edits(b, l, SITE_Z, b->wide);
	for (size_t r = 0; r < rows; r++)
		norms_apply(&read, backward_position(b, r), was->resid_pre + r * (size_t)c->D, b->read + r * (size_t)c->D, NULL);
	memset(b->normed, 0, rows * (size_t)c->D * sizeof *b->normed);
	mixer_of(c, l)->back(b, l, b->wide, s);
	if (past)
		kernel_add(b->normed, past, b->normed, rows * (size_t)c->D);
	read_norm_back(b, SITE_LN1, l, b->normed);
	kernel_add(s->resid_pre, b->normed, s->resid_pre, rows * (size_t)c->D);
}

void backward_layer(const struct backward *b, int l, struct layer_sites *s, float *x)
{
	const struct config *c = &b->run->model->config;
	size_t all = (size_t)b->rows * (size_t)c->D, bytes = all * sizeof *x;
	const float *past = c->stream_normed ? x : NULL; /* of either block */

	memcpy(s->resid_post, x, bytes);
	backward_edits(b, l, SITE_RESID_POST, x);
	memcpy(s->mlp_out, x, bytes);
	backward_seeds(b, l, SITE_MLP_OUT, s->mlp_out);
	memset(s->resid_pre, 0, bytes);
	if (past)
		memset(s->resid_mid, 0, bytes);
	else
		memcpy(s->resid_mid, x, bytes);
	(config_mixes(c, l) ? mixture_back : mlp_back)(b, l, s, past, c->parallel ? s->resid_pre : s->resid_mid);
	backward_seeds(b, l, SITE_RESID_MID, s->resid_mid);
	memcpy(x, s->resid_mid, bytes);
	backward_edits(b, l, SITE_RESID_MID, x);
	memcpy(s->attn_out, x, bytes);
	backward_seeds(b, l, SITE_ATTN_OUT, s->attn_out);
	if (!past)
		kernel_add(s->resid_pre, x, s->resid_pre, all);
	attention_block_back(b, l, s, past);
	backward_seeds(b, l, SITE_RESID_PRE, s->resid_pre);
	memcpy(x, s->resid_pre, bytes);
	backward_edits(b, l, SITE_RESID_PRE, x);
}

void backward_past(const struct backward *b, int l, struct layer_sites *s, float *x)
{
	const struct config *c = &b->run->model->config;
	size_t rows = (size_t)b->rows, bytes = rows * (size_t)c->D * sizeof *x;

	for (int site = 0; site < SITE_COUNT; site++)
		if (layer_site(s, (enum site)site))
			memset(layer_site(s, (enum site)site), 0, rows * run_width(c, (enum site)site) * sizeof *x);
	memset(s->pattern, 0, (size_t)(b->runs * c->H) * s->pattern_room * s->pattern_room * sizeof *x);
	memcpy(s->resid_post, x, bytes);
	backward_edits(b, l, SITE_RESID_POST, x);
	memcpy(s->resid_mid, x, bytes);
	backward_seeds(b, l, SITE_RESID_MID, s->resid_mid);
	memcpy(x, s->resid_mid, bytes);
	backward_edits(b, l, SITE_RESID_MID, x);
	memcpy(s->resid_pre, x, bytes);
	backward_seeds(b, l, SITE_RESID_PRE, s->resid_pre);
	memcpy(x, s->resid_pre, bytes);
	backward_edits(b, l, SITE_RESID_PRE, x);
}

void backward_enter_losses(const struct run *run, int position, const float *d, struct lost *lost)
{
	const struct model *m = run->model;
	const size_t D = (size_t)m->config.D;
	float *g = xmalloc(2 * D * sizeof *g), *own = g + D;

	memcpy(g, d, D * sizeof *g);
	for (int e = run->edits - 1; e >= 0; e--)
		if (edit_hits(&run->edit[e], SITE_EMBED, 0) && edit_covers(&run->edit[e], position)) {
			lost_edit(lost, &run->edit[e], &m->config, SITE_EMBED, position, g, D);
			edit_back(&run->edit[e], &m->config, g);
		}
	memset(own, 0, D * sizeof *own);
	if (!m->embed_norm.there)
		model_enter(m, position, own); /* the learned position alone; no family has both */
	lost_bias(lost, m->embed_norm.there ? m->embed_norm.bias : own, g, 1, D);
	free(g);
}

void backward_enter(const struct run *run, unsigned frozen, int position, float *d)
{
	const size_t D = (size_t)run->model->config.D;
	float *x;

	for (int e = run->edits - 1; e >= 0; e--)
		if (edit_hits(&run->edit[e], SITE_EMBED, 0) && edit_covers(&run->edit[e], position))
			edit_back(&run->edit[e], &run->model->config, d);
	if (!run->model->embed_norm.there)
		return;
	x = xmalloc(D * sizeof *x);
	run_input(run, position, x);
	model_enter_back(run->model, x, position, (frozen & FROZEN_NORMS) != 0, d, d);
	free(x);
}
