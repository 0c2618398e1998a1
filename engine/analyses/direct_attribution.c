/*
 * direct_attribution.c - which writer to the residual stream speaks for the metric, directly.
 *
 *   logit = (embed + Σ attn + Σ mlp + biases) -- final norm, its scale frozen --> · W_U[:, token] + b_U[token]
 *
 * A row is one writer's share; the rows sum to the metric, before a logit cap. It counts the direct path alone: what a writer does
 * through later layers is theirs here, and a later layer may erase what an earlier one wrote (Dao et al. 2023).
 */
#include "engine/analysis/analysis.h"

#include "engine/analysis/readout.h"

enum { ARG_POSITION };
static const struct param params[] = {
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true,
			   .help = "whose next token: the metric's own unless it is given" },
	{ 0 },
};

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct readout readout;
	struct table *t;
	double sum = 0;

	if (!readout_init(&readout, ask, ask->arg[ARG_POSITION], err) || !(t = table_new(readout.pieces, 1, err)))
		return NULL;
	t->rows.dim = DIM_COMPONENT;
	t->rows.name = dim_word(DIM_COMPONENT);
	for (int i = 0; i < readout.pieces; i++) {
		const struct piece *p = &readout.piece[i];

		axis_label(t, &t->rows, i, p->name);
		axis_place(t, &t->rows, i, place_at(p->site, p->layer, -1, -1));
		t->value[i] = (float)p->share;
		sum += p->share;
	}
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = dim_word(DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "contribution");
	readout_title(&readout, ask, t, "all parts");
	table_set_unit(t, "logit");
	t->check = (struct check){ "rows sum to the metric", readout.metric, sum, 1e-4 };
	t->look = LOOK_BARS;
	t->scale = SCALE_DIVERGING;
	return t;
}

const struct analysis analysis_direct_attribution = {
	.name = "direct-attribution",
	.title = "Direct attribution",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Elhage et al. 2021",
	.blurb = "How much each layer's attention and MLP, and the embedding, add to the metric directly.",
	.help = "The rows sum to the logit (or logit difference) before a cap, with the final norm's scale frozen at its own value. Only "
		"the direct path is counted: a writer that works through later layers shows nothing here, and later layers may "
		"erase what earlier ones wrote.",
	.picture =
		"            − against    for +\n"
		" 3.mlp             │████████████▉   few long bars: these\n"
		" 3.attn            │████████▍       write the answer\n"
		" 2.attn            │██▋\n"
		" 2.mlp          ▐██│                one on the left: it\n"
		" 1.attn            │▏               writes against it\n"
		" embed             │                they sum to the metric\n",
	.shape = "component × quantity",
	.unit = "logit",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_READ,
	.needs = READS_STREAM,
	.metrics = METRICS_LINEAR,
	.params = params,
	.compute = compute,
};
