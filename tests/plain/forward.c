/*
 * forward.c - a transformer in plain C, to be read first: a layer, line by line, as the papers write it.
 *
 * No blocks, no threads, no vectors, no reuse: everything is computed for every position, one loop inside the other, sums in double
 * precision. engine/run/forward.c does the same fast, with edits and for thirty families; this page has two of them: Llama (RMS
 * norm, rotary positions, shared key/value heads, an MLP with a gate) and GPT-2 (layer norm, learned positions, biases everywhere).
 * The test at the end compares each site of the two on the tiny models of tests/fixtures/tiny.
 *
 * Sites have TransformerLens' names. Sizes: T positions, D channels of the residual stream, H query heads, G key/value heads,
 * K channels of a head, F neurons, V vocabulary. Arrays are row-major: x[T, D] is T rows of D numbers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/json.h"
#include "engine/model/model.h"
#include "engine/run/run.h"
#include "tests/numbers/ids.h"
#include "tests/tap.h"

static const double tolerance = 2e-5; /* of a site's scale */

/* Everything that a layer computes, in the order in which it does. */
struct plain {
	int T, D, H, G, K, F;
	float *resid_pre;		    /* [T, D] the residual stream as it enters */
	float *normed;			    /* [T, D] … after a norm: what attention, and then what the MLP reads */
	float *q, *k, *v;		    /* [T, H, K], [T, G, K], [T, G, K] */
	float *scores, *pattern;	    /* [H, T, T] query by key: before and after softmax */
	float *z;			    /* [T, H, K] values, mixed by the pattern */
	float *attn_out;		    /* [T, D] what attention writes */
	float *resid_mid;		    /* [T, D] */
	float *mlp_pre, *mlp_up, *mlp_post; /* [T, F] neurons before and after the activation; the linear half of a gated MLP */
	float *mlp_out;			    /* [T, D] what the MLP writes */
	float *resid_post;		    /* [T, D] the residual stream as it leaves */
};

/* ---- the small steps ---- */

/* y[T, out] = x[T, in] W + b */
static void multiply(const float *x, const struct matrix *W, const float *b, int T, float *y)
{
	const int in = matrix_in(W), out = matrix_out(W);
	float *column = malloc((size_t)in * sizeof *column); /* the weights of one output */

	for (int j = 0; j < out; j++) {
		matrix_output(W, j, column);
		for (int t = 0; t < T; t++) {
			double sum = b ? b[j] : 0;

			for (int i = 0; i < in; i++)
				sum += (double)x[t * in + i] * (double)column[i];
			y[t * out + j] = (float)sum;
		}
	}
	free(column);
}

/*
 * Layer norm: (x - mean) / sqrt(variance + eps) * gain + bias. RMS norm is the same without the mean and without the bias.
 * x and y are [T, D].
 */
static void normalise(const struct config *c, const struct norm *norm, const float *x, int T, float *y)
{
	for (int t = 0; t < T; t++, x += c->D, y += c->D) {
		double mean = 0, square = 0, scale;

		for (int i = 0; c->norm == NORM_LAYER && i < c->D; i++)
			mean += (double)x[i] / c->D;
		for (int i = 0; i < c->D; i++)
			square += (x[i] - mean) * (x[i] - mean) / c->D;
		scale = 1 / sqrt(square + (double)c->norm_eps);
		for (int i = 0; i < c->D; i++)
			y[i] = (float)((x[i] - mean) * scale * (double)norm->gain[i] + (norm->bias ? (double)norm->bias[i] : 0));
	}
}

/*
 * Rotary positions: channels i and i + K/2 of a head are a point in a plane, which turns with the position, each pair at a speed of
 * its own. A query's product with a key then depends on how far they are apart. x is [T, heads, K].
 */
static void rotate(const struct config *c, float *x, int T, int heads)
{
	const int pairs = c->rotary.pairs;

	for (int t = 0; t < T; t++)
		for (int h = 0; h < heads; h++) {
			float *head = x + (t * heads + h) * c->K;

			for (int i = 0; i < pairs; i++) {
				/* base^(-2i/K) */
				double angle = t * (double)c->rotary.frequency[i], a = head[i], b = head[i + pairs];

				head[i] = (float)(a * cos(angle) - b * sin(angle));
				head[i + pairs] = (float)(b * cos(angle) + a * sin(angle));
			}
		}
}

/* The first n of x become probabilities p. */
static void softmax(const float *x, int n, float *p)
{
	double most = -INFINITY, sum = 0;

	for (int i = 0; i < n; i++)
		most = fmax(most, (double)x[i]);
	for (int i = 0; i < n; i++)
		sum += exp((double)x[i] - most);
	for (int i = 0; i < n; i++)
		p[i] = (float)(exp((double)x[i] - most) / sum);
}

