/* bench_work.c - see bench_work.h. */
#include "engine/bench/bench_work.h"

#include <stdio.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/bench/bench_experts.h"
#include "engine/numbers/blas.h"
#include "engine/numbers/limits.h"
#include "engine/run/gradient.h"
#include "engine/run/vocab.h"
#include "engine/session/args.h"
#include "engine/session/job.h"

enum { LENS_T = 32, LENS_K = 5, FIRST_T = 16 };

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

static void cost_forward(const struct bench_stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = T * (c->L * layer_flops(c, (T + 1) / 2.0) + unembed_flops(c));
	row->bytes = s->weight_bytes;
}

static void cost_product(const struct bench_stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = 2.0 * T * c->D * c->F;
	row->bytes = 4.0 * c->D * c->F;
}

static void cost_open(const struct bench_stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = T * c->L * layer_flops(c, (T + 1) / 2.0) + unembed_flops(c);
	row->bytes = s->file_bytes + s->weight_bytes;
}

/* Two passes, and the way back: the products with the weights once more, and of attention those with its four factors. */
static void cost_gradient(const struct bench_stand *s, int T, struct bench_row *row)
{
	cost_open(s, T, row);
	row->flops *= 3;
	row->bytes = 3 * s->weight_bytes;
}

/* The same, and each layer's writes left out of the way back once: from that layer down. */
static void cost_graddrop(const struct bench_stand *s, int T, struct bench_row *row)
{
	double L = s->model->config.L;

	cost_gradient(s, T, row);
	row->flops *= (3 + (L - 1) / 2) / 3;
	row->bytes *= (3 + (L - 1) / 2) / 3;
}

static void cost_lens(const struct bench_stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = (double)c->L * T * unembed_flops(c);
	row->bytes = s->weight_bytes * ((double)c->D * c->V) / ((double)c->D * c->V + c->L * layer_flops(c, 0) / 2);
}

static void cost_open_lens(const struct bench_stand *s, int T, struct bench_row *row)
{
	struct bench_row lens;

	cost_open(s, T, row);
	cost_lens(s, T, &lens);
	row->flops += lens.flops;
}

static void cost_append(const struct bench_stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;

	row->flops = c->L * layer_flops(c, T) + unembed_flops(c);
	row->bytes = s->weight_bytes;
}

static void cost_resume(const struct bench_stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;
	int layers = c->L - c->L / 2;

	row->flops = T * layers * layer_flops(c, (T + 1) / 2.0) + unembed_flops(c);
	row->bytes = s->weight_bytes;
}

/* A head removed in layer l: the layers above it, and its own from W_O on; of the last layer one row. Each layer's weights are read
 * once for all the heads below it at best. */
static void cost_sweep(const struct bench_stand *s, int T, int rows, struct bench_row *row)
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

static void cost_sweep_all(const struct bench_stand *s, int T, struct bench_row *row)
{
	cost_sweep(s, T, T, row);
}

static void cost_sweep_last(const struct bench_stand *s, int T, struct bench_row *row)
{
	cost_sweep(s, T, 1, row);
}

/*
 * Each layer's stream put in at each position: the rows from there on, in the layers from there up; of the last layer's queries
 * one.
 */
static void cost_cells(const struct bench_stand *s, int T, struct bench_row *row)
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

static struct run *run_of(const struct bench_stand *s, int T, const struct run *prefix, struct err *err)
{
	struct run_order order = { .model = s->model, .tokens = s->tokens, .T = T, .prefix = prefix };

	return run_new(&order, NULL, err);
}

static bool prepare_run(struct bench_stand *s, int T, struct err *err)
{
	return (s->before = run_of(s, T, NULL, err)) != NULL;
}

static bool prepare_logits(struct bench_stand *s, int T, struct err *err)
{
	return (s->logits = arena_floats(s->arena, (size_t)T * (size_t)s->model->config.V, err)) != NULL;
}

/* Values do not matter. */
static bool prepare_product_by(struct bench_stand *s, int T, bool blas, struct err *err)
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

static bool prepare_product(struct bench_stand *s, int T, struct err *err)
{
	return prepare_product_by(s, T, false, err);
}

