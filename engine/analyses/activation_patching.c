/*
 * activation_patching.c - where the difference between two prompts is carried: one activation of one prompt, put into the other.
 *
 *   noising:    for each place, the foil's value into the prompt's run:  what is needed
 *   denoising:  the prompt's value into the foil's run:                  what suffices
 *   normalised: (m − m_foil) / (m_prompt − m_foil):  1 as on the prompt, 0 as on the foil, in both directions
 *
 * Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024. A place is a layer and a position, or a layer and a head: its write, its
 * queries, keys, values or pattern, at all positions or at the last.
 */
#include "engine/analysis/cause.h"

#include <math.h>

enum { ARG_SITE, ARG_DIRECTION, ARG_SHOW, ARG_AT };
enum { NOISING, DENOISING };
enum { SHOW_NORMALISED, SHOW_RAW };
enum { AT_ALL, AT_LAST };
static const struct param params[] = {
	[ARG_SITE] = { "site", .choices = "resid_pre|attn_out|mlp_out|head|q|k|v|pattern",
		       .help = "what is patched: the first three by position, the others by head" },
	[ARG_DIRECTION] = { "direction", .choices = "noising|denoising",
			    .help = "the foil's value into the prompt's run, or the prompt's value into the foil's" },
	[ARG_SHOW] = { "show", .choices = "normalised|raw", .help = "1 = as on the prompt, 0 = as on the foil; or the metric itself" },
	[ARG_AT] = { "at", .choices = "all|last", .help = "of heads: at which positions" },
	{ 0 },
};

static enum site patched_site(const struct ask *ask)
{
	enum site site = site_argument(ask, params, ARG_SITE);

	return site == SITE_NONE ? SITE_RESULT : site;	/* an edit says "head" */
}

/* What the columns count: heads, KV heads or positions. */
static enum dim column_dim(const struct ask *ask)
{
	enum dim unit = site_table[patched_site(ask)].unit;

	return unit == DIM_NONE ? DIM_POSITION : unit;
}

static struct cause variants(const struct ask *ask, int columns)
{
	bool denoising = ask->arg[ARG_DIRECTION] == DENOISING, heads = column_dim(ask) != DIM_POSITION;
	int n;
	const char *word = param_choice(&params[ARG_SITE], ask->arg[ARG_SITE], &n);
	struct cause c = cause_new(ask, denoising ? ask->foil : ask->run, denoising ? ask->run : ask->foil, ask->model->config.L * columns);

	for (int i = 0; i < c.n; i++) {
		if (heads)
			cause_edit(&c, i, "%.*s %d.%d %spatch", n, word, i / columns, i % columns, ask->arg[ARG_AT] == AT_LAST ? "@-1 " : "");
		else
			cause_edit(&c, i, "%.*s %d @%d patch", n, word, i / columns, i % columns);
	}
	return c;
}

struct ends {
	double prompt, foil;	/* the metric on both */
	bool normalise;
};

static void cells(struct table *t, const struct cause *c, const void *with)
{
	const struct ends *ends = with;

	for (int i = 0; i < c->n; i++)
		t->value[i] = (float)(ends->normalise ? cause_normalised(c->value[i], ends->prompt, ends->foil) : c->value[i]);
}

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	struct cause c = variants(ask, t->cols.n);
	struct ends ends = { .normalise = ask->arg[ARG_SHOW] == SHOW_NORMALISED };

	if (!metric_value(ask->metric, ask->run, ask->unedited, &ends.prompt, ask->task, err) ||
	    !metric_value(ask->metric, ask->foil, ask->unedited, &ends.foil, ask->task, err) || !cause_fill(&c, t, cells, &ends, err))
		return false;
	t->footnote = arena_printf(t->arena, "%s: prompt (clean) %.6g, foil (corrupt) %.6g%s", metric_table[ask->metric->kind].word,
				   ends.prompt, ends.foil, ends.normalise && isnan(cause_normalised(0, ends.prompt, ends.foil)) ? "; no difference to normalise by" : "");
	return cause_check_strongest(&c, t, "strongest cell, run alone", err);
}

static void describe(struct table *t, const struct ask *ask)
{
	bool denoising = ask->arg[ARG_DIRECTION] == DENOISING, raw = ask->arg[ARG_SHOW] == SHOW_RAW;
	int n;
	const char *site = param_choice(&params[ARG_SITE], ask->arg[ARG_SITE], &n);

	table_set_title(t, "activation patching · %.*s%s · %s · %s%s", n, site,
			column_dim(ask) != DIM_POSITION && ask->arg[ARG_AT] == AT_LAST ? " at the last position" : "",
			denoising ? "denoising: the prompt's value into the foil's run" : "noising: the foil's value into the prompt's run",
			ask->metric->spec, raw ? "" : ", 1 = prompt, 0 = foil");
	table_set_unit(t, raw ? metric_table[ask->metric->kind].unit : "normalised");
	axis_numbers(t, &t->rows, DIM_LAYER);
	if (column_dim(ask) == DIM_POSITION)
		axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	else
		axis_numbers(t, &t->cols, column_dim(ask));
	t->look = LOOK_HEAT;
	t->scale = denoising && !raw ? SCALE_DIVERGING : SCALE_SEQUENTIAL;	/* noising starts from 1, where nothing happens */
	t->site = patched_site(ask);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct table *t;

	if (ask->foil->T != ask->run->T) {
		err_set(err, ERR_ARGUMENT, "activation-patching needs prompt and foil of equally many tokens; they have %d and %d", ask->run->T,
			ask->foil->T);
		return NULL;
	}
	if (!(t = table_new(ask->model->config.L, analysis_extent(ask->model, ask->run->T, column_dim(ask)), err)))
		return NULL;
	describe(t, ask);
	if (fill(t, ask, err))
		return t;
	table_unref(t);
	return NULL;
}

const struct analysis analysis_activation_patching = {
	.name = "activation-patching",
	.title = "Activation patching",
	.topic = TOPIC_CAUSAL,
	.paper = "Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024",
	.blurb = "How the metric moves when one activation is taken from the other prompt.",
	.help = "Prompt and foil should differ in one thing alone, at equal length. Noising puts the foil's value into the prompt's run: cells far "
		"from 1 are needed. Denoising puts the prompt's value into the foil's run: cells near 1 suffice. Where several parts do the same "
		"work, noising one of them shows little. Edits act on the prompt's run, not on the foil's.",
	.shape = "layer × position, layer × head, layer × kv_head",
	.unit = "normalised, or the metric's",
	.needs = NEEDS_FOIL,
	.metrics = METRICS_ALL & ~(1u << METRIC_LOSS),	/* the loss of two prompts is about different tokens */
	.params = params,
	.compute = compute,
};
