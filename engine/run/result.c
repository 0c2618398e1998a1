/* result.c - see result.h. For one head: write = z W_O + extra, and each edit changes z, or extra, or both. */
#include "engine/run/result.h"

#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/layer.h"
#include "engine/run/run.h"

bool result_by_z(const struct edit *e)
{
	return e->op != EDIT_ADD && e->op != EDIT_NOISE && e->op != EDIT_PROJECT && e->op != EDIT_INTERCHANGE;
}

void result_finish(const struct attention_at *p, float *x)
{
	const struct norm *post = &p->model->layers[p->layer].ln1_post;
	const struct config *c = &p->model->config;

	for (int i = 0; i < c->D; i++) {
		if (post->there)
			x[i] *= p->post_scale * (post->gain ? post->gain[i] : 1);
		x[i] *= c->residual_scale;
	}
}

void result_write(const struct attention_at *p, int head, const float *z, float *out)
{
	const struct config *c = &p->model->config;

	matrix_apply_inputs(p->model->layers[p->layer].W_O, head * c->K, c->K, z, (size_t)c->K, 1, out, (size_t)c->D);
	result_finish(p, out);
}

/* The same, row of W_O by row: for one chunk of a pool's work, where a matrix product may not start another. */
static void write_alone(const struct attention_at *p, int head, const float *z, float *out)
{
	const struct config *c = &p->model->config;
	size_t D = (size_t)c->D;
	float *weights = xmalloc(D * sizeof *weights);

	memset(out, 0, D * sizeof *out);
	for (int k = 0; k < c->K; k++) {
		matrix_input(p->model->layers[p->layer].W_O, head * c->K + k, weights);
		kernel_axpy(z[k], weights, out, D);
	}
	result_finish(p, out);
	free(weights);
}

static bool acts(const struct attention_at *p, const struct edit *e, int head)
{
	return edit_hits(e, SITE_RESULT, p->layer) && edit_has_unit(e, head) && edit_covers(e, p->position);
}

/* One head on its way through the edits. */
struct chain {
	float *z;     /* [H, K] only the head's own part counts */
	float *extra; /* [D] */
	float *row;   /* [D] scratch */
};

static struct chain chain_new(const struct attention_at *p)
{
	const struct config *c = &p->model->config;
	size_t HK = (size_t)(c->H * c->K), D = (size_t)c->D;
	struct chain s = { .z = xmalloc((HK + 2 * D) * sizeof(float)) };

	memcpy(s.z, p->z, HK * sizeof *s.z);
	s.extra = s.z + HK;
	s.row = s.extra + D;
	memset(s.extra, 0, D * sizeof *s.extra);
	return s;
}

/* The head's write as it is now. */
static void write_now(const struct attention_at *p, const struct chain *s, int head, float *out)
{
	write_alone(p, head, s->z + head * p->model->config.K, out);
	kernel_add(out, s->extra, out, (size_t)p->model->config.D);
}

/* The value of another run that an exchange takes from: that run's head, with the scale it has there. */
static void source_write(const struct attention_at *p, const struct edit *e, int head, float *out)
{
	const struct layer_sites *from = e->source->layer[p->layer];
	struct attention_at place = *p;
	size_t row = (size_t)p->position * (size_t)p->model->config.H + (size_t)head;

	place.post_scale = from->post_scale ? from->post_scale[p->position] : 1;
	write_alone(&place, head, from->z_used + row * (size_t)p->model->config.K, out);
}

static void chain_step(const struct attention_at *p, const struct edit *e, int head, struct chain *s)
{
	const struct config *c = &p->model->config;
	size_t D = (size_t)c->D;

	switch (e->op) {
	case EDIT_ADD:
		kernel_axpy(e->amount, e->vector, s->extra, D);
		return;
	case EDIT_NOISE:
		edit_add_noise(e, p->position, (size_t)(head * c->D), s->extra, D);
		return;
	case EDIT_PROJECT:
		write_now(p, s, head, s->row);
		kernel_axpy(-kernel_dot(e->vector, s->row, D), e->vector, s->extra, D);
		return;
	case EDIT_INTERCHANGE: {
		float *now = xmalloc(D * sizeof *now);

		source_write(p, e, head, s->row);
		write_now(p, s, head, now);
		kernel_axpy(-1, now, s->row, D);
		for (int k = 0; k < e->basis; k++)
			kernel_axpy(kernel_dot(e->vector + (size_t)k * D, s->row, D), e->vector + (size_t)k * D, s->extra, D);
		free(now);
		return;
	}
	default: /* by way of z: what was added before is scaled with it, or replaced */
		edit_apply(e, c, SITE_RESULT, p->position, s->z);
		for (size_t i = 0; i < D; i++)
			s->extra[i] *= e->op == EDIT_SCALE ? e->amount : 0;
	}
}

