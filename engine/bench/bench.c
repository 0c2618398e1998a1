/*
 * bench.c - see bench.h. A row of bench_works is a piece of work and what it costs at least; each is done until its median is
 * steady or its time is up.
 */
#include "engine/bench/bench.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/bench/bench_work.h"
#include "engine/numbers/cpu.h"
#include "engine/numbers/limits.h"
#include "engine/numbers/pool.h"

enum { TIMES_MOST = 41, TIMES_LEAST = 3 };
static const double ROW_SECONDS = 4, LONGEST = 25; /* for a row; a row that must take longer is left out */

static int by_length(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One unmeasured time, then until there are enough or the row's time is up. */
static bool measure(struct bench_stand *s, const struct bench_work *w, struct bench_row *row, struct err *err)
{
	double took[TIMES_MOST], begin = limits_clock();
	size_t used = big_used();

	big_watch();
	if (!w->run(s, w->T, err))
		return false;
	row->memory = (double)(big_most() - used);
	row->runs = row->memory / (double)run_bytes(&s->model->config, w->T, RUN_ALL);
	while (row->times < TIMES_MOST && (row->times < TIMES_LEAST || limits_clock() - begin < ROW_SECONDS)) {
		double start = limits_clock();

		if (!w->run(s, w->T, err))
			return false;
		took[row->times++] = limits_clock() - start;
		if (limits_clock() - begin > 2 * ROW_SECONDS)
			break;
	}
	qsort(took, (size_t)row->times, sizeof *took, by_length);
	row->best = took[0];
	row->median = took[row->times / 2];
	return true;
}

/* What the machine can do at most, just now: others may use it too, and less is left then. */
struct yardstick {
	double flops, bandwidth;
};

static double greater(double a, double b)
{
	return a > b ? a : b;
}

static struct yardstick take_yardstick(struct bench *b)
{
	struct yardstick y = { limits_flops(), limits_bandwidth() };

	b->flops = greater(b->flops, y.flops);
	b->bandwidth = greater(b->bandwidth, y.bandwidth);
	return y;
}

/* By what was measured before and after the row. */
static double limit_of(const struct yardstick *before, const struct yardstick *after, struct bench_row *row)
{
	double flops = greater(before->flops, after->flops), bandwidth = greater(before->bandwidth, after->bandwidth);
	double arithmetic = row->flops / flops, memory = bandwidth > 0 ? row->bytes / bandwidth : 0;

	row->memory_bound = memory > arithmetic;
	return row->limit = row->memory_bound ? memory : arithmetic;
}

/* In forward passes over as many tokens, as they were measured in this minute. */
static void tell_in_passes(struct bench *b, const struct bench_work *w, struct bench_row *row)
{
	for (int i = 0; w->pass && i < b->rows; i++)
		if (!strcmp(b->row[i].name, w->pass) && b->row[i].times && row->times)
			row->passes = row->median / b->row[i].median;
}

static bool measure_all(struct bench_stand *s, void (*tell)(const char *what), struct bench *b, struct err *err)
{
	struct yardstick before = take_yardstick(b), after;
	bool ok = true;

	for (const struct bench_work *w = bench_works; ok && w->name; w++) {
		struct bench_row *row = &b->row[b->rows];
		struct arena_mark mark = arena_mark(s->arena);

		if (w->of_mixtures && !s->model->config.experts.X)
			continue;
		b->rows++;
		row->name = w->name;
		row->what = w->what;
		w->cost(s, w->T, row);
		if (limit_of(&before, &before, row) <= LONGEST &&
		    (!s->model->config.context_is_hard || w->T <= s->model->config.context)) {
			if (tell)
				tell(w->what);
			ok = (!w->prepare || w->prepare(s, w->T, err)) && measure(s, w, row, err);
			w->cost(s, w->T, row); /* what was prepared may say more */
			tell_in_passes(b, w, row);
			after = take_yardstick(b);
			limit_of(&before, &after, row);
			before = after;
		}
		run_unref(s->before);
		run_unref(s->foil);
		s->before = s->foil = NULL;
		arena_rewind(s->arena, mark);
	}
	return ok;
}

/* Any tokens: 13, 7932, 15851 …, as tests/bench/compare.py takes them too. */
static const int32_t *some_tokens(struct arena *arena, int V)
{
	int32_t *ids = arena_alloc(arena, 256 * sizeof *ids);

	for (int t = 0; t < 256; t++)
		ids[t] = (13 + 7919 * t) % V;
	return ids;
}

bool bench_measure(const char *where, bool low_memory, void (*tell)(const char *what), struct bench *out, struct err *err)
{
	struct bench_stand s = { .where = where, .arena = arena_new() };
	struct notes notes = { 0 };
	bool ok = false;

	*out = (struct bench){ .kernels = cpu_names[cpu_set()], .threads = pool_size(), .low_memory = low_memory };
	if ((s.model = model_open(where, NULL, &notes, err))) {
		model_facts_of(s.model, &out->model);
		s.file_bytes = (double)out->model.file_bytes;
		s.weight_bytes = low_memory ? s.file_bytes : (double)out->model.private_bytes;
		s.tokens = some_tokens(s.arena, s.model->config.V);
		ok = measure_all(&s, tell, out, err);
	}
	model_free(s.model);
	arena_free(s.arena);
	notes_done(&notes);
	return ok;
}
