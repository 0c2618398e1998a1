/*
 * lime.c - a linear model of the metric in which tokens are there, near the whole prompt.
 *
 *   coalitions z: as many players are taken away as a number drawn from 1 … n says, which ones at random; the first has all
 *   w(z) = exp(−D² / 2 width²), D = 1 − √(|z| / n): the cosine distance to the whole prompt      (Ribeiro et al. 2016)
 *   β: least Σ_z w (f(z) − β_0 − z β)² + ‖β‖²
 *
 * As the package lime does with texts (lime_text): its kernel width of 25 on 100 D is width=0.25 with its square root, and its ridge is
 * 1. Each position is a feature of its own (bow=False there).
 */
#include <math.h>

#include "engine/analysis/players.h"
#include "engine/numbers/noise.h"

enum { ARG_SAMPLES, ARG_SEED, ARG_WIDTH, ARG_HOW, ARG_GROUP, ARG_TOKEN };
static const struct param params[] = {
	[ARG_SAMPLES] = { "samples", PARAM_INT, .lo = 2, .hi = 2000, .start = 200,
			  .help = "coalitions, the whole prompt among them" },
	[ARG_SEED] = { "seed", PARAM_INT, .lo = 0, .hi = 1000000, .start = 0, .help = "which coalitions" },
	[ARG_WIDTH] = { "width", PARAM_REAL, .lo = 0.01, .hi = 100, .start = 0.25,
			.help = "of the kernel: how near the prompt counts" },
	[ARG_HOW] = PLAYERS_HOW,
	[ARG_GROUP] = PLAYERS_GROUP,
	[ARG_TOKEN] = PLAYERS_TOKEN,
	{ 0 },
};
static const double ridge = 1;

struct fit {
	struct players p;
	int samples;
	bool *in;		/* [samples, p.n] */
	double *value, *weight; /* [samples] */
	double *beta, *mean;	/* [p.n] */
	double *gram;		/* [p.n, p.n] and its Cholesky factor */
	double intercept, r2;
	struct table *table;
};

static bool *row_of(const struct fit *f, int sample)
{
	return f->in + (size_t)sample * (size_t)f->p.n;
}

/* The kernel of lime_text, whose square root of a Gaussian halves the exponent. */
static double kernel(const struct fit *f, int there)
{
	const double width = f->p.ask->real[ARG_WIDTH], distance = 1 - sqrt((double)there / f->p.n);

	return exp(-distance * distance / (2 * width * width));
}

static void draw(struct fit *f, int sample, int *order)
{
	const uint64_t seed = (uint64_t)f->p.ask->arg[ARG_SEED];
	const int n = f->p.n, gone = sample ? 1 + (int)(noise_uniform(seed, (uint64_t)sample, 0) * n) : 0;
	bool *in = row_of(f, sample);

	for (int i = 0; i < n; i++) {
		order[i] = i;
		in[i] = true;
	}
	for (int i = 0; i < gone; i++) {
		const int j = i + (int)(noise_uniform(seed, (uint64_t)sample, (uint64_t)(1 + i)) * (n - i)), other = order[i];

		order[i] = order[j];
		order[j] = other;
		in[order[i]] = false;
	}
	f->weight[sample] = kernel(f, n - gone);
}

static bool fit_init(struct fit *f, const struct ask *ask, struct err *err)
{
	struct arena *scratch = ask->scratch;
	size_t n, samples;

	*f = (struct fit){ .samples = ask->arg[ARG_SAMPLES] };
	if (!players_init(&f->p, ask, (enum token_group)ask->arg[ARG_GROUP], (enum player_how)ask->arg[ARG_HOW],
			  ask->text[ARG_TOKEN], err))
		return false;
	n = (size_t)f->p.n;
	f->samples = n ? f->samples : 0;
	samples = (size_t)f->samples;
	f->in = arena_alloc(scratch, samples * n + 1);
	f->value = arena_alloc(scratch, (samples + 1) * sizeof *f->value);
	f->weight = arena_alloc(scratch, (samples + 1) * sizeof *f->weight);
	f->beta = arena_alloc(scratch, (n + 1) * sizeof *f->beta);
	f->mean = arena_alloc(scratch, (n + 1) * sizeof *f->mean);
	f->gram = arena_alloc(scratch, (n * n + 1) * sizeof *f->gram);
	for (int s = 0; s < f->samples; s++)
		draw(f, s, arena_alloc(scratch, n * sizeof(int)));
	return true;
}

