/*
 * atman.c - what less attention to a token does, and to those like it, everywhere in the model (Deiseroth et al. 2023).
 *
 *   in each layer, head and query:  s ← (s − min s) f,  f = 1 − factor for the token's key, 1 for others
 *   keys whose input is similar, cos ≥ similarity, join:  f' = (1 − f)(1 − cos) + f
 *   cell: metric(prompt) − metric(with that)
 *
 * s are the scores as softmax gets them, and their least is over the keys that the query may see: both without effect on softmax
 * unless some are suppressed. With a metric of log-probability a cell is the growth of the loss, as in the paper.
 */
#include <math.h>

#include "engine/analysis/players.h"
#include "engine/numbers/kernels.h"

enum { ARG_FACTOR, ARG_SIMILARITY };
static const struct param params[] = {
	[ARG_FACTOR] = { "factor", PARAM_REAL, .lo = 0, .hi = 1, .start = 0.9, .help = "how much of a score is taken away" },
	[ARG_SIMILARITY] = { "similarity", PARAM_REAL, .lo = 0, .hi = 1, .start = 0.7,
			     .help = "least cosine of the inputs from which a token joins; 1: none but the same" },
	{ 0 },
};

struct manipulation {
	struct players p;
	const bool *in; /* [p.n, p.n] all but one */
	double *value;	/* [p.n] */
	double now;
	struct table *table;
};

/* factor[T] for the keys of a token and of those like it. x[T, D] are the inputs, each of length 1. */
static void similar(const struct ask *ask, const float *x, int token, float *factor)
{
	const size_t D = (size_t)ask->model->config.D;
	const double least = 1 - ask->real[ARG_FACTOR];

	for (int j = 0; j < ask->run->T; j++) {
		const double cosine = (double)kernel_dot(x + (size_t)token * D, x + (size_t)j * D, D);
		const double away = fmin(fmax(1 - cosine, 0), 1);

		factor[j] = cosine >= ask->real[ARG_SIMILARITY] ? (float)((1 - least) * away + least) : 1;
	}
	factor[token] = (float)least;
}

static const float *inputs(const struct ask *ask, struct err *err)
{
	const size_t D = (size_t)ask->model->config.D;
	float *x = arena_floats(ask->scratch, (size_t)ask->run->T * D, err);

	for (int t = 0; x && t < ask->run->T; t++) {
		float *row = x + (size_t)t * D, length;

		model_input(ask->model, ask->run->tokens[t], row);
		length = kernel_norm2(row, D);
		for (size_t i = 0; length > 0 && i < D; i++)
			row[i] /= length;
	}
	return x;
}

/* What suppresses a token and those like it. */
static const struct edit *suppressing(const struct ask *ask, const float *x, int token, struct err *err)
{
	float *factor = arena_floats(ask->scratch, (size_t)ask->run->T, err);
	struct edit *edit = arena_alloc(ask->scratch, sizeof *edit);

	if (!factor)
		return NULL;
	similar(ask, x, token, factor);
	*edit = edit_suppress(factor, ask->run->T, ask->scratch);
	return edit;
}

static bool manipulation_init(struct manipulation *m, const struct ask *ask, struct err *err)
{
	const struct edit **edits;
	const float *x;

	*m = (struct manipulation){ .now = NAN };
	if (!players_of(&m->p, ask, GROUP_TOKEN, HOW_MASK, NULL, err) || !(x = inputs(ask, err)))
		return false;
	edits = arena_alloc(ask->scratch, (size_t)(m->p.n + 1) * sizeof *edits);
	for (int i = 0; i < m->p.n; i++)
		if (!(edits[i] = suppressing(ask, x, m->p.span[i].from, err)))
			return false;
	players_take_by(&m->p, edits);
	m->in = players_all_but(&m->p, 1);
	m->value = arena_alloc(ask->scratch, (size_t)(m->p.n + 1) * sizeof *m->value);
	return true;
}

static void fill_cells(void *with)
{
	const struct manipulation *m = with;
	double *worth = arena_alloc(m->p.ask->scratch, (size_t)(m->p.n + 1) * sizeof *worth);

	for (int i = 0; i < m->p.n; i++)
		worth[i] = m->now - m->value[i];
	players_put(&m->p, m->table, worth);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct manipulation m;
	struct filling filling = { ask, NULL, fill_cells, &m };
	struct table *t;

	if (!manipulation_init(&m, ask, err) || !metric_value(ask->metric, ask->run, ask->unedited, &m.now, ask->task, err) ||
	    !(t = filling.table = m.table = players_table(&m.p, "AtMan", "AtMan", NULL, err)))
		return NULL;
	table_set_title(t, "AtMan", "each token", arena_printf(t->arena, "scores less %g of them", ask->real[ARG_FACTOR]));
	t->no_edit = "no line says this of scores; occlusion with how=mask hides the token altogether";
	t->footnote = arena_printf(t->arena, "%s as it is: %.6g; positive: with less attention to it that is lower",
				   metric_table[ask->metric->kind]->word, m.now);
	return table_if(players_fill(&m.p, m.in, m.p.n, m.value, &filling, err), t);
}

static int runs(const struct ask *ask)
{
	struct manipulation m;
	struct err err;

	return manipulation_init(&m, ask, &err) ? players_passes(&m.p, m.in, m.p.n) : -1;
}

const struct analysis analysis_atman = {
	.name = "atman",
	.title = "AtMan",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Deiseroth et al. 2023",
	.blurb = "How the metric changes when every head looks less at a token, and at those like it.",
	.help = "The scores of the token's key are made smaller in all layers, heads and queries, before softmax; tokens whose "
		"embeddings are similar are suppressed with it, each by how alike it is. Softer than hiding it (occlusion): the "
		"token is still seen. factor=0 changes nothing. A score is what attention compares, so that a token on which the "
		"model rests without reading it counts as well.",
	.picture = " ‹bos› Tom ·has ·a ·red ·ball .\n"
		   "        ░          ▒▒▒  ███    with less attention to ball\n"
		   "                               the answer is gone\n",
	.shape = "position × quantity",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.needs = NEEDS_ATTENTION,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
