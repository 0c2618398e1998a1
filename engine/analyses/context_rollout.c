/*
 * context_rollout.c - from which input tokens each token's stream comes after all layers up to one: mixing, layer after layer.
 *
 *   R_l = C_l R_{l-1}, R_{-1} = 1                C as context-mixing has it (mixing.h); attention: ½ (mean of heads + 1)
 *   flow                                         the greatest flow through these ½ (mean of heads + 1)        (max_flow.h)
 *
 * Abnar & Zuidema 2020; Kobayashi et al., Mohebbi et al., Ferrando et al. 2022, Modarressi et al. with their own measures. Rollout
 * multiplies shares as if what is mixed stayed in proportion. Rows sum to 1; of the flow they do not, since each cell is a question
 * of its own: it is at least the rollout and at most 1.
 */
#include <math.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/max_flow.h"
#include "engine/analysis/rollout.h"
#include "engine/numbers/pool.h"

enum { ARG_METHOD, ARG_LAYER, ARG_POSITION };
enum { FLOW = MIXING_GLOBENC + 1 };
enum { ALL_PAIRS = 64 }; /* tokens: with more, the flow of one query alone */
static const struct choice methods[] = {
	MIXING_CHOICES,
	{ "flow", "the greatest flow through the mean of the heads and the stream", FLOW },
	{ 0 },
};
static const struct param params[] = {
	[ARG_METHOD] = { "method", PARAM_CHOICE, .choices = methods, .help = "how a token's share is measured in each layer" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .pinned = true, .help = "after which layer" },
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true,
			   .help = "whose flow, in prompts of more than 64 tokens" },
	{ 0 },
};

struct rollout_answer {
	const struct ask *ask;
	struct table *t;
	struct rollout rolled;
	int T, layers;
	float *all;  /* [layers, T, T] of the flow; NULL */
	float *flow; /* [T] of one query */
	int query;
};

static bool roll_out(struct rollout_answer *r, struct err *err)
{
	size_t cells = (size_t)r->T * (size_t)r->T;

	for (int l = 0; l < r->layers; l++) {
		if (!task_step(r->ask->task, l, r->layers, err) || !rollout_step(&r->rolled, l, err))
			return false;
		if (r->all)
			memcpy(r->all + (size_t)l * cells, r->rolled.m.share, cells * sizeof *r->all);
	}
	return true;
}

static const float *row_of(const struct rollout_answer *r, int query)
{
	return r->rolled.share + (size_t)query * (size_t)r->T;
}

static void fill(struct rollout_answer *r)
{
	double worst = 1;

	for (int i = 0; i < r->T; i++) {
		double sum = 0;

		for (int j = 0; j <= i; j++)
			sum += (double)(r->t->value[table_cell(r->t, i, j)] = row_of(r, i)[j]);
		if (!(fabs(sum - 1) <= fabs(worst - 1)))
			worst = sum;
	}
	r->t->check = (struct check){ "rows sum to 1", 1, worst, 1e-4 };
}

/* ---- flow ---- */

static void flow_to(void *context, int source)
{
	struct rollout_answer *r = context;

	r->flow[source] = (float)max_flow(r->all, r->layers, r->T, r->query, source);
}

/* By how much a row is beyond what it can be. */
static double beyond(const struct rollout_answer *r)
{
	const float *rolled = row_of(r, r->query);
	double worst = 0;

	for (int j = 0; j <= r->query; j++) {
		double off = fmax((double)rolled[j] - (double)r->flow[j], (double)r->flow[j] - 1);

		if (!(off <= worst))
			worst = off;
	}
	return worst;
}

