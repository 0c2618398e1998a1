/* model.c - see model.h: opening, estimating, and the two ends of the forward pass. */
#include "engine/model/model.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/model/bind.h"
#include "engine/model/files/checkpoint.h"
#include "engine/model/files/find.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/norm_backward.h"
#include "engine/numbers/pool.h"

struct model_store {
	struct arena *arena;
	struct checkpoint checkpoint;
	struct bind_plan plan;
	size_t too_much;	   /* what packed weights would have taken, when that is too much; or 0 */
	float *_Atomic mean_input; /* [D]; NULL: not asked for yet */
};

/* What matrix_new and expand_vector will take. */
static size_t private_bytes(const struct bind_plan *p)
{
	size_t bytes = 0;

	for (int i = 0; i < p->matrices; i++) {
		const struct matrix_source *s = &p->matrix[i].source;

		bytes += matrix_footprint(s) + (s->pick ? (size_t)s->out * sizeof *s->pick : 0);
	}
	for (int i = 0; i < p->vectors; i++)
		bytes += (size_t)p->vector[i].count * sizeof(float);
	for (int i = 0; i < p->products; i++)
		bytes += p->product[i].into->bytes;
	return bytes;
}

/* Packed weights may take half of the memory that is free; the rest is for runs. */
static void decide_memory(struct model_store *store)
{
	size_t bytes = private_bytes(&store->plan);

	if (bytes <= memory_available() / 2)
		return;
	for (int i = 0; i < store->plan.matrices; i++)
		store->plan.matrix[i].source.in_place = true;
	if (private_bytes(&store->plan) < bytes)
		store->too_much = bytes;
}

/* Everything but weights and tokenizer. */
static struct model *open_header(const char *where, struct err *err)
{
	struct model_store *store;
	struct model *m;
	char *path = find_model(where, err);

	if (!path)
		return NULL;
	m = xcalloc(1, sizeof *m);
	store = m->store = xcalloc(1, sizeof *store);
	store->arena = store->plan.arena = arena_new();
	m->path = path;
	m->name = find_name(where, path);
	if (checkpoint_open(path, &store->checkpoint, err) && bind_model(&store->checkpoint, m, &store->plan, err)) {
		decide_memory(store);
		return m;
	}
	model_free(m);
	return NULL;
}

static bool expand_vector(const struct model *m, const struct plan_vector *v, struct err *err)
{
	size_t have = tensor_count(v->tensor);
	int last = v->first + v->count - 1;
	float *all, *out = v->into ? v->into : arena_floats(m->store->arena, (size_t)v->count, err);

	if (!out)
		return false;
	for (int i = 0; v->pick && i < v->count; i++)
		last = v->pick[i] > last ? v->pick[i] : last;
	if (have <= (size_t)last || (v->whole && have != (size_t)last + 1))
		return err_set(err, ERR_FILE, "%s: tensor %s has %zu numbers, expected %d", m->path, v->tensor->name, have,
			       last + 1);
	if (!(all = malloc(have * sizeof *all)))
		return err_set(err, ERR_MEMORY, "no memory for tensor %s", v->tensor->name);
	tensor_expand(v->tensor, all);
	for (int i = 0; i < v->count; i++)
		out[i] = all[v->pick ? v->pick[i] : v->first + i] + v->add;
	free(all);
	if (v->to)
		*v->to = out;
	return true;
}

