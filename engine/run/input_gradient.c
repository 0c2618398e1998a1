/* input_gradient.c - see input_gradient.h. */
#include "engine/run/input_gradient.h"

#include <string.h>

#include "engine/run/backward.h"
#include "engine/run/metric_inner.h"
#include "engine/run/output_back.h"
#include "engine/run/stack.h"

struct asked {
	const struct input_variants *v;
	const struct run *unedited;
	const struct metric *metric;
	unsigned frozen;
	struct stack s;
	float *own, *d; /* [run->T, D] one variant's input, and the gradient there */
	double *value;	/* [most] */
};

static struct asked question(const struct run *run, const struct metric *metric, int n, bool slopes)
{
	const struct config *c = &run->model->config;
	struct asked q = { .metric = metric, .s = { .run = run, .slopes = slopes, .top = metric_layer(metric, c), .all = n } };

	/* Nothing looks back from positions after the metric's; but where rotary tables would change with that length, all stay. */
	q.s.T = metric->kind == METRIC_LOSS || !config_alike(c, run->T, metric->position + 1) ? run->T : metric->position + 1;
	stack_plan(&q.s);
	return q;
}

int input_together(const struct run *run, const struct metric *metric)
{
	return question(run, metric, 0, true).s.most;
}

static void fill_inputs(const struct asked *q, int n)
{
	const struct stack *s = &q->s;
	const size_t D = (size_t)s->run->model->config.D, carried = (size_t)s->T * D;

	for (int i = 0; i < n; i++) {
		for (int t = 0; t < s->run->T; t++)
			run_input(s->run, t, q->own + (size_t)t * D);
		q->v->make(q->v->context, s->first + i, q->own);
		memcpy(s->input + (size_t)i * carried, q->own, carried * sizeof *q->own);
	}
}

/* ---- back ---- */

struct variant_seeds {
	struct backward_seed *seed;
	int n;
};

/* Where the gradient of a metric of a layer inside starts. */
static struct variant_seeds seeds_of(const struct asked *q, int n)
{
	const struct metric_info *info = metric_table[q->metric->kind];
	struct variant_seeds all = { arena_alloc(q->s.arena, (size_t)(n * METRIC_SEEDS) * sizeof *all.seed), 0 };

	for (int i = 0; info->seeds && i < n; i++) {
		const struct metric_rules rules = { &q->s.part[i], q->frozen, NULL };
		const int from = all.n, end = from + info->seeds(q->metric, &rules, q->s.arena, &all.seed[from]);

		for (; all.n < end; all.n++)
			all.seed[all.n].run = i;
	}
	return all;
}

/* Those at the stream between layers. */
static void plant(const struct asked *q, const struct variant_seeds *seeds, enum site site)
{
	const struct config *c = &q->s.run->model->config;

	for (int i = 0; i < seeds->n; i++)
		if (seeds->seed[i].place.site == site)
			backward_plant(&seeds->seed[i], c, q->s.x + (size_t)(seeds->seed[i].run * q->s.T) * (size_t)c->D);
}

/* The metric of each; with slopes, the gradient at the last stream that it reads. */
static bool read_metric(const struct asked *q, const struct variant_seeds *seeds, int n, struct task *task, struct err *err)
{
	const struct output_back output = { q->metric, q->s.each, n, q->unedited, q->frozen, NULL };

	memset(q->s.x, 0, (size_t)(n * q->s.T) * (size_t)q->s.run->model->config.D * sizeof *q->s.x);
	if (metric_of_output(q->metric))
		return output_back(&output, q->s.slopes ? q->s.x : NULL, q->value, task, err);
	for (int i = 0; i < n; i++)
		q->value[i] = metric_of_run(q->metric, &q->s.part[i]);
	plant(q, seeds, SITE_RESID_POST);
	return true;
}

static bool go_down(const struct asked *q, const struct variant_seeds *seeds, int n, struct task *task, struct err *err)
{
	struct backward b;

	if (!backward_begin(&b, q->s.each, n, q->frozen, q->s.arena, err))
		return false;
	b.seed = seeds->seed;
	b.seeds = seeds->n;
	for (int l = q->s.top; l >= 0; l--) {
		if (!stack_step(&q->s, n, 2 * q->s.top + 1 - l, task, err))
			return false;
		backward_layer(&b, l, q->s.slope, q->s.x);
	}
	plant(q, seeds, SITE_EMBED);
	return true;
}

/* ---- all ---- */

/* Variant number i of the stack. */
static bool hand_over(const struct asked *q, int i)
{
	const struct stack *s = &q->s;
	const size_t D = (size_t)s->run->model->config.D, one = (size_t)s->T * D;

	if (!s->slopes)
		return q->v->take(q->v->context, s->first + i, q->value[i], NULL);
	memcpy(q->d, s->x + (size_t)i * one, one * sizeof *q->d);
	for (int t = 0; t < s->T; t++)
		backward_enter(&s->part[i], q->frozen, t, q->d + (size_t)t * D);
	return q->v->take(q->v->context, s->first + i, q->value[i], q->d);
}

static bool some(struct asked *q, int n, bool *more, struct task *task, struct err *err)
{
	struct variant_seeds seeds = { NULL, 0 };

	fill_inputs(q, n);
	if (!stack_forward(&q->s, n, task, err))
		return false;
	if (q->s.slopes)
		seeds = seeds_of(q, n);
	if (!read_metric(q, &seeds, n, task, err) || (q->s.slopes && !go_down(q, &seeds, n, task, err)))
		return false;
	for (int i = 0; *more && i < n; i++)
		*more = hand_over(q, i);
	return true;
}

static bool begin(struct asked *q, struct err *err)
{
	const size_t one = (size_t)q->s.run->T * (size_t)q->s.run->model->config.D;

	if (!stack_begin(&q->s, err))
		return false;
	q->value = arena_alloc(q->s.arena, (size_t)q->s.most * sizeof *q->value);
	return (q->own = arena_floats(q->s.arena, one, err)) && (q->d = arena_floats(q->s.arena, one, err));
}

static bool all(struct asked *q, struct task *task, struct err *err)
{
	struct stack *s = &q->s;
	bool ok = begin(q, err), more = true;

	task_count_runs(task, s->all * (s->slopes ? 2 : 1));
	for (int n; ok && more && s->first < s->all; s->first += n) {
		const struct arena_mark mark = arena_mark(s->arena);

		n = s->all - s->first < s->most ? s->all - s->first : s->most;
		ok = some(q, n, &more, task, err);
		arena_rewind(s->arena, mark);
	}
	stack_end(s);
	return ok;
}

bool input_gradients(const struct run *run, const struct run *unedited, const struct metric *metric, unsigned frozen,
		     const struct input_variants *v, struct task *task, struct err *err)
{
	struct asked q = question(run, metric, v->n, true);

	q.v = v;
	q.unedited = unedited;
	q.frozen = frozen;
	return v->n == 0 || all(&q, task, err);
}

bool input_values(const struct run *run, const struct run *unedited, const struct metric *metric, const struct input_variants *v,
		  struct task *task, struct err *err)
{
	struct asked q = question(run, metric, v->n, false);

	q.v = v;
	q.unedited = unedited;
	return v->n == 0 || all(&q, task, err);
}
