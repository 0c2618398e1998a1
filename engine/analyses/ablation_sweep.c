/*
 * ablation_sweep.c - what each part is worth: the metric without it, minus the metric with it.
 *
 *   for each place: metric(run with the place's value zeroed, at a mean, or another prompt's) − metric(run)
 *
 * Total effect, through everything that comes after (Olsson et al. 2022; means: Wang et al. 2023; resampling: Chan et al. 2022).
 * at=all removes a part at every position; at=last at the final one alone, which is far cheaper and sees nothing of heads that work
 * at earlier positions, as previous-token heads do. Negative: the part was helping.
 */
#include "engine/analysis/grid.h"

#include <math.h>

enum { ARG_OP = GRID_PARAM_COUNT, ARG_DRAWS, ARG_SAMPLES };
enum { OP_ZERO, OP_MEAN, OP_SAMPLES_MEAN, OP_RESAMPLE };
/* clang-format off */
static const struct choice removed[] = {
	GRID_HEAD, GRID_KV, GRID_ATTN_OUT, GRID_MLP_OUT, GRID_RESID_PRE, GRID_RESID_MID, GRID_RESID_POST, GRID_NEURON, GRID_EXPERT,
	GRID_HEAD_POSITION, GRID_PARTS, { 0 },
};
/* clang-format on */
static const struct choice ops[] = {
	{ "zero", "nothing", OP_ZERO },
	{ "mean", "its mean over the prompt", OP_MEAN },
	{ "samples_mean", "its mean over the prompts of samples=FILE", OP_SAMPLES_MEAN, ON_CORPUS },
	{ "resample", "what it is in some of those prompts", OP_RESAMPLE, ON_CORPUS },
	{ 0 },
};
static const struct param params[] = {
	GRID_PARAMS(removed, "what is removed"),
	[ARG_OP] = { "op", PARAM_CHOICE, .choices = ops, .help = "what is put in its place" },
	[ARG_DRAWS] = { "draws", PARAM_INT, .lo = 1, .hi = 50, .start = 3, .help = "for op=resample: the mean over so many" },
	[ARG_SAMPLES] = { "samples", PARAM_FILE, .file = &asset_prompts,
			  .help = "for op=samples_mean and resample: prompts, as lines or as JSON lines" },
	{ 0 },
};

static bool has_samples(const struct ask *ask, struct err *err)
{
	bool reads = ask->arg[ARG_OP] == OP_SAMPLES_MEAN || ask->arg[ARG_OP] == OP_RESAMPLE;

	return !reads || ask->text[ARG_SAMPLES] ||
	       err_set(err, ERR_ARGUMENT, "this op takes values from a file of prompts, and none is given: samples=FILE");
}

/* A cell's edit in one draw. */
static void edit(struct cause *c, const struct grid *grid, int cell, int variant, int draw)
{
	static const enum edit_op op[] = {
		[OP_ZERO] = EDIT_ZERO, [OP_MEAN] = EDIT_MEAN, [OP_SAMPLES_MEAN] = EDIT_MEAN, [OP_RESAMPLE] = EDIT_RESAMPLE
	};
	const struct ask *ask = c->ask;
	struct edit *edit = grid_edit(grid, c, cell, variant, op[ask->arg[ARG_OP]]);

	if (ask->arg[ARG_OP] == OP_SAMPLES_MEAN || ask->arg[ARG_OP] == OP_RESAMPLE)
		edit->file = arena_strdup(ask->scratch, ask->text[ARG_SAMPLES]);
	edit->seed = draw;
}

/* How many draws a cell is the mean of. */
static int draws_of(const struct ask *ask)
{
	return ask->arg[ARG_OP] == OP_RESAMPLE ? ask->arg[ARG_DRAWS] : 1;
}

static void cells(struct table *t, const struct cause *c, const void *with)
{
	const struct grid *grid = with;
	int cells = grid->rows * grid->cols, draws = c->n / cells;

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

static bool fill(struct table *t, const struct ask *ask, const struct grid *grid, struct err *err)
{
	int n = grid->rows * grid->cols, draws = draws_of(ask);
	struct cause c = cause_new(ask, ask->run, ask->foil, n * draws);

	for (int k = 0; k < draws; k++)
		for (int i = 0; i < n; i++)
			edit(&c, grid, i, k * n + i, k);
	if (draws > 1)
		table_set_errors(t, arena_printf(t->arena, "%d draws", draws));
	return cause_fill(&c, t, cells, grid, err) && cause_check_strongest(&c, t, "strongest cell, run alone", err);
}

static void describe(struct table *t, const struct ask *ask, const struct grid *grid)
{
	static const char *const words[] = { "zero", "mean", "mean of the samples", "resampled" };
	const char *site = param_word(&params[GRID_SITE], ask->arg[GRID_SITE]), *draws = "";

	if (draws_of(ask) > 1)
		draws = arena_printf(ask->scratch, ", mean of %d draws", draws_of(ask));
	table_set_title(t, "ablation", arena_printf(t->arena, "%s%s", site, grid_when(grid)),
			arena_printf(t->arena, "%s%s", words[ask->arg[ARG_OP]], draws));
	table_set_unit(t, metric_unit(ask->metric));
	grid_describe(grid, t);
	t->scale = SCALE_DIVERGING;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct grid grid;
	struct table *t = has_samples(ask, err) && grid_open(ask, &grid, err) ? table_new(grid.rows, grid.cols, err) : NULL;

	if (!t)
		return NULL;
	describe(t, ask, &grid);
	return table_if(fill(t, ask, &grid, err), t);
}

/* Every place, and the strongest alone. */
static int runs(const struct ask *ask)
{
	struct err none = { 0 };
	struct grid grid;

	return grid_open(ask, &grid, &none) ? grid.rows * grid.cols * draws_of(ask) + 1 : 0;
}

const struct analysis analysis_ablation_sweep = {
	.name = "ablation-sweep",
	.title = "Ablation of each part",
	.topic = TOPIC_CAUSAL,
	.paper = "Olsson et al. 2022, Wang et al. 2023, Chan et al. 2022",
	.blurb = "How the metric changes when each head, or another part, is removed, one at a time.",
	.help = "A total effect: what comes after the removed part answers to its absence, and may repair it. Negative: the part "
		"was helping. at=last removes it at the final position alone: cheaper, and blind to heads that work earlier in the "
		"prompt. Zero is harsher than a mean, which leaves what the part always writes; resample puts there what it writes "
		"in other prompts of as many tokens, of the file that samples names.",
	.picture = " layer    0     1     2     3\n"
		   "   3     ·    -1.1    ·    0.4   0.4: the metric is better\n"
		   "   2     ·     ·    -0.9    ·         without this head\n"
		   "   1     ·     ·     ·      ·\n"
		   "   0   -4.2    ·     ·      ·   -4.2: all depends on this\n"
		   " a large cell where head-attribution shows nothing: the\n"
		   " head works through others\n",
	.shape = "layer × head, layer × kv_head, layer × position, layer × neuron, layer × expert, head × position, layer × "
		 "component",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