static double activate(enum activation f, double x)
{
	switch (f) {
	case ACTIVATION_RELU:
		return fmax(x, 0);
	case ACTIVATION_SILU:
		return x / (1 + exp(-x));
	case ACTIVATION_GELU:
		return x * 0.5 * (1 + erf(x / sqrt(2)));
	case ACTIVATION_GELU_TANH:
		return x * 0.5 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
	default:
		return NAN; /* no model of this page has another */
	}
}

/* y[T, D] = a[T, D] + b[T, D] */
static void add(const struct plain *p, const float *a, const float *b, float *y)
{
	for (int i = 0; i < p->T * p->D; i++)
		y[i] = a[i] + b[i];
}

/* ---- a layer ---- */

/* Each head compares a query with the keys up to it, and mixes the values in proportion. H / G query heads share a key. */
static void attend(const struct plain *p, double scale)
{
	const int T = p->T, H = p->H, G = p->G, K = p->K;

	for (int h = 0; h < H; h++) {
		const int g = h / (H / G);

		for (int i = 0; i < T; i++) {
			float *scores = p->scores + (h * T + i) * T, *pattern = p->pattern + (h * T + i) * T;

			for (int j = 0; j < T; j++) {
				double sum = 0;

				for (int k = 0; k < K; k++)
					sum += (double)p->q[(i * H + h) * K + k] * (double)p->k[(j * G + g) * K + k];
				scores[j] = j <= i ? (float)(sum * scale) : -INFINITY; /* nobody looks at what comes later */
				pattern[j] = 0;
			}
			softmax(scores, i + 1, pattern);
			for (int k = 0; k < K; k++) {
				double sum = 0;

				for (int j = 0; j <= i; j++)
					sum += (double)pattern[j] * (double)p->v[(j * G + g) * K + k];
				p->z[(i * H + h) * K + k] = (float)sum;
			}
		}
	}
}

/* From p->resid_pre to p->resid_post. */
static void layer_forward(const struct model *m, int l, struct plain *p)
{
	const struct config *c = &m->config;
	const struct layer *w = &m->layers[l];
	const int T = p->T;

	/* Attention: information moves between positions. */
	normalise(c, &w->ln1, p->resid_pre, T, p->normed);
	multiply(p->normed, w->W_Q, w->b_Q, T, p->q);
	multiply(p->normed, w->W_K, w->b_K, T, p->k);
	multiply(p->normed, w->W_V, w->b_V, T, p->v);
	if (c->position == POSITION_ROTARY) {
		rotate(c, p->q, T, p->H);
		rotate(c, p->k, T, p->G);
	}
	attend(p, (double)c->attention_scale[l]); /* 1 / sqrt(K) */
	multiply(p->z, w->W_O, w->b_O, T, p->attn_out);
	add(p, p->resid_pre, p->attn_out, p->resid_mid);

	/* MLP: each position by itself. */
	normalise(c, &w->ln2, p->resid_mid, T, p->normed);
	multiply(p->normed, c->gated ? w->W_gate : w->W_in, c->gated ? w->b_gate : w->b_in, T, p->mlp_pre);
	if (c->gated)
		multiply(p->normed, w->W_in, w->b_in, T, p->mlp_up);
	for (int i = 0; i < T * p->F; i++)
		p->mlp_post[i] = (float)(activate(c->activation, (double)p->mlp_pre[i]) * (c->gated ? (double)p->mlp_up[i] : 1));
	multiply(p->mlp_post, w->W_out, w->b_out, T, p->mlp_out);
	add(p, p->resid_mid, p->mlp_out, p->resid_post);
}

/* What enters layer 0: the token's embedding, and that of its position where those are learned. */
static void embed(const struct model *m, const int32_t *tokens, const struct plain *p)
{
	float *position = calloc((size_t)p->D, sizeof *position);

	for (int t = 0; t < p->T; t++) {
		float *x = p->resid_pre + t * p->D;

		tensor_row(m->W_E, (size_t)tokens[t], x);
		if (m->config.position == POSITION_LEARNED)
			tensor_row(m->W_pos, (size_t)t, position);
		for (int i = 0; i < p->D; i++)
			x[i] += position[i];
	}
	free(position);
}

/* ---- the fast path against it ---- */

static struct plain plain_new(const struct config *c, int T, struct arena *arena)
{
	struct plain p = { T, c->D, c->H, c->G, c->K, c->F, NULL };
	float **const at[] = { &p.resid_pre, &p.normed, &p.attn_out, &p.resid_mid, &p.mlp_out,	&p.resid_post, &p.q,	  &p.z,
			       &p.k,	     &p.v,	&p.mlp_pre,  &p.mlp_up,	   &p.mlp_post, &p.scores,     &p.pattern };
	const int width[] = { c->D,	   c->D,	c->D, c->D, c->D, c->D,	    c->H * c->K, c->H * c->K,
			      c->G * c->K, c->G * c->K, c->F, c->F, c->F, c->H * T, c->H * T };

