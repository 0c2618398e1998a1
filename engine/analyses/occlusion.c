/*
 * occlusion.c - what each token, word or sentence is worth: the metric of the prompt minus the metric without it.
 *
 *   cell of player i: metric(prompt) − metric(prompt with i taken away)          (Zeiler & Fergus 2014; masks: Geva et al. 2023)
 *   window w:         every w neighbouring tokens are taken away together; a token's cell is the mean over the windows that have it
 *
 * How something is taken away is players.h's: each way is an experiment of its own. Positive: it spoke for the metric. What the
 * mark before the prompt and the last token are worth cannot be asked in this way: they are always there.
 */
#include <math.h>

#include "engine/analysis/players.h"

enum { ARG_WINDOW = PLAYERS_PARAM_COUNT };
static const struct param params[] = {
	PLAYERS_PARAMS,
	[ARG_WINDOW] = { "window", PARAM_INT, .lo = 1, .hi = 64, .start = 1,
			 .help = "how many neighbours are taken away together" },
	{ 0 },
};

struct windows {
	struct players p;
	int width, n;	/* players in a window; windows */
	const bool *in; /* [n, p.n] */
	double *value;	/* [n] */
	double now;
	struct table *table;
};

static bool windows_init(struct windows *w, const struct ask *ask, struct err *err)
{
	if (!players_init(&w->p, ask, err))
		return false;
	w->width = ask->arg[ARG_WINDOW] < w->p.n ? ask->arg[ARG_WINDOW] : w->p.n;
	w->n = w->p.n ? w->p.n - w->width + 1 : 0;
	w->in = players_all_but(&w->p, w->width);
	w->value = arena_alloc(ask->scratch, (size_t)(w->n + 1) * sizeof *w->value);
	return true;
}

/* The mean over the windows that have the player; NaN while one of them is not known. */
static double worth(const struct windows *w, int player)
{
	const int from = player - w->width + 1 > 0 ? player - w->width + 1 : 0, to = player < w->n - 1 ? player : w->n - 1;
	double sum = 0;

	for (int i = from; i <= to; i++)
		sum += w->now - w->value[i];
	return sum / (to - from + 1);
}

static void fill_cells(void *with)
{
	const struct windows *w = with;
	double *each = arena_alloc(w->p.ask->scratch, (size_t)(w->p.n + 1) * sizeof *each);

	for (int i = 0; i < w->p.n; i++)
		each[i] = worth(w, i);
	players_put(&w->p, w->table, each);
}

/* The window that moves the metric most, by a run of its own. */
static bool check_strongest(const struct windows *w, struct err *err)
{
	struct table *t = w->table;
	int best = 0;
	double alone;

	for (int i = 1; i < w->n; i++)
		best = fabs(w->value[i] - w->now) > fabs(w->value[best] - w->now) ? i : best;
	if (!w->n)
		return true;
	if (!players_value_alone(&w->p, w->in + (size_t)best * (size_t)w->p.n, &alone, err))
		return false;
	t->check = (struct check){ "strongest, run alone", w->now - alone, w->now - w->value[best], 1e-4 };
	t->check.of = arena_printf(t->arena, "%s", t->rows.show[w->p.row_of[best]]);
	return true;
}

/* What is known of all cells before any of them. */
static void describe(const struct windows *w)
{
	struct table *t = w->table;

	t->footnote = arena_printf(t->arena, "%s with all of them: %.6g; positive: without it that is lower",
				   metric_table[w->p.ask->metric->kind]->word, w->now);
	if (w->width > 1)
		t->no_edit = "a cell is a mean over windows; with window=1 an edit does it";
	else
		players_edits(&w->p, t);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct windows w;
	struct filling filling = { ask, NULL, fill_cells, &w };
	const char *windows;

	if (!windows_init(&w, ask, err) || !metric_value(ask->metric, ask->run, ask->unedited, &w.now, ask->task, err))
		return NULL;
	windows = w.width > 1 ? arena_printf(ask->scratch, "mean over windows of %d", w.width) : NULL;
	if (!(filling.table = w.table = players_table(&w.p, "occlusion", "occlusion", windows, err)))
		return NULL;
	describe(&w);
	return table_if(players_fill(&w.p, w.in, w.n, w.value, &filling, err) && check_strongest(&w, err), w.table);
}

static int runs(const struct ask *ask)
{
	struct windows w;
	struct err err;

	return windows_init(&w, ask, &err) ? players_passes(&w.p, w.in, w.n) + (w.n > 0) : -1;
}

const struct analysis analysis_occlusion = {
	.name = "occlusion",
	.title = "Occlusion",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Zeiler & Fergus 2014, Li et al. 2016",
	.blurb = "How the metric changes when each token, word or sentence is taken away.",
	.help = "Positive: the metric is lower without it, so it spoke for it. mask hides it from all later tokens and leaves "
		"every position where it is; replace and mean put another input there; remove shortens the prompt, and shifts what "
		"comes after. One at a time: of two words that say the same, neither seems to matter (shapley shares it between "
		"them). In a group, tokens still see each other. The first mark and the token at which the metric is read are "
		"always there.",
	.picture = " ‹bos› The ·capital ·of ·France ·is\n"
		   "             ▒▒▒     ·    ███          ███: without it the\n"
		   "                                       answer is gone\n"
		   " the last token and ‹bos› have no number\n"
		   " group=sentence: which sentence mattered\n",
	.shape = "position × quantity, word × quantity, sentence × quantity",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
