/* reading.c - see reading.h. From what a metric reads of a norm's output, or of values that a head mixes, back to the stream. */
#include "engine/run/reading.h"

#include <math.h>
#include <string.h>

#include "engine/model/rotary.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/tensor.h"
#include "engine/run/attention.h"
#include "engine/run/metric_inner.h"
#include "engine/run/norms.h"

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static size_t channels(const struct run *r)
{
	return (size_t)r->model->config.D;
}

/* One more share that no write made; those of a name are one. */
static void add_constant(struct reading *out, const char *name, double share)
{
	int i = 0;

	while (i < out->constants && strcmp(out->constant[i].name, name))
		i++;
	out->constants += i == out->constants;
	out->constant[i].name = name;
	out->constant[i].share += share;
}

static bool begin(struct reading *out, const struct run *run, enum site site, int layer, int from, int n, struct err *err)
{
	out->site = site;
	out->layer = layer;
	out->from = from;
	out->n = n;
	out->scale = 1;
	out->direction = arena_floats(out->arena, (size_t)n * channels(run), err);
	return out->direction != NULL;
}

/* The stream that a norm reads: the final one's is the last. */
static bool begin_at_norm(struct reading *out, const struct run *run, enum site norm, int layer, int from, int n, struct err *err)
{
	const struct config *c = &run->model->config;

	if (norm == SITE_LN_FINAL)
		return begin(out, run, SITE_RESID_POST, c->L - 1, from, n, err);
	return begin(out, run, norm == SITE_LN1 || c->parallel ? SITE_RESID_PRE : SITE_RESID_MID, layer, from, n, err);
}

/* w[D] at the output of a norm of x, at row i: to its input, the scale frozen. w is spent. */
static void through_norm(struct reading *out, const struct run *run, enum site site, int layer, int i, const float *x, float *w)
{
	const struct model *m = run->model;
	const struct edited_norm place = { m, run->edit_list, run->edits, site, site == SITE_LN_FINAL ? m->config.L : layer };
	const struct norm *norm = norms_at(m, site, place.layer);
	float *direction = out->direction + (size_t)i * channels(run), scale = 1;

	if (norm->there && norm->bias)
		add_constant(out, "norm_bias", dot(w, norm->bias, channels(run)));
	norms_back(&place, out->from + i, x, true, w, direction);
	norms_apply(&place, out->from + i, x, w, &scale);
	out->scale = (double)scale;
}

/* ---- logits ---- */

static double uncapped(double x, float cap)
{
	return cap > 0 ? (double)cap * atanh(x / (double)cap) : x;
}

bool read_logits(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	const struct model *model = run->model;
	const struct config *c = &model->config;
	const size_t D = channels(run);
	float *w = arena_floats(out->arena, 3 * D, err), *y = w ? w + D : NULL, *u = w ? w + 2 * D : NULL, logit;
	double bias = 0;

	if (!w || !begin_at_norm(out, run, SITE_LN_FINAL, c->L, m->position, 1, err))
		return false;
	run_ln_final(run, m->position, y);
	for (int k = 0; k < 2 && m->target[k] >= 0; k++) {
		matrix_output(model->W_U, m->target[k], u);
		kernel_axpy(k ? -c->logit_scale : c->logit_scale, u, w, D);
		bias += (k ? -1 : 1) * (double)c->logit_scale * (model->b_U ? (double)model->b_U[m->target[k]] : 0);
		model_unembed_some(model, y, 1, m->target[k], 1, &logit, 1);
		out->value += (k ? -1 : 1) * uncapped((double)logit, c->logit_cap);
	}
	through_norm(out, run, SITE_LN_FINAL, c->L, 0, run_at(run, SITE_RESID_POST, c->L - 1, m->position), w);
	add_constant(out, "norm_bias", 0);
	add_constant(out, "unembed_bias", bias);
	return true;
}

/* ---- edits between the stream and the metric ---- */

