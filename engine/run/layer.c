/* layer.c - see layer.h. */
#include "engine/run/layer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/big.h"
#include "engine/numbers/pool.h"
#include "engine/run/packed.h"
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

	*from += (count + 15) / 16 * 16; /* every array starts on a cache line */
	return p;
}

enum { COPIED = 8 }; /* rows of a chunk */
/* arrays, each of which may be a cache line longer than it needs; room is a sixteenth */
enum { KEPT = 8, PASSING = 5, ROOM = 16 };

/* Where rows are. */
struct layer_rows {
	int room; /* rows */
	enum run_stores keeps;
	atomic_int used; /* by the sites that reach furthest */
	atomic_int refs;
	float *floats;
	float *pattern;	       /* [H, room, room] or NULL */
	struct packed *packed; /* of the first rows; or NULL */
};

static size_t kept_floats(const struct config *c, int rows)
{
	return (size_t)rows * model_stream_floats(c) + KEPT * 16;
}

static size_t passing_floats(const struct config *c, int rows)
{
	return (size_t)rows * model_passing_floats(c) + PASSING * 16;
}

static void rows_unref(struct layer_rows *r)
{
	if (atomic_fetch_sub(&r->refs, 1) == 1) {
		big_free(r->floats);
		big_free(r->pattern);
		packed_free(r->packed);
		free(r);
	}
}

static struct layer_rows *rows_new(const struct model *m, int rows, int room, enum run_stores keeps, bool keep_pattern,
				   struct err *err)
{
	const struct config *c = &m->config;
	struct layer_rows *r = xcalloc(1, sizeof *r);

	r->room = room;
	r->keeps = keeps;
	atomic_init(&r->used, rows);
	atomic_init(&r->refs, 1);
	if ((r->floats = floats(kept_floats(c, room) + (keeps == RUN_ALL ? passing_floats(c, room) : 0), err)) &&
	    (!keep_pattern || (r->pattern = floats((size_t)c->H * (size_t)room * (size_t)room, err))))
		return r;
	rows_unref(r);
	return NULL;
}

/* Sites in that memory, which bring in rows from … to-1 of it. */
static struct layer_sites *sites_in(struct layer_rows *memory, const struct model *m, int from, int to, float *passing)
{
	const struct config *c = &m->config;
	size_t n = (size_t)memory->room, D = (size_t)c->D, HK = (size_t)(c->H * c->K), GK = (size_t)(c->G * c->K), F = (size_t)c->F;
	struct layer_sites *s = xcalloc(1, sizeof *s);
	float *p = memory->floats;

	s->memory = memory;
	s->pattern = memory->pattern;
	s->pattern_room = n;
	s->from = from;
	s->to = to;
	s->resid_pre = take(&p, n * D);
	s->k = take(&p, n * GK);
	s->v = take(&p, n * GK);
	s->attn_out = take(&p, n * D);
	s->resid_mid = take(&p, n * D);
	s->mlp_out = take(&p, n * D);
	s->resid_post = take(&p, n * D);
	if (m->layers[0].ln1_post.there)
		s->post_scale = take(&p, n);
	assert((size_t)(p - memory->floats) <= kept_floats(c, memory->room));
	if (!passing)
		passing = p;
	p = passing;
	s->q = take(&p, n * HK);
	s->z = s->z_used = take(&p, n * HK);
	s->mlp_pre = take(&p, n * F);
	if (c->gated)
		s->mlp_up = take(&p, n * F);
	s->mlp_post = take(&p, n * F);
	assert((size_t)(p - passing) <= passing_floats(c, memory->room));
	atomic_init(&s->refs, 1);
	return s;
}

struct layer_sites *layer_sites_new(const struct model *m, int rows, bool keep_pattern, struct err *err)
{
	struct layer_rows *memory = rows_new(m, rows, rows, RUN_ALL, keep_pattern, err);

	return memory ? sites_in(memory, m, 0, rows, NULL) : NULL;
}

int layer_room(int rows)
{
	return rows + rows / ROOM;
}

float *layer_passing_new(const struct model *m, int rows, struct err *err)
{
	return floats(passing_floats(&m->config, layer_room(rows)), err);
}

struct layer_sites *layer_sites_roomy(const struct model *m, int rows, float *passing, struct err *err)
{
	struct layer_rows *memory = rows_new(m, rows, layer_room(rows), passing ? RUN_STREAM : RUN_ALL, !passing, err);

	return memory ? sites_in(memory, m, 0, rows, passing) : NULL;
}

