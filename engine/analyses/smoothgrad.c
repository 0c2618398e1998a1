/*
 * smoothgrad.c - the metric's gradient at each token, averaged over noisy copies of the prompt (Smilkov et al. 2017).
 *
 *   ḡ[T, D] = mean over samples k of ∂ metric / ∂ x, taken at x + σ ε_k;  ε_k standard normal, x[T, D] the token embeddings alone
 *   norm: ‖ḡ_t‖        gradient_x_input: Σ_d ḡ_td x_td, with x as it is
 *   σ = sigma · the standard deviation of the prompt's embeddings; spread=range: · their range, as in the paper
 *
 * A norm is that of the mean: noise makes each sample's gradient longer, and the mean of lengths would keep that. Standard errors
 * are the jackknife's, which serves norms too: of the means that leave out one sample each, or one of BLOCKS groups of samples
 * where there are more, since as many sums are kept.
 *
 * The mark before the prompt gets no noise. Draws: noise_normal(seed, k · T + t, d).
 */
#include <math.h>

#include "engine/analysis/filling.h"
#include "engine/analysis/inputs.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/noise.h"
#include "engine/run/input_gradient.h"

enum { BLOCKS = 20, NONE = -1 };

enum { ARG_SHOW, ARG_SIGMA, ARG_SAMPLES, ARG_SEED, ARG_SPREAD };
enum { SHOW_NORM, SHOW_PRODUCT };
enum { SPREAD_SD, SPREAD_RANGE };
static const struct choice shown[] = {
	{ "norm", "the mean gradient's length", SHOW_NORM },
	{ "gradient_x_input", "the mean gradient times the embedding, which has a sign", SHOW_PRODUCT },
	{ 0 },
};
static const struct choice spreads[] = {
	{ "sd", "the standard deviation of the prompt's embeddings", SPREAD_SD },
	{ "range", "their largest component minus their smallest", SPREAD_RANGE },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	[ARG_SIGMA] = { "sigma", PARAM_REAL, .lo = 0, .hi = 10, .start = 0.15, .help = "the noise, as a share of the spread" },
	[ARG_SAMPLES] = { "samples", PARAM_INT, .lo = 1, .hi = 1000, .start = 20, .help = "noisy copies of the prompt" },
	[ARG_SEED] = { "seed", PARAM_INT, .lo = 0, .hi = 1000000, .start = 0, .help = "which draws" },
	[ARG_SPREAD] = { "spread", PARAM_CHOICE, .choices = spreads, .help = "what the noise is a share of" },
	{ 0 },
};

struct smooth {
	const struct ask *ask;
	int T, first, last; /* noise is added from the first to the last */
	size_t D;
	double sigma;		   /* σ */
	int samples, done, blocks; /* those asked, those there, groups of them */
	double *sum;		   /* [blocks, T, D] of gradients, sample k in block k % blocks */
	double *clean;		   /* [T] the cells without noise */
	double *total;		   /* [D] scratch */
	float *g, *x;		   /* [D] scratch */
	struct table *table;
};

/* ---- the noise ---- */

static double spread_of(const struct smooth *s)
{
	double n = 0, sum = 0, squares = 0, low = INFINITY, high = -INFINITY;

	for (int t = s->first; t <= s->last; t++) {
		run_input(s->ask->run, t, s->x);
		for (size_t d = 0; d < s->D; d++) {
			const double x = (double)s->x[d];

			n++;
			sum += x;
			squares += x * x;
			low = fmin(low, x);
			high = fmax(high, x);
		}
	}
	if (n == 0)
		return 0;
	return s->ask->arg[ARG_SPREAD] == SPREAD_RANGE ? high - low : sqrt(fmax(0, squares / n - sum / n * (sum / n)));
}

/* The one after all samples is without noise. */
static void make_noisy(void *context, int k, float *x)
{
	const struct smooth *s = context;
	const uint64_t seed = (uint64_t)s->ask->arg[ARG_SEED];

	for (int t = s->first; k < s->samples && t <= s->last; t++)
		for (size_t d = 0; d < s->D; d++) {
			float *at = &x[(size_t)t * s->D + d];

			*at = (float)((double)*at + s->sigma * noise_normal(seed, (uint64_t)k * (uint64_t)s->T + (uint64_t)t, d));
		}
}

/* ---- cells ---- */

/* Of token t, from its mean gradient g[D]; as gradient_x_input.c has it, so that without noise the bits are the same. */
static double cell_of(const struct smooth *s, int t, const float *g)
{
	if (s->ask->arg[ARG_SHOW] == SHOW_NORM)
		return (double)kernel_norm2(g, s->D);
	run_input(s->ask->run, t, s->x);
	return (double)kernel_dot(g, s->x, s->D);
}

static double *block_sum(const struct smooth *s, int block, int t)
{
	return s->sum + ((size_t)block * (size_t)s->T + (size_t)t) * s->D;
}

/* How many of the samples that are there are in a block. */
static int in_block(const struct smooth *s, int block)
{
	return s->done / s->blocks + (block < s->done % s->blocks);
}

/* total[D]: the sum of token t's gradients. */
static void add_blocks(const struct smooth *s, int t)
{
	for (size_t d = 0; d < s->D; d++)
		s->total[d] = 0;
	for (int b = 0; b < s->blocks; b++)
		for (size_t d = 0; d < s->D; d++)
			s->total[d] += block_sum(s, b, t)[d];
}

/* The cell of the mean over all samples, or over all but those of one block; total[D] is there. */
static double cell_without(const struct smooth *s, int t, int block)
{
	const int n = s->done - (block == NONE ? 0 : in_block(s, block));

	for (size_t d = 0; d < s->D; d++)
		s->g[d] = (float)((s->total[d] - (block == NONE ? 0 : block_sum(s, block, t)[d])) / n);
	return cell_of(s, t, s->g);
}

