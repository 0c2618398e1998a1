/*
 * mix_conv.c - a short convolution between two gates, channel by channel (LFM2, Liquid AI 2025):
 *
 *   z_t = C_t ⊙ (b + Σ_k w_k ⊙ u_{t-n+1+k})      u_t = B_t ⊙ X_t      k = 0 … n-1
 *
 * Positions before the first count as nothing. Channels are called heads as attention's are, though none has more to do with its
 * neighbours than with others: what a head writes is then the write of its channels.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/mixer.h"
#include "engine/run/rows.h"

enum { GRAIN = 4 }; /* rows of a chunk */

static size_t width_of(const struct pass *p)
{
	return (size_t)config_conv_width(&p->model->config);
}

void mix_conv_nothing(const struct pass *p, const struct layer_sites *s)
{
	const size_t bytes = (size_t)rows_count(p) * width_of(p) * sizeof(float);

	if (!bytes)
		return;
	memset(s->conv_in, 0, bytes);
	memset(s->conv_gate, 0, bytes);
}

/* The same of attention, in a convolution. */
static void no_attention(const struct pass *p, const struct layer_sites *s)
{
	const struct config *c = &p->model->config;
	const size_t rows = (size_t)rows_count(p), K = (size_t)c->K * sizeof(float);

	memset(s->q, 0, rows * (size_t)c->H * K);
	memset(s->k, 0, rows * (size_t)c->G * K);
	memset(s->v, 0, rows * (size_t)c->G * K);
}

static void no_weights(const struct pass *p, const struct layer_sites *s)
{
	for (int h = 0; s->pattern && h < p->variants * p->model->config.H; h++)
		for (int t = p->t0; t < p->T; t++)
			memset(layer_weights(s, h, t), 0, s->pattern_room * sizeof(float));
}

/* conv_in has X and q has B: B ⊙ X. */
static void finish_input(const struct rows *r, int row)
{
	const size_t W = width_of(r->p), at = (size_t)row * W;
	float *x = r->s->conv_in + at, *gate = r->s->q + at;

	rows_add_bias(x, r->layer->b_X, W);
	rows_add_bias(gate, r->layer->b_B, W);
	for (size_t i = 0; i < W; i++)
		x[i] *= gate[i];
	rows_touch(r, row, SITE_CONV_IN, x);
}

static void finish_gate(const struct rows *r, int row)
{
	const size_t W = width_of(r->p);
	float *gate = r->s->conv_gate + (size_t)row * W;

	rows_add_bias(gate, r->layer->b_C, W);
	rows_touch(r, row, SITE_CONV_GATE, gate);
}

static void read_gates(const struct pass *p, int l, const struct layer_sites *s)
{
	matrix_apply(p->model->layers[l].W_C, p->scratch, (size_t)p->model->config.D, rows_count(p), s->conv_gate, width_of(p));
	rows_each(p, l, s, finish_gate);
}

static void read_rows(const struct pass *p, int l, const struct layer_sites *s, bool whole)
{
	const struct matrix *W[] = { p->model->layers[l].W_X, p->model->layers[l].W_B };
	float *out[] = { s->conv_in, s->q };

	matrix_apply_each(W, 2, p->scratch, (size_t)p->model->config.D, rows_count(p), out);
	rows_each(p, l, s, finish_input);
	no_attention(p, s);
	if (whole)
		read_gates(p, l, s);
}

struct conv {
	const struct pass *p;
	const struct layer_sites *s; /* whole */
	int l, n;
	size_t first_row;
};

/* The input at a position of a variant: among the pass's rows, among those that variants share, or the run's. */
static const float *input_at(const struct conv *g, int variant, int t)
{
	const struct pass *p = g->p;
	const size_t W = width_of(p);
	const struct past_rows *past = p->ragged ? p->ragged->past[variant] : NULL;
	const int t0 = p->ragged ? p->ragged->t0[variant] : p->key0;
	const int own = p->ragged ? p->ragged->key_row[variant] : variant * (p->T - p->key0);

	if (t >= t0)
		return g->s->conv_in + (g->first_row + (size_t)(own + t - t0)) * W;
	while (past && t < past->from)
		past = past->before;
	if (past)
		return past->conv_in[g->l] + (past->row + (size_t)(t - past->from)) * W;
	return p->past[g->l]->conv_in + (size_t)t * W;
}

static void mix_row(const struct conv *g, const struct rows *r, int row)
{
	const struct layer *y = r->layer;
	const size_t W = width_of(g->p), at = (g->first_row + (size_t)row) * W;
	const int n = g->p->model->config.conv_taps, t = rows_position(r, row);
	const float *gate = g->s->conv_gate + at;
	float *z = g->s->z + at, sum[64];

	for (size_t from = 0; from < W; from += 64) {
		const size_t some = W - from < 64 ? W - from : 64;

		for (size_t i = 0; i < some; i++)
			sum[i] = y->b_conv ? y->b_conv[from + i] : 0;
		for (int k = t < n - 1 ? n - 1 - t : 0; k < n; k++) {
			const float *u = input_at(g, rows_variant(g->p, row), t - n + 1 + k) + from;

			for (size_t i = 0; i < some; i++)
				sum[i] += y->conv[(from + i) * (size_t)n + (size_t)k] * u[i];
		}
		for (size_t i = 0; i < some; i++) /* z may be where the gate is */
			z[from + i] = gate[from + i] * sum[i];
	}
}

static void mix_some(void *context, int chunk)
{
	const struct conv *g = context;
	const struct rows r = { g->p, g->l, g->n, &g->p->model->layers[g->l], g->s, NULL };

	for (int i = chunk * GRAIN; i < g->n && i < (chunk + 1) * GRAIN; i++)
		mix_row(g, &r, i);
}

static void mix(const struct pass *p, int l, const struct layer_sites *s, int first_row)
{
	struct conv g = { p, s, l, rows_count(p), (size_t)first_row };

	pool_run((g.n + GRAIN - 1) / GRAIN, mix_some, &g);
	no_weights(p, s);
}

/* The bias of the sum counts as the position's own. */
static void from(const struct run *r, int l, int head, int query, int key, float *z)
{
	const struct layer *y = &r->model->layers[l];
	const int n = r->model->config.conv_taps, tap = n - 1 - (query - key), K = r->model->config.K;
	const float *gate = run_at(r, SITE_CONV_GATE, l, query) + head * K, *u = run_at(r, SITE_CONV_IN, l, key) + head * K;

	for (int i = 0, channel = head * K; tap >= 0 && i < K; i++, channel++)
		z[i] += gate[i] * (y->conv[channel * n + tap] * u[i] + (key == query && y->b_conv ? y->b_conv[channel] : 0));
}

static double from_along(const struct run *r, int l, int head, int query, int key, const float *along)
{
	const size_t K = (size_t)r->model->config.K;
	float *z = xcalloc(K, sizeof *z);
	double sum;

	from(r, l, head, query, key, z);
	sum = (double)kernel_dot(z, along, K);
	free(z);
	return sum;
}

const struct mixer mixer_conv = {
	.read = read_rows,
	.ask = read_gates,
	.mix = mix,
	.back = mix_conv_back,
	.from = from,
	.from_along = from_along,
};
