/* sources.c - see sources.h. */
#include "engine/analysis/sources.h"

#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/result.h"

void source_writes(const struct run *run, int layer, int head, int T, float *out, size_t ld)
{
	const struct config *c = &run->model->config;
	const struct attention_at place = { .model = run->model, .layer = layer, .post_scale = 1 };
	const float *v = run_at(run, SITE_V, layer, 0) + (size_t)config_kv_head(c, head) * (size_t)c->K;

	matrix_apply_inputs(run->model->layers[layer].W_O, head * c->K, c->K, v, (size_t)(c->G * c->K), T, out, ld);
	for (int j = 0; j < T; j++)
		result_finish(&place, out + (size_t)j * ld);
}

float source_length(const float *x, size_t D)
{
	return kernel_distance(x, x, 0, D);
}

float source_worth(const float *x, float length, const float *part, float by, size_t D)
{
	return length - kernel_distance(x, part, by, D);
}

/* ---- edits ---- */

static bool edited_at(const struct run *r, enum site site, int layer, int position)
{
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], site, layer) && edit_covers(&r->edit[e], position))
			return true;
	return false;
}

void part_edits(const struct run *r, enum site site, int layer, int position, float *x)
{
	size_t width = run_width(&r->model->config, site == SITE_RESULT ? SITE_Z : site);
	float *put;

	if (!edited_at(r, site, layer, position))
		return;
	put = xcalloc(width, sizeof *put); /* what they make of nothing */
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], site, layer) && edit_covers(&r->edit[e], position)) {
			edit_apply(&r->edit[e], &r->model->config, site, position, x);
			edit_apply(&r->edit[e], &r->model->config, site, position, put);
		}
	kernel_axpy(-1, put, x, width);
	free(put);
}

static float post_scale(const struct run *r, int layer, int position)
{
	const float *scale = r->layer[layer]->post_scale;

	return scale ? scale[position] : 1;
}

void part_extra(const struct run *r, int layer, int position, const float *z, float *out)
{
	const struct config *c = &r->model->config;
	size_t D = (size_t)c->D, HK = (size_t)(c->H * c->K);
	float *nothing, *put;

	if (!edited_at(r, SITE_RESULT, layer, position))
		return;
	nothing = xcalloc(HK + D, sizeof *nothing);
	put = nothing + HK;
	for (int h = 0; h < c->H; h++) {
		struct attention_at place = { r->model, layer, position, z, post_scale(r, layer, position) };

		result_extra(&place, r->edit_list, r->edits, h, out);
		place.z = nothing;
		result_extra(&place, r->edit_list, r->edits, h, put);
	}
	kernel_axpy(-1, put, out, D);
	free(nothing);
}

/* ---- parts ---- */

bool sources_open(struct sources *s, const struct run *run, int T, struct arena *scratch, struct err *err)
{
	const struct config *c = &run->model->config;

	*s = (struct sources){ .run = run, .T = T, .scratch = scratch };
	s->edited = arena_alloc(scratch, (size_t)T * sizeof *s->edited);
	return (s->write = arena_floats(scratch, (size_t)T * (size_t)c->H * (size_t)c->D, err));
}

void sources_read(struct sources *s, int layer)
{
	const struct config *c = &s->run->model->config;
	static const enum site written[] = { SITE_Z, SITE_RESULT, SITE_ATTN_OUT, SITE_RESID_MID };

	s->layer = layer;
	for (int h = 0; h < c->H; h++)
		source_writes(s->run, layer, h, s->T, s->write + (size_t)h * (size_t)c->D, (size_t)c->H * (size_t)c->D);
	for (int i = 0; i < s->T; i++) {
		s->edited[i] = false;
		for (size_t k = 0; k < sizeof written / sizeof *written; k++)
			s->edited[i] = s->edited[i] || edited_at(s->run, written[k], layer, i);
	}
}

/* z[H, K] of one key. */
static void mix(const struct sources *s, int query, int key, float *z)
{
	const struct config *c = &s->run->model->config;
	size_t K = (size_t)c->K;

	for (int h = 0; h < c->H; h++)
		kernel_axpy(run_pattern(s->run, s->layer, h, query)[key],
			    run_at(s->run, SITE_V, s->layer, key) + (size_t)config_kv_head(c, h) * K, z + (size_t)h * K, K);
}

/* As the forward pass writes it, edits and all, of this key alone. */
static void edited_part(const struct sources *s, int query, int key, float *out)
{
	const struct model *m = s->run->model;
	size_t D = (size_t)m->config.D, HK = (size_t)(m->config.H * m->config.K);
	float *z = xcalloc(2 * HK, sizeof *z), *used = z + HK;
	const struct attention_at place = { m, s->layer, query, z, post_scale(s->run, s->layer, query) };

	mix(s, query, key, z);
	part_edits(s->run, SITE_Z, s->layer, query, z);
	memcpy(used, z, HK * sizeof *used);
	part_edits(s->run, SITE_RESULT, s->layer, query, used);
	matrix_apply(m->layers[s->layer].W_O, used, HK, 1, out, D);
	result_finish(&place, out);
	part_extra(s->run, s->layer, query, z, out);
	part_edits(s->run, SITE_ATTN_OUT, s->layer, query, out);
	free(z);
}

void sources_part(const struct sources *s, int query, int key, bool stream, float *out)
{
	const struct config *c = &s->run->model->config;
	size_t D = (size_t)c->D, H = (size_t)c->H;
	const float *f = s->write + (size_t)key * H * D, scale = post_scale(s->run, s->layer, query);

	if (s->edited[query]) {
		edited_part(s, query, key, out);
	} else {
		memset(out, 0, D * sizeof *out);
		for (size_t h = 0; h < H; h++)
			kernel_axpy(run_pattern(s->run, s->layer, (int)h, query)[key] * scale, f + h * D, out, D);
	}
	if (stream && query == key)
		kernel_add(out, run_at(s->run, SITE_RESID_PRE, s->layer, query), out, D);
	if (s->edited[query])
		part_edits(s->run, SITE_RESID_MID, s->layer, query, out);
}