struct layer_sites *layer_sites_go_on(const struct layer_sites *s, const struct model *m, int rows, int T, float *passing)
{
	enum run_stores keeps = passing ? RUN_STREAM : RUN_ALL;
	int used = rows;

	if (T <= rows || T > s->memory->room || s->memory->keeps != keeps || s->z_memory ||
	    !atomic_compare_exchange_strong(&s->memory->used, &used, T))
		return NULL;
	atomic_fetch_add(&s->memory->refs, 1);
	if (s->memory->packed && s->memory->packed->rows > rows)
		s->memory->packed->rows = rows; /* those of another who had gone on */
	return sites_in(s->memory, m, rows, T, passing);
}

struct packed *layer_packed(const struct layer_sites *s, const struct config *c)
{
	if (!s->memory->packed)
		s->memory->packed = packed_new(c, s->memory->room);
	return s->memory->packed;
}

void layer_sites_free_passing(struct layer_sites *s)
{
	if (s->memory->keeps == RUN_ALL)
		return;
	big_free(s->z_memory);
	s->q = s->z = s->z_used = s->z_memory = s->mlp_pre = s->mlp_up = s->mlp_post = NULL;
}

struct layer_sites *layer_sites_ref(struct layer_sites *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void layer_sites_unref(struct layer_sites *s)
{
	if (s && atomic_fetch_sub(&s->refs, 1) == 1) {
		int used = s->to;

		atomic_compare_exchange_strong(&s->memory->used, &used, s->from); /* unless another continues from here */
		rows_unref(s->memory);
		big_free(s->z_memory);
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
	case 'D':
		return (size_t)c->D;
	case 'F':
		return (size_t)c->F;
	case 'K':
		return (size_t)((site_table[site].unit == DIM_KV_HEAD ? c->G : c->H) * c->K);
	default:
		return 0;
	}
}

float *layer_site(const struct layer_sites *s, enum site site)
{
	switch (site) {
	case SITE_RESID_PRE:
		return s->resid_pre;
	case SITE_Q:
		return s->q;
	case SITE_K:
		return s->k;
	case SITE_V:
		return s->v;
	case SITE_Z:
		return s->z;
	case SITE_ATTN_OUT:
		return s->attn_out;
	case SITE_RESID_MID:
		return s->resid_mid;
	case SITE_MLP_PRE:
		return s->mlp_pre;
	case SITE_MLP_UP:
		return s->mlp_up;
	case SITE_MLP_POST:
		return s->mlp_post;
	case SITE_MLP_OUT:
		return s->mlp_out;
	case SITE_RESID_POST:
		return s->resid_post;
	default:
		return NULL;
	}
}

/* ---- copies ---- */

struct copy {
	const struct layer_sites *to, *from;
	const struct config *c;
	int rows;
};

static void copy_rows(float *to, const float *from, int first, int count, size_t width)
{
	if (to && from)
		memcpy(to + (size_t)first * width, from + (size_t)first * width, (size_t)count * width * sizeof *to);
}

/* The weights of one query in each head: those of later keys are 0. */
static void copy_weights(const struct copy *c, int query)
{
	const size_t keys = (size_t)query + 1;

	for (int h = 0; h < c->c->H; h++) {
		float *to = layer_weights(c->to, h, query);

		memcpy(to, layer_weights(c->from, h, query), keys * sizeof *to);
		memset(to + keys, 0, (c->to->pattern_room - keys) * sizeof *to);
	}
}

static void copy_some(void *context, int chunk)
{
	const struct copy *c = context;
	const int first = chunk * COPIED, count = c->rows - first < COPIED ? c->rows - first : COPIED;

	for (int t = first; c->to->pattern && t < first + count; t++)
		copy_weights(c, t);
	for (int site = 0; site < SITE_COUNT; site++)
		copy_rows(layer_site(c->to, (enum site)site), layer_site(c->from, (enum site)site), first, count,
			  run_width(c->c, (enum site)site));
	copy_rows(c->to->post_scale, c->from->post_scale, first, count, 1);
	if (c->from->z_memory && c->to->z_memory)
		copy_rows(c->to->z_used, c->from->z_used, first, count, run_width(c->c, SITE_Z));
}

bool layer_sites_copy(struct layer_sites *to, const struct layer_sites *from, const struct model *m, int rows, int T,
		      struct err *err)
{
	struct copy c = { to, from, &m->config, rows };

	if (from->z_memory && to->memory->keeps == RUN_ALL && !layer_sites_split_z(to, m, T, err))
		return false;
	pool_run((rows + COPIED - 1) / COPIED, copy_some, &c);
	return true;
}
