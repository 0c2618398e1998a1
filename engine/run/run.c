/* run.c - see run.h: making a run from as little work as the question allows, and reading its sites. */
#include "engine/run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/base/memory.h"
#include "engine/run/attention.h"
#include "engine/run/asset.h"
#include "engine/run/change.h"
#include "engine/run/finite.h"
#include "engine/run/experts.h"
#include "engine/run/forward.h"
#include "engine/run/norms.h"
#include "engine/run/result.h"
#include "engine/run/vocab.h"

size_t run_bytes(const struct config *c, int T, enum run_stores keeps)
{
	size_t L = (size_t)c->L, room = (size_t)layer_room(T), pattern = (size_t)c->H * room * room;
	size_t stream = L * room * model_stream_floats(c), passing = room * model_passing_floats(c);

	return sizeof(float) *
	       (stream + (keeps == RUN_ALL ? L * (passing + pattern) : passing) + (size_t)T * (size_t)c->D + (size_t)c->V);
}

bool run_fits(const struct model *m, int T, enum run_stores keeps, struct err *err)
{
	size_t need = run_bytes(&m->config, T, keeps), have = memory_available();

	return need <= have / 2 ||
	       err_set(err, ERR_MEMORY,
		       "a run over %d tokens of this model %s %.2f GB, and %.2f GB of memory are free; shorten "
		       "the prompt",
		       T, keeps == RUN_ALL ? "keeps" : "keeps, of its stream alone,", (double)need / 1e9, (double)have / 1e9);
}

bool run_has(const struct run *r, enum site site)
{
	const struct layer_sites *s = r->layer[0];

	return site == SITE_EMBED || (site == SITE_PATTERN ? s->pattern != NULL : layer_site(s, site) != NULL);
}

struct run *run_ref(const struct run *r)
{
	struct run *own = (struct run *)(uintptr_t)r; /* the count is not part of what a run says */

	atomic_fetch_add(&own->refs, 1);
	return own;
}

void run_unref(struct run *r)
{
	if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	for (int l = 0; l < r->model->config.L; l++)
		layer_sites_unref(r->layer[l]);
	run_set_done(&r->reads);
	assets_unref(r->assets);
	arena_free(r->arena);
	free(r);
}

static bool check_order(const struct run_order *o, struct err *err)
{
	const struct config *c = &o->model->config;

	if (o->T < 1)
		return err_set(err, ERR_ARGUMENT,
			       "the prompt has no tokens, and this model puts no beginning-of-sequence token "
			       "before it; type something");
	if (c->context_is_hard && o->T > c->context)
		return err_set(err, ERR_ARGUMENT, "the prompt has %d tokens, but the model has learned positions for %d only", o->T,
			       c->context);
	for (int t = 0; t < o->T; t++)
		if (o->tokens[t] < 0 || o->tokens[t] >= c->V)
			return err_set(err, ERR_ARGUMENT,
				       "token %d of the prompt has the number %d, but the model's vocabulary ends at %d", t,
				       o->tokens[t], c->V - 1);
	return true;
}

void run_set_add(struct run_set *s, const struct run *r)
{
	for (int i = 0; i < s->n; i++)
		if (s->run[i] == r)
			return;
	s->run = xrealloc(s->run, (size_t)(s->n + 1) * sizeof *s->run);
	s->run[s->n++] = run_ref(r);
}

void run_set_done(struct run_set *s)
{
	for (int i = 0; i < s->n; i++)
		run_unref(s->run[i]);
	free(s->run);
	*s = (struct run_set){ 0 };
}

/* Number e of the run's edits: the base's, then the lines, then those that were made. err->item says which line is at fault. */
static bool take_edit(struct run *r, const struct run_order *o, const struct edit_context *context, int e, struct err *err)
{
	int base = o->base ? o->base->edits : 0, line = e - base;

	if (line < 0) {
		r->edit[e] = o->base->edit[e];
	} else if (line >= o->edit_count) {
		r->edit[e] = *o->more[line - o->edit_count];
	} else if (!edit_parse(o->edits[line], &r->edit[e], r->arena, err)) {
		err->item = line + 1;
		return false;
	}
	if (!edit_resolve(&r->edit[e], context, r->arena, err)) {
		err->item = line < o->edit_count ? line + 1 : 0;
		return false;
	}
	if (r->edit[e].source)
		run_set_add(&r->reads, r->edit[e].source);
	return true;
}

