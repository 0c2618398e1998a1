/*
 * gradient_x_input.c - which tokens of the prompt the metric answers to, to first order.
 *
 *   x[T, D] the inputs: token embeddings alone, as the family scales them, before learned positions and a norm on them
 *   g = ∂ metric / ∂ x
 *   gradient_x_input: Σ_d g_d x_d  (Denil et al. 2015)
 *   norm: ‖g‖, l1: Σ_d |g_d|       (saliency; Simonyan et al. 2014, Li et al. 2016)
 *
 * So x is what Hugging Face calls inputs_embeds, times the family's scale: learned positions are context, and do not grow with it.
 *
 * The products sum to the metric's slope as all inputs grow together, not to the metric: only a network without norms and softmax
 * would make the two the same. That slope is measured too, by runs with the inputs a little longer and a little shorter.
 */
#include "engine/analysis/interventions.h"

#include <math.h>
#include <stdlib.h>

#include "engine/numbers/kernels.h"

#define TOLERANCE 5e-3 /* of the check */

enum { ARG_SHOW };
enum { SHOW_PRODUCT, SHOW_NORM, SHOW_L1 };
static const struct choice shown[] = {
	{ "gradient_x_input", "gradient times embedding, which has a sign", SHOW_PRODUCT },
	{ "norm", "the gradient's length alone", SHOW_NORM },
	{ "l1", "the sum of the gradient's absolute components", SHOW_L1 },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	{ 0 },
};

/* The metric with all inputs times a factor; `jumps` is set where that sends a token to other experts of a mixture. */
static bool scaled(const struct ask *ask, double factor, double *value, bool *jumps, struct err *err)
{
	const struct run *base = ask->run;
	const size_t D = (size_t)ask->model->config.D;
	float *x = xmalloc((size_t)base->T * D * sizeof *x);
	struct run_order order = { .model = ask->model,
				   .tokens = base->tokens,
				   .T = base->T,
				   .prompt_T = base->prompt_T,
				   .base = base,
				   .unedited = ask->unedited,
				   .foil = ask->foil,
				   .input = x };
	struct run *r;
	bool ok;

	for (int t = 0; t < base->T; t++) {
		run_input(base, t, x + (size_t)t * D);
		for (size_t i = 0; i < D; i++)
			x[(size_t)t * D + i] *= (float)factor;
	}
	r = run_new(&order, ask->task, err);
	free(x);
	ok = r && metric_value(ask->metric, r, ask->unedited, value, ask->task, err);
	*jumps = *jumps || (ok && !run_same_experts(r, base));
	run_unref(r);
	return ok;
}

/* The slope as a difference between two runs. The factors are taken as single precision has them. `jumps` as above. */
static bool difference(const struct ask *ask, double step, double *slope, bool *jumps, struct err *err)
{
	const double long_by = (double)(float)(1 + step), short_by = (double)(float)(1 - step);
	double longer, shorter;

	if (!scaled(ask, long_by, &longer, jumps, err) || !scaled(ask, short_by, &shorter, jumps, err))
		return false;
	*slope = (longer - shorter) / (long_by - short_by);
	return true;
}

/*
 * How far to step, as a share of the inputs' length. Rounding in the two runs is divided by the step, curvature grows with it;
 * Richardson's extrapolation leaves of the latter so little that the step may be as long as keeps rounding at half of what the
 * check allows.
 */
static double step_for(double sum, double value)
{
	const double rounding = 0x1p-20 * fmax(fabs(value), 8);	       /* of a metric: a few bits of logits of that size */
	const double shortest = 1e-3, longest = 3e-2, amplified = 2.7; /* by the extrapolation */

	return fmin(fmax(amplified * rounding / (TOLERANCE / 2 * fmax(1, fabs(sum))), shortest), longest);
}

/* The sum against the slope between runs, extrapolated from steps h and h/2. Across a jump there is none. */
static bool check_slope(struct table *t, const struct ask *ask, double sum, double value, struct err *err)
{
	const double h = step_for(sum, value);
	bool jumps = false;
	double coarse, fine;

	if (!difference(ask, h, &coarse, &jumps, err) || !difference(ask, h / 2, &fine, &jumps, err))
		return false;
	if (jumps)
		t->footnote =
			"a little more or less of all inputs sends a token to other experts: the metric has no slope to check by";
	else
		t->check =
			(struct check){ "sum = the metric's slope as embeddings grow", fine + (fine - coarse) / 3, sum, TOLERANCE };
	return true;
}

static double cell_of(int show, const float *g, const float *x, size_t D)
{
	double sum = 0;

	if (show == SHOW_PRODUCT)
		return (double)kernel_dot(g, x, D);
	if (show == SHOW_NORM)
		return (double)kernel_norm2(g, D);
	for (size_t d = 0; d < D; d++)
		sum += fabs((double)g[d]);
	return sum;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	static const char *const columns[] = { "gradient × input", "gradient norm", "gradient l1" };
	static const char *const titles[] = { "gradient × input", "gradient's length", "gradient's absolute sum" };
	const int show = ask->arg[ARG_SHOW];
	const bool product = show == SHOW_PRODUCT;
	size_t D = (size_t)ask->model->config.D;
	struct table *t = table_new(ask->run->T, 1, err);
	float *g = arena_alloc(ask->scratch, 2 * D * sizeof *g), *x = g + D;
	double sum = 0, value;

	if (!t)
		return NULL;
	for (int i = 0; i < ask->run->T; i++) {
		gradient_input(ask->gradient, i, g);
		run_input(ask->run, i, x);
		t->value[i] = (float)cell_of(show, g, x, D);
		sum += (double)t->value[i];
	}
	axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "position");
	table_set_attribution(t, ask->metric, columns[show]);
	table_set_title(t, titles[show], "tokens", NULL);
	t->look = LOOK_BARS;
	t->scale = product ? SCALE_DIVERGING : SCALE_SEQUENTIAL;
	if (!metric_value(ask->metric, ask->run, ask->unedited, &value, ask->task, err) ||
	    (product && !check_slope(t, ask, sum, value, err))) {
		table_unref(t);
		return NULL;
	}
	if (product)
		t->footnote = arena_printf(t->arena, "sum %+.4g; the metric is %.4g", sum, value);
	return t;
}

/* Two differences of two runs each, for the check. */
static int runs(const struct ask *ask)
{
	return ask->arg[ARG_SHOW] == SHOW_PRODUCT ? 4 : 0;
}

const struct analysis analysis_gradient_x_input = {
	.name = "gradient-x-input",
	.title = "Gradient × input",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Simonyan et al. 2014, Denil et al. 2015",
	.blurb = "How strongly the metric answers to each token of the prompt, to first order.",
	.help = "The gradient of the metric at a token's embedding, times the embedding (the token's alone, before learned "
		"positions): positive where the token as it is speaks for the metric. "
		"It sees an infinitely small change: where softmax is saturated, a token that matters can show nothing, and after "
		"a norm an embedding's own length hardly counts, so that the products are small. The norm says how much any change "
		"there would do.",
	.picture = "            against    for\n"
		   " ·capital        │███▎\n"
		   " ·of             │▏\n"
		   " ·France         │█████████▊   a small change of this token\n"
		   " ·is          ▐██│             moves the metric most\n"
		   " Does the word that should matter have the longest bar?\n",
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