/* ---- least squares ---- */

static bool known(const struct fit *f, int sample)
{
	return !isnan(f->value[sample]);
}

/* Weighted means of the players, and of the value. */
static double center(struct fit *f)
{
	double total = 0, value = 0;

	for (int i = 0; i < f->p.n; i++)
		f->mean[i] = 0;
	for (int s = 0; s < f->samples; s++) {
		if (!known(f, s))
			continue;
		total += f->weight[s];
		value += f->weight[s] * f->value[s];
		for (int i = 0; i < f->p.n; i++)
			f->mean[i] += f->weight[s] * row_of(f, s)[i];
	}
	for (int i = 0; i < f->p.n; i++)
		f->mean[i] /= total;
	return value / total;
}

/* gram = Zᵀ W Z + ridge, beta = Zᵀ W (f − mean), Z less its means. */
static void normal_equations(struct fit *f, double value)
{
	const int n = f->p.n;
	double *z = arena_alloc(f->p.ask->scratch, (size_t)n * sizeof *z);

	for (int i = 0; i < n * n; i++)
		f->gram[i] = i % (n + 1) == 0 ? ridge : 0;
	for (int i = 0; i < n; i++)
		f->beta[i] = 0;
	for (int s = 0; s < f->samples; s++) {
		if (!known(f, s))
			continue;
		for (int i = 0; i < n; i++)
			z[i] = row_of(f, s)[i] - f->mean[i];
		for (int i = 0; i < n; i++) {
			const double w = f->weight[s] * z[i];

			f->beta[i] += w * (f->value[s] - value);
			for (int j = 0; j <= i; j++)
				f->gram[i * n + j] += w * z[j];
		}
	}
}

/* beta = gram⁻¹ beta, by Cholesky's factor; the ridge makes it positive definite. */
static void solve(struct fit *f)
{
	const int n = f->p.n;
	double *g = f->gram, *b = f->beta;

	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++) {
			double sum = g[i * n + j];

			for (int k = 0; k < j; k++)
				sum -= g[i * n + k] * g[j * n + k];
			g[i * n + j] = i == j ? sqrt(sum) : sum / g[j * n + j];
		}
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < i; k++)
			b[i] -= g[i * n + k] * b[k];
		b[i] /= g[i * n + i];
	}
	for (int i = n - 1; i >= 0; i--) {
		for (int k = i + 1; k < n; k++)
			b[i] -= g[k * n + i] * b[k];
		b[i] /= g[i * n + i];
	}
}

static double residual(const struct fit *f, int sample)
{
	double sum = f->value[sample] - f->intercept;

	for (int i = 0; i < f->p.n; i++)
		sum -= row_of(f, sample)[i] * f->beta[i];
	return sum;
}

static void fit(struct fit *f)
{
	const double value = center(f);
	double left = 0, all = 0;

	normal_equations(f, value);
	solve(f);
	f->intercept = value;
	for (int i = 0; i < f->p.n; i++)
		f->intercept -= f->mean[i] * f->beta[i];
	for (int s = 0; s < f->samples; s++)
		if (known(f, s)) {
			left += f->weight[s] * pow(residual(f, s), 2);
			all += f->weight[s] * pow(f->value[s] - value, 2);
		}
	f->r2 = all > 0 ? 1 - left / all : NAN;
	for (int i = 0; i < f->p.rows; i++) {
		const int player = f->p.player[i];

		if (player != NO_PLAYER)
			f->table->value[table_cell(f->table, i, 0)] = player == NO_EFFECT ? 0 : (float)f->beta[player];
	}
}

