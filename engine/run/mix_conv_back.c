/*
 * mix_conv_back.c - a short convolution's way back: see mix_conv.c. Each of its two products is one of activations: a gate that is
 * frozen is a constant, and of halved products each side gets half.
 */
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/backward_inner.h"
#include "engine/run/mixer.h"

void mix_conv_no_gradient(const struct backward *b, struct layer_sites *s)
{
	const size_t bytes = (size_t)b->rows * (size_t)config_conv_width(&b->run->model->config) * sizeof(float);

	if (!bytes)
		return;
	memset(s->conv_in, 0, bytes);
	memset(s->conv_gate, 0, bytes);
}

static void no_attention_gradient(const struct backward *b, struct layer_sites *s)
{
	const struct config *c = &b->run->model->config;
	const size_t rows = (size_t)b->rows, K = (size_t)c->K * sizeof(float);

	memset(s->q, 0, rows * (size_t)c->H * K);
	memset(s->k, 0, rows * (size_t)c->G * K);
	memset(s->v, 0, rows * (size_t)c->G * K);
	memset(s->pattern, 0, (size_t)(b->runs * c->H) * s->pattern_room * s->pattern_room * sizeof(float));
}

/* The taps of a layer, and how far they reach. */
struct taps {
	const float *w, *bias; /* [W, n] */
	size_t W;
	int n, T;
};

/* sum[rows, W] of u[rows, W], run by run. */
static void convolve(const struct taps *y, const float *u, size_t rows, float *sum)
{
	for (size_t r = 0; r < rows; r++) {
		const int t = (int)(r % (size_t)y->T);

		for (size_t i = 0; i < y->W; i++) {
			float x = y->bias ? y->bias[i] : 0;

			for (int k = t < y->n - 1 ? y->n - 1 - t : 0; k < y->n; k++)
				x += y->w[i * (size_t)y->n + (size_t)k] * u[(r + (size_t)k - (size_t)(y->n - 1)) * y->W + i];
			sum[r * y->W + i] = x;
		}
	}
}

/* The other way: du[rows, W] of dsum[rows, W]. */
static void convolve_back(const struct taps *y, const float *dsum, size_t rows, float *du)
{
	for (size_t r = 0; r < rows; r++) {
		const int after = y->T - 1 - (int)(r % (size_t)y->T);

		for (size_t i = 0; i < y->W; i++) {
			float x = 0;

			for (int k = 0; k < y->n && k <= after; k++)
				x += y->w[i * (size_t)y->n + (size_t)(y->n - 1 - k)] * dsum[(r + (size_t)k) * y->W + i];
			du[r * y->W + i] = x;
		}
	}
}

/* From d[rows, W] at the gated input before edits to both that it is the product of, and on to the stream. */
static void input_back(const struct backward *b, const struct layer *y, const float *d, size_t W)
{
	const bool frozen = (b->frozen & FROZEN_GATES) != 0;
	const float share = backward_share(b, !frozen);
	const size_t all = (size_t)b->rows * W;

	backward_product(y->W_B, y->b_B, b->read, b->rows, b->inner);
	for (size_t i = 0; i < all; i++)
		b->wide[i] = share * d[i] * b->inner[i];
	lost_bias(b->lost, y->b_X, b->wide, (size_t)b->rows, W);
	backward_read(b, y->W_X, b->wide, W);
	if (frozen)
		return;
	backward_product(y->W_X, y->b_X, b->read, b->rows, b->inner);
	for (size_t i = 0; i < all; i++)
		b->wide[i] = share * d[i] * b->inner[i];
	lost_bias(b->lost, y->b_B, b->wide, (size_t)b->rows, W);
	backward_read(b, y->W_B, b->wide, W);
}

void mix_conv_back(const struct backward *b, int l, const float *z, struct layer_sites *s)
{
	const struct layer *y = &b->run->model->layers[l];
	const struct config *c = &b->run->model->config;
	const struct layer_sites *was = b->run->layer[l];
	const size_t W = (size_t)config_conv_width(c), rows = (size_t)b->rows, all = rows * W;
	const struct taps taps = { y->conv, y->b_conv, W, c->conv_taps, b->run->T };
	const bool frozen = (b->frozen & FROZEN_GATES) != 0;
	const float share = backward_share(b, !frozen);

	no_attention_gradient(b, s);
	convolve(&taps, was->conv_in, rows, b->inner);
	for (size_t i = 0; i < all; i++) {
		b->head_v[i] = share * z[i] * was->conv_gate[i];
		s->conv_gate[i] = frozen ? 0 : share * z[i] * b->inner[i];
	}
	lost_bias(b->lost, y->b_conv, b->head_v, rows, W);
	convolve_back(&taps, b->head_v, rows, s->conv_in);
	backward_seeds(b, l, SITE_CONV_GATE, s->conv_gate);
	backward_seeds(b, l, SITE_CONV_IN, s->conv_in);
	memcpy(b->wide, s->conv_gate, all * sizeof *b->wide);
	backward_edits(b, l, SITE_CONV_GATE, b->wide);
	lost_bias(b->lost, y->b_C, b->wide, rows, W);
	backward_read(b, y->W_C, b->wide, W);
	memcpy(b->head_k, s->conv_in, all * sizeof *b->head_k);
	backward_edits(b, l, SITE_CONV_IN, b->head_k);
	input_back(b, y, b->head_k, W);
}
