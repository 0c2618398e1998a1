/* stream_gradient.c - see stream_gradient.h. */
#include "engine/run/stream_gradient.h"

#include <string.h>

#include "engine/run/backward.h"
#include "engine/run/stack.h"

/* The stack's runs are all the same one: its rows are there once for each quantity that goes back. */
static bool run_all(struct stack *s, struct task *task, struct err *err)
{
	const size_t D = (size_t)s->run->model->config.D;

	for (int i = 0; i < s->most; i++)
		for (int t = 0; t < s->T; t++)
			run_input(s->run, t, s->input + (size_t)(i * s->T + t) * D);
	return stack_forward(s, s->most, task, err);
}

/* The next n of the quantities. */
static bool some(const struct stack *s, const struct stream_gradients *g, int n, struct task *task, struct err *err)
{
	const size_t one = (size_t)s->T * (size_t)s->run->model->config.D;
	struct backward b;

	if (!backward_begin(&b, s->each, n, 0, s->arena, err))
		return false;
	memset(s->x, 0, (size_t)n * one * sizeof *s->x);
	for (int i = 0; i < n; i++)
		g->quantity(g->context, s->first + i, s->x + (size_t)i * one);
	for (int l = s->top; l > 0; l--) {
		if (!stack_step(s, n, 2 * s->top + 1 - l, task, err))
			return false;
		backward_layer(&b, l, s->slope, s->x);
		for (int i = 0; i < n; i++)
			g->take(g->context, s->first + i, l - 1, s->x + (size_t)i * one);
	}
	return true;
}

bool stream_gradients(const struct run *run, const struct stream_gradients *g, struct task *task, struct err *err)
{
	struct stack s = { .run = run, .slopes = true, .T = run->T, .top = run->model->config.L - 1, .all = g->n };
	bool ok;

	stack_plan(&s);
	task_count_runs(task, s.most + g->n);
	ok = stack_begin(&s, err) && run_all(&s, task, err);
	for (int n; ok && s.first < s.all; s.first += n) {
		const struct arena_mark mark = arena_mark(s.arena);

		n = s.all - s.first < s.most ? s.all - s.first : s.most;
		ok = some(&s, g, n, task, err);
		arena_rewind(s.arena, mark);
	}
	stack_end(&s);
	return ok;
}
