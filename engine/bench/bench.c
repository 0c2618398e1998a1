/*
 * bench.c - see bench.h. A row of the table below is a piece of work and what it costs at least; each is done until its median is
 * steady or its time is up.
 */
#include "engine/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/base/arena.h"
#include "engine/base/big.h"
#include "engine/numbers/blas.h"
#include "engine/numbers/cpu.h"
#include "engine/numbers/limits.h"
#include "engine/numbers/matrix.h"
#include "engine/numbers/pool.h"
#include "engine/run/gradient.h"
#include "engine/run/run.h"
#include "engine/run/sweep.h"
#include "engine/run/vocab.h"
#include "engine/session/args.h"
#include "engine/session/job.h"

enum { TIMES_MOST = 41, TIMES_LEAST = 3, LENS_T = 32, LENS_K = 5, FIRST_T = 16 };
static const double ROW_SECONDS = 4, LONGEST = 25; /* for a row; a row that must take longer is left out */

/* What the rows need. */
struct stand {
	const char *where;
	struct model *model;
	struct arena *arena;
	const int32_t *tokens;
	struct run *before; /* of the row's positions, or of one fewer for append */
	struct run *foil;   /* of other tokens, as many; for techniques */
	struct sweep_variant *variant;
	int variants;
	double *value;
	float *rows;			 /* for the lens: [L * T, D] */
	float *logits;			 /* [T, V] */
	struct matrix *matrix;		 /* of the MLP's shape, [D, F] */
	float *in, *out;		 /* [T, D], [T, F] */
	double file_bytes, weight_bytes; /* mapped; packed (or mapped, where they are not packed) */
};

struct work {
	const char *name, *what;
	int T;
	bool (*prepare)(struct stand *s, int T, struct err *err);
	bool (*run)(struct stand *s, int T, struct err *err);
	void (*cost)(const struct stand *s, int T, struct bench_row *row);
	const char *pass; /* the row of the forward pass that it is told in; before it in the table */
};

/* ---- what it costs at least ---- */

/* Matrix products of one position in one layer, and its attention to so many keys. */
static double layer_flops(const struct config *c, double keys)
{
	double D = c->D, HK = (double)c->H * c->K, GK = (double)c->G * c->K, F = c->F;

	return 2 * (D * HK + 2 * D * GK + HK * D + (c->gated ? 3 : 2) * D * F) + 4 * HK * keys;
}

static double unembed_flops(const struct config *c)
{
	return 2.0 * c->D * c->V;
}

static void cost_forward(const struct stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = T * (c->L * layer_flops(c, (T + 1) / 2.0) + unembed_flops(c));
	row->bytes = s->weight_bytes;
}

static void cost_product(const struct stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = 2.0 * T * c->D * c->F;
	row->bytes = 4.0 * c->D * c->F;
}

static void cost_open(const struct stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = T * c->L * layer_flops(c, (T + 1) / 2.0) + unembed_flops(c);
	row->bytes = s->file_bytes + s->weight_bytes;
}

/* Two passes, and the way back: the products with the weights once more, and of attention those with its four factors. */
static void cost_gradient(const struct stand *s, int T, struct bench_row *row)
{
	cost_open(s, T, row);
	row->flops *= 3;
	row->bytes = 3 * s->weight_bytes;
}

/* The same, and each layer's writes left out of the way back once: from that layer down. */
static void cost_graddrop(const struct stand *s, int T, struct bench_row *row)
{
	double L = s->model->config.L;

	cost_gradient(s, T, row);
	row->flops *= (3 + (L - 1) / 2) / 3;
	row->bytes *= (3 + (L - 1) / 2) / 3;
}

static void cost_lens(const struct stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = (double)c->L * T * unembed_flops(c);
	row->bytes = s->weight_bytes * ((double)c->D * c->V) / ((double)c->D * c->V + c->L * layer_flops(c, 0) / 2);
}

static void cost_open_lens(const struct stand *s, int T, struct bench_row *row)
{
	struct bench_row lens;

	cost_open(s, T, row);
	cost_lens(s, T, &lens);
	row->flops += lens.flops;
}

static void cost_append(const struct stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = c->L * layer_flops(c, T) + unembed_flops(c);
	row->bytes = s->weight_bytes;
}