/* NaN with fewer than two blocks. */
static double error_of(const struct smooth *s, int t)
{
	const int n = s->done < s->blocks ? s->done : s->blocks;
	double mean = 0, squares = 0;

	for (int b = 0; n > 1 && b < n; b++) {
		const double cell = cell_without(s, t, b), off = cell - mean;

		mean += off / (b + 1);
		squares += off * (cell - mean);
	}
	return n > 1 ? sqrt(squares * (n - 1) / n) : NAN;
}

static void fill_cells(void *with)
{
	const struct smooth *s = with;

	for (int t = 0; s->done && t < s->T; t++) {
		add_blocks(s, t);
		s->table->value[table_cell(s->table, t, 0)] = (float)cell_without(s, t, NONE);
		s->table->error[table_cell(s->table, t, 0)] = (float)error_of(s, t);
	}
}

static bool take_gradient(void *context, int k, double value, const float *g)
{
	struct smooth *s = context;
	double *sum = block_sum(s, k % s->blocks, 0);
	struct filling filling = { s->ask, s->table, fill_cells, s };

	(void)value;
	if (k == s->samples) {
		for (int t = 0; t < s->T; t++)
			s->clean[t] = cell_of(s, t, g + (size_t)t * s->D);
		return true;
	}
	for (size_t i = 0; i < (size_t)s->T * s->D; i++)
		sum[i] += (double)g[i];
	s->done++;
	filling_show(&filling);
	return true;
}

/* ---- the table ---- */

static void smooth_init(struct smooth *s, const struct ask *ask)
{
	struct arena *scratch = ask->scratch;

	*s = (struct smooth){ .ask = ask,
			      .T = ask->run->T,
			      .first = inputs_first(ask->run),
			      .last = inputs_last(ask->run, ask->metric),
			      .D = (size_t)ask->model->config.D,
			      .samples = ask->arg[ARG_SAMPLES] };
	s->blocks = s->samples < BLOCKS ? s->samples : BLOCKS;
	s->sum = arena_alloc(scratch, (size_t)s->blocks * (size_t)s->T * s->D * sizeof *s->sum);
	s->clean = arena_alloc(scratch, (size_t)s->T * sizeof *s->clean);
	s->total = arena_alloc(scratch, s->D * sizeof *s->total);
	s->g = arena_alloc(scratch, s->D * sizeof *s->g);
	s->x = arena_alloc(scratch, s->D * sizeof *s->x);
	s->sigma = ask->real[ARG_SIGMA] * spread_of(s);
}

static void describe(const struct smooth *s)
{
	const bool product = s->ask->arg[ARG_SHOW] == SHOW_PRODUCT;
	struct table *t = s->table;

	axis_tokens(t, &t->rows, s->ask->run, DIM_POSITION, "position");
	table_set_attribution(t, s->ask->metric, product ? "gradient × input" : "gradient norm");
	t->scale = product ? SCALE_DIVERGING : SCALE_SEQUENTIAL;
	table_set_title(t, product ? "SmoothGrad × input" : "SmoothGrad", "tokens",
			arena_printf(t->arena, "mean of %d noisy prompt%s", s->samples, s->samples == 1 ? "" : "s"));
	table_set_errors(t, arena_printf(s->ask->scratch, "%d samples", s->samples));
	t->footnote = arena_printf(t->arena, "noise of %.4g at each of an embedding's components", s->sigma);
	t->no_edit = "a cell is a mean over many noisy prompts; occlusion has what one edit does";
}

/* Without noise it is the gradient that other techniques read. */
static void check_clean(const struct smooth *s)
{
	double sum = 0, plain = 0;

	for (int t = 0; t < s->T; t++) {
		gradient_input(s->ask->gradient, t, s->g);
		plain += cell_of(s, t, s->g);
		sum += s->clean[t];
	}
	s->table->check = (struct check){ "sum without noise = that of the plain gradient", plain, sum, 1e-5 };
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct smooth s;
	const struct input_variants noisy = { ask->arg[ARG_SAMPLES] + 1, make_noisy, take_gradient, &s };

	smooth_init(&s, ask);
	s.table = table_new(s.T, 1, err);
	if (!s.table)
		return NULL;
	describe(&s);
	if (!input_gradients(ask->run, ask->unedited, ask->metric, 0, &noisy, ask->task, err))
		return table_if(false, s.table);
	fill_cells(&s);
	check_clean(&s);
	return s.table;
}

/* A gradient is two passes. */
static int runs(const struct ask *ask)
{
	return 2 * (ask->arg[ARG_SAMPLES] + 1);
}

const struct analysis analysis_smoothgrad = {
	.name = "smoothgrad",
	.title = "SmoothGrad",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Smilkov et al. 2017",
	.blurb = "The metric's gradient at each token, averaged over noisy copies of the prompt.",
	.help = "A gradient sees one point, and near it the metric can be rough. Here noise is added to every embedding but the "
		"first mark's, and the gradients of many such prompts are averaged: what changes from one to the next cancels. "
		"With sigma=0 it is the plain gradient. Much noise asks about prompts that are none. A difference of less than "
		"twice the ± is chance: ask for more samples, or another seed.",
	.picture = "  one gradient      ▂█▁▇▃▅▁▆\n"
		   "  another           ▆▁▂█▁▄▃▇\n"
		   "  their mean        ▂▁▁█▁▂▁▇    what all of them say stays\n"
		   " ±: how much the mean would differ with other draws\n",
	.shape = "position × quantity",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = NEEDS_GRADIENT,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
