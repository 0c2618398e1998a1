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

enum { COPIED = 8 }; /* rows of a chunk */
enum { LINE = 16 };  /* every array starts on a cache line */
enum { ROOM = 16 };  /* a sixteenth of a run's rows more */

/*
 * Every array of rows, and which of them pass by: in a run of the stream, and in a stack whose gradient is all that is wanted, as
 * the way back needs them.
 */
struct array {
	size_t at, width; /* of its pointer in struct layer_sites; floats of a row */
	bool streams, slopes;
};

enum { ARRAYS = 18 };

static void arrays_of(const struct config *c, bool scaled, struct array array[ARRAYS])
{
	const size_t D = (size_t)c->D, HK = (size_t)(c->H * c->K), GK = (size_t)(c->G * c->K), F = (size_t)c->F,
		     X = (size_t)c->experts.X, C = (size_t)config_conv_width(c);
	const struct array all[ARRAYS] = {
		{ offsetof(struct layer_sites, resid_pre), D, false, false },
		{ offsetof(struct layer_sites, k), GK, false, false },
		{ offsetof(struct layer_sites, v), GK, false, false },
		{ offsetof(struct layer_sites, attn_out), D, false, true },
		{ offsetof(struct layer_sites, resid_mid), D, false, false },
		{ offsetof(struct layer_sites, mlp_out), D, false, true },
		{ offsetof(struct layer_sites, resid_post), D, false, true },
		{ offsetof(struct layer_sites, post_scale), scaled, false, false },
		{ offsetof(struct layer_sites, q), HK, true, false },
		{ offsetof(struct layer_sites, z), HK, true, true },
		{ offsetof(struct layer_sites, mlp_pre), F, true, false },
		{ offsetof(struct layer_sites, mlp_up), c->gated ? F : 0, true, false },
		{ offsetof(struct layer_sites, mlp_post), F, true, true },
		{ offsetof(struct layer_sites, router_logits), X, false, false },
		{ offsetof(struct layer_sites, expert_weights), X, false, false },
		{ offsetof(struct layer_sites, expert_chosen), (size_t)c->experts.chosen, false, false },
		{ offsetof(struct layer_sites, conv_in), C, false, false },
		{ offsetof(struct layer_sites, conv_gate), C, true, false },
	};

	memcpy(array, all, sizeof all);
}

static bool passes(const struct array *a, enum run_stores keeps)
{
	return keeps == RUN_STREAM ? a->streams : keeps == RUN_SLOPES && a->slopes;
}

/* Floats of all arrays of `rows` rows that pass by, or of all others. */
static size_t array_floats(const struct config *c, int rows, enum run_stores keeps, bool passing)
{
	struct array array[ARRAYS];
	size_t all = 0;

	arrays_of(c, true, array);
	for (int i = 0; i < ARRAYS; i++)
		if (passes(&array[i], keeps) == passing)
			all += ((size_t)rows * array[i].width + LINE - 1) / LINE * LINE;
	return all;
}

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

static void rows_unref(struct layer_rows *r)
{
	if (atomic_fetch_sub(&r->refs, 1) == 1) {
		big_free(r->floats);
		big_free(r->pattern);
		packed_free(r->packed);
		free(r);
	}
}

/* pattern: floats of it; 0: none is kept. */
static struct layer_rows *rows_new(const struct model *m, int rows, int room, enum run_stores keeps, size_t pattern,
				   struct err *err)
{
	struct layer_rows *r = xcalloc(1, sizeof *r);

	r->room = room;
	r->keeps = keeps;
	atomic_init(&r->used, rows);
	atomic_init(&r->refs, 1);
	if ((r->floats = floats(array_floats(&m->config, room, keeps, false), err)) &&
	    (!pattern || (r->pattern = floats(pattern, err))))
		return r;
	rows_unref(r);
	return NULL;
}

/* Sites in that memory, which bring in rows from … to-1 of it. */
static struct layer_sites *sites_in(struct layer_rows *memory, const struct model *m, int from, int to, float *passing)
{
	const size_t room = (size_t)memory->room;
	struct layer_sites *s = xcalloc(1, sizeof *s);
	struct array array[ARRAYS];
	float *kept = memory->floats;

