/*
 * gradient_x_input.c - which tokens of the prompt the metric answers to, to first order.
 *
 *   x[T, D] the embeddings as they enter layer 0,  g = ∂ metric / ∂ x
 *   gradient_x_input: Σ_d g_d x_d  (Denil et al. 2015)       norm: ‖g‖  (saliency; Simonyan et al. 2014, Li et al. 2016)
 *
 * The products sum to the metric's slope as all embeddings grow together, not to the metric: only a network without norms and softmax
 * would make the two the same. That slope is measured too: the metric with the embeddings a little longer and a little shorter.
 */
#include "engine/analysis/cause.h"

#include "engine/numbers/kernels.h"

enum { ARG_SHOW };
enum { SHOW_PRODUCT, SHOW_NORM };
static const struct choice shown[] = {
	{ "gradient_x_input", "gradient times embedding, which has a sign", SHOW_PRODUCT },
	{ "norm", "the gradient's length alone", SHOW_NORM },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	{ 0 },
};

/* The metric with all embeddings times a factor. */
static bool scaled(const struct ask *ask, double factor, double *value, struct err *err)
{
	const struct run *base = ask->run;
	const char **lines = cause_lines(base, 1, ask->scratch);
	struct run_order order = { .model = ask->model, .tokens = base->tokens, .T = base->T, .prompt_T = base->prompt_T, .edits = lines,
				   .edit_count = base->edits + 1, .unedited = ask->unedited, .foil = ask->foil };
	struct run *r;
	bool ok;

	lines[base->edits] = arena_printf(ask->scratch, "embed 0 scale %.9g", factor);
	r = run_new(&order, ask->task, err);
	ok = r && metric_value(ask->metric, r, ask->unedited, value, ask->task, err);
	run_unref(r);
	return ok;
}

/* The sum against the slope between two runs: as exact as single precision lets a difference be. */
static bool check_slope(struct table *t, const struct ask *ask, double sum, struct err *err)
{
	const double step = 0.02;
	double longer, shorter;

	if (!scaled(ask, 1 + step, &longer, err) || !scaled(ask, 1 - step, &shorter, err))
		return false;
	t->check = (struct check){ "sum = the metric's slope as embeddings grow", (longer - shorter) / (2 * step), sum, 5e-3 };
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	bool product = ask->arg[ARG_SHOW] == SHOW_PRODUCT;
	size_t D = (size_t)ask->model->config.D;
	struct table *t = table_new(ask->run->T, 1, err);
	double sum = 0, value;

	if (!t)
		return NULL;
	for (int i = 0; i < ask->run->T; i++) {
		const float *g = gradient_at(ask->gradient, SITE_EMBED, 0, i);

		t->value[i] = product ? kernel_dot(g, run_at(ask->run, SITE_EMBED, 0, i), D) : kernel_norm2(g, D);
		sum += (double)t->value[i];
	}
	axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "position");
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = dim_word(DIM_QUANTITY);
	axis_label(t, &t->cols, 0, product ? "gradient × input" : "gradient norm");
	table_set_title(t, product ? "gradient × input" : "gradient's length", "tokens", NULL);
	table_set_unit(t, metric_table[ask->metric->kind].unit);
	t->look = LOOK_BARS;
	t->scale = product ? SCALE_DIVERGING : SCALE_SEQUENTIAL;
	t->site = SITE_EMBED;
	if (!metric_value(ask->metric, ask->run, ask->unedited, &value, ask->task, err) || (product && !check_slope(t, ask, sum, err))) {
		table_unref(t);
		return NULL;
	}
	if (product)
		t->footnote = arena_printf(t->arena, "sum %+.4g; the metric is %.4g", sum, value);
	return t;
}

const struct analysis analysis_gradient_x_input = {
	.name = "gradient-x-input",
	.title = "Gradient × input",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Simonyan et al. 2014, Denil et al. 2015",
	.blurb = "How strongly the metric answers to each token of the prompt, to first order.",
	.help = "The gradient of the metric at a token's embedding, times the embedding: positive where the token as it is speaks for the metric. "
		"It sees an infinitely small change: where softmax is saturated, a token that matters can show nothing, and behind a norm an "
		"embedding's own length hardly counts, so that the products are small. The norm says how much any change there would do.",
	.shape = "position × quantity",
	.unit = "the metric's",
	.needs = NEEDS_GRADIENT,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