static bool resolve_edits(struct run *r, const struct run_order *o, struct task *task, struct err *err)
{
	struct edit_context context = { r->model, r->prompt_T, o->unedited, o->foil, r->tokens, r->assets, &r->reads, task };

	r->edits = (o->base ? o->base->edits : 0) + o->edit_count + o->more_count;
	r->edit = arena_alloc(r->arena, (size_t)(r->edits + 1) * sizeof *r->edit);
	r->edit_list = arena_alloc(r->arena, (size_t)(r->edits + 1) * sizeof *r->edit_list);
	for (int e = 0; e < r->edits; e++)
		r->edit_list[e] = &r->edit[e];
	if (o->base) /* what its edits have resolved is in its memory */
		run_set_add(&r->reads, o->base);
	for (int e = 0; e < r->edits; e++)
		if (!take_edit(r, o, &context, e, err))
			return false;
	return true;
}

/* Where the work starts: the layers below l0 are borrowed, the rows below t0 of the others are copied, both from `from`. */
struct start {
	const struct run *from;
	int l0, t0;
};

static int tokens_alike(const struct run *r, const struct run *other)
{
	int n = 0;

	while (n < r->T && n < other->T && r->tokens[n] == other->tokens[n])
		n++;
	return n;
}

static struct start find_start(const struct run *r, const struct run_order *o)
{
	struct start s = { NULL, 0, 0 };
	int rows;

	if (r->input) /* then nothing is as it was */
		return s;
	/*
	 * The unedited run of the same tokens: everything below the first edited layer, everything before the first edited
	 * position.
	 */
	if (o->unedited && o->unedited->T == r->T && !o->unedited->edits && !o->unedited->input && o->unedited->keeps <= r->keeps &&
	    tokens_alike(r, o->unedited) == r->T) {
		s = (struct start){ o->unedited, r->model->config.L, r->T };
		for (int e = 0; e < r->edits; e++) {
			int first = change_first(&r->edit[e], o->unedited);

			if (first < r->T && r->edit[e].place.layer < s.l0)
				s.l0 = r->edit[e].place.layer;
			if (first < s.t0)
				s.t0 = first;
		}
		return s;
	}
	/* A run of a prompt that begins alike. At least one row is computed: the last logits are wanted. */
	if (o->prefix && !o->prefix->input && o->prefix->keeps <= r->keeps && config_alike(&r->model->config, r->T, o->prefix->T) &&
	    (rows = tokens_alike(r, o->prefix)) > 0)
		s = (struct start){ o->prefix, 0, rows < r->T ? rows : r->T - 1 };
	return s;
}

static void copy_rows(float *to, const float *from, int rows, size_t width)
{
	memcpy(to, from, (size_t)rows * width * sizeof *to);
}

/* Layer l's sites, with the rows that need not be computed. */
static struct layer_sites *begin_layer(const struct run *r, const struct start *start, int l, float *passing, struct err *err)
{
	const struct layer_sites *from = start->t0 ? start->from->layer[l] : NULL;
	struct layer_sites *s = from ? layer_sites_go_on(from, r->model, start->t0, r->T, passing) : NULL;

	if (s)
		return s;
	s = layer_sites_roomy(r->model, r->T, passing, err);
	if (!s || !from || layer_sites_copy(s, from, r->model, start->t0, r->T, err))
		return s;
	layer_sites_unref(s);
	return NULL;
}

static bool compute(struct run *r, const struct start *start, struct task *task, struct err *err)
{
	const struct model *m = r->model;
	const struct config *c = &m->config;
	struct variant variant = { r->edit_list, r->edits };
	struct pass p = { .model = m,
			  .t0 = start->t0,
			  .T = r->T,
			  .variants = 1,
			  .variant = &variant,
			  .stored = true,
			  .task = task,
			  .input = r->input };
	float *passing = NULL;
	int l = 0, computed;
	bool ok;

	for (; l < start->l0; l++)
		r->layer[l] = layer_sites_ref(start->from->layer[l]);
	computed = c->L - l;
	p.arena = arena_new();
	p.past = (const struct layer_sites *const *)r->layer;
	ok = l == c->L || p.t0 == r->T || pass_begin(&p, err);
	if (r->keeps == RUN_STREAM)
		ok = ok && (passing = layer_passing_new(m, r->T, err));
	if (ok && start->from)
		copy_rows(r->embed, start->from->embed, p.t0, (size_t)c->D);
	if (ok && p.t0 < r->T)
		forward_embed(&p, r->tokens, r->embed + (size_t)p.t0 * (size_t)c->D);
	for (; ok && l < c->L; l++) {
		const float *below = l ? r->layer[l - 1]->resid_post : r->embed;
		size_t from = (size_t)p.t0 * (size_t)c->D;

		ok = task_step(task, l - (c->L - computed), computed, err) &&
		     (r->layer[l] = begin_layer(r, start, l, passing, err));
		if (ok && p.t0 < r->T) {
			memcpy(r->layer[l]->resid_pre + from, below + from, (size_t)(r->T - p.t0) * (size_t)c->D * sizeof(float));
			ok = forward_layer(&p, l, r->layer[l], p.t0, 0, err);
		}
		if (ok)
			layer_sites_free_passing(r->layer[l]);
	}
	big_free(passing);
	arena_free(p.arena);
	return ok;
}