	s->memory = memory;
	s->pattern = memory->pattern;
	s->pattern_room = room;
	s->from = from;
	s->to = to;
	arrays_of(&m->config, m->layers[0].ln1_post.there, array);
	for (int i = 0; i < ARRAYS; i++) {
		float **end = passes(&array[i], memory->keeps) ? &passing : &kept;

		if (array[i].width)
			memcpy((char *)s + array[i].at, end, sizeof *end);
		*end += (room * array[i].width + LINE - 1) / LINE * LINE;
	}
	s->z_used = s->z;
	atomic_init(&s->refs, 1);
	return s;
}

static size_t pattern_floats(const struct config *c, int room)
{
	return (size_t)c->H * (size_t)room * (size_t)room;
}

struct layer_sites *layer_sites_new(const struct model *m, int rows, bool keep_pattern, struct err *err)
{
	struct layer_rows *memory = rows_new(m, rows, rows, RUN_ALL, keep_pattern ? pattern_floats(&m->config, rows) : 0, err);

	return memory ? sites_in(memory, m, 0, rows, NULL) : NULL;
}

/* ---- lean ---- */

/* Floats of a row: what attention works on, what the MLP works on, and the stream, which a parallel MLP reads as it was. */
static size_t lean_attention(const struct config *c)
{
	return (size_t)(c->H + 2 * c->G) * (size_t)c->K + (size_t)config_conv_width(c);
}

static size_t lean_router(const struct config *c)
{
	return c->experts.X ? 2 * (size_t)c->experts.X + (size_t)c->experts.chosen : 0;
}

static size_t lean_neurons(const struct config *c)
{
	return (size_t)c->F * (c->gated ? 2 : 1) + lean_router(c);
}

static size_t lean_turns(const struct config *c)
{
	return lean_attention(c) > lean_neurons(c) ? lean_attention(c) : lean_neurons(c);
}

static size_t lean_stream(const struct config *c)
{
	return (size_t)c->D * (c->parallel ? 3 : 1);
}

size_t layer_lean_bytes(const struct config *c)
{
	return (lean_stream(c) + (size_t)c->D + lean_turns(c) + 1) * sizeof(float);
}

/* Takes rows of a width from memory. */
static float *take(float **memory, size_t rows, size_t width)
{
	float *taken = *memory;

	*memory += (rows * width + LINE - 1) / LINE * LINE;
	return taken;
}

static void lean_into(struct layer_sites *s, const struct config *c, size_t n, float *memory)
{
	const size_t D = (size_t)c->D, GK = (size_t)(c->G * c->K);
	float *turns;

	s->resid_pre = take(&memory, n, D);
	s->resid_mid = c->parallel ? take(&memory, n, D) : s->resid_pre;
	s->resid_post = c->parallel ? take(&memory, n, D) : s->resid_pre;
	s->attn_out = s->mlp_out = take(&memory, n, D);
	s->post_scale = take(&memory, n, 1);
	turns = memory;
	s->q = s->z = s->z_used = take(&turns, n, (size_t)(c->H * c->K)); /* z of a head and query is written when its q was read */
	s->k = take(&turns, n, GK);
	s->v = take(&turns, n, GK);
	if (c->conv_taps) {
		s->conv_gate = s->q; /* the same of its z */
		s->conv_in = take(&turns, n, (size_t)config_conv_width(c));
	}
	turns = memory;
	s->mlp_pre = s->mlp_post = take(&turns, n, (size_t)c->F);
	s->mlp_up = c->gated ? take(&turns, n, (size_t)c->F) : NULL;
	if (!c->experts.X)
		return;
	s->router_logits = take(&turns, n, (size_t)c->experts.X);
	s->expert_weights = take(&turns, n, (size_t)c->experts.X);
	s->expert_chosen = take(&turns, n, (size_t)c->experts.chosen);
}

struct layer_sites *layer_sites_lean(const struct model *m, int rows, struct err *err)
{
	enum { ARRAYS_AT_MOST = 11 };
	const struct config *c = &m->config;
	struct layer_rows *memory = xcalloc(1, sizeof *memory);
	struct layer_sites *s;

