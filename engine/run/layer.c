/* layer.c - see layer.h. */
#include "engine/run/layer.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/base/big.h"
#include "engine/run/run.h"

static float *floats(size_t count, struct err *err)
{
	float *p = count < SIZE_MAX / 8 ? big_take(count * sizeof *p) : NULL;

	if (!p)
		err_set(err, ERR_MEMORY, "%.0f MB for a layer of the run could not be had", (double)count * 4e-6);
	return p;
}

static float *take(float **from, size_t count)
{
	float *p = *from;

	*from += (count + 15) / 16 * 16;	/* every array starts on a cache line */
	return p;
}

enum { ARRAYS = 14 };	/* of a layer's sites: each may be a cache line longer than it needs */

struct layer_sites *layer_sites_new(const struct model *m, int rows, bool keep_pattern, struct err *err)
{
	const struct config *c = &m->config;
	size_t n = (size_t)rows, D = (size_t)c->D, HK = (size_t)(c->H * c->K), GK = (size_t)(c->G * c->K), F = (size_t)c->F;
	size_t pattern = keep_pattern ? (size_t)c->H * n * n : 0;
	size_t all = n * model_site_floats(c) + pattern + ARRAYS * 16;
	float *p = floats(all, err);
	struct layer_sites *s;

	if (!p)
		return NULL;
	s = xcalloc(1, sizeof *s);
	s->memory = p;
	s->resid_pre = take(&p, n * D);
	s->q = take(&p, n * HK);
	s->k = take(&p, n * GK);
	s->v = take(&p, n * GK);
	s->z = s->z_used = take(&p, n * HK);
	s->attn_out = take(&p, n * D);
	s->resid_mid = take(&p, n * D);
	s->mlp_pre = take(&p, n * F);
	if (c->gated)
		s->mlp_up = take(&p, n * F);
	s->mlp_post = take(&p, n * F);
	s->mlp_out = take(&p, n * D);
	s->resid_post = take(&p, n * D);
	if (m->layers[0].ln1_post.there)
		s->post_scale = take(&p, n);
	if (keep_pattern)
		s->pattern = take(&p, pattern);
	assert((size_t)(p - s->memory) <= all);
	atomic_init(&s->refs, 1);
	return s;
}

struct layer_sites *layer_sites_ref(struct layer_sites *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void layer_sites_unref(struct layer_sites *s)
{
	if (s && atomic_fetch_sub(&s->refs, 1) == 1) {
		big_give(s->z_memory);
		big_give(s->memory);
		free(s);
	}
}

bool layer_sites_split_z(struct layer_sites *s, const struct model *m, int rows, struct err *err)
{
	if (s->z_memory)
		return true;
	s->z_memory = floats((size_t)rows * (size_t)(m->config.H * m->config.K), err);
	if (s->z_memory)
		s->z_used = s->z_memory;
	return s->z_memory != NULL;
}

size_t run_width(const struct config *c, enum site site)
{
	switch (site_table[site].width) {
	case 'D': return (size_t)c->D;
	case 'F': return (size_t)c->F;
	case 'K': return (size_t)((site_table[site].unit == DIM_KV_HEAD ? c->G : c->H) * c->K);
	default: return 0;
	}
}

float *layer_site(const struct layer_sites *s, enum site site)
{
	switch (site) {
	case SITE_RESID_PRE: return s->resid_pre;
	case SITE_Q: return s->q;
	case SITE_K: return s->k;
	case SITE_V: return s->v;
	case SITE_Z: return s->z;
	case SITE_ATTN_OUT: return s->attn_out;
	case SITE_RESID_MID: return s->resid_mid;
	case SITE_MLP_PRE: return s->mlp_pre;
	case SITE_MLP_POST: return s->mlp_post;
	case SITE_MLP_OUT: return s->mlp_out;
	case SITE_RESID_POST: return s->resid_post;
	default: return NULL;
	}
}
