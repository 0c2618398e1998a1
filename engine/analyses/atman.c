/*
 * atman.c - what less attention to a token does, and to those like it, everywhere in the model.
 *
 *   in each layer, head and query:  s ← (s − min s) f,  f = 1 − factor for the token's key, 1 for others         (Deiseroth et al. 2023)
 *   keys whose input is similar, cos ≥ similarity, join:  f' = (1 − f)(1 − cos) + f
 *   cell: metric(prompt) − metric(with that)
 *
 * s are the scores as softmax gets them, and their least is over the keys that the query may see: both without effect on softmax
 * unless some are suppressed. With a metric of log-probability a cell is the growth of the loss, as in the paper.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/analysis/players.h"
#include "engine/numbers/kernels.h"
#include "engine/run/coalitions.h"

enum { ARG_FACTOR, ARG_SIMILARITY };
static const struct param params[] = {
	[ARG_FACTOR] = { "factor", PARAM_REAL, .lo = 0, .hi = 1, .start = 0.9, .help = "how much of a score is taken away" },
	[ARG_SIMILARITY] = { "similarity", PARAM_REAL, .lo = 0, .hi = 1, .start = 0.7,
			     .help = "least cosine of the inputs from which a token joins; 1: none but the same" },
	{ 0 },
};

/* A player, and what is suppressed with it. */
struct suppressed {
	struct edit edit;
	int player, first;
};

struct manipulation {
	struct players p;
	struct suppressed *by_first; /* [p.n] in the order in which they first change something */
	const struct edit **edit;    /* [p.n] of by_first, as the question has them */
	int *first;
	bool *in;      /* [p.n, p.n] all but one */
	double *value; /* [p.n] */
	double now;
	struct table *table;
};

static int earlier_first(const void *a, const void *b)
{
	const struct suppressed *x = a, *y = b;

	return x->first != y->first ? x->first - y->first : x->player - y->player;
}

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

static void order_players(struct manipulation *m)
{
	struct arena *scratch = m->p.ask->scratch;
	const size_t n = (size_t)m->p.n;

	qsort(m->by_first, n, sizeof *m->by_first, earlier_first);
	m->edit = arena_alloc(scratch, (n + 1) * sizeof *m->edit);
	m->first = arena_alloc(scratch, (n + 1) * sizeof *m->first);
	m->in = arena_alloc(scratch, n * n + 1);
	for (size_t i = 0; i < n; i++) {
		m->edit[i] = &m->by_first[i].edit;
		m->first[i] = m->by_first[i].first;
		for (size_t j = 0; j < n; j++)
			m->in[i * n + j] = i != j;
	}
}

static bool manipulation_init(struct manipulation *m, const struct ask *ask, struct err *err)
{
	const int T = ask->run->T;
	const float *x;

	*m = (struct manipulation){ .now = NAN };
	if (!players_init(&m->p, ask, GROUP_TOKEN, HOW_MASK, NULL, err) || !(x = inputs(ask, err)))
		return false;
	m->by_first = arena_alloc(ask->scratch, (size_t)(m->p.n + 1) * sizeof *m->by_first);
	m->value = arena_alloc(ask->scratch, (size_t)(m->p.n + 1) * sizeof *m->value);
	for (int i = 0; i < m->p.n; i++) {
		float *factor = arena_floats(ask->scratch, (size_t)T, err);
		struct suppressed *s = &m->by_first[i];

		if (!factor)
			return false;
		similar(ask, x, m->p.span[i].from, factor);
		*s = (struct suppressed){ edit_suppress(factor, T, ask->scratch), i, 0 };
		s->first = edit_first_position(&s->edit);
		s->first = s->first < m->p.span[i].from ? s->first : m->p.span[i].from;
	}
	order_players(m);
	return true;
}

static struct coalitions question(const struct manipulation *m)
{
	const struct ask *ask = m->p.ask;

	return (struct coalitions){ ask->run, ask->unedited, ask->foil, ask->metric, m->p.n, m->edit, m->first };
}

static void fill_cells(const struct manipulation *m)
{
	for (int i = 0; i < m->p.rows; i++)
		if (m->p.player[i] == NO_EFFECT)
			m->table->value[table_cell(m->table, i, 0)] = 0;
	for (int i = 0; i < m->p.n; i++)
		m->table->value[table_cell(m->table, m->p.row_of[m->by_first[i].player], 0)] = (float)(m->now - m->value[i]);
}

static void show_so_far(void *context)
{
	const struct manipulation *m = context;

	if (!ask_watched(m->p.ask))
		return;
	fill_cells(m);
	ask_show(m->p.ask, m->table);
}

static bool sweep(struct manipulation *m, struct err *err)
{
	struct task *task = m->p.ask->watch ? m->p.ask->task : NULL;
	const struct coalitions q = question(m);
	bool ok;

	if (task) {
		task->piece = show_so_far;
		task->piece_context = m;
	}
	ok = coalitions_values(&q, m->in, m->p.n, m->value, m->p.ask->task, err);
	if (task)
		task->piece = NULL;
	if (ok)
		fill_cells(m);
	return ok;
}

static void describe(const struct manipulation *m)
{
	const struct ask *ask = m->p.ask;
	struct table *t = m->table;

	players_axis(&m->p, t);
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = dim_word(DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "AtMan");
	table_set_title(t, "AtMan", "each token", arena_printf(t->arena, "scores less %g of them", ask->real[ARG_FACTOR]));
	table_set_unit(t, metric_unit(ask->metric));
	t->look = LOOK_TOKENS;
	t->scale = SCALE_DIVERGING;
	t->place.site = SITE_EMBED;
	t->no_edit = "no line says this of scores; occlusion with how=mask hides the token altogether";
	t->footnote = arena_printf(t->arena, "%s as it is: %.6g; positive: with less attention to it that is lower",
				   metric_table[ask->metric->kind].word, m->now);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct manipulation m;

	if (!manipulation_init(&m, ask, err) || !metric_value(ask->metric, ask->run, ask->unedited, &m.now, ask->task, err) ||
	    !(m.table = table_new(m.p.rows, 1, err)))
		return NULL;
	describe(&m);
	if (sweep(&m, err))
		return m.table;
	table_unref(m.table);
	return NULL;
}

static int runs(const struct ask *ask)
{
	struct manipulation m;
	struct err err;
	struct coalitions q;

	if (!manipulation_init(&m, ask, &err))
		return -1;
	q = question(&m);
	return coalitions_passes(&q, m.in, m.p.n);
}

const struct analysis analysis_atman = {
	.name = "atman",
	.title = "AtMan",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Deiseroth et al. 2023",
	.blurb = "How the metric changes when every head looks less at a token, and at those like it.",
	.help = "The scores of the token's key are made smaller in all layers, heads and queries, before softmax; tokens whose embeddings are "
		"similar are suppressed with it, each by how alike it is. Softer than hiding it (occlusion): the token is still seen. "
		"factor=0 changes nothing. A score is what attention compares, so that a token on which the model rests without reading "
		"it counts as well.",
	.picture = " ‹bos› Tom ·has ·a ·red ·ball .\n"
		   "        ░          ▒▒▒  ███    with less attention to ball\n"
		   "                               the answer is gone\n",
	.shape = "position × quantity",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