/* What they put there is no writer's: the metric less what the run would have made of its stream. */
static void add_edits(struct reading *out, const struct run *run, int layer, const enum site *sites, int n)
{
	double sum = 0;
	bool any = false;

	for (int e = 0; e < run->edits; e++)
		for (int s = 0; s < n; s++)
			any = any || edit_hits(&run->edit[e], sites[s], layer);
	if (!any)
		return;
	for (int i = 0; i < out->n; i++)
		sum += reading_share(out, out->from + i, run_at(run, out->site, out->layer, out->from + i), run->model->config.D);
	for (int i = 0; i < out->constants; i++)
		sum += out->constant[i].share;
	add_constant(out, "edits", out->value - sum);
}

/* ---- neurons ---- */

bool read_neuron(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	static const enum site between[] = { SITE_MLP_PRE };
	const struct layer *y = &run->model->layers[m->place.layer];
	const bool gate = run->model->config.gated && m->kind == METRIC_NEURON_PRE;
	const float *bias = gate ? y->b_gate : y->b_in;
	float *w = arena_floats(out->arena, channels(run), err);

	if (!w || !begin_at_norm(out, run, SITE_LN2, m->place.layer, m->position, 1, err))
		return false;
	out->value = metric_of_run(m, run);
	matrix_output(gate ? y->W_gate : y->W_in, m->place.unit, w);
	through_norm(out, run, SITE_LN2, m->place.layer, 0, norms_input(run, SITE_LN2, m->place.layer, m->position), w);
	add_constant(out, "neuron_bias", bias ? (double)bias[m->place.unit] : 0);
	add_edits(out, run, m->place.layer, between, m->kind == METRIC_NEURON_PRE);
	return true;
}

/* ---- keys and values ---- */

/* One row of keys or values, as its matrix gives it: [G, K]. */
static bool project(const struct run *run, int layer, const struct matrix *W, const float *bias, int position, float *out,
		    struct arena *arena, struct err *err)
{
	const struct edited_norm read = { run->model, run->edit_list, run->edits, SITE_LN1, layer };
	float *normed = arena_floats(arena, channels(run), err);

	if (!normed)
		return false;
	norms_apply(&read, position, run_at(run, SITE_RESID_PRE, layer, position), normed, NULL);
	matrix_apply(W, normed, channels(run), 1, out, (size_t)matrix_out(W));
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
		add_constant(out, "clipped", held);
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
	float *w = arena_floats(out->arena, channels(run), err);

	if (!d || !w || !begin_at_norm(out, run, SITE_LN1, layer, position, 1, err) ||
	    !project(run, layer, s->W, s->bias, position, x, out->arena, err))
		return false;
	memcpy(d + at, along, K * sizeof *d);
	if (!turn_back(run, layer, position, d + at, out->arena, err))
		return false;
	memcpy(normed, x, n * sizeof *x);
	for (size_t i = 0; c->qkv_clip > 0 && i < n; i++)
		normed[i] = fminf(fmaxf(x[i], -c->qkv_clip), c->qkv_clip);
	norms_back(&norm, position, normed, true, d, g);
	if (norms_at(run->model, s->norm, layer)->bias) { /* what it adds is what is not of its input */
		double of_input = dot(g, normed, n);

		norms_apply(&norm, position, normed, normed, NULL);
		add_constant(out, s->name, dot(d, normed, n) - of_input);
	}
	clip_back(out, c->qkv_clip, x, g, n);
	if (s->bias)
		add_constant(out, s->name, dot(g, s->bias, n));
	matrix_apply_back(s->W, g, n, 1, w, channels(run));
	through_norm(out, run, SITE_LN1, layer, 0, run_at(run, SITE_RESID_PRE, layer, position), w);
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
	out->value = uncapped(metric_of_run(m, run) - bias, c->attention_cap) + bias;
	if (c->alibi)
		add_constant(out, "position_bias", bias);
	add_edits(out, run, l, between, 2);
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
	out->value = dot(run_at(run, place->site, place->layer, place->position) + (size_t)place->unit * K, along, K);
	add_edits(out, run, place->layer, &side.site, 1);
	return true;
}