/* The weighted residuals are orthogonal to each player but for what the ridge holds back: the worst of them. */
static void check_residuals(const struct fit *f)
{
	struct table *t = f->table;
	double worst = -1;

	for (int i = 0; i < f->p.n; i++) {
		double sum = 0;

		for (int s = 0; s < f->samples; s++)
			sum += f->weight[s] * (row_of(f, s)[i] - f->mean[i]) * residual(f, s);
		if (fabs(sum - ridge * f->beta[i]) <= worst)
			continue;
		worst = fabs(sum - ridge * f->beta[i]);
		t->check = (struct check){ "residuals along it = its ridge", ridge * f->beta[i], sum, 1e-6 };
		t->check.of = t->rows.show[f->p.row_of[i]];
	}
}

/* ---- the table ---- */

static void show_so_far(void *context)
{
	struct fit *f = context;
	struct arena_mark mark = arena_mark(f->p.ask->scratch);

	if (!ask_watched(f->p.ask))
		return;
	fit(f);
	arena_rewind(f->p.ask->scratch, mark);
	ask_show(f->p.ask, f->table);
}

static bool sweep(struct fit *f, struct err *err)
{
	struct task *task = f->p.ask->watch ? f->p.ask->task : NULL;
	bool ok;

	if (task) {
		task->piece = show_so_far;
		task->piece_context = f;
	}
	ok = players_values(&f->p, f->in, f->samples, f->value, err);
	if (task)
		task->piece = NULL;
	return ok;
}

static void describe(const struct fit *f)
{
	const struct ask *ask = f->p.ask;
	struct table *t = f->table;

	players_axis(&f->p, t);
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = dim_word(DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "weight");
	table_set_title(t, "LIME", player_groups[ask->arg[ARG_GROUP]].help,
			arena_printf(t->arena, "%s, estimated from %d samples", player_hows[ask->arg[ARG_HOW]].word, f->samples));
	table_set_unit(t, metric_unit(ask->metric));
	t->look = LOOK_TOKENS;
	t->scale = SCALE_DIVERGING;
	t->place.site = SITE_EMBED;
	t->no_edit = "a cell is a weight of a model of many edits; occlusion has what one of them does";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct fit f;

	if (!fit_init(&f, ask, err) || !(f.table = table_new(f.p.rows, 1, err)))
		return NULL;
	describe(&f);
	if (!sweep(&f, err)) {
		table_unref(f.table);
		return NULL;
	}
	if (f.samples) {
		fit(&f);
		check_residuals(&f);
	}
	f.table->footnote =
		f.samples ? arena_printf(f.table->arena,
					 "R² %.3f, with none of them %.4g: the nearer R² is to 1, the more the weights say", f.r2,
					 f.intercept)
			  : "nothing here can be taken away: the metric is read before it";
	return f.table;
}

static int runs(const struct ask *ask)
{
	struct fit f;
	struct err err;

	return fit_init(&f, ask, &err) ? players_passes(&f.p, f.in, f.samples) : -1;
}

const struct analysis analysis_lime = {
	.name = "lime",
	.title = "LIME",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Ribeiro et al. 2016",
	.blurb = "A linear model of the metric in which tokens, words or sentences are there, near the whole prompt.",
	.help = "The metric is measured with random parts of the prompt taken away, and a weighted regression says what each of them adds: "
		"prompts near the whole one count most. Another seed gives other weights: take more samples when they differ. R² says "
		"how much of the metric such a sum can tell at all; where it is low, words work together, and Shapley values are the "
		"better answer. The ridge draws all weights a little towards 0.",
	.picture = " ‹bos› Tom ·has ·a ·red ·ball .\n"
		   "        ░          ▒▒▒  ███\n"
		   " R² 0.93: a sum of words is nearly all of it\n",
	.shape = "position × quantity, word × quantity, sentence × quantity",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