static void cost_resume(const struct stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;
	int layers = c->L - c->L / 2;

	row->flops = T * layers * layer_flops(c, (T + 1) / 2.0) + unembed_flops(c);
	row->bytes = s->weight_bytes;
}

/* A head removed in layer l: the layers above it, and its own from W_O on; of the last layer one row. Each layer's weights are read
 * once for all the heads below it at best. */
static void cost_sweep(const struct stand *s, int T, int rows, struct bench_row *row)
{
	const struct config *c = &s->model->config;
	double keys = rows == 1 ? T : (T + 1) / 2.0, whole = layer_flops(c, keys), D = c->D, HK = (double)c->H * c->K;
	double from_z = whole - 2 * (D * HK + 2.0 * D * c->G * c->K) - 4 * HK * keys;
	double all = from_z; /* the top layer's own heads, at the last position */

	for (int l = 0; l + 1 < c->L; l++)
		all += rows * (from_z + (c->L - 2 - l) * whole) + (rows - 1) * 4.0 * D * c->G * c->K + whole;
	row->flops = c->H * all;
	row->bytes = s->weight_bytes;
}

static void cost_sweep_all(const struct stand *s, int T, struct bench_row *row)
{
	cost_sweep(s, T, T, row);
}

static void cost_sweep_last(const struct stand *s, int T, struct bench_row *row)
{
	cost_sweep(s, T, 1, row);
}

/*
 * Each layer's stream put in at each position: the rows from there on, in the layers from there up; of the last layer's queries
 * one.
 */
static void cost_cells(const struct stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;
	double whole = layer_flops(c, (T + 1) / 2.0), keys_and_values = 4.0 * c->D * c->G * c->K;

	row->flops = 0;
	for (int l = 0; l < c->L; l++)
		for (int t = 0; t < T; t++)
			row->flops += (T - t) * ((c->L - 1 - l) * whole + keys_and_values) + whole;
	row->bytes = s->weight_bytes;
}

/* ---- preparing and doing it ---- */

static struct run *run_of(const struct stand *s, int T, const struct run *prefix, struct err *err)
{
	struct run_order order = { .model = s->model, .tokens = s->tokens, .T = T, .prefix = prefix };

	return run_new(&order, NULL, err);
}

static bool prepare_run(struct stand *s, int T, struct err *err)
{
	return (s->before = run_of(s, T, NULL, err)) != NULL;
}

static bool prepare_logits(struct stand *s, int T, struct err *err)
{
	return (s->logits = arena_floats(s->arena, (size_t)T * (size_t)s->model->config.V, err)) != NULL;
}

/* Values do not matter. */
static bool prepare_product_by(struct stand *s, int T, bool blas, struct err *err)
{
	const struct config *c = &s->model->config;
	const size_t D = (size_t)c->D, F = (size_t)c->F;
	float *weights = arena_floats(s->arena, D * F, err);
	struct tensor t = { .name = "weights",
			    .type = DTYPE_F32,
			    .dims = 2,
			    .shape = { c->F, c->D },
			    .bytes = D * F * sizeof *weights,
			    .data = (const unsigned char *)weights };
	const struct matrix_source source = { .tensor = &t, .in = c->D, .out = c->F, .blas = blas };

	return weights && (s->in = arena_floats(s->arena, (size_t)T * D, err)) &&
	       (s->out = arena_floats(s->arena, (size_t)T * F, err)) && (s->matrix = matrix_new(s->arena, &source, err));
}

static bool prepare_product(struct stand *s, int T, struct err *err)
{
	return prepare_product_by(s, T, false, err);
}

static bool prepare_product_of_blas(struct stand *s, int T, struct err *err)
{
	return blas_load(err) && prepare_product_by(s, T, true, err);
}

static bool prepare_append(struct stand *s, int T, struct err *err)
{
	return prepare_run(s, T - 1, err);
}

static bool prepare_lens(struct stand *s, int T, struct err *err)
{
	size_t D = (size_t)s->model->config.D, n = (size_t)T * D;

	s->rows = arena_floats(s->arena, (size_t)s->model->config.L * n, err);
	if (!s->rows || !prepare_run(s, T, err))
		return false;
	for (int l = 0; l < s->model->config.L; l++)
		memcpy(s->rows + (size_t)l * n, run_at(s->before, SITE_RESID_POST, l, 0), n * sizeof *s->rows);
	return true;
}

