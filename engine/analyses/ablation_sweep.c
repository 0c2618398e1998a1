/*
 * ablation_sweep.c - what each part is worth: the metric without it, minus the metric with it.
 *
 *   for each place: metric(run with the place's value zeroed, at a mean, or another prompt's) − metric(run)
 *
 * Total effect, through everything that comes after (Olsson et al. 2022; means: Wang et al. 2023; resampling: Chan et al. 2022). at=all
 * removes a part at every position; at=last at the final one alone, which is far cheaper and sees nothing of heads that work at earlier
 * positions, as previous-token heads do. Negative: the part was helping.
 */
#include "engine/analysis/places.h"

#include <math.h>

enum { ARG_OP = PLACE_PARAM_COUNT, ARG_DRAWS, ARG_SAMPLES };
enum { OP_ZERO, OP_MEAN, OP_SAMPLES_MEAN, OP_RESAMPLE };
static const struct choice removed[] = {
	PLACE_HEAD, PLACE_KV, PLACE_ATTN_OUT, PLACE_MLP_OUT, PLACE_RESID_PRE, PLACE_RESID_MID, PLACE_RESID_POST, PLACE_NEURON,
	PLACE_HEAD_POSITION, PLACE_PARTS, { 0 },
};
static const struct choice ops[] = {
	{ "zero", "nothing", OP_ZERO },
	{ "mean", "its mean over the prompt", OP_MEAN },
	{ "samples_mean", "its mean over the prompts of samples=FILE", OP_SAMPLES_MEAN, ON_CORPUS },
	{ "resample", "what it is in some of those prompts", OP_RESAMPLE, ON_CORPUS },
	{ 0 },
};
static const struct param params[] = {
	PLACE_PARAMS(removed, "what is removed"),
	[ARG_OP] = { "op", PARAM_CHOICE, .choices = ops, .help = "what is put in its place" },
	[ARG_DRAWS] = { "draws", PARAM_INT, .lo = 1, .hi = 50, .start = 3, .help = "for op=resample: the mean over so many" },
	[ARG_SAMPLES] = { "samples", PARAM_FILE, .help = "for op=samples_mean and resample: prompts, as lines or as JSON lines" },
	{ 0 },
};

/* The edit's op; NULL with a sentence. */
static const char *op_of(const struct ask *ask, int draw, struct err *err)
{
	int op = ask->arg[ARG_OP];

	if (op == OP_ZERO || op == OP_MEAN)
		return op == OP_ZERO ? "zero" : "mean";
	if (!ask->text[ARG_SAMPLES]) {
		err_set(err, ERR_ARGUMENT, "this op takes values from a file of prompts, and none is given: samples=FILE");
		return NULL;
	}
	if (op == OP_SAMPLES_MEAN)
		return arena_printf(ask->scratch, "mean %s", edit_quoted(ask->text[ARG_SAMPLES], ask->scratch));
	return arena_printf(ask->scratch, "resample %s %d", edit_quoted(ask->text[ARG_SAMPLES], ask->scratch), draw);
}

/* How many draws a cell is the mean of. */
static int draws_of(const struct ask *ask)
{
	return ask->arg[ARG_OP] == OP_RESAMPLE ? ask->arg[ARG_DRAWS] : 1;
}

static void cells(struct table *t, const struct cause *c, const void *with)
{
	const struct places *p = with;
	int cells = p->rows * p->cols, draws = c->n / cells;

	for (int i = 0; i < cells; i++) {
		double sum = 0, squares = 0;

		for (int k = 0; k < draws; k++) {
			double change = c->value[k * cells + i] - c->now;

			sum += change;
			squares += change * change;
		}
		t->value[i] = (float)(sum / draws);
		if (t->error)
			t->error[i] = (float)sqrt(fmax(0, squares / draws - sum / draws * (sum / draws)) / (draws - 1));
	}
}

static bool fill(struct table *t, const struct ask *ask, const struct places *p, struct err *err)
{
	int n = p->rows * p->cols, draws = draws_of(ask);
	struct cause c = cause_new(ask, ask->run, ask->foil, n * draws);

	for (int k = 0; k < draws; k++) {
		const char *op = op_of(ask, k, err);

		if (!op)
			return false;
		for (int i = 0; i < n; i++)
			places_edit(p, &c, i, k * n + i, op);
	}
	if (draws > 1)
		table_set_errors(t, arena_printf(t->arena, "%d draws", draws));
	return cause_fill(&c, t, cells, p, err) && cause_check_strongest(&c, t, "strongest cell, run alone", err);
}

static void describe(struct table *t, const struct ask *ask, const struct places *p)
{
	static const char *const words[] = { "zero", "mean", "mean of the samples", "resampled" };
	const char *site = param_word(&params[PLACE_SITE], ask->arg[PLACE_SITE]), *draws = "";

	if (draws_of(ask) > 1)
		draws = arena_printf(ask->scratch, ", mean of %d draws", draws_of(ask));
	table_set_title(t, "ablation", arena_printf(t->arena, "%s%s", site, places_when(p)),
			arena_printf(t->arena, "%s%s", words[ask->arg[ARG_OP]], draws));
	table_set_unit(t, metric_table[ask->metric->kind].unit);
	places_describe(p, t);
	t->scale = SCALE_DIVERGING;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct places p = places_of(ask, params);
	struct table *t = table_new(p.rows, p.cols, err);

	if (!t)
		return NULL;
	describe(t, ask, &p);
	if (fill(t, ask, &p, err))
		return t;
	table_unref(t);
	return NULL;
}

const struct analysis analysis_ablation_sweep = {
	.name = "ablation-sweep",
	.title = "Ablation of each part",
	.topic = TOPIC_CAUSAL,
	.paper = "Olsson et al. 2022, Wang et al. 2023, Chan et al. 2022",
	.blurb = "How the metric changes when each head, or another part, is removed, one at a time.",
	.help = "A total effect: what comes after the removed part answers to its absence, and may repair it. Negative: the part was "
		"helping. at=last removes it at the final position alone: cheaper, and blind to heads that work earlier in the prompt. Zero is "
		"harsher than a mean, which leaves what the part always writes; resample puts there what it writes in other prompts of as many "
		"tokens, of the file that samples names.",
	.picture =
		" layer    0     1     2     3\n"
		"   3     ·    -1.1    ·    0.4   0.4: the metric is better\n"
		"   2     ·     ·    -0.9    ·         without this head\n"
		"   1     ·     ·     ·      ·\n"
		"   0   -4.2    ·     ·      ·   -4.2: all depends on this\n"
		" a large cell where head-attribution shows nothing: the\n"
		" head works through others\n",
	.shape = "layer × head, layer × kv_head, layer × position, layer × neuron, head × position, layer × component",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