/* A table of embeddings as the stream has it: some rows at a time through the matrix between the two. */
static bool make_product(struct model *m, const struct plan_product *p, struct arena *scratch, struct err *err)
{
	enum { ROWS = 256 };
	const size_t D = (size_t)p->into->shape[1], E = tensor_columns(p->table), V = tensor_rows(p->table);
	const struct matrix_source source = { .tensor = p->projection, .in = (int)(p->out ? D : E), .out = (int)(p->out ? E : D) };
	const struct matrix *W;
	float *x = arena_floats(scratch, ROWS * E, err), *y = arena_floats(m->store->arena, V * D, err);

	if (V != (size_t)m->config.V || E != (size_t)m->config.table_width)
		return err_set(err, ERR_FILE, "%s: tensor %s should be [%d, %d]", m->path, p->table->name, m->config.V,
			       m->config.table_width);
	if (!x || !y || !(W = matrix_new(scratch, &source, err)))
		return false;
	for (size_t v = 0; v < V; v += ROWS) {
		const int n = (int)(V - v < ROWS ? V - v : ROWS);

		for (int i = 0; i < n; i++)
			tensor_row(p->table, v + (size_t)i, x + (size_t)i * E);
		if (p->out)
			matrix_apply_back(W, x, E, n, y + v * D, D);
		else
			matrix_apply(W, x, E, n, y + v * D, D);
	}
	p->into->data = (const unsigned char *)y;
	return true;
}

static bool make_products(struct model *m, struct err *err)
{
	const struct bind_plan *p = &m->store->plan;
	struct arena *scratch = arena_new();
	bool ok = true;

	for (int i = 0; i < p->products && ok; i++)
		ok = make_product(m, &p->product[i], scratch, err);
	arena_free(scratch);
	return ok;
}

static bool load_weights(struct model *m, struct task *task, struct err *err)
{
	struct bind_plan *p = &m->store->plan;

	if (!make_products(m, err))
		return false;
	for (int i = 0; i < p->vectors; i++)
		if (!expand_vector(m, &p->vector[i], err))
			return false;
	for (int i = 0; i < p->matrices; i++) {
		int layer = p->matrix[i].layer;

		if (!task_step(task, layer < 0 ? 0 : layer, m->config.L, err))
			return false;
		*p->matrix[i].to = matrix_new(m->store->arena, &p->matrix[i].source, err);
		if (!*p->matrix[i].to)
			return err_in(err, "%s", m->path);
	}
	return true;
}

static bool open_tokenizer(struct model *m, struct err *err)
{
	const struct checkpoint *c = &m->store->checkpoint;

	m->tokenizer = c->gguf ? tokenizer_from_gguf(c->gguf, err) : tokenizer_open(m->path, err);
	return m->tokenizer != NULL;
}

bool model_glance(const char *where, struct model_facts *facts, struct err *err)
{
	struct model *m = open_header(where, err);

	if (m)
		model_facts_of(m, facts);
	model_free(m);
	return m != NULL;
}

struct model *model_peek(const char *where, struct err *err)
{
	struct model *m = open_header(where, err);

	if (m && open_tokenizer(m, err))
		return m;
	model_free(m);
	return NULL;
}

/* The settings tie the unembedding to the embedding, but the file has another: a person should know which one unembeds. */
static void note_own_head(const struct model *m, struct notes *notes)
{
	const struct tensor *own = m->store->plan.own_head, *e = m->store->plan.products ? m->store->plan.product[0].table : m->W_E;

	if (own && (own->type != e->type || own->bytes != e->bytes || memcmp(own->data, e->data, e->bytes)))
		notes_add(notes,
			  "%s: config.json ties the unembedding to the embedding, but the file has its own %s, which is "
			  "used, as transformers does",
			  m->name, own->name);
}

/* What model_open() does once all else is there. NULL: `m` is freed too. */
static struct model *finish(struct model *m, struct task *task, struct notes *notes, struct err *err)
{
	if (!m || !load_weights(m, task, err)) {
		model_free(m);
		return NULL;
	}
	if (m->tokenizer && tokenizer_size(m->tokenizer) > m->config.V)
		notes_add(notes, "%s: the tokenizer knows %d tokens, the model %d; those above cannot be used", m->path,
			  tokenizer_size(m->tokenizer), m->config.V);
	note_own_head(m, notes);
	if (m->store->plan.ignored)
		notes_add(notes, "%s: %s", m->name, m->store->plan.ignored);
	if (m->store->plan.bare)
		notes_add(notes, "%s: %s", m->name, m->store->plan.bare);
	if (m->store->plan.unused)
		notes_add(notes, "%s: %s", m->name, m->store->plan.unused);
	if (m->store->too_much)
		notes_add(notes,
			  "%s: packing the weights would take %.1f GB, more than half of the memory that is free; they are "
			  "read from the file at each use, which is slower",
			  m->name, (double)m->store->too_much / 1e9);
	return m;
}