/* Every head zeroed, at that position, or (-1) at all. */
static bool prepare_sweep(struct stand *s, int position)
{
	const struct config *c = &s->model->config;

	s->variants = c->L * c->H;
	s->variant = arena_alloc(s->arena, (size_t)s->variants * sizeof *s->variant);
	s->value = arena_alloc(s->arena, (size_t)s->variants * sizeof *s->value);
	for (int i = 0; i < s->variants; i++) {
		struct place place = place_at(SITE_RESULT, i / c->H, i % c->H, position);
		struct edit *edit = arena_alloc(s->arena, sizeof *edit);

		*edit = edit_at(&place, EDIT_ZERO, s->arena);
		s->variant[i] = (struct sweep_variant){ .edit = { edit }, .edits = 1 };
	}
	return true;
}

static bool prepare_sweep_all(struct stand *s, int T, struct err *err)
{
	return prepare_run(s, T, err) && prepare_sweep(s, -1);
}

static bool prepare_sweep_last(struct stand *s, int T, struct err *err)
{
	return prepare_run(s, T, err) && prepare_sweep(s, T - 1);
}

static bool lens(const struct stand *s, const float *rows, int n, struct err *err)
{
	struct arena *arena = arena_new();
	int32_t *ids = arena_array(arena, (size_t)n * LENS_K, sizeof *ids, err);
	float *logits = arena_floats(arena, (size_t)n * LENS_K, err), *lse = arena_floats(arena, (size_t)n, err);
	struct vocab_wanted wanted = { .k = LENS_K, .ids = ids, .logits = logits, .lse = lse };
	bool ok = ids && logits && lse && vocab_read(s->model, rows, n, false, &wanted, NULL, err);

	arena_free(arena);
	return ok;
}

/* A second model beside the one that all the other rows use. */
static bool do_open(struct stand *s, int T, struct err *err)
{
	struct stand own = { .tokens = s->tokens };
	struct notes notes = { 0 };
	struct run *r = NULL;

	if ((own.model = model_open(s->where, NULL, &notes, err)))
		r = run_of(&own, T, NULL, err);
	run_unref(r);
	model_free(own.model);
	notes_done(&notes);
	return r != NULL;
}

static bool do_open_lens(struct stand *s, int T, struct err *err)
{
	struct stand own = { .tokens = s->tokens, .arena = arena_new() };
	struct notes notes = { 0 };
	bool ok = (own.model = model_open(s->where, NULL, &notes, err)) && prepare_lens(&own, T, err) &&
		  lens(&own, own.rows, T * own.model->config.L, err);

	run_unref(own.before);
	model_free(own.model);
	arena_free(own.arena);
	notes_done(&notes);
	return ok;
}

static bool do_forward(struct stand *s, int T, struct err *err)
{
	struct run_order order = { .model = s->model, .tokens = s->tokens, .T = T, .without_logits = true };
	struct run *r = run_new(&order, NULL, err);
	bool ok = r && run_logits(r, 0, T, s->logits, NULL, err);

	run_unref(r);
	return ok;
}

/* What attribution patching needs: both prompts' runs and the gradient of one. */
static bool do_gradient(struct stand *s, int T, struct err *err)
{
	struct metric metric = { .kind = METRIC_LOGIT, .target = { 0, -1 }, .position = T - 1 };
	struct run *run = run_of(s, T, NULL, err), *foil = run ? run_of(s, T, NULL, err) : NULL;
	struct gradient *g = foil ? gradient_new(run, &metric, run, 0, NULL, err) : NULL;
	bool ok = g != NULL;

	gradient_unref(g);
	run_unref(foil);
	run_unref(run);
	return ok;
}

/* ---- techniques ---- */

/* As the prompt's, shifted: others at every position. */
static struct run *foil_of(const struct stand *s, int T, struct err *err)
{
	int32_t *tokens = arena_alloc(s->arena, (size_t)T * sizeof *tokens);
	struct run_order order = { .model = s->model, .tokens = tokens, .T = T };

	for (int t = 0; t < T; t++)
		tokens[t] = (s->tokens[t] + 1) % s->model->config.V;
	return run_new(&order, NULL, err);
}

