/*
 * ratios.c - what techniques cost, in forward passes over the same prompt, each beside what it should not exceed.
 *
 *   build/tests/bench-ratios [MODEL [ROW]]        (the demo; ROW: those whose names begin so)
 *
 * A figure is a ratio of two times of the processor, and each of the two is the shortest of several that were taken in turns:
 * beside other programs both grow, and their ratio little. One thread, or LMSCOPE_THREADS. `memory` is the most that it took beside
 * the prompt's run, in runs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/analysis/analysis.h"
#include "engine/base/arena.h"
#include "engine/base/big.h"
#include "engine/numbers/cpu.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/pool.h"
#include "engine/run/gradient.h"
#include "engine/run/run.h"
#include "engine/session/args.h"
#include "engine/session/job.h"

enum { TIMES_LEAST = 3, TIMES_MOST = 40, MOST_T = 256, SHAPLEY_EXACT = 10, SHAPLEY_SAMPLED = 20 };
static const double ROW_SECONDS = 4;

struct ratio_bench {
	struct model *model;
	int32_t tokens[MOST_T];
	struct run *run;
	struct gradient *gradient;
	struct metric metric;
	int T;
	float *x, *y; /* [MOST_T, the widest matrix] */
};

struct ratio_row {
	const char *name;
	bool (*base)(struct ratio_bench *s, const struct ratio_row *row, struct err *err); /* what it is told in */
	bool (*work)(struct ratio_bench *s, const struct ratio_row *row, struct err *err);
	int T;		  /* tokens, or rows of a product */
	double most;	  /* work / base */
	const char *asks; /* a technique and its arguments */
};

/* ---- pieces of work ---- */

static struct run *new_run(const struct ratio_bench *s, struct err *err)
{
	struct run_order order = { .model = s->model, .tokens = s->tokens, .T = s->T };

	return run_new(&order, NULL, err);
}

static bool do_pass(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	struct run *r = new_run(s, err);

	(void)row;
	run_unref(r);
	return r != NULL;
}

static bool do_gradient(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	struct run *r = new_run(s, err);
	struct gradient *g = r ? gradient_new(r, &s->metric, r, 0, NULL, err) : NULL;
	const bool ok = g != NULL;

	(void)row;
	gradient_unref(g);
	run_unref(r);
	return ok;
}

/* "TECHNIQUE NAME=VALUE …", and `layer`, if it is not negative, as one more argument. */
static bool ask_once(struct ratio_bench *s, const char *asks, int layer, struct err *err)
{
	struct ask ask = { .model = s->model, .run = s->run, .unedited = s->run, .metric = &s->metric, .gradient = s->gradient };
	char text[256], *rest = text, *word;
	struct value args[PARAM_MAX];
	struct notes notes = { 0 };
	struct table *t = NULL;
	struct job_pane pane;
	bool ok = true;

	snprintf(text, sizeof text, layer < 0 ? "%s" : "%s layer=%d", asks, layer);
	ask.notes = &notes;
	job_pane_init(&pane, analysis_find(strtok_r(rest, " ", &rest)));
	while (ok && (word = strtok_r(rest, " ", &rest)))
		ok = job_pane_set(&pane, word, err);
	if (ok) {
		args_of_run(&pane, s->metric.position, s->T, args);
		t = analysis_compute(pane.analysis, &ask, args, err);
	}
	table_unref(t);
	notes_done(&notes);
	return t != NULL;
}

static bool do_ask(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	return ask_once(s, row->asks, -1, err);
}

static bool do_ask_layers(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	for (int l = 0; l < s->model->config.L; l++)
		if (!ask_once(s, row->asks, l, err))
			return false;
	return true;
}

/* The layers' own weights, which no cache holds all of. */
static bool do_products(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	const struct config *c = &s->model->config;

	(void)err;
	for (int l = 0; l < c->L; l++)
		matrix_apply(s->model->layers[l].W_in, s->x, (size_t)c->D, row->T, s->y, (size_t)c->F);
	return true;
}

static bool do_products_back(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	const struct config *c = &s->model->config;

	(void)err;
	for (int l = 0; l < c->L; l++)
		matrix_apply_back(s->model->layers[l].W_in, s->y, (size_t)c->F, row->T, s->x, (size_t)c->D);
	return true;
}

/* As many operations as the pass cannot do without, at the peak of one core. */
static bool do_peak(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	const struct config *c = &s->model->config;
	const double D = c->D, HK = (double)c->H * c->K, GK = (double)c->G * c->K, F = c->F;
	const double layer = 2 * (D * HK + 2 * D * GK + HK * D + (c->gated ? 3 : 2) * D * F) + 4 * HK * (s->T + 1) / 2.0;
	const double flops = s->T * c->L * layer + 2 * D * c->V;
	volatile float sink;

	(void)row;
	(void)err;
	sink = (float)gemm_here()->busy((size_t)(flops / gemm_here()->busy_flops));
	(void)sink;
	return true;
}

/* ---- rows ---- */

