/*
 * activation_patching.c - where the difference between two prompts is carried: one activation of one prompt, put into the other.
 *
 *   noising:    for each place, the foil's value into the prompt's run:  what is needed
 *   denoising:  the prompt's value into the foil's run:                  what suffices
 *   normalised: (m − m_foil) / (m_prompt − m_foil):  1 as on the prompt, 0 as on the foil, in both directions
 *   kl:         KL of the prompt's distribution ‖ the patched run's, where the metric looks
 *
 * Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024. The places are those of places.h.
 */
#include "engine/analysis/places.h"

#include <math.h>

enum { ARG_DIRECTION = PLACE_PARAM_COUNT, ARG_SHOW };
enum { NOISING, DENOISING };
enum { SHOW_NORMALISED, SHOW_RAW, SHOW_KL };
static const struct param params[] = {
	PLACE_PARAMS("resid_pre|attn_out|mlp_out|head|q|k|v|pattern|resid_mid|resid_post|z|head_position|neuron|parts", "what is patched"),
	[ARG_DIRECTION] = { "direction", .choices = "noising|denoising",
			    .help = "the foil's value into the prompt's run, or the prompt's value into the foil's" },
	[ARG_SHOW] = { "show", .choices = "normalised|raw|kl",
		       .help = "1 = as on the prompt, 0 = as on the foil; the metric itself; or KL of the prompt's distribution ‖ the patched one" },
	{ 0 },
};

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

static bool fill(struct table *t, const struct ask *ask, const struct places *p, struct err *err)
{
	bool denoising = ask->arg[ARG_DIRECTION] == DENOISING;
	struct cause c = cause_new(ask, denoising ? ask->foil : ask->run, denoising ? ask->run : ask->foil, p->rows * p->cols);
	struct ends ends = { .normalise = ask->arg[ARG_SHOW] == SHOW_NORMALISED };

	for (int i = 0; i < c.n; i++)
		places_edit(p, &c, i, i, "patch");
	if (!metric_value(ask->metric, ask->run, ask->unedited, &ends.prompt, ask->task, err) ||
	    !metric_value(ask->metric, ask->foil, ask->unedited, &ends.foil, ask->task, err) || !cause_fill(&c, t, cells, &ends, err))
		return false;
	t->footnote = arena_printf(t->arena, "%s: prompt (clean) %.6g, foil (corrupt) %.6g%s", metric_table[ask->metric->kind].word,
				   ends.prompt, ends.foil, ends.normalise && isnan(cause_normalised(0, ends.prompt, ends.foil)) ? "; no difference to normalise by" : "");
	return cause_check_strongest(&c, t, "strongest cell, run alone", err);
}

static void describe(struct table *t, const struct ask *ask, const struct places *p)
{
	bool denoising = ask->arg[ARG_DIRECTION] == DENOISING;
	int n;
	const char *site = param_choice(&params[PLACE_SITE], ask->arg[PLACE_SITE], &n);

	table_set_title(t, "activation patching · %.*s%s · %s · %s%s", n, site, places_when(p),
			denoising ? "denoising: the prompt's value into the foil's run" : "noising: the foil's value into the prompt's run",
			ask->arg[ARG_SHOW] == SHOW_KL ? "KL of the prompt's distribution ‖ the patched run's" : ask->metric->spec,
			ask->arg[ARG_SHOW] == SHOW_NORMALISED ? ", 1 = prompt, 0 = foil" : "");
	table_set_unit(t, ask->arg[ARG_SHOW] == SHOW_NORMALISED ? "normalised" : metric_table[ask->metric->kind].unit);
	places_describe(p, t);
	t->scale = denoising && ask->arg[ARG_SHOW] == SHOW_NORMALISED ? SCALE_DIVERGING : SCALE_SEQUENTIAL;	/* noising starts from 1, where nothing happens */
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	/* KL is a metric like the others, that compares with the prompt's run. */
	struct metric kl = { .kind = METRIC_KL, .target = { -1, -1 }, .position = ask->metric->position };
	struct ask own = *ask;
	struct places p;
	struct table *t;

	if (ask->foil->T != ask->run->T) {
		err_set(err, ERR_ARGUMENT, "activation-patching needs prompt and foil of equally many tokens; they have %d and %d", ask->run->T,
			ask->foil->T);
		return NULL;
	}
	if (ask->arg[ARG_SHOW] == SHOW_KL) {
		own.metric = &kl;
		own.unedited = ask->run;
	}
	p = places_of(&own, params);
	if (!(t = table_new(p.rows, p.cols, err)))
		return NULL;
	describe(t, &own, &p);
	if (fill(t, &own, &p, err))
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
		"work, noising one of them shows little. KL sees every change, also one that the metric does not look at. Edits act on the prompt's "
		"run, not on the foil's.",
	.shape = "layer × position, layer × head, layer × kv_head, head × position, layer × neuron, layer × component",
	.unit = "normalised, the metric's, or nats",
	.needs = NEEDS_FOIL,
	.metrics = METRICS_ALL & ~(1u << METRIC_LOSS),	/* the loss of two prompts is about different tokens */
	.params = params,
	.compute = compute,
};