/* The inputs that were given, or that the base was given. */
static bool take_input(struct run *r, const struct run_order *o, struct err *err)
{
	const float *input = o->input ? o->input : o->base && o->base->T == o->T ? o->base->input : NULL;

	if (!input)
		return true;
	if ((r->input = arena_floats(r->arena, (size_t)r->T * (size_t)r->model->config.D, err)))
		copy_rows(r->input, input, r->T, (size_t)r->model->config.D);
	return r->input != NULL;
}

struct run *run_new(const struct run_order *o, struct task *task, struct err *err)
{
	const struct config *c = &o->model->config;
	struct run *r;
	struct start start;

	if (!check_order(o, err))
		return NULL;
	task_count_runs(task, 1);
	r = xcalloc(1, sizeof *r);
	atomic_init(&r->refs, 1);
	r->arena = arena_new();
	r->model = o->model;
	r->keeps = o->keeps;
	r->assets = o->assets ? assets_ref(o->assets) : o->unedited ? assets_ref(o->unedited->assets) : assets_new();
	r->T = o->T;
	r->prompt_T = o->prompt_T ? o->prompt_T : o->T;
	r->tokens = arena_alloc(r->arena, (size_t)r->T * sizeof *r->tokens);
	memcpy(r->tokens, o->tokens, (size_t)r->T * sizeof *r->tokens);
	r->layer = arena_alloc(r->arena, (size_t)c->L * sizeof *r->layer);
	r->embed = arena_floats(r->arena, (size_t)r->T * (size_t)c->D, err);
	r->last_logits = o->without_logits ? NULL : arena_floats(r->arena, (size_t)c->V, err);
	if (r->embed && (r->last_logits || o->without_logits) && take_input(r, o, err) && resolve_edits(r, o, task, err)) {
		start = find_start(r, o);
		if (compute(r, &start, task, err) && (o->without_logits || run_logits(r, r->T - 1, 1, r->last_logits, task, err)) &&
		    run_finite(r, err))
			return r;
	}
	run_unref(r);
	return NULL;
}

void run_input(const struct run *r, int position, float *x)
{
	const size_t D = (size_t)r->model->config.D;

	if (r->input)
		memcpy(x, r->input + (size_t)position * D, D * sizeof *x);
	else
		model_input(r->model, r->tokens[position], x);
}

void run_enter(const struct run *r, int position, float *x)
{
	model_enter(r->model, position, x);
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], SITE_EMBED, 0) && edit_covers(&r->edit[e], position))
			edit_apply(&r->edit[e], &r->model->config, SITE_EMBED, position, x);
}

const float *run_at(const struct run *r, enum site site, int layer, int position)
{
	if (site == SITE_EMBED)
		return r->embed + (size_t)position * (size_t)r->model->config.D;
	return layer_site(r->layer[layer], site) + (size_t)position * run_width(&r->model->config, site);
}

const float *run_pattern(const struct run *r, int layer, int head, int query)
{
	return layer_weights(r->layer[layer], head, query);
}

void run_scores(const struct run *r, int layer, int head, int query, float *out)
{
	const struct config *c = &r->model->config;
	size_t K = (size_t)c->K, group = (size_t)config_kv_head(c, head) * K;
	const float *q = run_at(r, SITE_Q, layer, query) + (size_t)head * K;

	attention_scores(c, layer, head, query, q, run_at(r, SITE_K, layer, 0) + group, (size_t)(c->G * c->K), r->T, out);
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], SITE_SCORES, layer) && edit_covers(&r->edit[e], query))
			edit_apply_pattern(&r->edit[e], head, query, out);
}

static struct attention_at place_of(const struct run *r, int layer, int position)
{
	const struct layer_sites *s = r->layer[layer];

	return (struct attention_at){ r->model, layer, position, run_at(r, SITE_Z, layer, position),
				      s->post_scale ? s->post_scale[position] : 1 };
}

void run_result(const struct run *r, int layer, int head, int position, float *out)
{
	const struct config *c = &r->model->config;
	struct attention_at place = place_of(r, layer, position);

	result_write(&place, head, r->layer[layer]->z_used + ((size_t)position * (size_t)c->H + (size_t)head) * (size_t)c->K, out);
	result_extra(&place, r->edit_list, r->edits, head, out);
}

int run_choice(const struct run *r, int layer, int expert, int position)
{
	const int k = r->model->config.experts.chosen;
	const float *chosen = r->layer[layer]->expert_chosen + (size_t)position * (size_t)k;

	for (int i = 0; i < k; i++)
		if ((int)chosen[i] == expert)
			return i;
	return -1;
}