	for (size_t i = 0; i < sizeof at / sizeof *at; i++)
		*at[i] = arena_alloc(arena, (size_t)T * (size_t)width[i] * sizeof **at[i]);
	return p;
}

static void compare_rows(const struct run *r, const char *name, int l, const struct plain *p)
{
	const struct {
		enum site site;
		const float *plain;
	} sites[] = {
		{ SITE_RESID_PRE, p->resid_pre },
		{ SITE_Q, p->q },
		{ SITE_K, p->k },
		{ SITE_V, p->v },
		{ SITE_Z, p->z },
		{ SITE_ATTN_OUT, p->attn_out },
		{ SITE_RESID_MID, p->resid_mid },
		{ SITE_MLP_PRE, p->mlp_pre },
		{ SITE_MLP_POST, p->mlp_post },
		{ SITE_MLP_OUT, p->mlp_out },
		{ SITE_RESID_POST, p->resid_post },
	};

	for (size_t i = 0; i < sizeof sites / sizeof *sites; i++)
		CHECK_NEAR(run_at(r, sites[i].site, l, 0), sites[i].plain,
			   (size_t)p->T * run_width(&r->model->config, sites[i].site), tolerance, "%s layer %d %s", name, l,
			   site_table[sites[i].site].name);
}

/* Of the scores, those of the keys that a query may look at. */
static void compare_attention(const struct run *r, const char *name, int l, const struct plain *p)
{
	const int T = p->T;
	float *pattern = malloc((size_t)(p->H * T * T) * sizeof *pattern),
	      *scores = malloc((size_t)(p->H * T * T) * sizeof *scores);

	for (int h = 0; h < p->H; h++)
		for (int i = 0; i < T; i++) {
			const size_t at = (size_t)((h * T + i) * T);

			memcpy(pattern + at, run_pattern(r, l, h, i), (size_t)T * sizeof *pattern);
			run_scores(r, l, h, i, scores + at);
			for (int j = i + 1; j < T; j++)
				scores[at + (size_t)j] = p->scores[at + (size_t)j] = 0;
		}
	CHECK_NEAR(pattern, p->pattern, p->H * T * T, tolerance, "%s layer %d pattern", name, l);
	CHECK_NEAR(scores, p->scores, p->H * T * T, tolerance, "%s layer %d scores", name, l);
	free(pattern);
	free(scores);
}

static void compare_logits(const struct run *r, const char *name, const struct plain *p)
{
	const int V = r->model->config.V;
	float *logits = malloc((size_t)(p->T * V) * sizeof *logits), *fast = malloc((size_t)(p->T * V) * sizeof *fast);
	struct err err = { 0 };

	normalise(&r->model->config, &r->model->ln_final, p->resid_post, p->T, p->normed);
	multiply(p->normed, r->model->W_U, r->model->b_U, p->T, logits);
	CHECK_THAT(run_logits(r, 0, p->T, fast, NULL, &err), "%s: logits %s", name, err.text);
	CHECK_NEAR(fast, logits, p->T * V, tolerance, "%s logits", name);
	free(logits);
	free(fast);
}

/* This page goes from the embedding to the logits by itself: an error in one layer would be seen in all above it. */
static void compare(const struct model *m, const char *name, const int32_t *tokens, int T)
{
	struct err err = { 0 };
	struct run_order order = { .model = m, .tokens = tokens, .T = T };
	struct run *r = run_new(&order, NULL, &err);
	struct arena *arena = arena_new();
	struct plain p = plain_new(&m->config, T, arena);

	if (CHECK_THAT(r, "%s runs %s", name, err.text)) {
		embed(m, tokens, &p);
		for (int l = 0; l < m->config.L; l++) {
			layer_forward(m, l, &p);
			compare_rows(r, name, l, &p);
			compare_attention(r, name, l, &p);
			memcpy(p.resid_pre, p.resid_post, (size_t)(T * p.D) * sizeof *p.resid_pre);
		}
		compare_logits(r, name, &p);
	}
	arena_free(arena);
	run_unref(r);
}

int main(void)
{
	const char *const models[] = { "llama-tied", "llama-grouped", "llama3", "gpt2-tied", "gpt2-odd", "gpt2-unscaled" };

	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		char folder[200], path[240];
		struct err err = { 0 };
		int32_t tokens[MOST_IDS];
		struct model *m;
		struct json *about;

		snprintf(folder, sizeof folder, "tests/fixtures/tiny/%s", models[i]);
		snprintf(path, sizeof path, "%s/expected.json", folder);
		m = model_open(folder, NULL, NULL, &err);
		about = json_open(path, 0, &err);
		if (CHECK_THAT(m && about, "%s opens %s", models[i], err.text))
			compare(m, models[i], tokens, read_ids(json_get(json_root(about), "ids"), tokens, MOST_IDS));
		json_free(about);
		model_free(m);
	}
	return tap_done();
}
