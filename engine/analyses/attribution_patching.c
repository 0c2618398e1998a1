/*
 * attribution_patching.c - activation patching of every place at once, to first order, from one backward pass.
 *
 *   (x_foil − x) · ∂ metric / ∂ x        x: a site at (layer, position), or a head's z at all positions
 *
 * An estimate of the metric's change when the foil's value is put into the prompt's run (noising). Nanda 2023; Kramár et al. 2024 on when
 * it misleads: where softmax is saturated, and where two effects cancel. The strongest places can be measured exactly.
 */
#include "engine/analysis/cause.h"

#include <math.h>


enum { ARG_SITE, ARG_EXACT };
static const struct param params[] = {
	[ARG_SITE] = { "site", .choices = "resid_pre|attn_out|mlp_out|head", .help = "what is patched" },
	[ARG_EXACT] = { "exact", .lo = 0, .hi = 200, .start = 0, .help = "how many of the strongest cells are patched in earnest" },
	{ 0 },
};

/* The words of a site are SITE's names, but for "head". */
static bool by_head(const struct ask *ask)
{
	return site_argument(ask, params, ARG_SITE) == SITE_NONE;
}

/* (foil − run) · gradient of n floats from `from` on. */
static double along(const struct ask *ask, enum site site, int layer, int position, size_t from, size_t n)
{
	const float *x = run_at(ask->run, site, layer, position) + from, *foil = run_at(ask->foil, site, layer, position) + from;
	const float *g = gradient_at(ask->gradient, site, layer, position) + from;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((double)foil[i] - (double)x[i]) * (double)g[i];
	return sum;
}

static void estimate(struct table *t, const struct ask *ask)
{
	const struct config *c = &ask->model->config;
	enum site site = by_head(ask) ? SITE_Z : site_argument(ask, params, ARG_SITE);
	size_t K = (size_t)c->K;

	for (int l = 0; l < t->rows.n; l++)
		for (int i = 0; i < t->cols.n; i++) {
			double sum = by_head(ask) ? 0 : along(ask, site, l, i, 0, (size_t)c->D);

			for (int p = 0; by_head(ask) && p < ask->run->T; p++)
				sum += along(ask, site, l, p, (size_t)i * K, K);
			t->value[table_cell(t, l, i)] = (float)sum;
		}
}

/* The n strongest cells, strongest first. */
static int *strongest(const struct table *t, int n, struct arena *arena)
{
	int *cell = arena_alloc(arena, (size_t)n * sizeof *cell), have = 0;

	for (int i = 0; i < t->rows.n * t->cols.n; i++) {
		int at = have < n ? have++ : n;

		for (; at > 0 && fabsf(t->value[cell[at - 1]]) < fabsf(t->value[i]); at--)
			if (at < n)
				cell[at] = cell[at - 1];
		if (at < n)
			cell[at] = i;
	}
	return cell;
}

/*
 * The strongest cells by patching; with `exact`, the values of the table from now on. One is measured in any case, so that the estimate
 * never stands alone.
 */
static bool measure(struct table *t, const struct ask *ask, struct err *err)
{
	int cells = t->rows.n * t->cols.n, asked = ask->arg[ARG_EXACT] < cells ? ask->arg[ARG_EXACT] : cells, n = asked > 1 ? asked : 1;
	int *cell = strongest(t, n, ask->scratch), apart = 0;
	struct cause c = cause_new(ask, ask->run, ask->foil, n);
	double first = (double)t->value[cell[0]];
	struct str s;

	for (int i = 0; i < n; i++) {
		int layer = cell[i] / t->cols.n, col = cell[i] % t->cols.n;

		if (by_head(ask))
			cause_edit(&c, i, "z %d.%d patch", layer, col);
		else
			cause_edit(&c, i, "%s %d @%d patch", site_table[site_argument(ask, params, ARG_SITE)].name, layer, col);
	}
	if (!cause_sweep(&c, err))
		return false;
	for (int i = 0; i < n; i++) {
		double exact = c.value[i] - c.now;

		apart += fabs(exact - (double)t->value[cell[i]]) > fabs(exact) / 2;
		if (asked)
			t->value[cell[i]] = (float)exact;
	}
	str_init(&s);
	str_addf(&s, "strongest, %s %d at layer %d: estimate %+.4g, exactly %+.4g", by_head(ask) ? "head" : "position", cell[0] % t->cols.n,
		 cell[0] / t->cols.n, first, c.value[0] - c.now);
	if (asked > 1)
		str_addf(&s, "; of the %d strongest, %d %s more than half off", asked, apart, apart == 1 ? "was" : "were");
	t->footnote = arena_strdup(t->arena, s.s);
	str_done(&s);
	return !asked || cause_check_strongest(&c, t, "strongest exact cell, run alone", err);
}

static void describe(struct table *t, const struct ask *ask)
{
	int n;
	const char *site = param_choice(&params[ARG_SITE], ask->arg[ARG_SITE], &n);

	table_set_title(t, "attribution patching · %.*s · estimated change of %s with the foil's value%s", n, site, ask->metric->spec,
			ask->arg[ARG_EXACT] ? ", the strongest exact" : "");
	table_set_unit(t, metric_table[ask->metric->kind].unit);
	axis_numbers(t, &t->rows, DIM_LAYER);
	if (by_head(ask))
		axis_numbers(t, &t->cols, DIM_HEAD);
	else
		axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->site = by_head(ask) ? SITE_Z : site_argument(ask, params, ARG_SITE);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct table *t;

	if (ask->foil->T != ask->run->T) {
		err_set(err, ERR_ARGUMENT, "attribution-patching needs prompt and foil of equally many tokens; they have %d and %d", ask->run->T,
			ask->foil->T);
		return NULL;
	}
	if (!(t = table_new(ask->model->config.L, by_head(ask) ? ask->model->config.H : ask->run->T, err)))
		return NULL;
	describe(t, ask);
	estimate(t, ask);
	ask_show(ask, t);
	if (measure(t, ask, err))
		return t;
	table_unref(t);
	return NULL;
}

const struct analysis analysis_attribution_patching = {
	.name = "attribution-patching",
	.title = "Attribution patching",
	.topic = TOPIC_CAUSAL,
	.paper = "Nanda 2023",
	.blurb = "How the metric would move, to first order, when each activation is taken from the other prompt.",
	.help = "All of activation patching's noising maps for the price of one backward pass: a first-order estimate of the metric's change. It is "
		"good for small differences and for writes to the stream, and poor where softmax is saturated or where the whole stream differs, as "
		"in the first layers. exact=20 patches the 20 strongest cells in earnest; the line below says how far off the strongest was.",
	.shape = "layer × position, layer × head",
	.unit = "the metric's",
	.needs = NEEDS_FOIL | NEEDS_GRADIENT,
	.metrics = METRICS_ALL & ~(1u << METRIC_LOSS),	/* the loss of two prompts is about different tokens */
	.params = params,
	.compute = compute,
};
