/*
 * residual_norms.c - how long the residual stream is, layer by layer and token by token.
 *
 *   site[L, T, D] --> sqrt(sum over D of x^2)[L, T]
 *
 * The stream grows roughly exponentially with depth (Heimersheim & Turner 2023); the first token, where attention rests, often
 * is longer by orders of magnitude: it is left out of the colour range.
 */
#include "engine/analysis/analysis.h"

#include "engine/numbers/kernels.h"

enum { ARG_SITE };
static const struct param params[] = {
	[ARG_SITE] = { "site", PARAM_CHOICE, .choices = stream_sites, .help = "what is measured" },
	{ 0 },
};

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	enum site site = (enum site)ask->arg[ARG_SITE];
	struct table *t = table_new(c->L, ask->run->T, err);

	if (!t)
		return NULL;
	for (int l = 0; l < c->L; l++)
		for (int i = 0; i < ask->run->T; i++)
			t->value[table_cell(t, l, i)] = kernel_norm2(run_at(ask->run, site, l, i), (size_t)c->D);
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	table_set_title(t, "norms", site_table[site].name, NULL);
	table_set_unit(t, "L2 norm");
	t->look = LOOK_HEAT;
	t->scale = SCALE_SEQUENTIAL;
	t->skip_first = true;
	t->place.site = site;
	t->explain = METRIC_NORM;
	return t;
}

const struct analysis analysis_residual_norms = {
	.name = "residual-norms",
	.title = "Residual norms",
	.topic = TOPIC_GEOMETRY,
	.paper = "Heimersheim & Turner 2023",
	.blurb = "The length of the residual stream, or of what is written to it, at each layer and token.",
	.help = "A norm says how large a vector is, not whether anything reads it: the final norm divides it out. The first token "
		"is often an outlier and is left out of the colour range.",
	.picture = " layer   ‹bos›  ·When  ·Tom  ·and\n"
		   "   3      ███    ▒▒▒   ▒▒▒   ▒▒▒    longer layer by layer:\n"
		   "   2      ███    ▒▒▒   ▒▒▒   ▒▒▒    each one adds\n"
		   "   1      ███    ░░░   ░░░   ░░░\n"
		   "   0       ·      ·     ·     ·\n"
		   "           ↑ the first token is far longer: heads rest there\n",
	.shape = "layer × position",
	.unit = "L2 norm",
	.on = ON_RUN,
	.cost = COST_READ,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
