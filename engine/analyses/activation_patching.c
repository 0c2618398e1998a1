/*
 * activation_patching.c - where the difference between two prompts is carried: one activation of one prompt, put into the other.
 *
 *   noising:    for each place, the foil's value into the prompt's run:  what is needed
 *   denoising:  the prompt's value into the foil's run:                  what suffices
 *   normalised: (m − m_foil) / (m_prompt − m_foil):  1 as on the prompt, 0 as on the foil, in both directions
 *
 * Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024. A place is a layer and a position; of a head, a layer and a head at all
 * positions.
 */
#include "engine/analysis/cause.h"

#include <math.h>

enum { ARG_SITE, ARG_DIRECTION, ARG_SHOW };
enum { NOISING, DENOISING };
enum { SHOW_NORMALISED, SHOW_RAW };
static const struct param params[] = {
	[ARG_SITE] = { "site", .choices = "resid_pre|attn_out|mlp_out|head", .help = "what is patched" },
	[ARG_DIRECTION] = { "direction", .choices = "noising|denoising",
			    .help = "the foil's value into the prompt's run, or the prompt's value into the foil's" },
	[ARG_SHOW] = { "show", .choices = "normalised|raw", .help = "1 = as on the prompt, 0 = as on the foil; or the metric itself" },
	{ 0 },
};

/* The words of a site are SITE's names, but for "head". */
static bool by_head(const struct ask *ask)
{
	return site_argument(ask, params, ARG_SITE) == SITE_NONE;
}

static struct cause variants(const struct ask *ask, int columns)
{
	bool denoising = ask->arg[ARG_DIRECTION] == DENOISING, heads = by_head(ask);
	struct cause c = cause_new(ask, denoising ? ask->foil : ask->run, denoising ? ask->run : ask->foil, ask->model->config.L * columns);

	for (int i = 0; i < c.n; i++) {
		if (heads)
			cause_edit(&c, i, "head %d.%d patch", i / columns, i % columns);
		else
			cause_edit(&c, i, "%s %d @%d patch", site_table[site_argument(ask, params, ARG_SITE)].name, i / columns, i % columns);
	}
	return c;
}

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	struct cause c = variants(ask, t->cols.n);
	double prompt, foil;
	bool normalise = ask->arg[ARG_SHOW] == SHOW_NORMALISED;

	if (!metric_value(ask->metric, ask->run, ask->unedited, &prompt, ask->task, err) ||
	    !metric_value(ask->metric, ask->foil, ask->unedited, &foil, ask->task, err) || !cause_sweep(&c, err))
		return false;
	for (int i = 0; i < c.n; i++)
		t->value[i] = (float)(normalise ? cause_normalised(c.value[i], prompt, foil) : c.value[i]);
	t->footnote = arena_printf(t->arena, "%s: prompt (clean) %.6g, foil (corrupt) %.6g%s", metric_table[ask->metric->kind].word, prompt, foil,
				   normalise && isnan(cause_normalised(0, prompt, foil)) ? "; no difference to normalise by" : "");
	return cause_check_strongest(&c, t, "strongest cell, run alone", err);
}

static void describe(struct table *t, const struct ask *ask)
{
	bool denoising = ask->arg[ARG_DIRECTION] == DENOISING, raw = ask->arg[ARG_SHOW] == SHOW_RAW;
	int n;
	const char *site = param_choice(&params[ARG_SITE], ask->arg[ARG_SITE], &n);

	table_set_title(t, "activation patching · %.*s · %s · %s%s", n, site,
			denoising ? "denoising: the prompt's value into the foil's run" : "noising: the foil's value into the prompt's run",
			ask->metric->spec, raw ? "" : ", 1 = prompt, 0 = foil");
	table_set_unit(t, raw ? metric_table[ask->metric->kind].unit : "normalised");
	axis_numbers(t, &t->rows, DIM_LAYER);
	if (by_head(ask))
		axis_numbers(t, &t->cols, DIM_HEAD);
	else
		axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	t->look = LOOK_HEAT;
	t->scale = denoising && !raw ? SCALE_DIVERGING : SCALE_SEQUENTIAL;	/* noising starts from 1, where nothing happens */
	t->site = by_head(ask) ? SITE_RESULT : site_argument(ask, params, ARG_SITE);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct table *t;

	if (ask->foil->T != ask->run->T) {
		err_set(err, ERR_ARGUMENT, "activation-patching needs prompt and foil of equally many tokens; they have %d and %d", ask->run->T,
			ask->foil->T);
		return NULL;
	}
	if (!(t = table_new(ask->model->config.L, by_head(ask) ? ask->model->config.H : ask->run->T, err)))
		return NULL;
	if (!fill(t, ask, err)) {
		table_unref(t);
		return NULL;
	}
	describe(t, ask);
	return t;
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
	.shape = "layer × position, layer × head",
	.unit = "normalised, or the metric's",
	.needs = NEEDS_FOIL,
	.metrics = METRICS_ALL & ~(1u << METRIC_LOSS),	/* the loss of two prompts is about different tokens */
	.params = params,
	.compute = compute,
};