struct model *model_open(const char *where, struct task *task, struct notes *notes, struct err *err)
{
	return finish(model_peek(where, err), task, notes, err);
}

struct model *model_open_for_ids(const char *where, struct task *task, struct notes *notes, struct err *err)
{
	struct model *m = open_header(where, err);
	struct err why = { 0 };

	if (m && !open_tokenizer(m, &why))
		notes_add(notes, "%s; the tokens are taken by their numbers", why.text);
	return finish(m, task, notes, err);
}

void model_free(struct model *m)
{
	if (!m)
		return;
	tokenizer_free(m->tokenizer);
	checkpoint_close(&m->store->checkpoint);
	arena_free(m->store->arena);
	free(m->store->plan.matrix);
	free(m->store->plan.vector);
	free(m->store->mean_input);
	free(m->store);
	free(m->name);
	free(m->path);
	free(m);
}

/* FNV-1a: it tells models apart that differ, not ones that somebody forged. */
uint64_t model_unembedding_hash(const struct model *m)
{
	const struct bind_plan *p = &m->store->plan;
	uint64_t h = 14695981039346656037u;

	for (int i = 0; i < p->matrices; i++)
		if (p->matrix[i].to == &m->W_U) {
			const struct tensor *t = p->matrix[i].source.tensor;

			for (size_t k = 0; k < t->bytes; k++)
				h = (h ^ t->data[k]) * 1099511628211u;
		}
	return h;
}

/* "Q4_1, F32": the types that hold the weights, the one with most numbers first. */
static size_t list_types(const struct checkpoint *c, char *out, size_t capacity)
{
	size_t count[DTYPE_COUNT] = { 0 }, all = 0, n = 0;

	for (size_t i = 0; i < checkpoint_tensors(c); i++) {
		const struct tensor *t = checkpoint_tensor(c, i);

		count[t->type] += tensor_count(t);
		all += tensor_count(t);
	}
	out[0] = '\0';
	for (;;) {
		int best = 0;

		for (int t = 1; t < DTYPE_COUNT; t++)
			if (count[t] > count[best])
				best = t;
		if (!count[best] || n + 12 > capacity)
			return all;
		n += (size_t)snprintf(out + n, capacity - n, "%s%s", n ? ", " : "", dtype_table[best].name);
		count[best] = 0;
	}
}

size_t model_stream_floats(const struct config *c)
{
	return 5 * (size_t)c->D + 2 * (size_t)(c->G * c->K) + 1 + /* 1: the scale of a norm after attention */
	       (size_t)config_conv_width(c) + 2 * (size_t)c->experts.X + (size_t)c->experts.chosen;
}

size_t model_passing_floats(const struct config *c)
{
	return 2 * (size_t)(c->H * c->K) + (size_t)config_conv_width(c) + (c->gated ? 3 : 2) * (size_t)c->F;
}

/* Of a run, with so many floats in each layer, and those of the embedding. */
static size_t bytes_per_token(const struct config *c, size_t floats)
{
	return sizeof(float) * ((size_t)c->L * floats + (size_t)c->D);
}

/* "1, 3-5"; what does not fit is cut at a comma. */
static void list_layers(const struct config *c, bool (*is)(const struct config *c, int l), char *out, size_t capacity)
{
	struct str s;

	str_init(&s);
	for (int l = 0, last; l < c->L; l = last + 1) {
		last = l;
		if (!is(c, l))
			continue;
		while (last + 1 < c->L && is(c, last + 1))
			last++;
		str_addf(&s, last > l ? "%s%d-%d" : "%s%d", s.n ? ", " : "", l, last);
	}
	if (s.n >= capacity)
		while (s.n + 4 >= capacity || s.s[s.n - 1] != ',')
			s.s[--s.n] = '\0';
	snprintf(out, capacity, text_ends(s.s, ",") ? "%s …" : "%s", s.s);
	str_done(&s);
}

