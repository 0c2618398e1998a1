/*
 * lime.c - a linear model of the metric in which tokens are there, near the whole prompt.
 *
 *   coalitions z: as many players are taken away as a number drawn from 1 … n says, which ones at random; the first has all
 *   w(z) = exp(−D² / 2 width²), D = 1 − √(|z| / n): the cosine distance to the whole prompt      (Ribeiro et al. 2016)
 *   β: least Σ_z w (f(z) − β_0 − z β)² + ‖β‖²
 *
 * As the package lime does with texts (lime_text): its kernel width of 25 on 100 D is width=0.25 with its square root, and its
 * ridge is
 * 1. Each position is a feature of its own (bow=False there).
 */
#include <math.h>

#include "engine/analysis/players.h"
#include "engine/numbers/noise.h"

enum { ARG_SAMPLES = PLAYERS_PARAM_COUNT, ARG_SEED, ARG_WIDTH };
static const struct param params[] = {
	PLAYERS_PARAMS,
	[ARG_SAMPLES] = { "samples", PARAM_INT, .lo = 2, .hi = 2000, .start = 200,
			  .help = "coalitions, the whole prompt among them" },
	[ARG_SEED] = { "seed", PARAM_INT, .lo = 0, .hi = 1000000, .start = 0, .help = "which coalitions" },
	[ARG_WIDTH] = { "width", PARAM_REAL, .lo = 0.01, .hi = 100, .start = 0.25,
			.help = "of the kernel: how near the prompt counts" },
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
	if (!players_init(&f->p, ask, err))
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

static void regress(struct fit *f)
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
}

static void fill_cells(void *with)
{
	struct fit *f = with;

	if (f->samples)
		regress(f);
	players_put(&f->p, f->table, f->beta);
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

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct fit f;
	struct filling filling = { ask, NULL, fill_cells, &f };
	struct table *t;

	if (!fit_init(&f, ask, err) ||
	    !(t = filling.table = f.table = players_table(&f.p, "LIME", "weight",
							  arena_printf(ask->scratch, "estimated from %d samples", f.samples), err)))
		return NULL;
	t->no_edit = "a cell is a weight of a model of many edits; occlusion has what one of them does";
	if (!players_fill(&f.p, f.in, f.samples, f.value, &filling, err))
		return table_if(false, t);
	check_residuals(&f);
	t->footnote = f.samples ? arena_printf(t->arena,
					       "R² %.3f, with none of them %.4g: the nearer R² is to 1, the more the weights say",
					       f.r2, f.intercept)
				: "nothing here can be taken away: the metric is read before it";
	return t;
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
	.help = "The metric is measured with random parts of the prompt taken away, and a weighted regression says what each of "
		"them adds: prompts near the whole one count most. Another seed gives other weights: take more samples when they "
		"differ. R² says how much of the metric such a sum can tell at all; where it is low, words work together, and "
		"Shapley values are the better answer. The ridge draws all weights a little towards 0.",
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
