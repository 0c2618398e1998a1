/*
 * head_attribution.c - which attention head speaks for the metric, directly.
 *
 *   result[l, h] = z W_O[h] --> final norm, its scale frozen --> · W_U[:, token]
 *
 * The heads' part of direct_attribution.c, head by head. The heads and what is not heads (embedding, MLPs, biases) sum to the
 * metric.
 */
#include "engine/analysis/analysis.h"

#include "engine/analysis/direct_logit.h"

enum { ARG_POSITION };
static const struct param params[] = {
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true,
			   .help = "whose next token: the metric's own unless it is given" },
	{ 0 },
};

/* What a head writes at all positions that the metric reads. */
static double head_share(const struct ask *ask, const struct direct_logit *readout, int layer, int head, float *write)
{
	const struct reading *g = &readout->reading;
	double sum = 0;

	for (int t = g->from; t < g->from + g->n; t++) {
		run_result(ask->run, layer, head, t, write);
		sum += direct_logit_share(readout, t, write);
	}
	return sum;
}

/* What no head wrote. An edit on attn_out puts something else in the heads' place: that is no head either. */
static double not_heads(const struct direct_logit *readout, const double *of_layer)
{
	double sum = 0;

	for (int i = 0; i < readout->pieces; i++) {
		const struct logit_share *p = &readout->piece[i];

		if (p->site != SITE_ATTN_OUT)
			sum += p->share;
		else if (p->replaced)
			sum += p->share - of_layer[p->layer];
	}
	return sum;
}

static bool fill(struct table *t, const struct ask *ask, const struct direct_logit *readout, double *of_layer, struct err *err)
{
	const struct config *c = &ask->model->config;
	float *write = arena_floats(ask->scratch, (size_t)c->D, err); /* [D] */

	if (!write)
		return false;
	for (int l = 0; l < c->L && reading_counts(&readout->reading, SITE_ATTN_OUT, l); l++) { /* those above stay NaN */
		if (!task_step(ask->task, l, c->L, err))
			return false;
		for (int h = 0; h < c->H; h++) {
			double share = head_share(ask, readout, l, h, write);

			t->value[table_cell(t, l, h)] = (float)share;
			of_layer[l] += share;
		}
	}
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	double *of_layer = arena_alloc(ask->scratch, (size_t)c->L * sizeof *of_layer); /* [L] sum over the layer's heads */
	double sum, rest;
	struct direct_logit readout;
	struct table *t;

	if (!direct_logit_init(&readout, ask, ask->arg[ARG_POSITION], err) || !(t = table_new(c->L, c->H, err)))
		return NULL;
	if (!fill(t, ask, &readout, of_layer, err)) {
		table_unref(t);
		return NULL;
	}
	rest = sum = not_heads(&readout, of_layer);
	for (int l = 0; l < c->L; l++)
		sum += of_layer[l];
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	direct_logit_title(&readout, ask, t, "heads");
	table_set_unit(t, metric_unit(ask->metric));
	t->footnote =
		arena_printf(t->arena, "heads %+.2f, rest %+.2f%s", sum - rest, rest,
			     reading_counts(&readout.reading, SITE_ATTN_OUT, c->L - 1) ? "" : "; empty: after what is explained");
	t->check = (struct check){ "heads and the rest sum to the metric", readout.reading.value, sum, 1e-4 };
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->place.site = SITE_RESULT;
	return t;
}

const struct analysis analysis_head_attribution = {
	.name = "head-attribution",
	.title = "Heads: direct attribution",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Wang et al. 2023",
	.blurb = "How much each attention head adds to the metric directly.",
	.help = "Each head's own write, without the layer's bias, through the frozen final norm. The line below says how much is "
		"not heads. A head that prepares another head's work (previous-token, duplicate-token) shows nothing here: ablate "
		"it instead.",
	.picture = " layer    0     1     2     3\n"
		   "   3    0.1   2.9    ·   -1.2   2.9: writes the answer\n"
		   "   2     ·    0.2    ·     ·   -1.2: writes against it\n"
		   "   1     ·     ·     ·     ·\n"
		   "   0     ·     ·     ·     ·    a dot is no proof of\n"
		   " heads of early layers          idleness: they may feed\n"
		   " seldom write it themselves     those above\n",
	.shape = "layer × head",
	.unit = "logit",
	.on = ON_RUN | ON_METRIC,
	.needs = NEEDS_SUM,
	.cost = COST_READ,
	.metrics = METRICS_LINEAR,
	.params = params,
	.compute = compute,
};