static bool is_conv(const struct config *c, int l)
{
	return config_mixer(c, l) == MIXER_CONV;
}

static void mixture_facts(const struct config *c, struct model_facts *f)
{
	static const char *const routers[] = {
		[ROUTER_SOFTMAX] = "softmax", [ROUTER_SIGMOID] = "sigmoid", [ROUTER_SPARSEMIXER] = "sparsemixer"
	};
	const struct experts *e = &c->experts;
	int mixtures = 0;

	for (int l = 0; l < c->L; l++)
		mixtures += config_mixes(c, l);
	f->neurons = mixtures < c->L ? c->dense : 0;
	if (!mixtures)
		return;
	f->experts = e->X;
	f->chosen = e->chosen;
	f->expert_neurons = e->F;
	f->shared_neurons = e->shared;
	f->router = routers[e->score];
	if (mixtures < c->L)
		list_layers(c, config_mixes, f->mixtures, sizeof f->mixtures);
}

void model_facts_of(const struct model *m, struct model_facts *f)
{
	const struct config *c = &m->config;
	const struct bind_plan *p = &m->store->plan;

	*f = (struct model_facts){ .L = c->L,
				   .D = c->D,
				   .H = c->H,
				   .G = c->G,
				   .K = c->K,
				   .V = c->V,
				   .context = c->context,
				   .tied = c->tied,
				   .gated = c->gated,
				   .llama_tanh = c->llama_tanh,
				   .file_bytes = checkpoint_bytes(&m->store->checkpoint),
				   .private_bytes = private_bytes(p),
				   .in_place_of = m->store->too_much,
				   .run_bytes_per_token = bytes_per_token(c, model_stream_floats(c) + model_passing_floats(c)),
				   .stream_bytes_per_token = bytes_per_token(c, model_stream_floats(c)),
				   .run_bytes_per_pair = sizeof(float) * (size_t)c->L * (size_t)c->H };
	mixture_facts(c, f);
	f->conv_taps = c->conv_taps;
	list_layers(c, is_conv, f->convolutions, sizeof f->convolutions);
	snprintf(f->name, sizeof f->name, "%s", m->name);
	snprintf(f->family, sizeof f->family, "%s", c->family);
	snprintf(f->unused, sizeof f->unused, "%s%s%s", p->other ? p->other : "", p->other && p->unused ? "; " : "",
		 p->unused ? p->unused : "");
	snprintf(f->source, sizeof f->source, "%s", m->path);
	f->parameters = list_types(&m->store->checkpoint, f->dtypes, sizeof f->dtypes);
	if (m->tokenizer) {
		snprintf(f->tokenizer, sizeof f->tokenizer, "%s", tokenizer_kind(m->tokenizer));
		f->tokenizer_bytes = tokenizer_memory(m->tokenizer);
		snprintf(f->bos, sizeof f->bos, "%s", tokenizer_bos_reason(m->tokenizer));
	}
}

static bool find_flaw(const struct tensor *t, struct model_flaw *flaw)
{
	size_t columns = tensor_columns(t), rows = tensor_rows(t);
	float *x = xmalloc((columns + 1) * sizeof *x);
	bool found = false;

	for (size_t i = 0; !found && i < rows; i++) {
		tensor_row(t, i, x);
		for (size_t j = 0; !found && j < columns; j++)
			if ((found = !isfinite(x[j])))
				*flaw = (struct model_flaw){ t, i, j, x[j] };
	}
	free(x);
	return found;
}

bool model_find_flaw(const struct model *m, int layer, struct model_flaw *flaw)
{
	const struct bind_plan *p = &m->store->plan;

	if (layer < 0 && (find_flaw(m->W_E, flaw) || (m->W_pos && find_flaw(m->W_pos, flaw))))
		return true;
	for (int i = 0; i < p->vectors; i++)
		if (p->vector[i].layer == layer && find_flaw(p->vector[i].tensor, flaw))
			return true;
	for (int i = 0; i < p->matrices; i++)
		if (p->matrix[i].layer == layer && find_flaw(p->matrix[i].source.tensor, flaw))
			return true;
	return false;
}