static const struct ratio_row rows[] = {
	{ "back-8", do_products, do_products_back, 8, 1.25, NULL },
	{ "back-40", do_products, do_products_back, 40, 1.25, NULL },
	{ "back-256", do_products, do_products_back, 256, 1.25, NULL },
	{ "forward-64", do_peak, do_pass, 64, 1.35, NULL },
	{ "forward-256", do_peak, do_pass, 256, 1.35, NULL },
	{ "gradient-16", do_pass, do_gradient, 16, 2.2, NULL },
	{ "gradient-64", do_pass, do_gradient, 64, 2.2, NULL },
	{ "gradient-256", do_pass, do_gradient, 256, 2.2, NULL },
	{ "integrated-16", do_pass, do_ask, 16, 50, "integrated-gradients steps=32" },
	{ "integrated-64", do_pass, do_ask, 64, 50, "integrated-gradients steps=32" },
	{ "direct-64", do_pass, do_ask, 64, 0.1, "direct-attribution depth=3" },
	{ "alti-64", do_pass, do_ask_layers, 64, 0.7, "context-mixing method=alti" },
	{ "flow-64", do_pass, do_ask, 64, 1.5, "information-flow per_head=yes" },
	{ "occlusion-32", do_pass, do_ask, 32, 0.55 * 32, "occlusion how=mask" },
	{ "occlusion-64", do_pass, do_ask, 64, 0.55 * 64, "occlusion how=mask" },
	{ "shapley-10", do_pass, do_ask, SHAPLEY_EXACT + 1, 160, "shapley how=mask" },
	{ "shapley-20", do_pass, do_ask, SHAPLEY_SAMPLED + 1, 0.4 * 200 * SHAPLEY_SAMPLED, "shapley how=mask samples=200" },
};
static const double MOST_RUNS = 4;

/* ---- measuring ---- */

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef bool piece(struct ratio_bench *s, const struct ratio_row *row, struct err *err);

/* As often as one measurement needs to be longer than the clock's grain. */
static bool seconds_of(piece *work, struct ratio_bench *s, const struct ratio_row *row, double *least, struct err *err)
{
	double start = cpu_seconds(), took;
	int times = 0;

	do {
		if (!work(s, row, err))
			return false;
		took = cpu_seconds() - start;
		times++;
	} while (took < 2e-3);
	*least = fmin(*least, took / times);
	return true;
}

static bool measure(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	double base = INFINITY, work = INFINITY, memory, begin;
	size_t used = big_used();
	int times = 0;

	big_watch();
	if (!row->base(s, row, err) || !row->work(s, row, err))
		return false;
	memory = (double)(big_most() - used) / (double)run_bytes(&s->model->config, s->T, RUN_ALL);
	for (begin = cpu_seconds(); times < TIMES_MOST && (times < TIMES_LEAST || cpu_seconds() - begin < ROW_SECONDS); times++)
		if (!seconds_of(row->base, s, row, &base, err) || !seconds_of(row->work, s, row, &work, err))
			return false;
	printf("%-14s %5d %9.2f ms %9.2f ms %9.3f  (at most %.4g)%s  memory %.2f%s  %s\n", row->name, row->T, base * 1e3,
	       work * 1e3, work / base, row->most, work / base <= row->most ? "" : " MISSED", memory,
	       memory <= MOST_RUNS ? "" : " MISSED", row->asks ? row->asks : "");
	fflush(stdout);
	return true;
}

static bool prepare(struct ratio_bench *s, const struct ratio_row *row, struct err *err)
{
	s->T = row->T;
	s->metric = (struct metric){ .kind = METRIC_LOGIT, .target = { 0, -1 }, .position = row->T - 1 };
	s->run = new_run(s, err);
	s->gradient = NULL;
	return s->run != NULL;
}

static bool measure_all(struct ratio_bench *s, const char *wanted, struct err *err)
{
	bool ok = true;

	printf("%-14s %5s %12s %12s %9s\n", "row", "T", "base", "work", "ratio");
	for (size_t i = 0; ok && i < sizeof rows / sizeof *rows; i++) {
		if (strncmp(rows[i].name, wanted, strlen(wanted)) != 0)
			continue;
		ok = prepare(s, &rows[i], err) && measure(s, &rows[i], err);
		run_unref(s->run);
	}
	return ok;
}

int main(int argc, char **argv)
{
	const char *threads = getenv("LMSCOPE_THREADS");
	struct ratio_bench s = { 0 };
	struct notes notes = { 0 };
	struct err err = { 0 };
	size_t widest;
	bool ok;

	pool_threads(threads ? atoi(threads) : 1);
	if (!(s.model = model_open(argc > 1 ? argv[1] : "demo", NULL, &notes, &err))) {
		fprintf(stderr, "ratios: %s\n", err.text);
		return 1;
	}
	for (int t = 0; t < MOST_T; t++)
		s.tokens[t] = (13 + 7919 * t) % s.model->config.V;
	widest = (size_t)MOST_T * (size_t)(s.model->config.F > s.model->config.D ? s.model->config.F : s.model->config.D);
	s.x = xcalloc(widest, sizeof *s.x);
	s.y = xcalloc(widest, sizeof *s.y);
	for (size_t i = 0; i < widest; i++)
		s.x[i] = s.y[i] = (float)(i % 7) - 3;
	printf("%s, %s, %d thread%s\n", s.model->name, cpu_names[cpu_set()], pool_size(), pool_size() == 1 ? "" : "s");
	ok = measure_all(&s, argc > 2 ? argv[2] : "", &err);
	if (!ok)
		fprintf(stderr, "ratios: %s\n", err.text);
	free(s.x);
	free(s.y);
	model_free(s.model);
	notes_done(&notes);
	pool_stop();
	return !ok;
}
