/*
 * ablation_sweep.c - what each head is worth: the metric without it, minus the metric with it.
 *
 *   for each (layer, head): metric(run with that head's write zeroed, or at its mean) − metric(run)
 *
 * Total effect, through everything that comes after (Olsson et al. 2022; mean: Wang et al. 2023). at=all removes the head at every
 * position; at=last at the final one alone, which is far cheaper and sees nothing of heads that work at earlier positions, as
 * previous-token heads do. Negative: the head was helping.
 */
#include "engine/analysis/analysis.h"

#include <math.h>

#include "engine/run/sweep.h"

enum { ARG_OP, ARG_AT };
enum { AT_ALL, AT_LAST };
static const struct param params[] = {
	[ARG_OP] = { "op", .choices = "zero|mean", .help = "what is put in the place of the head's write" },
	[ARG_AT] = { "at", .choices = "all|last", .help = "at which positions" },
	{ 0 },
};

/* "head 5.1 @-1 zero" */
static const char *ablation(const struct ask *ask, int layer, int head)
{
	int n;
	const char *op = param_choice(&params[ARG_OP], ask->arg[ARG_OP], &n);

	return arena_printf(ask->scratch, "head %d.%d %s%.*s", layer, head, ask->arg[ARG_AT] == AT_LAST ? "@-1 " : "", n, op);
}

/* The metric of the run with one more edit, by a whole run of its own. */
static bool by_a_run(const struct ask *ask, const char *line, double *value, struct err *err)
{
	const struct run *r = ask->run;
	const char **lines = arena_alloc(ask->scratch, ((size_t)r->edits + 1) * sizeof *lines);
	struct run_order order = { .model = ask->model, .tokens = r->tokens, .T = r->T, .prompt_T = r->prompt_T, .edits = lines,
				   .unedited = ask->unedited, .foil = ask->foil };
	struct run *ablated;
	struct str s;
	bool ok;

	str_init(&s);
	for (int i = 0; i < r->edits; i++) {
		str_clear(&s);
		edit_print(&r->edit[i], &s);
		lines[order.edit_count++] = arena_strdup(ask->scratch, s.s);
	}
	str_done(&s);
	lines[order.edit_count++] = line;
	ablated = run_new(&order, ask->task, err);
	ok = ablated && metric_value(ask->metric, ablated, ask->unedited, value, ask->task, err);
	run_unref(ablated);
	return ok;
}

/* A sweep shares work between its variants; the strongest of them, done again alone, must come out the same. */
static bool check_strongest(struct table *t, const struct ask *ask, const struct sweep_variant *variant, const double *value,
			    double now, int n, struct err *err)
{
	double alone;
	int best = 0;

	for (int i = 1; i < n; i++)
		if (fabs(value[i] - now) > fabs(value[best] - now))
			best = i;
	if (!by_a_run(ask, variant[best].edits[0], &alone, err))
		return false;
	t->check = (struct check){ "strongest head, run alone", alone - now, value[best] - now, 1e-4 };
	return true;
}

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	int H = ask->model->config.H, n = ask->model->config.L * H;
	struct sweep_variant *variant = arena_alloc(ask->scratch, (size_t)n * sizeof *variant);
	double *value = arena_alloc(ask->scratch, (size_t)n * sizeof *value), now;

	for (int i = 0; i < n; i++)
		variant[i] = (struct sweep_variant){ .edits = { ablation(ask, i / H, i % H) }, .edit_count = 1 };
	if (!metric_value(ask->metric, ask->run, ask->unedited, &now, ask->task, err) ||
	    !sweep_metric(ask->run, ask->unedited, ask->foil, ask->metric, variant, n, value, ask->task, err))
		return false;
	for (int i = 0; i < n; i++)
		t->value[i] = (float)(value[i] - now);
	return check_strongest(t, ask, variant, value, now, n, err);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct table *t = table_new(ask->model->config.L, ask->model->config.H, err);
	int n;
	const char *op = param_choice(&params[ARG_OP], ask->arg[ARG_OP], &n);

	if (!t)
		return NULL;
	if (!fill(t, ask, err)) {
		table_unref(t);
		return NULL;
	}
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	table_set_title(t, "ablation of each head · %.*s%s · change of %s", n, op,
			ask->arg[ARG_AT] == AT_LAST ? " at the last position" : "", ask->metric->spec);
	table_set_unit(t, metric_table[ask->metric->kind].unit);
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->site = SITE_RESULT;
	return t;
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