static void apply_norm(const struct config *c, const struct norm *norm, const float *x, float *y, float *scale)
{
	float s = 1;

	if (!norm->there) {
		if (y != x)
			memcpy(y, x, (size_t)c->D * sizeof *y);
	} else if (c->norm == NORM_LAYER) {
		s = kernel_layer_norm(x, norm->gain, norm->bias, c->norm_eps, y, (size_t)c->D);
	} else {
		s = kernel_rms_norm(x, norm->gain, c->norm_eps, y, (size_t)c->D);
	}
	if (scale)
		*scale = s;
}

void model_input(const struct model *m, int32_t token, float *x)
{
	const struct config *c = &m->config;

	tensor_row(m->W_E, (size_t)token, x);
	for (int i = 0; c->embed_scale != 1 && i < c->D; i++)
		x[i] *= c->embed_scale;
}

/* [D] */
static float *mean_input(const struct model *m)
{
	const size_t D = (size_t)m->config.D;
	double *sum = xcalloc(D, sizeof *sum);
	float *x = xcalloc(D, sizeof *x);

	for (int32_t v = 0; v < m->config.V; v++) {
		model_input(m, v, x);
		for (size_t i = 0; i < D; i++)
			sum[i] += (double)x[i];
	}
	for (size_t i = 0; i < D; i++)
		x[i] = (float)(sum[i] / m->config.V);
	free(sum);
	return x;
}

/* Two threads that ask at once both find it, and one is kept. */
const float *model_mean_input(const struct model *m)
{
	float *_Atomic *kept = &m->store->mean_input;
	float *none = NULL, *found;

	if (!atomic_load(kept)) {
		found = mean_input(m);
		if (!atomic_compare_exchange_strong(kept, &none, found))
			free(found);
	}
	return atomic_load(kept);
}

static void add_position(const struct model *m, int position, float *x)
{
	const struct config *c = &m->config;
	float *row;

	if (!m->W_pos || position < 0)
		return;
	row = xmalloc((size_t)c->D * sizeof *row);
	tensor_row(m->W_pos, (size_t)(position + c->position_offset), row);
	kernel_add(x, row, x, (size_t)c->D);
	free(row);
}

void model_enter(const struct model *m, int position, float *x)
{
	add_position(m, position, x);
	apply_norm(&m->config, &m->embed_norm, x, x, NULL);
}

void model_enter_back(const struct model *m, const float *x, int position, bool frozen, const float *d, float *g)
{
	const struct config *c = &m->config;
	const size_t D = (size_t)c->D;
	float *y;

	if (!m->embed_norm.there) {
		if (g != d)
			memcpy(g, d, D * sizeof *g);
		return;
	}
	y = xmalloc(D * sizeof *y);
	memcpy(y, x, D * sizeof *y);
	add_position(m, position, y);
	if (c->norm == NORM_LAYER)
		back_layer_norm(y, m->embed_norm.gain, c->norm_eps, frozen, d, g, D);
	else
		back_rms_norm(y, m->embed_norm.gain, c->norm_eps, frozen, d, g, D);
	free(y);
}

void model_embed(const struct model *m, int32_t token, int position, float *x)
{
	model_input(m, token, x);
	model_enter(m, position, x);
}

void model_final_norm(const struct model *m, const float *x, int n, float *y, float *scale)
{
	size_t D = (size_t)m->config.D;

	for (int i = 0; i < n; i++)
		apply_norm(&m->config, &m->ln_final, x + (size_t)i * D, y + (size_t)i * D, scale ? scale + i : NULL);
}

static void finish_logits(const struct model *m, float *logits, size_t n)
{
	const struct config *c = &m->config;

	for (size_t i = 0; c->logit_scale != 1 && i < n; i++)
		logits[i] *= c->logit_scale;
	for (size_t i = 0; c->logit_cap > 0 && i < n; i++)
		logits[i] = c->logit_cap * tanhf(logits[i] / c->logit_cap);
}