void result_extra(const struct attention_at *p, const struct edit *const *edits, int n, int head, float *x)
{
	struct chain s = { NULL };
	int e = 0;

	while (e < n && (result_by_z(edits[e]) || !acts(p, edits[e], head)))
		e++;
	if (e == n)
		return;
	s = chain_new(p);
	for (e = 0; e < n; e++)
		if (acts(p, edits[e], head))
			chain_step(p, edits[e], head, &s);
	kernel_add(x, s.extra, x, (size_t)p->model->config.D);
	free(s.z);
}

/* ---- backwards ---- */

/*
 * The part of the write along u goes: d is the gradient at `extra`, g[K] that at z. Returns what it says of the scale after
 * attention.
 */
static double along_back(const struct attention_at *p, const struct chain *s, int head, const float *u, float *d, float *g)
{
	const struct config *c = &p->model->config;
	const struct matrix *W_O = p->model->layers[p->layer].W_O;
	size_t D = (size_t)c->D;
	float along = kernel_dot(u, d, D), *seen = xmalloc(2 * D * sizeof *seen), *weights = seen + D;
	double slope = 0;

	memcpy(seen, u, D * sizeof *u);
	result_finish(p, seen);
	for (int k = 0; k < c->K; k++) {
		matrix_input(W_O, head * c->K + k, weights);
		g[k] -= along * kernel_dot(seen, weights, D);
	}
	if (p->model->layers[p->layer].ln1_post.there) {
		write_alone(p, head, s->z + head * c->K, seen);
		slope = -(double)along * (double)kernel_dot(u, seen, D) / (double)p->post_scale;
	}
	kernel_axpy(-along, u, d, D);
	free(seen);
	return slope;
}

/* z as it was before edit number `before`. */
static void chain_rewind(const struct attention_at *p, const struct edit *const *edits, int before, int head, struct chain *s)
{
	const struct config *c = &p->model->config;

	memcpy(s->z, p->z, (size_t)(c->H * c->K) * sizeof *s->z);
	for (int e = 0; e < before; e++)
		if (result_by_z(edits[e]) && acts(p, edits[e], head))
			edit_apply(edits[e], c, SITE_RESULT, p->position, s->z);
}

static double head_back(const struct attention_at *p, const struct edit *const *edits, int n, int head, struct chain *s,
			const float *d, float *g)
{
	const struct config *c = &p->model->config;
	size_t D = (size_t)c->D, K = (size_t)c->K;
	float *at_extra = s->extra;
	double slope = 0;

	memcpy(at_extra, d, D * sizeof *d);
	for (int e = n - 1; e >= 0; e--) {
		float by = edits[e]->op == EDIT_SCALE ? edits[e]->amount : 0;

		if (!acts(p, edits[e], head))
			continue;
		if (result_by_z(edits[e])) {
			for (size_t i = 0; i < K; i++)
				g[i] *= by;
			for (size_t i = 0; i < D; i++)
				at_extra[i] *= by;
		} else if (edits[e]->op == EDIT_PROJECT || edits[e]->op == EDIT_INTERCHANGE) {
			int rows = edits[e]->op == EDIT_PROJECT ? 1 : edits[e]->basis;

			chain_rewind(p, edits, e, head, s);
			for (int k = 0; k < rows; k++)
				slope += along_back(p, s, head, edits[e]->vector + (size_t)k * D, at_extra, g);
		}
	}
	return slope;
}

double result_back(const struct attention_at *p, const struct edit *const *edits, int n, const float *d, float *g)
{
	const struct config *c = &p->model->config;
	struct chain s;
	double slope = 0;
	bool any = false;

	for (int e = 0; e < n; e++)
		any = any || (edit_hits(edits[e], SITE_RESULT, p->layer) && edit_covers(edits[e], p->position));
	if (!any)
		return 0;
	s = chain_new(p);
	for (int h = 0; h < c->H; h++)
		slope += head_back(p, edits, n, h, &s, d, g + h * c->K);
	free(s.z);
	return slope;
}
