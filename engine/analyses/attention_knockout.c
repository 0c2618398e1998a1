/*
 * attention_knockout.c - what a position must read from where: the metric when it may not look at one key, for a few layers.
 *
 *   for each (first layer l, key j): metric(run without query → j in all heads of layers l … l+window-1) − metric(run)
 *
 * Geva et al. 2023. mode=mask hides the key before softmax, so that the other weights grow to a sum of 1; mode=zero takes the weight
 * away after it, and leaves the others. These are two experiments: the first asks what the position does without that key, the second
 * what it is worth without what the key gave.
 */
#include "engine/analysis/cause.h"

enum { ARG_MODE, ARG_QUERY, ARG_WINDOW };
enum { MODE_MASK, MODE_ZERO };
static const struct param params[] = {
	[ARG_MODE] = { "mode", .choices = "mask|zero", .help = "hidden before softmax (the rest renormalises), or zero after it (it does not)" },
	[ARG_QUERY] = { "query", .dim = DIM_POSITION, .start = -1, .help = "the position that may not look" },
	[ARG_WINDOW] = { "window", .lo = 1, .hi = SWEEP_EDITS, .start = 3, .help = "in how many layers, from the row's on" },
	{ 0 },
};

/* Every key up to the query, in every window; those that reach beyond the last layer are shorter. */
static struct cause variants(const struct ask *ask)
{
	int L = ask->model->config.L, query = ask->arg[ARG_QUERY], keys = query + 1;
	struct cause c = cause_new(ask, ask->run, ask->foil, L * keys);

	for (int i = 0; i < c.n; i++)
		for (int l = i / keys; l < i / keys + ask->arg[ARG_WINDOW] && l < L; l++)
			cause_edit(&c, i, ask->arg[ARG_MODE] == MODE_MASK ? "scores %d @%d<%d mask" : "pattern %d @%d<%d zero", l, query, i % keys);
	return c;
}

static void cells(struct table *t, const struct cause *c, const void *with)
{
	int keys = *(const int *)with;

	for (int i = 0; i < c->n; i++)
		t->value[table_cell(t, i / keys, i % keys)] = (float)(c->value[i] - c->now);
}

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	struct cause c = variants(ask);
	int keys = ask->arg[ARG_QUERY] + 1;

	if (!cause_fill(&c, t, cells, &keys, err))
		return false;
	t->footnote = arena_printf(t->arena, "%s with all attention: %.6g%s", metric_table[ask->metric->kind].word, c.now,
				   keys < t->cols.n ? "; no query looks ahead" : "");
	return cause_check_strongest(&c, t, "strongest cell, run alone", err);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct table *t = table_new(ask->model->config.L, ask->run->T, err);

	if (!t)
		return NULL;
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_KEY, "key");
	table_set_title(t, "attention knockout · from position %d · %s · windows of %d layer%s from the row's · change of %s", ask->arg[ARG_QUERY],
			ask->arg[ARG_MODE] == MODE_MASK ? "masked before softmax: the rest renormalises" : "zero after softmax: the rest stays",
			ask->arg[ARG_WINDOW], ask->arg[ARG_WINDOW] == 1 ? "" : "s", ask->metric->spec);
	table_set_unit(t, metric_table[ask->metric->kind].unit);
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->skip_first = true;
	t->site = SITE_NONE;
	if (fill(t, ask, err))
		return t;
	table_unref(t);
	return NULL;
}

const struct analysis analysis_attention_knockout = {
	.name = "attention-knockout",
	.title = "Attention knockout",
	.topic = TOPIC_CAUSAL,
	.paper = "Geva et al. 2023",
	.blurb = "How the metric changes when one position may not look at another, for a few layers.",
	.help = "All heads of the window are cut from that key. Negative: what was read there helped. mode=mask hides the key before softmax, and "
		"its weight goes to the other keys; mode=zero takes the weight away and leaves the rest. Cutting the first token often "
		"disturbs much, since heads rest on it when they have nothing to do.",
	.shape = "layer × key",
	.unit = "the metric's",
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