	memory->room = rows;
	memory->keeps = RUN_ALL;
	atomic_init(&memory->used, rows);
	atomic_init(&memory->refs, 1);
	memory->floats = floats((size_t)rows * (layer_lean_bytes(c) / sizeof(float)) + ARRAYS_AT_MOST * LINE, err);
	if (!memory->floats) {
		rows_unref(memory);
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	s->memory = memory;
	s->to = rows;
	atomic_init(&s->refs, 1);
	lean_into(s, c, (size_t)rows, memory->floats);
	if (!m->layers[0].ln1_post.there)
		s->post_scale = NULL;
	return s;
}

/* ---- rows with room for more ---- */

int layer_room(int rows)
{
	return rows + rows / ROOM;
}

float *layer_passing_new(const struct model *m, int rows, struct err *err)
{
	return floats(array_floats(&m->config, layer_room(rows), RUN_STREAM, true), err);
}

struct layer_sites *layer_sites_roomy(const struct model *m, int rows, float *passing, struct err *err)
{
	const int room = layer_room(rows);
	struct layer_rows *memory =
		rows_new(m, rows, room, passing ? RUN_STREAM : RUN_ALL, passing ? 0 : pattern_floats(&m->config, room), err);

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

/* ---- stacks ---- */

float *layer_slopes_new(const struct model *m, int rows, struct err *err)
{
	return floats(array_floats(&m->config, rows, RUN_SLOPES, true), err);
}

size_t layer_slopes_bytes(const struct config *c, int rows)
{
	return array_floats(c, rows, RUN_SLOPES, true) * sizeof(float);
}

size_t layer_stack_bytes(const struct config *c, int runs, int T, bool passing)
{
	return (array_floats(c, runs * T, passing ? RUN_SLOPES : RUN_ALL, false) + (size_t)runs * pattern_floats(c, T)) *
	       sizeof(float);
}

struct layer_sites *layer_sites_stack(const struct model *m, int runs, int T, float *passing, struct err *err)
{
	struct layer_rows *memory =
		rows_new(m, runs * T, runs * T, passing ? RUN_SLOPES : RUN_ALL, (size_t)runs * pattern_floats(&m->config, T), err);
	struct layer_sites *s = memory ? sites_in(memory, m, 0, runs * T, passing) : NULL;

	if (s)
		s->pattern_room = (size_t)T;
	return s;
}

struct layer_sites layer_sites_from(const struct layer_sites *s, const struct config *c, size_t row)
{
	struct layer_sites part = *s;
	struct array array[ARRAYS];

	arrays_of(c, true, array);
	for (int i = 0; i < ARRAYS; i++) {
		float *p;

		memcpy(&p, (char *)&part + array[i].at, sizeof p);
		p = p ? p + row * array[i].width : NULL;
		memcpy((char *)&part + array[i].at, &p, sizeof p);
	}
	part.z_used = s->z_used ? s->z_used + row * (size_t)(c->H * c->K) : NULL;
	return part;
}

struct layer_sites layer_sites_of(const struct layer_sites *stack, const struct config *c, int i, int T)
{
	struct layer_sites one = layer_sites_from(stack, c, (size_t)i * (size_t)T);

	if (stack->pattern)
		one.pattern = layer_weights(stack, i * c->H, 0);
	return one;
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
	s->q = s->z = s->z_used = s->z_memory = s->conv_gate = s->mlp_pre = s->mlp_up = s->mlp_post = NULL;
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
	case 'X':
		return (size_t)c->experts.X;
	case 'C':
		return (size_t)config_conv_width(c);
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
	case SITE_CONV_IN:
		return s->conv_in;
	case SITE_CONV_GATE:
		return s->conv_gate;
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
	case SITE_ROUTER_LOGITS:
		return s->router_logits;
	case SITE_EXPERT_WEIGHTS:
		return s->expert_weights;
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
	copy_rows(c->to->expert_chosen, c->from->expert_chosen, first, count, (size_t)c->c->experts.chosen);
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
