/*
 * input_gradient.c - see input_gradient.h. Some variants at a time are a stack: the rows of each after those of the one before, in
 * every array. What a part of the engine wants of one run, it gets as a struct run whose arrays are that part of the stack.
 */
#include "engine/run/input_gradient.h"

#include <string.h>

#include "engine/base/big.h"
#include "engine/base/memory.h"
#include "engine/run/backward.h"
#include "engine/run/forward.h"
#include "engine/run/metric_inner.h"
#include "engine/run/output_back.h"

/* Rows together: from here on products are bound by arithmetic and gain no more. */
enum { SLOPE_ROWS = 128, VALUE_ROWS = 256 };
enum { RUNS = 3 }; /* whose memory gradients may take */

struct stack {
	const struct run *run, *unedited;
	const struct metric *metric;
	unsigned frozen;
	bool slopes; /* gradients are wanted: every layer is kept */
	bool whole;  /* with all of its sites */
	int T;	     /* positions that are carried */
	int top;     /* the last layer that is computed */
	int most;    /* variants at a time */
	struct arena *arena;
	struct layer_sites **layer; /* [top + 1] without slopes all the same one */
	struct layer_sites *slope;  /* of one layer */
	float *passing;
	float *input, *embed, *x; /* [most, T, D] inputs; what enters layer 0; the gradient on its way down */
	float *own, *d;		  /* [run->T, D] one variant's input, and the gradient there */
	double *value;		  /* [most] */
	struct run *part;	  /* [most] the stack's runs */
	const struct run **each;  /* [most] the same, for who takes a list */
};

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

static struct stack stack_of(const struct run *run, const struct metric *metric, bool slopes)
{
	const struct config *c = &run->model->config;
	struct stack s = { .run = run, .metric = metric, .slopes = slopes, .top = metric_layer(metric, c) };

	/* Nothing looks back from positions after the metric's; but where rotary tables would change with that length, all stay. */
	s.T = metric->kind == METRIC_LOSS || !config_alike(c, run->T, metric->position + 1) ? run->T : metric->position + 1;
	s.whole = keeps_whole(&s);
	s.most = together(&s);
	return s;
}

int input_together(const struct run *run, const struct metric *metric)
{
	return stack_of(run, metric, true).most;
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

static bool begin(struct stack *s, struct err *err)
{
	const size_t most = (size_t)s->most, D = (size_t)s->run->model->config.D, all = most * (size_t)s->T * D,
		     one = (size_t)s->run->T * D;

	s->arena = arena_new();
	s->value = arena_alloc(s->arena, most * sizeof *s->value);
	s->part = arena_alloc(s->arena, most * sizeof *s->part);
	s->each = arena_alloc(s->arena, most * sizeof *s->each);
	for (int i = 0; i < s->most; i++)
		s->each[i] = &s->part[i];
	return fits(s, err) && take_layers(s, err) && (s->input = arena_floats(s->arena, all, err)) &&
	       (s->embed = arena_floats(s->arena, all, err)) && (s->x = arena_floats(s->arena, all, err)) &&
	       (s->own = arena_floats(s->arena, one, err)) && (s->d = arena_floats(s->arena, one, err));
}

static void end(struct stack *s)
{
	for (int l = 0; s->layer && l <= s->top; l++)
		layer_sites_unref(s->layer[l]);
	layer_sites_unref(s->slope);
	big_free(s->passing);
	arena_free(s->arena);
}

/* ---- forward ---- */

static void fill_inputs(const struct stack *s, const struct input_variants *v, int first, int n)
{
	const size_t D = (size_t)s->run->model->config.D, carried = (size_t)s->T * D;

	for (int i = 0; i < n; i++) {
		for (int t = 0; t < s->run->T; t++)
			run_input(s->run, t, s->own + (size_t)t * D);
		v->make(v->context, first + i, s->own);
		memcpy(s->input + (size_t)i * carried, s->own, carried * sizeof *s->own);
	}
}

/* Progress within the work: every layer of every variant is a step, and one more on the way back. */
static bool step(const struct stack *s, const struct input_variants *v, int first, int n, int layers, struct task *task,
		 struct err *err)
{
	const int each = (s->slopes ? 2 : 1) * (s->top + 1);

	return task_step(task, first * each + n * layers, v->n * each, err);
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

static bool go_up(const struct stack *s, const struct input_variants *v, int first, int n, struct task *task, struct err *err)
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
		if (!step(s, v, first, n, l, task, err) || !forward_layer(&p, l, s->layer[l], 0, 0, err))
			return false;
	}
	take_apart(s, n);
	return true;
}

/* ---- back ---- */

struct variant_seeds {
	struct backward_seed *seed;
	int n;
};

