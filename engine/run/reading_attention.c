/*
 * reading_attention.c - see reading.h: back through attention, from a query, a key or a score, and from what heads write through
 * their values.
 */
#include <math.h>
#include <string.h>

#include "engine/model/rotary.h"
#include "engine/numbers/kernels.h"
#include "engine/run/attention.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"
#include "engine/run/reading_inside.h"

/* ---- keys and values ---- */

/* One row of keys or values, as its matrix gives it: [G, K]. */
static bool project(const struct run *run, int layer, const struct matrix *W, const float *bias, int position, float *out,
		    struct arena *arena, struct err *err)
{
	const struct edited_norm read = { run->model, run->edit_list, run->edits, SITE_LN1, layer };
	float *normed = arena_floats(arena, reading_channels(run), err);

	if (!normed)
		return false;
	norms_apply(&read, position, run_at(run, SITE_RESID_PRE, layer, position), normed, NULL);
	matrix_apply(W, normed, reading_channels(run), 1, out, (size_t)matrix_out(W));
	if (bias)
		kernel_add(out, bias, out, (size_t)matrix_out(W));
	return true;
}

/* What is clipped does not answer to the stream: it is a constant. x is what was clipped, d at it. */
static void clip_back(struct reading *out, float clip, const float *x, float *d, size_t n)
{
	double held = 0;

	for (size_t i = 0; clip > 0 && i < n; i++)
		if (fabsf(x[i]) >= clip) {
			held += (double)d[i] * (double)copysignf(clip, x[i]);
			d[i] = 0;
		}
	if (clip > 0)
		reading_add_constant(out, "clipped", held);
}

/* Back from a head's turned query or key to the unturned one: d[K]. */
static bool turn_back(const struct run *run, int layer, int position, float *d, struct arena *arena, struct err *err)
{
	const struct config *c = &run->model->config;
	const struct rotary *r = config_rotary(c, layer);
	const size_t pairs = (size_t)r->pairs;
	float *cosine = arena_floats(arena, 3 * pairs, err), *sine = cosine ? cosine + pairs : NULL;

	if (c->position != POSITION_ROTARY || (c->no_rotary && c->no_rotary[layer]))
		return true;
	if (!cosine)
		return false;
	kernel_rotary_table(rotary_frequencies(r, run->T, sine + pairs), r->pairs, position, r->factor, cosine, sine);
	for (size_t i = 0; i < pairs; i++)
		sine[i] = -sine[i];
	kernel_rotary(d, cosine, sine, r->pairs, r->interleaved);
	return true;
}

/* One of the two sides of a score. */
struct side {
	enum site site, norm;
	const struct matrix *W;
	const float *bias;
	size_t units; /* heads, or KV heads */
	const char *name;
};

static struct side side_of(const struct run *run, enum site site, int layer)
{
	const struct config *c = &run->model->config;
	const struct layer *y = &run->model->layers[layer];

	if (site == SITE_Q)
		return (struct side){ SITE_Q, SITE_Q_NORM, y->W_Q, y->b_Q, (size_t)c->H, "query_bias" };
	return (struct side){ SITE_K, SITE_K_NORM, y->W_K, y->b_K, (size_t)c->G, "key_bias" };
}

/* From along[K] at a head's turned query or key to the stream. */
static bool side_back(const struct run *run, const struct side *s, int layer, int unit, int position, const float *along,
		      struct reading *out, struct err *err)
{
	const struct config *c = &run->model->config;
	const struct edited_norm norm = { run->model, run->edit_list, run->edits, s->norm, layer };
	const size_t K = (size_t)c->K, n = s->units * K, at = (size_t)unit * K;
	float *d = arena_floats(out->arena, 4 * n, err), *x = d ? d + n : NULL, *normed = d ? d + 2 * n : NULL,
	      *g = d ? d + 3 * n : NULL;
	float *w = arena_floats(out->arena, reading_channels(run), err);

	if (!d || !w || !reading_begin_at_norm(out, run, SITE_LN1, layer, position, 1, err) ||
	    !project(run, layer, s->W, s->bias, position, x, out->arena, err))
		return false;
	memcpy(d + at, along, K * sizeof *d);
	for (size_t k = 0; s->site == SITE_Q && k < K; k++)
		d[at + k] *= config_query_scale(c, position);
	if (!turn_back(run, layer, position, d + at, out->arena, err))
		return false;
	memcpy(normed, x, n * sizeof *x);
	for (size_t i = 0; c->qkv_clip > 0 && !c->clip_normed && i < n; i++)
		normed[i] = fminf(fmaxf(x[i], -c->qkv_clip), c->qkv_clip);
	if (c->clip_normed) {
		norms_apply(&norm, position, x, g, NULL);
		clip_back(out, c->qkv_clip, g, d, n);
	}
	norms_back(&norm, position, normed, true, d, g);
	if (norms_at(run->model, s->norm, layer)->bias) { /* what it adds is what is not of its input */
		double of_input = metric_dot(g, normed, n);

		norms_apply(&norm, position, normed, normed, NULL);
		reading_add_constant(out, s->name, metric_dot(d, normed, n) - of_input);
	}
	if (!c->clip_normed)
		clip_back(out, c->qkv_clip, x, g, n);
	if (s->bias)
		reading_add_constant(out, s->name, metric_dot(g, s->bias, n));
	matrix_apply_back(s->W, g, n, 1, w, reading_channels(run));
	reading_through_norm(out, run, SITE_LN1, layer, 0, run_at(run, SITE_RESID_PRE, layer, position), w);
	return true;
}