/* Logits as the product leaves them, [n, count]. */
struct logits {
	const struct model *m;
	float *x;
	size_t ld;
	int from, count;
};

static void finish_row(void *context, int row)
{
	const struct logits *g = context;
	float *x = g->x + (size_t)row * g->ld;

	if (g->m->b_U)
		kernel_add(x, g->m->b_U + g->from, x, (size_t)g->count);
	finish_logits(g->m, x, (size_t)g->count);
}

void model_unembed_some(const struct model *m, const float *y, int n, int from, int count, float *logits, size_t ld)
{
	struct logits g = { m, logits, ld, from, count };

	matrix_apply_outputs(m->W_U, from, count, y, (size_t)m->config.D, n, logits, ld);
	if (m->b_U || m->config.logit_scale != 1 || m->config.logit_cap > 0)
		pool_run(n, finish_row, &g);
}

void model_unembed_here(const struct model *m, const struct matrix_rows *y, int from, int count, float *logits, size_t ld)
{
	struct logits g = { m, logits, ld, from, count };

	matrix_apply_outputs_here(m->W_U, from, count, y, logits, ld);
	for (int i = 0; i < y->n; i++)
		finish_row(&g, i);
}

void model_unembed(const struct model *m, const float *y, int n, float *logits)
{
	model_unembed_some(m, y, n, 0, m->config.V, logits, (size_t)m->config.V);
}

/* A metric of a token or two: their columns alone are read. false: there are more. */
static bool unembed_back_few(const struct model *m, int n, const float *d, float *g)
{
	enum { FEW = 4 };
	const size_t V = (size_t)m->config.V, D = (size_t)m->config.D;
	size_t at[FEW], found = 0;
	float *column;

	for (size_t i = 0; i < (size_t)n * V; i++)
		if (d[i] != 0) {
			if (found == FEW)
				return false;
			at[found++] = i;
		}
	column = xmalloc(D * sizeof *column);
	memset(g, 0, (size_t)n * D * sizeof *g);
	for (size_t i = 0; i < found; i++) {
		matrix_output(m->W_U, (int)(at[i] % V), column);
		kernel_axpy(d[at[i]], column, g + at[i] / V * D, D);
	}
	free(column);
	return true;
}

/* t / atanh(t): tanh(x) / x at t = tanh(x). */
static float cap_chord(float t)
{
	return t == 0 ? 1 : (float)((double)t / atanh(fmin(fabs((double)t), 1 - 0x1p-26) * (t < 0 ? -1 : 1)));
}

float model_unembed_slope(const struct model *m, float logit, bool chord)
{
	const float cap = m->config.logit_cap, capped = cap > 0 ? logit / cap : 0;

	return (chord ? cap_chord(capped) : 1 - capped * capped) * m->config.logit_scale;
}

void model_unembed_back(const struct model *m, const float *logits, int n, bool chord, float *d, float *g)
{
	size_t V = (size_t)m->config.V, D = (size_t)m->config.D;

	for (size_t i = 0; i < (size_t)n * V; i++)
		d[i] *= model_unembed_slope(m, logits[i], chord);
	if (!unembed_back_few(m, n, d, g))
		matrix_apply_back_long(m->W_U, d, V, n, g, D);
}

double model_multiplications(const struct model *m)
{
	const struct config *c = &m->config;
	const double D = c->D, heads = c->H, groups = c->G, K = c->K;

	double all = 0;

	for (int l = 0; l < c->L; l++) {
		all += config_mixer(c, l) == MIXER_CONV ? 4 * D * heads * K : D * K * 2 * (heads + groups);
		all += config_mixes(c, l) ? D * c->experts.X + 3 * D * (c->experts.chosen * c->experts.F + c->experts.shared)
					  : (c->gated ? 3 : 2) * D * c->dense;
	}
	return all;
}