void run_expert(const struct run *r, int layer, int expert, int position, float *out)
{
	const struct config *c = &r->model->config;
	const size_t D = (size_t)c->D, F = (size_t)c->experts.F;
	const int slot = run_choice(r, layer, expert, position);
	const float by = run_at(r, SITE_EXPERT_WEIGHTS, layer, position)[expert] * c->residual_scale;

	if (slot < 0)
		memset(out, 0, D * sizeof *out);
	else
		matrix_apply(r->model->layers[layer].expert[expert].W_out,
			     run_at(r, SITE_MLP_POST, layer, position) + experts_slot(c, slot), F, 1, out, D);
	for (size_t i = 0; slot >= 0 && i < D; i++)
		out[i] *= by;
	experts_touch(c, r->edit_list, r->edits, layer, expert, position, out);
}

bool run_same_experts(const struct run *a, const struct run *b)
{
	const size_t n = (size_t)a->T * (size_t)a->model->config.experts.chosen;

	for (int l = 0; n && l < a->model->config.L; l++)
		if (memcmp(a->layer[l]->expert_chosen, b->layer[l]->expert_chosen, n * sizeof(float)))
			return false;
	return true;
}

void run_shared(const struct run *r, int layer, int position, float *out)
{
	const struct config *c = &r->model->config;
	const struct layer *w = &r->model->layers[layer];
	const struct edited_norm read = { r->model, r->edit_list, r->edits, SITE_LN2, layer };
	const size_t D = (size_t)c->D;
	float z, by = c->residual_scale;

	memset(out, 0, D * sizeof *out);
	if (!c->experts.shared)
		return;
	if (w->W_share) {
		norms_apply(&read, position, norms_input(r, SITE_LN2, layer, position), out, NULL);
		matrix_apply(w->W_share, out, D, 1, &z, 1);
		by *= 1 / (1 + expf(-z));
	}
	matrix_apply(w->W_out, run_at(r, SITE_MLP_POST, layer, position) + experts_slot(c, c->experts.chosen),
		     (size_t)c->experts.shared, 1, out, D);
	for (size_t i = 0; i < D; i++)
		out[i] *= by;
}

void run_attention_bias(const struct run *r, int layer, int position, float *out)
{
	const struct config *c = &r->model->config;
	const float *b = r->model->layers[layer].b_O;
	struct attention_at place = place_of(r, layer, position);

	memset(out, 0, (size_t)c->D * sizeof *out);
	if (b)
		memcpy(out, b, (size_t)c->D * sizeof *out);
	result_finish(&place, out);
}

static struct edited_norm final_norm(const struct run *r)
{
	return (struct edited_norm){ r->model, r->edit_list, r->edits, SITE_LN_FINAL, r->model->config.L };
}

void run_final_norm(const struct run *r, int position, const float *x, float *y, float *scale)
{
	const struct edited_norm place = final_norm(r);

	norms_apply(&place, position, x, y, scale);
}

bool run_keeps_final_norm(const struct run *r)
{
	const struct edited_norm place = final_norm(r);

	return norms_any_kept(&place);
}

void run_ln_final(const struct run *r, int position, float *out)
{
	run_final_norm(r, position, run_at(r, SITE_RESID_POST, r->model->config.L - 1, position), out, NULL);
}

bool run_logits(const struct run *r, int from, int n, float *out, struct task *task, struct err *err)
{
	enum { ROWS = 256, BLOCK = 8192 }; /* of the vocabulary: cancelled between them */
	size_t D = (size_t)r->model->config.D, V = (size_t)r->model->config.V;
	float *y;
	bool ok = true;

	if (n == 1 && from == r->T - 1 && r->last_logits && out != r->last_logits) {
		memcpy(out, r->last_logits, V * sizeof *out);
		return true;
	}
	y = xmalloc((size_t)(n < ROWS ? n : ROWS) * D * sizeof *y);
	for (int i = 0; ok && i < n; i += ROWS) {
		int rows = n - i < ROWS ? n - i : ROWS;

		for (int k = 0; k < rows; k++)
			run_ln_final(r, from + i + k, y + (size_t)k * D);
		for (size_t j = 0; j < V && (ok = task_going(task, err)); j += BLOCK)
			model_unembed_some(r->model, y, rows, (int)j, (int)(V - j < BLOCK ? V - j : BLOCK), out + (size_t)i * V + j,
					   V);
	}
	free(y);
	return ok;
}

bool run_loss(const struct run *r, int first, double *sum, struct task *task, struct err *err)
{
	size_t D = (size_t)r->model->config.D;
	int n = r->T - first;
	float *y = xmalloc((size_t)n * D * sizeof *y);
	bool ok;

	for (int i = 0; i < n; i++)
		run_ln_final(r, first + i - 1, y + (size_t)i * D);
	ok = vocab_loss(r->model, y, n, r->tokens + first, sum, task, err);
	free(y);
	return ok;
}
