/* stack.c - see stack.h. */
#include "engine/run/stack.h"

#include <string.h>

#include "engine/base/big.h"
#include "engine/base/memory.h"
#include "engine/run/backward.h"
#include "engine/run/forward.h"

/* Rows together: from here on products are bound by arithmetic and gain no more. */
enum { SLOPE_ROWS = 128, VALUE_ROWS = 256 };
enum { RUNS = 3 }; /* whose memory gradients may take */

/* ---- memory ---- */

static bool keeps_whole(const struct stack *s)
{
	const struct run *r = s->run;
	bool whole = false;

	for (int l = 0; l <= s->top; l++)
		whole = whole || r->model->layers[l].ln1_post.there || r->model->layers[l].ln2_post.there;
	for (int e = 0; e < r->edits; e++)
		for (int l = 0; l <= s->top; l++)
			whole = whole || edit_hits(&r->edit[e], SITE_RESULT, l);
	return whole;
}

static size_t bytes(const struct stack *s, int n)
{
	const struct config *c = &s->run->model->config;
	const size_t whole = layer_stack_bytes(c, n, s->T, false), kept = layer_stack_bytes(c, n, s->T, !s->whole);

	return (size_t)s->top * kept + 2 * whole + layer_slopes_bytes(c, n * s->T) + backward_bytes(c, n, s->T) +
	       (5 * (size_t)n + 2) * (size_t)s->run->T * (size_t)c->D *
		       sizeof(float); /* inputs and the like, and the pass's scratch */
}

static int together(const struct stack *s)
{
	const size_t room = RUNS * run_bytes(&s->run->model->config, s->run->T, RUN_ALL);
	const int rows = s->slopes ? SLOPE_ROWS : VALUE_ROWS;
	int n = 1;

	while ((n + 1) * s->T <= rows && (!s->slopes || bytes(s, n + 1) <= room))
		n++;
	return n;
}

void stack_plan(struct stack *s)
{
	s->whole = keeps_whole(s);
	s->most = together(s);
	if (s->all && s->all < s->most)
		s->most = s->all;
}

static bool fits(const struct stack *s, struct err *err)
{
	const size_t need = bytes(s, s->most), have = memory_available();

	return !s->slopes || need <= have / 2 ||
	       err_set(err, ERR_MEMORY,
		       "gradients at the %d tokens of the prompt take %.2f GB, and %.2f GB of memory are free; shorten the prompt",
		       s->run->T, (double)need / 1e9, (double)have / 1e9);
}

static bool take_layers(struct stack *s, struct err *err)
{
	const struct model *m = s->run->model;
	const int rows = s->most * s->T;

	s->layer = arena_alloc(s->arena, (size_t)(s->top + 1) * sizeof *s->layer);
	if (!s->slopes) {
		struct layer_sites *only = layer_sites_new(m, rows, false, err);

		for (int l = 0; only && l <= s->top; l++)
			s->layer[l] = l ? layer_sites_ref(only) : only;
		return only != NULL;
	}
	if (!s->whole && !(s->passing = layer_slopes_new(m, rows, err)))
		return false;
	for (int l = 0; l <= s->top; l++)
		if (!(s->layer[l] = layer_sites_stack(m, s->most, s->T, l < s->top ? s->passing : NULL, err)))
			return false;
	return (s->slope = layer_sites_stack(m, s->most, s->T, NULL, err)) != NULL;
}

bool stack_begin(struct stack *s, struct err *err)
{
	const size_t most = (size_t)s->most, all = most * (size_t)s->T * (size_t)s->run->model->config.D;

	s->arena = arena_new();
	s->part = arena_alloc(s->arena, most * sizeof *s->part);
	s->each = arena_alloc(s->arena, most * sizeof *s->each);
	for (int i = 0; i < s->most; i++)
		s->each[i] = &s->part[i];
	return fits(s, err) && take_layers(s, err) && (s->input = arena_floats(s->arena, all, err)) &&
	       (s->embed = arena_floats(s->arena, all, err)) && (s->x = arena_floats(s->arena, all, err));
}

void stack_end(struct stack *s)
{
	for (int l = 0; s->layer && l <= s->top; l++)
		layer_sites_unref(s->layer[l]);
	layer_sites_unref(s->slope);
	big_free(s->passing);
	arena_free(s->arena);
}

/* ---- forward ---- */

bool stack_step(const struct stack *s, int n, int layers, struct task *task, struct err *err)
{
	const int each = (s->slopes ? 2 : 1) * (s->top + 1);

	return task_step(task, s->first * each + n * layers, s->all * each, err);
}

/* The first n variants of the stack, one after the other as struct run. */
static void take_apart(const struct stack *s, int n)
{
	const struct config *c = &s->run->model->config;
	const size_t one = (size_t)s->T * (size_t)c->D;
	const int layers = s->top + 1;
	struct layer_sites *sites = arena_alloc(s->arena, (size_t)(n * layers) * sizeof *sites);
	struct layer_sites **list = arena_alloc(s->arena, (size_t)(n * layers) * sizeof *list);

	for (int i = 0; i < n; i++, sites += layers, list += layers) {
		for (int l = 0; l < layers; l++) {
			sites[l] = layer_sites_of(s->layer[l], c, i, s->T);
			list[l] = &sites[l];
		}
		s->part[i] = *s->run;
		s->part[i].T = s->T;
		s->part[i].layer = list;
		s->part[i].input = s->input + (size_t)i * one;
		s->part[i].embed = s->embed + (size_t)i * one;
		s->part[i].last_logits = NULL;
	}
}

bool stack_forward(struct stack *s, int n, struct task *task, struct err *err)
{
	const size_t all = (size_t)(n * s->T) * (size_t)s->run->model->config.D;
	struct variant *variant = arena_alloc(s->arena, (size_t)n * sizeof *variant);
	struct pass p = { .model = s->run->model,
			  .T = s->T,
			  .variants = n,
			  .variant = variant,
			  .input = s->input,
			  .stored = s->slopes,
			  .task = task,
			  .arena = s->arena };

	for (int i = 0; i < n; i++)
		variant[i] = (struct variant){ s->run->edit_list, s->run->edits };
	if (!pass_begin(&p, err))
		return false;
	forward_embed(&p, s->run->tokens, s->embed);
	for (int l = 0; l <= s->top; l++) {
		memcpy(s->layer[l]->resid_pre, l ? s->layer[l - 1]->resid_post : s->embed, all * sizeof *s->embed);
		if (!stack_step(s, n, l, task, err) || !forward_layer(&p, l, s->layer[l], 0, 0, err))
			return false;
	}
	take_apart(s, n);
	return true;
}
