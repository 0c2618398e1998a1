/*
 * activation_patching.c - where the difference between two prompts is carried: one activation of one prompt, put into the other.
 *
 * Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024. Directions and measures are those of patching.h, the places those of
 * grid.h.
 */
#include "engine/analysis/patching.h"

/* clang-format off */
static const struct choice patched[] = {
	GRID_RESID_PRE, GRID_ATTN_OUT, GRID_MLP_OUT, GRID_HEAD, GRID_Q, GRID_K, GRID_V, GRID_PATTERN, GRID_RESID_MID,
	GRID_RESID_POST, GRID_Z, GRID_HEAD_POSITION, GRID_NEURON, GRID_EXPERT, GRID_PARTS, { 0 },
};
/* clang-format on */
static const struct param params[] = {
	PATCHING_PARAMS(patched),
	{ 0 },
};

static bool edit(struct cause *c, const struct grid *grid, int cell, struct err *err)
{
	(void)err;
	grid_edit(grid, c, cell, cell, EDIT_PATCH);
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	return patching_map(&(struct patching){ "activation-patching", "activation patching", NULL, EDIT_PATCH, NULL, edit }, ask,
			    params, err);
}

static int runs(const struct ask *ask)
{
	return patching_runs(ask);
}

const struct analysis analysis_activation_patching = {
	.name = "activation-patching",
	.title = "Activation patching",
	.topic = TOPIC_CAUSAL,
	.paper = "Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024",
	.blurb = "How the metric moves when one activation is taken from the other prompt.",
	.help = "Prompt and foil should differ in one thing alone, at equal length. Noising puts the foil's value into the "
		"prompt's run: cells far from 1 are needed. Denoising puts the prompt's value into the foil's run: cells near 1 "
		"suffice. Where several parts do the same work, noising one of them shows little. KL sees every change, also one "
		"that the metric does not look at. Edits act on the prompt's run, not on the foil's.",
	.picture = " layer   When  ·Tom  ·Anna  ·gave  ·to\n"
		   "   3       ·     ·     ·      ·    ██    the answer needs\n"
		   "   2       ·     ·     ·      ·    ██  ← the last token here\n"
		   "   1       ·     ·    ██      ·     ·  ← the name here\n"
		   "   0       ·     ·    ██      ·     ·\n"
		   " Look for the step: where, and in which layer, does what\n"
		   " differs move to the end?\n",
	.shape = "layer × position, layer × head, layer × kv_head, head × position, layer × neuron, layer × component",
	.unit = "normalised, the metric's, or nats",
	.on = ON_RUN | ON_FOIL | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = NEEDS_FOIL,
	.metrics = METRICS_ANY_PROMPT,
	.params = params,
	.compute = compute,
};
