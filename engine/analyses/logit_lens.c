/*
 * logit_lens.c - the next token each layer would predict if it were the last.
 *
 *   site[L, T, D] -- final norm, its scale taken at that layer --> -- W_U, logit scale, cap --> logits[L, T, V]
 *
 * nostalgebraist 2020, "interpreting GPT: the logit lens". Early layers mislead where the basis drifts: tuned_lens.c. On attn_out
 * and mlp_out it reads what a block adds to the stream, with a norm of its own (Geva et al. 2022); of heads the same for each one.
 */
#include "engine/analysis/lens_map.h"

#include <string.h>

enum { ARG_SITE, ARG_SHOW, ARG_RANK, ARG_LAYER, ARG_POSITION };
static const struct choice sites[] = {
	{ "resid_post", "the stream after a layer", SITE_RESID_POST },
	{ "resid_pre", "the stream before a layer", SITE_RESID_PRE },
	{ "resid_mid", "the stream between attention and MLP", SITE_RESID_MID },
	{ "attn_out", "what attention writes", SITE_ATTN_OUT },
	{ "mlp_out", "what the MLP writes", SITE_MLP_OUT },
	{ "head", "what each head writes: of all layers at one position, or of one layer", SITE_RESULT },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SITE] = { "site", PARAM_CHOICE, .choices = sites, .help = "what is read" },
	[ARG_SHOW] = LENS_SHOW,
	[ARG_RANK] = LENS_RANK,
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .words = "all", .start_text = "all", .pinned = true,
			.help = "with site=head: the heads of one layer, over positions; all: of all layers, at one position" },
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true,
			   .help = "with site=head and layer=all: where heads write" },
	{ 0 },
};

static bool of_heads(const struct ask *ask)
{
	return ask->arg[ARG_SITE] == SITE_RESULT;
}

static bool of_one_layer(const struct ask *ask)
{
	return !ask->text[ARG_LAYER];
}

static void take(const struct ask *ask, const void *context, int row, int from, int n, float *x)
{
	const size_t D = (size_t)ask->model->config.D;

	(void)context;
	for (int i = 0; i < n; i++, x += D)
		if (!of_heads(ask))
			memcpy(x, run_at(ask->run, (enum site)ask->arg[ARG_SITE], row, from + i), D * sizeof *x);
		else if (of_one_layer(ask))
			run_result(ask->run, ask->arg[ARG_LAYER], row, from + i, x);
		else
			run_result(ask->run, row, from + i, ask->arg[ARG_POSITION], x);
}

static void set_axis(struct table *t, const struct ask *ask, const void *context)
{
	const bool heads = of_heads(ask), layer = heads && of_one_layer(ask);

	(void)context;
	t->place = place_at((enum site)ask->arg[ARG_SITE], layer ? ask->arg[ARG_LAYER] : -1, -1,
			    heads && !layer ? ask->arg[ARG_POSITION] : -1);
	t->explain = !heads && lens_shows_logit(ask->arg[ARG_SHOW]) ? METRIC_LENS : METRIC_NONE;
	axis_numbers(t, &t->rows, layer ? DIM_HEAD : DIM_LAYER);
	if (heads && !layer)
		axis_numbers(t, &t->cols, DIM_HEAD);
}

static const char *object_of(const struct ask *ask)
{
	const enum site site = (enum site)ask->arg[ARG_SITE];

	if (site != SITE_RESULT)
		return site == SITE_RESID_POST ? NULL : site_table[site].name;
	return of_one_layer(ask) ? arena_printf(ask->scratch, "heads of layer %d", ask->arg[ARG_LAYER])
				 : arena_printf(ask->scratch, "heads @%d", ask->arg[ARG_POSITION]);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	const bool heads = of_heads(ask), layer = heads && of_one_layer(ask);
	const struct lens_map map = { .technique = "logit lens",
				      .object = object_of(ask),
				      .rows = layer ? c->H : c->L,
				      .cols = heads && !layer ? c->H : 0,
				      .position = ask->arg[ARG_POSITION],
				      .layers = !heads,
				      .ends_in_output = ask->arg[ARG_SITE] == SITE_RESID_POST,
				      .show = ask->arg[ARG_SHOW],
				      .rank = ask->arg[ARG_RANK],
				      .take = take };

	if (heads && !run_has(ask->run, SITE_Z) && !analysis_refuse_stream(analysis_find("logit-lens"), ask->run, err))
		return NULL;
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
		"mlp_out it shows what a block adds, normalised by itself; site=head does that for each head. show=agree: the "
		"layer from which a token's word stays; early ones were easy.",
	.picture = " layer   The  ·capital  ·of  ·France  ·is\n"
		   "   3      .      ·of    ·the   ·is    ·Paris   the answer\n"
		   "   2      .      ·of    ·the   ·,     ·Paris   ← is here\n"
		   "   1      ,      ·city  ·a     ·,     ·a       from layer\n"
		   "   0      s      ine    ·a     ·ch    ·not     2 on\n"
		   " Read a column upwards: where does the last word appear,\n"
		   " and does it stay?\n",
	.shape = "layer × position, layer × head, head × position, position × quantity",
	.unit = "probability, logit, rank, nats, layer",
	.on = ON_RUN,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
