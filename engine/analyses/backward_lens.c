/*
 * backward_lens.c - the backward pass read in words: what a small step of training would make each layer's MLP say.
 *
 *   δ_li = ∂ metric / ∂ mlp_out[l, i] -- final norm --> -- W_U --> a word                  show=gradient
 *   x_li, what the MLP reads there, in the same way                                        show=input
 *
 * The gradients of an MLP's matrices are sums of products of the two, Σ_i n_i δ_iᵀ of W_out with its neurons n: a step of training
 * makes neurons that were active at i write more of δ_i, where the input was like x_i ("imprint and shift"). Katz et al. 2024. The
 * words are those that raise the metric; of the metric `loss`, those that lower it, as training does. A gradient has no length of
 * its own: the final norm gives it one, and so only the order of words counts.
 *
 * The check: an entry of W_out changed by ±ε n_a in all positions, by runs.
 */
#include "engine/analysis/interventions.h"

#include <math.h>
#include <string.h>

#include "engine/analysis/lens_map.h"
#include "engine/numbers/kernels.h"
#include "engine/run/norms.h"

enum { ARG_LAYER, ARG_SHOW, ARG_RANK };
enum { SHOW_GRADIENT, SHOW_INPUT };
static const struct choice shown[] = {
	{ "gradient", "what would be written there to raise the metric", SHOW_GRADIENT },
	{ "input", "what the MLP reads", SHOW_INPUT },
	{ 0 },
};
static const struct param params[] = {
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .words = "all", .start_text = "all", .pinned = true,
			.help = "one layer, or all" },
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "which side of the MLP" },
	[ARG_RANK] = LENS_RANK,
	{ 0 },
};

static int layer_of(const struct ask *ask, int row)
{
	return ask->text[ARG_LAYER] ? row : ask->arg[ARG_LAYER];
}

static const float *slope(const struct ask *ask, int layer, int position)
{
	return gradient_at(ask->gradient, SITE_MLP_OUT, layer, position);
}

/* The MLP's own input: after the norm before it. */
static void read_input(const struct ask *ask, int layer, int position, float *x)
{
	const struct edited_norm place = { ask->model, ask->run->edit_list, ask->run->edits, SITE_LN2, layer };

	norms_apply(&place, position, norms_input(ask->run, SITE_LN2, layer, position), x, NULL);
}

/* A gradient is so short that the final norm's ε would decide: it is made as long as what the norm gives. */
static void read_slope(const struct ask *ask, int layer, int position, float *x)
{
	const size_t D = (size_t)ask->model->config.D;
	const float *d = slope(ask, layer, position), length = kernel_norm2(d, D);
	const float by = length > 0 ? (ask->metric->kind == METRIC_LOSS ? -1.0f : 1.0f) * sqrtf((float)D) / length : 0;

	for (size_t k = 0; k < D; k++)
		x[k] = by * d[k];
}

static void take(const struct ask *ask, const void *context, int row, int from, int n, float *x)
{
	(void)context;
	for (int i = 0; i < n; i++)
		(ask->arg[ARG_SHOW] == SHOW_INPUT ? read_input : read_slope)(ask, layer_of(ask, row), from + i,
									     x + (size_t)i * (size_t)ask->model->config.D);
}

/* The metric does not see it. */
static bool says_nothing(const struct ask *ask, const void *context, int row, int col)
{
	(void)context;
	return ask->arg[ARG_SHOW] == SHOW_GRADIENT &&
	       kernel_norm2(slope(ask, layer_of(ask, row), col), (size_t)ask->model->config.D) == 0;
}

static void set_axis(struct table *t, const struct ask *ask, const void *context)
{
	(void)context;
	t->place.site = SITE_MLP_OUT;
	axis_numbers(t, &t->rows, DIM_LAYER);
	if (!ask->text[ARG_LAYER]) {
		axis_label(t, &t->rows, 0, arena_printf(t->arena, "%d", ask->arg[ARG_LAYER]));
		axis_place(t, &t->rows, 0, place_at(SITE_MLP_OUT, ask->arg[ARG_LAYER], -1, -1));
	}
	t->explain_other = "a word of the gradient is no number of the run";
	t->footnote = ask->arg[ARG_SHOW] == SHOW_INPUT	 ? NULL
		      : ask->metric->kind == METRIC_LOSS ? "what would lower the loss; blank: nothing there changes it"
							 : "what would raise the metric; blank: nothing there changes it";
}

/* ---- the check ---- */

/* An entry of W_out: of the neuron that is the most active where the metric is read, into the channel that counts the most. */
struct weight_entry {
	int layer, neuron, channel, position;
	double expected; /* Σ_i n_a δ_b, times scale */
	float scale;
};

static int strongest(const float *x, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		best = fabsf(x[i]) > fabsf(x[best]) ? i : best;
	return (int)best;
}

