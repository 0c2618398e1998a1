/* rollout.c - see rollout.h. */
#include "engine/analysis/rollout.h"

#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"

bool rollout_open(struct rollout *r, const struct run *run, enum mixing_method method, int T, struct arena *scratch,
		  struct task *task, struct err *err)
{
	size_t n = (size_t)T;

	if (!mixing_open(&r->m, run, method, T, scratch, task, err) || !(r->share = arena_floats(scratch, n * n, err)) ||
	    !(r->next = arena_floats(scratch, n * n, err)))
		return false;
	for (size_t i = 0; i < n; i++)
		r->share[i * n + i] = 1;
	return true;
}

static void multiply_row(void *context, int i)
{
	const struct rollout *r = context;
	size_t T = (size_t)r->m.T, at = (size_t)i * T;

	memset(r->next + at, 0, T * sizeof *r->next);
	for (int k = 0; k <= i; k++)
		kernel_axpy(r->m.share[at + (size_t)k], r->share + (size_t)k * T, r->next + at, (size_t)k + 1);
}

static void add_stream(struct mixing *m)
{
	size_t T = (size_t)m->T;

	for (size_t i = 0; i < T; i++)
		for (size_t k = 0; k <= i; k++)
			m->share[i * T + k] = (m->share[i * T + k] + (float)(i == k)) / 2;
}

bool rollout_step(struct rollout *r, int layer, struct err *err)
{
	float *below = r->share;

	if (!mixing_layer(&r->m, layer, err))
		return false;
	if (r->m.method == MIXING_ATTENTION)
		add_stream(&r->m);
	pool_run(r->m.T, multiply_row, r);
	r->share = r->next;
	r->next = below;
	return true;
}