static bool fill_flow(struct rollout_answer *r, struct err *err)
{
	const bool one = r->T > ALL_PAIRS;
	const int from = one ? r->ask->arg[ARG_POSITION] : 0, to = one ? from : r->T - 1;
	double worst = 0;

	for (r->query = from; r->query <= to; r->query++) {
		if (!task_step(r->ask->task, r->query - from, to - from + 1, err))
			return false;
		pool_run(r->query + 1, flow_to, r);
		memcpy(r->t->value + table_cell(r->t, r->query, 0), r->flow, ((size_t)r->query + 1) * sizeof *r->flow);
		worst = fmax(worst, beyond(r));
		if (r->query < to && ask_watched(r->ask))
			ask_show(r->ask, r->t);
	}
	r->t->check = (struct check){ "rollout ≤ flow ≤ 1, beyond that", 0, worst, 1e-5 };
	if (one)
		r->t->footnote = arena_printf(r->t->arena, "of more than %d tokens, position %d alone", ALL_PAIRS, from);
	return true;
}

/* ---- the table ---- */

static bool begin(struct rollout_answer *r, const struct ask *ask, struct err *err)
{
	const int method = ask->arg[ARG_METHOD];
	size_t T = (size_t)ask->run->T;

	*r = (struct rollout_answer){ .ask = ask, .T = (int)T, .layers = ask->arg[ARG_LAYER] + 1 };
	if (!rollout_open(&r->rolled, ask->run, method == FLOW ? MIXING_ATTENTION : (enum mixing_method)method, r->T, ask->scratch,
			  ask->task, err))
		return false;
	return method != FLOW || ((r->all = arena_floats(ask->scratch, (size_t)r->layers * T * T, err)) &&
				  (r->flow = arena_floats(ask->scratch, T, err)));
}

static void describe(struct table *t, const struct ask *ask)
{
	axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "query");
	axis_tokens(t, &t->cols, ask->run, DIM_KEY, "source");
	for (int j = 0; j < t->cols.n; j++)
		axis_place(t, &t->cols, j, place_at(SITE_EMBED, 0, -1, j));
	table_set_title(t, "context rollout", arena_printf(t->arena, "layers 0..%d", ask->arg[ARG_LAYER]),
			methods[ask->arg[ARG_METHOD]].word);
	table_set_unit(t, ask->arg[ARG_METHOD] == FLOW ? "flow" : "share");
	t->look = LOOK_ATTENTION;
	t->scale = SCALE_PROBABILITY;
	t->skip_first = true;
}

static int runs(const struct ask *ask)
{
	return mixing_runs(&ask->model->config, (enum mixing_method)ask->arg[ARG_METHOD], ask->run->T, ask->arg[ARG_LAYER] + 1);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct rollout_answer r;
	bool ok;

	if (!begin(&r, ask, err) || !(r.t = table_new(r.T, r.T, err)))
		return NULL;
	describe(r.t, ask);
	task_count_runs(ask->task, runs(ask));
	ok = roll_out(&r, err);
	if (ok && r.all)
		ok = fill_flow(&r, err);
	else if (ok)
		fill(&r);
	if (ok)
		return r.t;
	table_unref(r.t);
	return NULL;
}

const struct analysis analysis_context_rollout = {
	.name = "context-rollout",
	.title = "Context rollout",
	.topic = TOPIC_ATTENTION,
	.paper = "Abnar & Zuidema 2020",
	.blurb =
		"From which input tokens each token's stream comes after all layers, each layer's mixing multiplied into the next.",
	.help = "Rows are queries and sum to 1; a column is an input token. attention counts the stream as half of each layer, the "
		"others measure it. Multiplying shares assumes that what was mixed stays in proportion: a head that reads one "
		"thing of a mixed stream breaks that. flow asks how much could pass at most; its rows do not sum to 1, and in "
		"prompts of more than 64 tokens it is of one position. The first token is left out of the colour range.",
	.picture = " layer 0        rolled out to the last layer\n"
		   " █              █\n"
		   " · █            ▒ █             the last token holds\n"
		   " · ▒ █          · ▓ ▒           the name, though no\n"
		   " · · · █        · ▒ · █         single layer's map\n"
		   " · · · ▒ █      · ▓ · ▒ ▒       shows it\n",
	.shape = "query × source",
	.unit = "share",
	.on = ON_RUN,
	.needs = NEEDS_ATTENTION,
	.cost = COST_RUNS,
	.runs = runs,
	.params = params,
	.compute = compute,
};