static bool prepare_product_of_blas(struct bench_stand *s, int T, struct err *err)
{
	return blas_load(err) && prepare_product_by(s, T, true, err);
}

static bool prepare_append(struct bench_stand *s, int T, struct err *err)
{
	return prepare_run(s, T - 1, err);
}

static bool prepare_lens(struct bench_stand *s, int T, struct err *err)
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
static bool prepare_sweep(struct bench_stand *s, int position)
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

static bool prepare_sweep_all(struct bench_stand *s, int T, struct err *err)
{
	return prepare_run(s, T, err) && prepare_sweep(s, -1);
}

static bool prepare_sweep_last(struct bench_stand *s, int T, struct err *err)
{
	return prepare_run(s, T, err) && prepare_sweep(s, T - 1);
}

static bool lens(const struct bench_stand *s, const float *rows, int n, struct err *err)
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
static bool do_open(struct bench_stand *s, int T, struct err *err)
{
	struct bench_stand own = { .tokens = s->tokens };
	struct notes notes = { 0 };
	struct run *r = NULL;

	if ((own.model = model_open(s->where, NULL, &notes, err)))
		r = run_of(&own, T, NULL, err);
	run_unref(r);
	model_free(own.model);
	notes_done(&notes);
	return r != NULL;
}

static bool do_open_lens(struct bench_stand *s, int T, struct err *err)
{
	struct bench_stand own = { .tokens = s->tokens, .arena = arena_new() };
	struct notes notes = { 0 };
	bool ok = (own.model = model_open(s->where, NULL, &notes, err)) && prepare_lens(&own, T, err) &&
		  lens(&own, own.rows, T * own.model->config.L, err);

	run_unref(own.before);
	model_free(own.model);
	arena_free(own.arena);
	notes_done(&notes);
	return ok;
}

static bool do_forward(struct bench_stand *s, int T, struct err *err)
{
	struct run_order order = { .model = s->model, .tokens = s->tokens, .T = T, .without_logits = true };
	struct run *r = run_new(&order, NULL, err);
	bool ok = r && run_logits(r, 0, T, s->logits, NULL, err);

	run_unref(r);
	return ok;
}

/* What attribution patching needs: both prompts' runs and the gradient of one. */
static bool do_gradient(struct bench_stand *s, int T, struct err *err)
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
static struct run *foil_of(const struct bench_stand *s, int T, struct err *err)
{
	int32_t *tokens = arena_alloc(s->arena, (size_t)T * sizeof *tokens);
	struct run_order order = { .model = s->model, .tokens = tokens, .T = T };

	for (int t = 0; t < T; t++)
		tokens[t] = (s->tokens[t] + 1) % s->model->config.V;
	return run_new(&order, NULL, err);
}

/* The technique with a word of arguments, on these two runs. */
static bool answer(const struct bench_stand *s, const char *analysis, const char *word, const struct run *run,
		   const struct run *foil, const struct gradient *g, struct err *err)
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
static bool attribute(struct bench_stand *s, int T, const char *estimate, struct err *err)
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

static bool do_attribution(struct bench_stand *s, int T, struct err *err)
{
	return attribute(s, T, "estimate=atp", err);
}

static bool do_graddrop(struct bench_stand *s, int T, struct err *err)
{
	return attribute(s, T, "estimate=atpstar", err);
}

static bool prepare_pair(struct bench_stand *s, int T, struct err *err)
{
	return prepare_run(s, T, err) && (s->foil = foil_of(s, T, err)) != NULL;
}

static bool do_patching(struct bench_stand *s, int T, struct err *err)
{
	(void)T;
	return answer(s, "activation-patching", "site=resid_pre", s->before, s->foil, NULL, err);
}

static bool do_tracing(struct bench_stand *s, int T, struct err *err)
{
	(void)T;
	return answer(s, "causal-tracing", "seeds=1", s->before, NULL, NULL, err);
}

static bool do_append(struct bench_stand *s, int T, struct err *err)
{
	struct run *r = run_of(s, T, s->before, err);

	run_unref(r);
	return r != NULL;
}

static bool do_resume(struct bench_stand *s, int T, struct err *err)
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