/* What is read of attention's write: rows p[n, D] at the positions from … from+n-1, through one head (-1: all). */
struct read_sources {
	int layer, head, from, n;
	const float *p;	    /* [n, D] */
	const float *scale; /* [n] of the norm after attention; NULL: the run's own */
	bool bias;	    /* b_O counts */
};

/* To what W_O was given: u[H, K] of one row. Returns b_O's share. */
static double before_write(const struct run *run, const struct read_sources *s, int i, float *pl, float *u)
{
	const struct config *c = &run->model->config;
	const struct layer *y = &run->model->layers[s->layer];
	const float *post = run->layer[s->layer]->post_scale, scale = s->scale ? s->scale[i] : post ? post[s->from + i] : 1;
	const size_t D = channels(run);

	for (size_t k = 0; k < D; k++)
		pl[k] = s->p[(size_t)i * D + k] * c->residual_scale *
			(y->ln1_post.there ? scale * (y->ln1_post.gain ? y->ln1_post.gain[k] : 1) : 1);
	matrix_apply_back(y->W_O, pl, D, 1, u, (size_t)(c->H * c->K));
	return y->b_O ? dot(pl, y->b_O, D) : 0;
}

/* d[keys, G, K] += the weights of a query's heads times u[H, K]. */
static void mix_back(const struct run *run, const struct read_sources *s, int query, const float *u, float *d)
{
	const struct config *c = &run->model->config;
	const size_t K = (size_t)c->K, GK = (size_t)c->G * K;

	for (int h = 0; h < c->H; h++)
		for (int j = 0; j <= query && (s->head < 0 || h == s->head); j++)
			kernel_axpy(run_pattern(run, s->layer, h, query)[j], u + (size_t)h * K,
				    d + (size_t)j * GK + (size_t)config_kv_head(c, h) * K, K);
}

/* From d[out->n, G, K] at values to the stream that they are made of. d is spent. */
static bool values_back(const struct run *run, int layer, float *d, struct reading *out, struct err *err)
{
	static const enum site between[] = { SITE_V, SITE_Z, SITE_RESULT, SITE_ATTN_OUT };
	const struct config *c = &run->model->config;
	const struct layer *y = &run->model->layers[layer];
	const size_t D = channels(run), GK = (size_t)(c->G * c->K);
	float *v = arena_floats(out->arena, GK, err), *w = arena_floats(out->arena, (size_t)out->n * D, err);

	if (!v || !w)
		return false;
	for (int j = 0; j < out->n; j++) {
		if (c->qkv_clip > 0 && !project(run, layer, y->W_V, y->b_V, out->from + j, v, out->arena, err))
			return false;
		clip_back(out, c->qkv_clip, v, d + (size_t)j * GK, GK);
		if (y->b_V)
			add_constant(out, "value_bias", dot(d + (size_t)j * GK, y->b_V, GK));
	}
	matrix_apply_back(y->W_V, d, GK, out->n, w, D);
	for (int j = 0; j < out->n; j++)
		through_norm(out, run, SITE_LN1, layer, j, run_at(run, SITE_RESID_PRE, layer, out->from + j), w + (size_t)j * D);
	add_edits(out, run, layer, between, 4);
	return true;
}

static bool read_sources(const struct run *run, const struct read_sources *s, struct reading *out, struct err *err)
{
	const struct config *c = &run->model->config;
	float *pl = arena_floats(out->arena, channels(run), err), *u = arena_floats(out->arena, (size_t)(c->H * c->K), err);
	float *d = arena_floats(out->arena, (size_t)(s->from + s->n) * (size_t)(c->G * c->K), err);

	if (!pl || !u || !d || !begin_at_norm(out, run, SITE_LN1, s->layer, 0, s->from + s->n, err))
		return false;
	for (int i = 0; i < s->n; i++) {
		double bias = before_write(run, s, i, pl, u);

		if (s->bias)
			add_constant(out, "attn_bias", bias);
		mix_back(run, s, s->from + i, u, d);
	}
	return values_back(run, s->layer, d, out, err);
}