/* The highest layer whose MLP has neurons of its own and answers; false: there is none. */
static bool choose(const struct ask *ask, struct weight_entry *e)
{
	const struct config *c = &ask->model->config;
	const int highest = metric_layer(ask->metric, c);

	for (int l = highest; l >= 0; l--)
		for (int i = ask->run->T - 1; i >= 0 && !config_mixes(c, l); i--) {
			const float *n = run_at(ask->run, SITE_MLP_POST, l, i);

			if (kernel_norm2(slope(ask, l, i), (size_t)c->D) == 0 || kernel_norm2(n, (size_t)c->dense) == 0)
				continue;
			*e = (struct weight_entry){
				l, strongest(n, (size_t)c->dense), strongest(slope(ask, l, i), (size_t)c->D), i, 0, 0
			};
			e->scale = kernel_norm2(run_at(ask->run, SITE_MLP_OUT, l, i), (size_t)c->D) / fabsf(n[e->neuron]);
			return true;
		}
	return false;
}

/* The metric with the entry changed by so many times the scale. */
static bool value_at(const struct ask *ask, const struct weight_entry *e, double step, float *rows, double *value, struct err *err)
{
	const size_t D = (size_t)ask->model->config.D;
	const int T = ask->run->T;
	struct edit put = edit_put(place_at(SITE_MLP_OUT, e->layer, -1, -1), rows, 0, T);
	const struct edit *const one = &put;

	memcpy(rows, run_at(ask->run, SITE_MLP_OUT, e->layer, 0), (size_t)T * D * sizeof *rows);
	for (int i = 0; i < T; i++)
		rows[(size_t)i * D + (size_t)e->channel] +=
			(float)step * e->scale * run_at(ask->run, SITE_MLP_POST, e->layer, i)[e->neuron];
	return ask_value_with(ask, ask->metric, &one, 1, value, err);
}

/* Four runs: the slope from a step and half of it, extrapolated. */
static bool check_entry(struct table *t, const struct ask *ask, struct err *err)
{
	static const double steps[] = { 0.04, 0.02 };
	float *rows = arena_floats(ask->scratch, (size_t)ask->run->T * (size_t)ask->model->config.D, err);
	struct weight_entry e;
	double slopes[2];

	if (!rows)
		return false;
	if (!choose(ask, &e))
		return true;
	for (int i = 0; i < ask->run->T; i++)
		e.expected += (double)e.scale * (double)run_at(ask->run, SITE_MLP_POST, e.layer, i)[e.neuron] *
			      (double)slope(ask, e.layer, i)[e.channel];
	for (int k = 0; k < 2; k++) {
		double more, less;

		if (!value_at(ask, &e, steps[k], rows, &more, err) || !value_at(ask, &e, -steps[k], rows, &less, err))
			return false;
		slopes[k] = (more - less) / (2 * steps[k]);
	}
	t->check = (struct check){ "an entry of W_out moves the metric as its gradient says",
				   slopes[1] + (slopes[1] - slopes[0]) / 3, e.expected, 1e-2,
				   arena_printf(t->arena, "neuron %d.%d, channel %d", e.layer, e.neuron, e.channel) };
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const bool input = ask->arg[ARG_SHOW] == SHOW_INPUT;
	const struct lens_map map = { .technique = "backward lens",
				      .object = input ? "what MLPs read" : "what would be written",
				      .rows = ask->text[ARG_LAYER] ? ask->model->config.L : 1,
				      .show = (int)lens_shown[0].value,
				      .rank = ask->arg[ARG_RANK],
				      .take = take,
				      .nothing = says_nothing };
	struct table *t = lens_map(ask, &map, set_axis, err);

	return t ? table_if(input || check_entry(t, ask, err), t) : NULL;
}

static int runs(const struct ask *ask)
{
	return ask->arg[ARG_SHOW] == SHOW_INPUT ? 0 : 4;
}

const struct analysis analysis_backward_lens = {
	.name = "backward-lens",
	.title = "Backward lens",
	.topic = TOPIC_LENS,
	.paper = "Katz et al. 2024",
	.blurb = "What a small step of training would make each layer's MLP say, read through the unembedding.",
	.help = "The gradient of the metric at what an MLP writes is itself a direction of the stream, and so has words: those "
		"that the step would have it write there (of the metric loss, those that lower it). At the last position it is "
		"mostly the answer in the upper layers. show=input reads what comes in: a step ties that to what would be written. "
		"The word counts, its probability hardly does: a gradient has no length of its own.",
	.picture = " layer   ·capital  ·of   ·France   ·is\n"
		   "   3                              ·Paris    to raise the\n"
		   "   2                      ·Paris  ·Paris    logit, MLPs\n"
		   "   1       ·Rome   ·the   ·Paris  ·Rome     would write\n"
		   "   0        ·a     ·the   ·France  ·a       it\n"
		   " blank: nothing there changes the metric\n",
	.shape = "layer × position",
	.unit = "probability",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = NEEDS_GRADIENT,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
