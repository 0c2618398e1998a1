/*
 * activation_patching.c - where the difference between two prompts is carried: one activation of one prompt, put into the other.
 *
 * Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024. Directions and measures are those of patching.h, the places those of places.h.
 */
#include "engine/analysis/patching.h"

static const struct choice patched[] = {
	PLACE_RESID_PRE, PLACE_ATTN_OUT, PLACE_MLP_OUT, PLACE_HEAD, PLACE_Q, PLACE_K, PLACE_V, PLACE_PATTERN, PLACE_RESID_MID,
	PLACE_RESID_POST, PLACE_Z, PLACE_HEAD_POSITION, PLACE_NEURON, PLACE_PARTS, { 0 },
};
static const struct param params[] = {
	PATCHING_PARAMS(patched),
	{ 0 },
};

static bool edit(struct cause *c, const struct places *p, int cell, struct err *err)
{
	(void)err;
	places_edit(p, c, cell, cell, "patch");
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	return patching_map(&(struct patching){ "activation-patching", "activation patching", NULL, "patch", edit }, ask, params, err);
}

const struct analysis analysis_activation_patching = {
	.name = "activation-patching",
	.title = "Activation patching",
	.topic = TOPIC_CAUSAL,
	.paper = "Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024",
	.blurb = "How the metric moves when one activation is taken from the other prompt.",
	.help = "Prompt and foil should differ in one thing alone, at equal length. Noising puts the foil's value into the prompt's run: cells far "
		"from 1 are needed. Denoising puts the prompt's value into the foil's run: cells near 1 suffice. Where several parts do the same "
		"work, noising one of them shows little. KL sees every change, also one that the metric does not look at. Edits act on the prompt's "
		"run, not on the foil's.",
	.picture =
		" layer   When  ·Tom  ·Anna  ·gave  ·to\n"
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
	.needs = NEEDS_FOIL,
	.metrics = PATCHING_METRICS,
	.params = params,
	.compute = compute,
};