static bool do_lens(struct bench_stand *s, int T, struct err *err)
{
	return lens(s, s->rows, T * s->model->config.L, err);
}

static bool do_product(struct bench_stand *s, int T, struct err *err)
{
	const struct config *c = &s->model->config;

	(void)err;
	matrix_apply(s->matrix, s->in, (size_t)c->D, T, s->out, (size_t)c->F);
	return true;
}

static bool do_sweep(struct bench_stand *s, int T, struct err *err)
{
	struct metric metric = { .kind = METRIC_LOGIT, .target = { 0, -1 }, .position = T - 1 };

	return sweep_metric(s->before, s->before, NULL, &metric, s->variant, s->variants, s->value, NULL, err);
}

const struct bench_work bench_works[] = {
	{ "open", "open to first logits, 16 tokens", FIRST_T, NULL, do_open, cost_open },
	{ "open-lens", "open to first lens table, 16 tokens", FIRST_T, NULL, do_open_lens, cost_open_lens },
	{ "forward-1", "all sites and logits, 1 token", 1, prepare_logits, do_forward, cost_forward },
	{ "forward-16", "all sites and logits, 16 tokens", 16, prepare_logits, do_forward, cost_forward },
	{ "forward-32", "all sites and logits, 32 tokens", 32, prepare_logits, do_forward, cost_forward },
	{ "forward-64", "all sites and logits, 64 tokens", 64, prepare_logits, do_forward, cost_forward },
	{ "forward-256", "all sites and logits, 256 tokens", 256, prepare_logits, do_forward, cost_forward },
	/* One product alone, and what OpenBLAS would take: whether it should do any. */
	{ "product-256", "a product of the MLP's shape, 256 rows", 256, prepare_product, do_product, cost_product },
	{ "product-256-openblas", "the same by OpenBLAS", 256, prepare_product_of_blas, do_product, cost_product },
	/* The mixtures alone, from router to write. */
	{ "experts-1", "experts, all layers, 1 token", 1, bench_prepare_experts, bench_do_experts, bench_cost_experts, true },
	{ "experts-16", "experts, all layers, 16 tokens", 16, bench_prepare_experts, bench_do_experts, bench_cost_experts, true },
	{ "experts-256", "experts, all layers, 256 tokens", 256, bench_prepare_experts, bench_do_experts, bench_cost_experts,
	  true },
	{ "append", "one token after 63", 64, prepare_append, do_append, cost_append },
	{ "resume", "an edit at half depth, 64 tokens", 64, prepare_run, do_resume, cost_resume },
	{ "lens", "lens, all layers, 32 positions, top 5", LENS_T, prepare_lens, do_lens, cost_lens },
	{ "gradient-32", "two runs and a gradient, 32 tokens", 32, NULL, do_gradient, cost_gradient, .pass = "forward-32" },
	{ "attribution-32", "attribution patching, all of it, 32 tokens", 32, NULL, do_attribution, cost_gradient,
	  .pass = "forward-32" },
	{ "graddrop-32", "the same with GradDrop, 32 tokens", 32, NULL, do_graddrop, cost_graddrop, .pass = "forward-32" },
	{ "patching-16", "each layer's stream patched, 16 tokens", 16, prepare_pair, do_patching, cost_cells,
	  .pass = "forward-16" },
	{ "tracing-16", "causal tracing, one seed, 16 tokens", 16, prepare_run, do_tracing, cost_cells, .pass = "forward-16" },
	{ "heads-all-32", "each head zeroed everywhere, 32 tokens", 32, prepare_sweep_all, do_sweep, cost_sweep_all,
	  .pass = "forward-32" },
	{ "heads-last-32", "each head zeroed last, 32 tokens", 32, prepare_sweep_last, do_sweep, cost_sweep_last,
	  .pass = "forward-32" },
	{ "heads-all", "each head zeroed everywhere, 16 tokens", 16, prepare_sweep_all, do_sweep, cost_sweep_all },
	{ "heads-last", "each head zeroed last, 64 tokens", 64, prepare_sweep_last, do_sweep, cost_sweep_last },
	{ 0 },
};
_Static_assert(sizeof bench_works / sizeof *bench_works <= BENCH_ROWS, "bench.h has room for all rows");