bool reading_of_head(struct reading *out, const struct reading *of, const struct run *run, int layer, int head, struct arena *arena,
		     struct err *err)
{
	const struct read_sources s = { layer, head, of->from, of->n, of->direction, NULL, false };
	float *write = arena_floats(arena, channels(run), err);

	*out = (struct reading){ .arena = arena };
	for (int t = of->from; write && t < of->from + of->n; t++) {
		run_result(run, layer, head, t, write);
		out->value += reading_share(of, t, write, run->model->config.D);
	}
	return write && read_sources(run, &s, out, err);
}

/* ---- rows of the stream, and of what is written to it ---- */

static bool refuse(const struct metric *m, const char *instead, struct err *err)
{
	return err_set(err, ERR_ARGUMENT, "%s is not linear in the stream: ask %s", m->spec, instead);
}

/* What a neuron is depends on its input alone: that of the metric's own, where it names one. */
static bool refuse_neurons(const struct metric *m, struct arena *arena, struct err *err)
{
	struct place place = m->place;
	const char *one = "neuron_pre of one of its neurons";

	if (place.site == SITE_MLP_POST && place.unit >= 0 && place.unit == place.unit_to) {
		one = arena_printf(arena, "neuron_pre %d.%d", place.layer, place.unit);
		if (place.position >= 0)
			one = arena_printf(arena, "%s @%d", one, place.position);
	}
	return refuse(m, one, err);
}

/* p[n, D] at the metric's site. */
static bool read_site(const struct metric *m, const struct run *run, const float *p, int from, int n, struct reading *out,
		      struct err *err)
{
	const struct read_sources all = { m->place.layer, -1, from, n, p, NULL, m->kind != METRIC_PART };

	if (m->place.site == SITE_ATTN_OUT)
		return read_sources(run, &all, out, err);
	if (m->place.site == SITE_MLP_OUT || m->place.site == SITE_MLP_POST)
		return refuse_neurons(m, out->arena, err);
	if (m->place.site == SITE_EMBED)
		return err_set(err, ERR_ARGUMENT, "%s: nothing writes to an embedding", m->spec);
	if (!begin(out, run, m->place.site, m->place.layer, from, n, err))
		return false;
	memcpy(out->direction, p, (size_t)n * channels(run) * sizeof *p);
	return true;
}

/* w of the unembedding to the row that the lens reads. */
static bool lens_row(const struct metric *m, const struct run *run, float *p, struct reading *out, struct err *err)
{
	const struct model *model = run->model;
	const struct config *c = &model->config;
	const struct edited_norm place = { model, run->edit_list, run->edits, SITE_LN_FINAL, c->L };
	const size_t D = channels(run);
	float *w = arena_floats(out->arena, D, err);

	if (!w)
		return false;
	matrix_output(model->W_U, m->target[0], w);
	for (size_t i = 0; i < D; i++)
		w[i] *= c->logit_scale;
	if (model->ln_final.there && model->ln_final.bias)
		add_constant(out, "norm_bias", dot(w, model->ln_final.bias, D));
	add_constant(out, "unembed_bias", model->b_U ? (double)c->logit_scale * (double)model->b_U[m->target[0]] : 0);
	norms_back(&place, m->position, run_at(run, m->place.site, m->place.layer, m->position), true, w, p);
	return true;
}

