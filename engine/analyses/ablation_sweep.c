/*
 * ablation_sweep.c - what each head is worth: the metric without it, minus the metric with it.
 *
 *   for each (layer, head): metric(run with that head's write zeroed, or at its mean) − metric(run)
 *
 * Total effect, through everything that comes after (Olsson et al. 2022; mean: Wang et al. 2023). at=all removes the head at every
 * position; at=last at the final one alone, which is far cheaper and sees nothing of heads that work at earlier positions, as
 * previous-token heads do. Negative: the head was helping.
 */
#include "engine/analysis/cause.h"

enum { ARG_OP, ARG_AT };
enum { AT_ALL, AT_LAST };
static const struct param params[] = {
	[ARG_OP] = { "op", .choices = "zero|mean", .help = "what is put in the place of the head's write" },
	[ARG_AT] = { "at", .choices = "all|last", .help = "at which positions" },
	{ 0 },
};

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	int H = ask->model->config.H, length;
	struct cause c = cause_new(ask, ask->run, ask->foil, ask->model->config.L * H);
	const char *op = param_choice(&params[ARG_OP], ask->arg[ARG_OP], &length);

	for (int i = 0; i < c.n; i++)
		cause_edit(&c, i, "head %d.%d %s%.*s", i / H, i % H, ask->arg[ARG_AT] == AT_LAST ? "@-1 " : "", length, op);
	return cause_fill(&c, t, cause_changes, NULL, err) && cause_check_strongest(&c, t, "strongest head, run alone", err);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct table *t = table_new(ask->model->config.L, ask->model->config.H, err);
	int n;
	const char *op = param_choice(&params[ARG_OP], ask->arg[ARG_OP], &n);

	if (!t)
		return NULL;
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	table_set_title(t, "ablation of each head · %.*s%s · change of %s", n, op,
			ask->arg[ARG_AT] == AT_LAST ? " at the last position" : "", ask->metric->spec);
	table_set_unit(t, metric_table[ask->metric->kind].unit);
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->site = SITE_RESULT;
	if (fill(t, ask, err))
		return t;
	table_unref(t);
	return NULL;
}

const struct analysis analysis_ablation_sweep = {
	.name = "ablation-sweep",
	.title = "Ablation of each head",
	.topic = TOPIC_CAUSAL,
	.paper = "Olsson et al. 2022",
	.blurb = "How the metric changes when each head is removed, one at a time.",
	.help = "A total effect: what comes after the removed head answers to its absence, and may repair it. Negative: the head was "
		"helping. at=last removes it at the final position alone: cheaper, and blind to heads that work earlier in the prompt. Zero is "
		"harsher than mean, which leaves what the head always writes.",
	.shape = "layer × head",
	.unit = "the metric's",
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
