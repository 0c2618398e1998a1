/*
 * logit_lens.c - the next token each layer would predict if it were the last.
 *
 *   site[L, T, D] -- final norm, its scale taken at that layer --> -- W_U, logit scale, cap --> logits[L, T, V]
 *
 * nostalgebraist 2020, "interpreting GPT: the logit lens". Early layers mislead where the basis drifts: tuned_lens.c. On attn_out
 * and mlp_out it reads what a block adds to the stream, with a norm of its own (Geva et al. 2022).
 */
#include "engine/analysis/lens_map.h"

#include <string.h>

enum { ARG_SITE, ARG_SHOW, ARG_RANK };
static const struct param params[] = {
	[ARG_SITE] = { "site", PARAM_CHOICE, .choices = stream_sites, .help = "what is read" },
	[ARG_SHOW] = LENS_SHOW,
	[ARG_RANK] = LENS_RANK,
	{ 0 },
};

static void take(const struct ask *ask, const void *context, int row, int from, int n, float *x)
{
	const size_t D = (size_t)ask->model->config.D;

	(void)context;
	for (int i = 0; i < n; i++)
		memcpy(x + (size_t)i * D, run_at(ask->run, (enum site)ask->arg[ARG_SITE], row, from + i), D * sizeof *x);
}

static void set_axis(struct table *t, const struct ask *ask, const void *context)
{
	(void)context;
	t->place.site = (enum site)ask->arg[ARG_SITE];
	t->explain = lens_shows_logit(ask->arg[ARG_SHOW]) ? METRIC_LENS : METRIC_NONE;
	axis_numbers(t, &t->rows, DIM_LAYER);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const enum site site = (enum site)ask->arg[ARG_SITE];
	const struct lens_map map = { "logit lens",
				      site == SITE_RESID_POST ? NULL : site_table[site].name,
				      ask->model->config.L,
				      site == SITE_RESID_POST,
				      ask->arg[ARG_SHOW],
				      ask->arg[ARG_RANK],
				      take,
				      NULL };

	return lens_map(ask, &map, set_axis, err);
}

const struct analysis analysis_logit_lens = {
	.name = "logit-lens",
	.title = "Logit lens",
	.topic = TOPIC_LENS,
	.paper = "nostalgebraist 2020",
	.blurb = "The next token each layer would predict if it were the last.",
	.help = "Reads the stream after each layer with the model's own final norm and unembedding; the last row is the model's "
		"output. Early layers may not speak the vocabulary's language yet: a word there is weak evidence. On attn_out and "
		"mlp_out it shows what a block adds, normalised by itself.",
	.picture = " layer   The  ·capital  ·of  ·France  ·is\n"
		   "   3      .      ·of    ·the   ·is    ·Paris   the answer\n"
		   "   2      .      ·of    ·the   ·,     ·Paris   ← is here\n"
		   "   1      ,      ·city  ·a     ·,     ·a       from layer\n"
		   "   0      s      ine    ·a     ·ch    ·not     2 on\n"
		   " Read a column upwards: where does the last word appear,\n"
		   " and does it stay?\n",
	.shape = "layer × position",
	.unit = "probability, logit, rank, nats",
	.on = ON_RUN,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