/* The technique with a word of arguments, on these two runs. */
static bool answer(const struct stand *s, const char *analysis, const char *word, const struct run *run, const struct run *foil,
		   const struct gradient *g, struct err *err)
{
	struct metric metric = { .kind = METRIC_LOGIT, .target = { 0, -1 }, .position = run->T - 1 };
	struct ask ask = { .model = s->model, .run = run, .unedited = run, .foil = foil, .metric = &metric, .gradient = g };
	struct notes notes = { 0 };
	struct job_pane pane;
	struct table *t = NULL;
	struct value args[PARAM_MAX];

	ask.notes = &notes;
	job_pane_init(&pane, analysis_find(analysis));
	if (job_pane_set(&pane, word, err)) {
		args_of_run(&pane, metric.position, run->T, args);
		t = analysis_compute(pane.analysis, &ask, args, err);
	}
	table_unref(t);
	notes_done(&notes);
	return t != NULL;
}

/* Everything again: both runs, the gradient, the map. */
static bool attribute(struct stand *s, int T, const char *estimate, struct err *err)
{
	struct metric metric = { .kind = METRIC_LOGIT, .target = { 0, -1 }, .position = T - 1 };
	struct arena_mark mark = arena_mark(s->arena);
	struct run *run = run_of(s, T, NULL, err), *foil = run ? foil_of(s, T, err) : NULL;
	struct gradient *g = foil ? gradient_new(run, &metric, run, 0, NULL, err) : NULL;
	bool ok = g && answer(s, "attribution-patching", estimate, run, foil, g, err);

	gradient_unref(g);
	run_unref(foil);
	run_unref(run);
	arena_rewind(s->arena, mark);
	return ok;
}

static bool do_attribution(struct stand *s, int T, struct err *err)
{
	return attribute(s, T, "estimate=atp", err);
}

static bool do_graddrop(struct stand *s, int T, struct err *err)
{
	return attribute(s, T, "estimate=atpstar", err);
}

static bool prepare_pair(struct stand *s, int T, struct err *err)
{
	return prepare_run(s, T, err) && (s->foil = foil_of(s, T, err)) != NULL;
}

static bool do_patching(struct stand *s, int T, struct err *err)
{
	(void)T;
	return answer(s, "activation-patching", "site=resid_pre", s->before, s->foil, NULL, err);
}

static bool do_tracing(struct stand *s, int T, struct err *err)
{
	(void)T;
	return answer(s, "causal-tracing", "seeds=1", s->before, NULL, NULL, err);
}

static bool do_append(struct stand *s, int T, struct err *err)
{
	struct run *r = run_of(s, T, s->before, err);

	run_unref(r);
	return r != NULL;
}

static bool do_resume(struct stand *s, int T, struct err *err)
{
	char line[64];
	const char *edits[] = { line };
	struct run_order order = {
		.model = s->model, .tokens = s->tokens, .T = T, .edits = edits, .edit_count = 1, .unedited = s->before
	};
	struct run *r;

	snprintf(line, sizeof line, "resid_pre %d scale 0.5", s->model->config.L / 2);
	r = run_new(&order, NULL, err);
	run_unref(r);
	return r != NULL;
}

static bool do_lens(struct stand *s, int T, struct err *err)
{
	return lens(s, s->rows, T * s->model->config.L, err);
}

static bool do_product(struct stand *s, int T, struct err *err)
{
	const struct config *c = &s->model->config;

	(void)err;
	matrix_apply(s->matrix, s->in, (size_t)c->D, T, s->out, (size_t)c->F);
	return true;
}

static bool do_sweep(struct stand *s, int T, struct err *err)
{
	struct metric metric = { .kind = METRIC_LOGIT, .target = { 0, -1 }, .position = T - 1 };

	return sweep_metric(s->before, s->before, NULL, &metric, s->variant, s->variants, s->value, NULL, err);
}