/* The key's side of a score, its query frozen; before a cap. */
bool read_scores(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	static const enum site between[] = { SITE_K, SITE_SCORES };
	const struct config *c = &run->model->config;
	const int l = m->place.layer, key = m->place.key;
	const struct side side = side_of(run, SITE_K, l);
	const size_t K = (size_t)c->K;
	const float *q = run_at(run, SITE_Q, l, m->position) + (size_t)m->place.unit * K;
	const double bias = (double)attention_bias(c, l, m->place.unit, key);
	float *along = arena_floats(out->arena, K, err);

	if (!along)
		return false;
	kernel_axpy(c->attention_scale[l], q, along, K);
	if (!side_back(run, &side, l, config_kv_head(c, m->place.unit), key, along, out, err))
		return false;
	out->value = reading_uncapped(metric_of_run(m, run) - bias, c->attention_cap) + bias;
	if (c->alibi)
		reading_add_constant(out, "position_bias", bias);
	reading_add_edits(out, run, l, between, 2);
	return true;
}

bool reading_of_side(struct reading *out, const struct run *run, const struct place *place, const float *along, struct arena *arena,
		     struct err *err)
{
	const struct side side = side_of(run, place->site, place->layer);
	const size_t K = (size_t)run->model->config.K;

	*out = (struct reading){ .arena = arena };
	if (!side_back(run, &side, place->layer, place->unit, place->position, along, out, err))
		return false;
	out->value = metric_dot(run_at(run, place->site, place->layer, place->position) + (size_t)place->unit * K, along, K);
	reading_add_edits(out, run, place->layer, &side.site, 1);
	return true;
}

double reading_before_write(const struct run *run, const struct reading_sources *s, int i, float *pl, float *u)
{
	const struct config *c = &run->model->config;
	const struct layer *y = &run->model->layers[s->layer];
	const float *post = run->layer[s->layer]->post_scale, scale = s->scale ? s->scale[i] : post ? post[s->from + i] : 1;
	const size_t D = reading_channels(run);

	for (size_t k = 0; k < D; k++)
		pl[k] = s->p[(size_t)i * D + k] * c->residual_scale *
			(y->ln1_post.there ? scale * (y->ln1_post.gain ? y->ln1_post.gain[k] : 1) : 1);
	matrix_apply_back(y->W_O, pl, D, 1, u, (size_t)(c->H * c->K));
	return y->b_O ? metric_dot(pl, y->b_O, D) : 0;
}

/* d[keys, G, K] += the weights of a query's heads times u[H, K]. */
static void mix_back(const struct run *run, const struct reading_sources *s, int query, const float *u, float *d)
{
	const struct config *c = &run->model->config;
	const size_t K = (size_t)c->K, GK = (size_t)c->G * K;

	for (int h = 0; h < c->H; h++)
		for (int j = 0; j <= query && (s->head < 0 || h == s->head); j++)
			kernel_axpy(run_pattern(run, s->layer, h, query)[j], u + (size_t)h * K,
				    d + (size_t)j * GK + (size_t)config_kv_head(c, h) * K, K);
}

bool reading_values_back(const struct run *run, int layer, float *d, struct reading *out, struct err *err)
{
	static const enum site between[] = { SITE_V, SITE_Z, SITE_RESULT, SITE_ATTN_OUT };
	const struct config *c = &run->model->config;
	const struct layer *y = &run->model->layers[layer];
	const size_t D = reading_channels(run), GK = (size_t)(c->G * c->K);
	float *v = arena_floats(out->arena, GK, err), *w = arena_floats(out->arena, (size_t)out->n * D, err);

	if (!v || !w)
		return false;
	for (int j = 0; j < out->n; j++) {
		if (c->qkv_clip > 0 && !project(run, layer, y->W_V, y->b_V, out->from + j, v, out->arena, err))
			return false;
		clip_back(out, c->qkv_clip, v, d + (size_t)j * GK, GK);
		if (y->b_V)
			reading_add_constant(out, "value_bias", metric_dot(d + (size_t)j * GK, y->b_V, GK));
	}
	matrix_apply_back(y->W_V, d, GK, out->n, w, D);
	for (int j = 0; j < out->n; j++)
		reading_through_norm(out, run, SITE_LN1, layer, j, run_at(run, SITE_RESID_PRE, layer, out->from + j),
				     w + (size_t)j * D);
	reading_add_edits(out, run, layer, between, 4);
	return true;
}

bool reading_of_sources(const struct run *run, const struct reading_sources *s, struct reading *out, struct err *err)
{
	const struct config *c = &run->model->config;
	float *pl = arena_floats(out->arena, reading_channels(run), err), *u = arena_floats(out->arena, (size_t)(c->H * c->K), err);
	float *d = arena_floats(out->arena, (size_t)(s->from + s->n) * (size_t)(c->G * c->K), err);

	if (!mixer_attends(c, s->layer, err) || !pl || !u || !d ||
	    !reading_begin_at_norm(out, run, SITE_LN1, s->layer, 0, s->from + s->n, err))
		return false;
	for (int i = 0; i < s->n; i++) {
		double bias = reading_before_write(run, s, i, pl, u);

		if (s->bias)
			reading_add_constant(out, "attn_bias", bias);
		mix_back(run, s, s->from + i, u, d);
	}
	return reading_values_back(run, s->layer, d, out, err);
}

bool reading_of_head(struct reading *out, const struct reading *of, const struct run *run, int layer, int head, struct arena *arena,
		     struct err *err)
{
	const struct reading_sources s = { layer, head, of->from, of->n, of->direction, NULL, false };
	float *write = arena_floats(arena, reading_channels(run), err);

	*out = (struct reading){ .arena = arena };
	for (int t = of->from; write && t < of->from + of->n; t++) {
		run_result(run, layer, head, t, write);
		out->value += reading_share(of, t, write, run->model->config.D);
	}
	return write && reading_of_sources(run, &s, out, err);
}
