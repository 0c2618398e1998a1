/* value_zeroing.c - see value_zeroing.h. */
#include "engine/analysis/value_zeroing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/forward.h"

static const double least = 1e-5; /* less is rounding */

enum { MOST_QUERIES = 8, ROWS = 96 };

/* Queries from … to-1 without each of the keys 0 … to-1: a variant for each key, of which later queries than it are of use. */
struct zeroed_queries {
	struct mixing *m;
	int layer, from, to;
	struct layer_sites *sites;
	struct edit keep_mlp; /* where MLP and attention are side by side */
	const struct edit **edit;
	struct variant *variant; /* [T] all the same: the run's own edits */
};

static int end_of(const struct mixing *m, int from)
{
	int n = 1;

	while (n < MOST_QUERIES && from + n < m->T && (from + n + 1) * (n + 1) <= ROWS)
		n++;
	return from + n;
}

static int most_rows(const struct mixing *m)
{
	int most = 0;

	for (int from = 0; from < m->T; from = end_of(m, from)) {
		int to = end_of(m, from);

		most = to * (to - from) > most ? to * (to - from) : most;
	}
	return most;
}

/* z[H, K] before edits on it. */
static void mix(const struct run *r, int layer, int query, float *z)
{
	const struct config *c = &r->model->config;
	size_t K = (size_t)c->K;

	memset(z, 0, run_width(c, SITE_Z) * sizeof *z);
	for (int h = 0; h < c->H; h++) {
		const float *weight = run_pattern(r, layer, h, query);

		for (int j = 0; j <= query; j++)
			kernel_axpy(weight[j], run_at(r, SITE_V, layer, j) + (size_t)config_kv_head(c, h) * K, z + (size_t)h * K,
				    K);
	}
}

/* z[H, K] of a query without one key. */
static void mix_without(const struct run *r, int layer, int query, int key, const float *whole, float *z)
{
	const struct config *c = &r->model->config;
	size_t K = (size_t)c->K;

	memcpy(z, whole, run_width(c, SITE_Z) * sizeof *z);
	for (int h = 0; h < c->H; h++)
		kernel_axpy(-run_pattern(r, layer, h, query)[key], run_at(r, SITE_V, layer, key) + (size_t)config_kv_head(c, h) * K,
			    z + (size_t)h * K, K);
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], SITE_Z, layer) && edit_covers(&r->edit[e], query))
			edit_apply(&r->edit[e], c, SITE_Z, query, z);
}

static void fill(const struct zeroed_queries *b, float *whole)
{
	const struct run *r = b->m->run;
	const struct config *c = &r->model->config;
	size_t D = (size_t)c->D, HK = run_width(c, SITE_Z);

	for (int i = b->from; i < b->to; i++) {
		mix(r, b->layer, i, whole);
		for (int j = 0; j < b->to; j++) {
			size_t row = (size_t)j * (size_t)(b->to - b->from) + (size_t)(i - b->from);

			memcpy(b->sites->resid_pre + row * D, run_at(r, SITE_RESID_PRE, b->layer, i), D * sizeof(float));
			mix_without(r, b->layer, i, j <= i ? j : 0, whole, b->sites->z + row * HK);
		}
	}
}

static float distance(const float *a, const float *b, size_t n)
{
	double ab = 0, aa = 0, bb = 0, far;

	for (size_t k = 0; k < n; k++) {
		ab += (double)a[k] * (double)b[k];
		aa += (double)a[k] * (double)a[k];
		bb += (double)b[k] * (double)b[k];
	}
	far = aa > 0 && bb > 0 ? 1 - ab / sqrt(aa * bb) : (double)(aa != bb);
	return far < least ? 0 : (float)far;
}

static void compare(const struct zeroed_queries *b)
{
	const struct mixing *m = b->m;
	size_t D = (size_t)m->run->model->config.D;

	for (int i = b->from; i < b->to; i++) {
		float *share = m->share + (size_t)i * (size_t)m->T;

		for (int j = 0; j <= i; j++) {
			size_t row = (size_t)j * (size_t)(b->to - b->from) + (size_t)(i - b->from);

			share[j] = distance(b->sites->resid_post + row * D, run_at(m->run, SITE_RESID_POST, b->layer, i), D);
		}
		mixing_normalise(share, i + 1, i);
	}
}

static bool run_block(const struct zeroed_queries *b, struct err *err)
{
	struct mixing *m = b->m;
	struct arena_mark mark = arena_mark(m->scratch);
	struct pass p = { .model = m->run->model,
			  .t0 = b->from,
			  .T = b->to,
			  .variants = b->to,
			  .variant = b->variant,
			  .task = m->task,
			  .arena = m->scratch };
	float *whole = arena_floats(m->scratch, run_width(&m->run->model->config, SITE_Z), err);
	bool ok = whole && pass_begin(&p, err);

	if (ok) {
		fill(b, whole);
		ok = forward_layer(&p, b->layer, b->sites, 0, b->to, err);
	}
	if (ok)
		compare(b);
	arena_rewind(m->scratch, mark);
	return ok;
}

static void give_edits(struct zeroed_queries *b)
{
	struct mixing *m = b->m;
	const struct run *r = m->run;
	int n = 0;

	b->edit = arena_alloc(m->scratch, ((size_t)r->edits + 1) * sizeof *b->edit);
	b->variant = arena_alloc(m->scratch, (size_t)m->T * sizeof *b->variant);
	for (; n < r->edits; n++)
		b->edit[n] = &r->edit[n];
	if (r->model->config.parallel) {
		b->keep_mlp = edit_take(place_at(SITE_MLP_OUT, b->layer, -1, -1), r);
		b->edit[n++] = &b->keep_mlp;
	}
	for (int j = 0; j < m->T; j++)
		b->variant[j] = (struct variant){ b->edit, n };
}

bool value_zeroing(struct mixing *m, int layer, struct err *err)
{
	const struct model *model = m->run->model;
	struct arena_mark mark = arena_mark(m->scratch);
	int rows = most_rows(m);
	struct zeroed_queries b = { .m = m, .layer = layer, .sites = layer_sites_new(model, rows, false, err) };
	bool ok = b.sites && (!m->run->edits || layer_sites_split_z(b.sites, model, rows, err));

	give_edits(&b);
	for (; ok && b.from < m->T; b.from = b.to) {
		b.to = end_of(m, b.from);
		ok = run_block(&b, err);
		if (ok && m->grown)
			m->grown(m->context, b.to);
	}
	layer_sites_unref(b.sites);
	arena_rewind(m->scratch, mark);
	return ok;
}