static const struct work works[] = {
	{ "open", "open to first logits, 16 tokens", FIRST_T, NULL, do_open, cost_open, NULL },
	{ "open-lens", "open to first lens table, 16 tokens", FIRST_T, NULL, do_open_lens, cost_open_lens, NULL },
	{ "forward-1", "all sites and logits, 1 token", 1, prepare_logits, do_forward, cost_forward, NULL },
	{ "forward-16", "all sites and logits, 16 tokens", 16, prepare_logits, do_forward, cost_forward, NULL },
	{ "forward-32", "all sites and logits, 32 tokens", 32, prepare_logits, do_forward, cost_forward, NULL },
	{ "forward-64", "all sites and logits, 64 tokens", 64, prepare_logits, do_forward, cost_forward, NULL },
	{ "forward-256", "all sites and logits, 256 tokens", 256, prepare_logits, do_forward, cost_forward, NULL },
	/* One product alone, and what OpenBLAS would take: whether it should do any. */
	{ "product-256", "a product of the MLP's shape, 256 rows", 256, prepare_product, do_product, cost_product, NULL },
	{ "product-256-openblas", "the same by OpenBLAS", 256, prepare_product_of_blas, do_product, cost_product, NULL },
	{ "append", "one token after 63", 64, prepare_append, do_append, cost_append, NULL },
	{ "resume", "an edit at half depth, 64 tokens", 64, prepare_run, do_resume, cost_resume, NULL },
	{ "lens", "lens, all layers, 32 positions, top 5", LENS_T, prepare_lens, do_lens, cost_lens, NULL },
	{ "gradient-32", "two runs and a gradient, 32 tokens", 32, NULL, do_gradient, cost_gradient, "forward-32" },
	{ "attribution-32", "attribution patching, all of it, 32 tokens", 32, NULL, do_attribution, cost_gradient, "forward-32" },
	{ "graddrop-32", "the same with GradDrop, 32 tokens", 32, NULL, do_graddrop, cost_graddrop, "forward-32" },
	{ "patching-16", "each layer's stream patched, 16 tokens", 16, prepare_pair, do_patching, cost_cells, "forward-16" },
	{ "tracing-16", "causal tracing, one seed, 16 tokens", 16, prepare_run, do_tracing, cost_cells, "forward-16" },
	{ "heads-all-32", "each head zeroed everywhere, 32 tokens", 32, prepare_sweep_all, do_sweep, cost_sweep_all, "forward-32" },
	{ "heads-last-32", "each head zeroed last, 32 tokens", 32, prepare_sweep_last, do_sweep, cost_sweep_last, "forward-32" },
	{ "heads-all", "each head zeroed everywhere, 16 tokens", 16, prepare_sweep_all, do_sweep, cost_sweep_all, NULL },
	{ "heads-last", "each head zeroed last, 64 tokens", 64, prepare_sweep_last, do_sweep, cost_sweep_last, NULL },
};
_Static_assert(sizeof works / sizeof *works <= BENCH_ROWS, "bench.h has room for all rows");

/* ---- measuring ---- */

static int by_length(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One unmeasured time, then until there are enough or the row's time is up. */
static bool measure(struct stand *s, const struct work *w, struct bench_row *row, struct err *err)
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
static void tell_in_passes(struct bench *b, const struct work *w, struct bench_row *row)
{
	for (int i = 0; w->pass && i < b->rows; i++)
		if (!strcmp(b->row[i].name, w->pass) && b->row[i].times && row->times)
			row->passes = row->median / b->row[i].median;
}

static bool measure_all(struct stand *s, void (*said)(const char *what), struct bench *b, struct err *err)
{
	struct yardstick before = take_yardstick(b), after;
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof works / sizeof *works; i++) {
		const struct work *w = &works[i];
		struct bench_row *row = &b->row[b->rows++];
		struct arena_mark mark = arena_mark(s->arena);

		row->name = w->name;
		row->what = w->what;
		w->cost(s, w->T, row);
		if (limit_of(&before, &before, row) <= LONGEST &&
		    (!s->model->config.context_is_hard || w->T <= s->model->config.context)) {
			if (said)
				said(w->what);
			ok = (!w->prepare || w->prepare(s, w->T, err)) && measure(s, w, row, err);
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

bool bench_measure(const char *where, bool low_memory, void (*said)(const char *what), struct bench *out, struct err *err)
{
	struct stand s = { .where = where, .arena = arena_new() };
	struct notes notes = { 0 };
	bool ok = false;

	*out = (struct bench){ .kernels = cpu_names[cpu_set()], .threads = pool_size(), .low_memory = low_memory };
	if ((s.model = model_open(where, NULL, &notes, err))) {
		model_facts_of(s.model, &out->model);
		s.file_bytes = (double)out->model.file_bytes;
		s.weight_bytes = low_memory ? s.file_bytes : (double)out->model.private_bytes;
		s.tokens = some_tokens(s.arena, s.model->config.V);
		ok = measure_all(&s, said, out, err);
	}
	model_free(s.model);
	arena_free(s.arena);
	notes_done(&notes);
	return ok;
}