/* Where the gradient of a metric of a layer inside starts. */
static struct variant_seeds seeds_of(const struct stack *s, int n)
{
	const struct metric_info *info = metric_table[s->metric->kind];
	struct variant_seeds all = { arena_alloc(s->arena, (size_t)(n * METRIC_SEEDS) * sizeof *all.seed), 0 };

	for (int i = 0; info->seeds && i < n; i++) {
		const struct metric_rules rules = { &s->part[i], s->frozen, NULL };
		const int from = all.n, end = from + info->seeds(s->metric, &rules, s->arena, &all.seed[from]);

		for (; all.n < end; all.n++)
			all.seed[all.n].run = i;
	}
	return all;
}

/* Those at the stream between layers. */
static void plant(const struct stack *s, const struct variant_seeds *seeds, enum site site)
{
	const struct config *c = &s->run->model->config;

	for (int i = 0; i < seeds->n; i++)
		if (seeds->seed[i].place.site == site)
			backward_plant(&seeds->seed[i], c, s->x + (size_t)(seeds->seed[i].run * s->T) * (size_t)c->D);
}

/* The metric of each; with slopes, the gradient at the last stream that it reads. */
static bool read_metric(const struct stack *s, const struct variant_seeds *seeds, int n, struct task *task, struct err *err)
{
	const struct output_back output = { s->metric, s->each, n, s->unedited, s->frozen, NULL };

	memset(s->x, 0, (size_t)(n * s->T) * (size_t)s->run->model->config.D * sizeof *s->x);
	if (metric_of_output(s->metric))
		return output_back(&output, s->slopes ? s->x : NULL, s->value, task, err);
	for (int i = 0; i < n; i++)
		s->value[i] = metric_of_run(s->metric, &s->part[i]);
	plant(s, seeds, SITE_RESID_POST);
	return true;
}

static bool go_down(const struct stack *s, const struct input_variants *v, const struct variant_seeds *seeds, int first, int n,
		    struct task *task, struct err *err)
{
	struct backward b;

	if (!backward_begin(&b, s->each, n, s->frozen, s->arena, err))
		return false;
	b.seed = seeds->seed;
	b.seeds = seeds->n;
	for (int l = s->top; l >= 0; l--) {
		if (!step(s, v, first, n, 2 * s->top + 1 - l, task, err))
			return false;
		backward_layer(&b, l, s->slope, s->x);
	}
	plant(s, seeds, SITE_EMBED);
	return true;
}

/* ---- all ---- */

/* Variant number i of the stack, `first` + i of all. */
static bool hand_over(const struct stack *s, const struct input_variants *v, int first, int i)
{
	const size_t D = (size_t)s->run->model->config.D, one = (size_t)s->T * D;

	if (!s->slopes)
		return v->take(v->context, first + i, s->value[i], NULL);
	memcpy(s->d, s->x + (size_t)i * one, one * sizeof *s->d);
	for (int t = 0; t < s->T; t++)
		backward_enter(&s->part[i], s->frozen, t, s->d + (size_t)t * D);
	return v->take(v->context, first + i, s->value[i], s->d);
}

static bool some(const struct stack *s, const struct input_variants *v, int first, int n, bool *more, struct task *task,
		 struct err *err)
{
	struct variant_seeds seeds = { NULL, 0 };

	fill_inputs(s, v, first, n);
	if (!go_up(s, v, first, n, task, err))
		return false;
	if (s->slopes)
		seeds = seeds_of(s, n);
	if (!read_metric(s, &seeds, n, task, err) || (s->slopes && !go_down(s, v, &seeds, first, n, task, err)))
		return false;
	for (int i = 0; *more && i < n; i++)
		*more = hand_over(s, v, first, i);
	return true;
}

static bool all(struct stack *s, const struct input_variants *v, struct task *task, struct err *err)
{
	bool ok = begin(s, err), more = true;

	task_count_runs(task, v->n * (s->slopes ? 2 : 1));
	for (int first = 0, n; ok && more && first < v->n; first += n) {
		const struct arena_mark mark = arena_mark(s->arena);

		n = v->n - first < s->most ? v->n - first : s->most;
		ok = some(s, v, first, n, &more, task, err);
		arena_rewind(s->arena, mark);
	}
	end(s);
	return ok;
}

bool input_gradients(const struct run *run, const struct run *unedited, const struct metric *metric, unsigned frozen,
		     const struct input_variants *v, struct task *task, struct err *err)
{
	struct stack s = stack_of(run, metric, true);

	s.unedited = unedited;
	s.frozen = frozen;
	s.most = v->n < s.most ? v->n : s.most;
	return v->n == 0 || all(&s, v, task, err);
}

bool input_values(const struct run *run, const struct run *unedited, const struct metric *metric, const struct input_variants *v,
		  struct task *task, struct err *err)
{
	struct stack s = stack_of(run, metric, false);

	s.unedited = unedited;
	s.most = v->n < s.most ? v->n : s.most;
	return v->n == 0 || all(&s, v, task, err);
}