bool read_row(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	const size_t D = channels(run);
	const float *x = run_at(run, m->place.site, m->place.layer, m->position);
	float *p = arena_floats(out->arena, D, err);

	if (!p)
		return false;
	out->value = metric_of_run(m, run);
	if (m->kind == METRIC_ALONG)
		memcpy(p, m->vector->row, D * sizeof *p);
	for (size_t i = 0; m->kind == METRIC_NORM && out->value > 0 && i < D; i++)
		p[i] = (float)((double)x[i] / out->value);
	if (m->kind == METRIC_LENS) {
		out->value = uncapped(out->value, run->model->config.logit_cap);
		if (!lens_row(m, run, p, out, err))
			return false;
	}
	return read_site(m, run, p, m->position, 1, out, err);
}

/* ---- parts ---- */

bool read_part(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	const struct metric_vector *v = m->vector;
	const struct config *c = &run->model->config;
	const float *row = v->row;
	float *d;

	out->value = metric_of_run(m, run);
	if (m->place.site == SITE_RESULT) {
		const struct read_sources head = { m->place.layer, m->place.unit, v->from, v->n, row, v->scale, false };

		return read_sources(run, &head, out, err);
	}
	if (m->place.site != SITE_PATTERN)
		return read_site(m, run, row, v->from, v->n, out, err);
	d = arena_floats(out->arena, (size_t)(c->G * c->K), err); /* of the value at one key */
	if (!d || !begin_at_norm(out, run, SITE_LN1, m->place.layer, m->place.key, 1, err))
		return false;
	kernel_axpy(run_pattern(run, m->place.layer, m->place.unit, m->position)[m->place.key], row,
		    d + (size_t)config_kv_head(c, m->place.unit) * v->width, v->width);
	return values_back(run, m->place.layer, d, out, err);
}

/* direction[D] at a position; NULL: it is not read. */
static const float *reading_at(const struct reading *r, int position, int D)
{
	return position < r->from || position >= r->from + r->n ? NULL : r->direction + (size_t)(position - r->from) * (size_t)D;
}

/* What is added to a part for what is none of it: the biases of a write, and learned positions. */
static double not_of_part(const struct metric *m, const struct model *model, const float *p, int position, float *row)
{
	const struct layer *y = m->place.layer >= 0 ? &model->layers[m->place.layer] : NULL;
	const size_t D = (size_t)model->config.D;
	const float *bias = m->place.site == SITE_ATTN_OUT ? y->b_O : m->place.site == SITE_MLP_OUT ? y->b_out : NULL;

	if (m->place.site == SITE_EMBED && model->W_pos) {
		tensor_row(model->W_pos, (size_t)(position + model->config.position_offset), row);
		return -dot(row, p, D);
	}
	return bias ? -(double)model->config.residual_scale * dot(bias, p, D) : 0;
}

/* A neuron's weight in what is read: w_out through the norm after the MLP. */
static bool freeze_neuron(struct metric_vector *v, const struct metric *m, const struct run *run, const float *p,
			  struct arena *arena, struct err *err)
{
	const struct model *model = run->model;
	const struct norm *post = &model->layers[m->place.layer].ln2_post;
	const size_t D = channels(run);
	float *w = arena_floats(arena, D, err),
	      *scale = post->there ? norms_scales(run, SITE_LN2_POST, m->place.layer, arena, err) : NULL;

	if (!w || (post->there && !scale))
		return false;
	matrix_input(model->layers[m->place.layer].W_out, m->place.unit, w);
	for (size_t k = 0; k < D; k++)
		w[k] *= model->config.residual_scale * (post->there && post->gain ? post->gain[k] : 1);
	for (int i = 0; i < v->n; i++)
		v->row[i] = (float)dot(w, p + (size_t)i * D, D) * (scale ? scale[v->from + i] : 1);
	return true;
}

/* What is wanted of a head's value, in place of its write. */
static bool freeze_source(struct metric_vector *v, const struct metric *m, const struct run *run, const float *p,
			  struct arena *arena, struct err *err)
{
	const struct config *c = &run->model->config;
	const struct read_sources s = { m->place.layer, m->place.unit, v->from, 1, p, NULL, false };
	float *pl = arena_floats(arena, channels(run), err), *u = arena_floats(arena, (size_t)(c->H * c->K), err);

	if (!pl || !u)
		return false;
	before_write(run, &s, 0, pl, u);
	memcpy(v->row, u + (size_t)m->place.unit * v->width, v->width * sizeof *u);
	return true;
}

static bool freeze_rows(struct metric_vector *v, const struct metric *m, const struct run *run, const float *p, struct arena *arena,
			struct err *err)
{
	const float *post = m->place.site == SITE_RESULT ? run->layer[m->place.layer]->post_scale : NULL;
	const size_t D = channels(run);
	float *row = arena_floats(arena, D, err);

	if (!row)
		return false;
	memcpy(v->row, p, (size_t)v->n * D * sizeof *p);
	v->scale = m->place.site == SITE_RESULT ? xcalloc((size_t)v->n, sizeof *v->scale) : NULL;
	for (int i = 0; i < v->n; i++) {
		if (v->scale)
			v->scale[i] = post ? post[v->from + i] : 1;
		v->constant += not_of_part(m, run->model, p + (size_t)i * D, v->from + i, row);
	}
	return true;
}

static bool freeze(struct metric *m, const struct reading *r, const struct run *run, struct err *err)
{
	const struct config *c = &run->model->config;
	const enum site site = m->place.site;
	const float *p = reading_at(r, m->place.position < 0 ? r->from : m->place.position, c->D);
	const int from = m->place.position < 0 ? r->from : m->place.position, n = m->place.position < 0 ? r->n : 1;

	m->position = from + n - 1;
	m->vector = metric_vector_new(from, n, site == SITE_MLP_POST ? 1 : site == SITE_PATTERN ? (size_t)c->K : (size_t)c->D);
	if (site == SITE_MLP_POST)
		return freeze_neuron(m->vector, m, run, p, r->arena, err);
	return (site == SITE_PATTERN ? freeze_source : freeze_rows)(m->vector, m, run, p, r->arena, err);
}

bool reading_freeze_part(struct metric *m, const struct metric *of, const struct run *unedited, struct err *err)
{
	struct arena *arena = arena_new();
	struct reading r;
	bool ok = reading_init(&r, of, unedited, arena, err);

	if (ok && !reading_counts(&r, m->place.site, m->place.layer))
		ok = err_set(err, ERR_ARGUMENT, "metric: what layer %d writes there comes after what %s reads", m->place.layer,
			     of->spec);
	if (ok && m->place.position >= 0 && !reading_at(&r, m->place.position, unedited->model->config.D))
		ok = r.n == 1 ? err_set(err, ERR_ARGUMENT, "metric: %s reads position %d, not %d", of->spec, r.from,
					m->place.position)
			      : err_set(err, ERR_ARGUMENT, "metric: %s reads positions %d … %d, not %d", of->spec, r.from,
					r.from + r.n - 1, m->place.position);
	ok = ok && freeze(m, &r, unedited, err);
	arena_free(arena);
	return ok;
}

/* ---- for everybody ---- */

bool reading_init(struct reading *out, const struct metric *m, const struct run *run, struct arena *arena, struct err *err)
{
	const struct metric_info *info = metric_table[m->kind];

	*out = (struct reading){ .arena = arena };
	return info->read ? info->read(m, run, out, err) : refuse(m, info->instead, err);
}

/* How far up the layer: before attention, between, after the MLP. */
static int height(enum site site)
{
	if (site == SITE_RESID_PRE || site == SITE_EMBED)
		return 0;
	return site == SITE_RESID_POST || site == SITE_MLP_OUT || site == SITE_MLP_POST ? 2 : 1;
}

bool reading_counts(const struct reading *r, enum site site, int layer)
{
	return site == SITE_EMBED || layer < r->layer || (layer == r->layer && height(site) <= height(r->site));
}

double reading_share(const struct reading *r, int position, const float *x, int D)
{
	const float *direction = reading_at(r, position, D);

	return direction ? dot(x, direction, (size_t)D) : 0;
}
