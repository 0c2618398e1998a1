/*
 * occlusion.c - what each token, word or sentence is worth: the metric of the prompt minus the metric without it.
 *
 *   cell of player i: metric(prompt) − metric(prompt with i taken away)          (Zeiler & Fergus 2014; masks: Geva et al. 2023)
 *   window w:         every w neighbouring tokens are taken away together; a token's cell is the mean over the windows that have it
 *
 * How something is taken away is players.h's: each way is an experiment of its own. Positive: it spoke for the metric. What the mark
 * before the prompt and the last token are worth cannot be asked in this way: they are always there.
 */
#include <math.h>

#include "engine/analysis/players.h"

enum { ARG_HOW, ARG_WINDOW, ARG_GROUP, ARG_TOKEN };
static const struct param params[] = {
	[ARG_HOW] = PLAYERS_HOW,
	[ARG_WINDOW] = { "window", PARAM_INT, .lo = 1, .hi = 64, .start = 1,
			 .help = "how many neighbours are taken away together" },
	[ARG_GROUP] = PLAYERS_GROUP,
	[ARG_TOKEN] = PLAYERS_TOKEN,
	{ 0 },
};

struct windows {
	struct players p;
	int width, n;  /* players in a window; windows */
	bool *in;      /* [n, p.n] */
	double *value; /* [n] */
	double now;
	struct table *table;
};

static bool windows_init(struct windows *w, const struct ask *ask, struct err *err)
{
	if (!players_init(&w->p, ask, (enum token_group)ask->arg[ARG_GROUP], (enum player_how)ask->arg[ARG_HOW],
			  ask->text[ARG_TOKEN], err))
		return false;
	w->width = ask->arg[ARG_WINDOW] < w->p.n ? ask->arg[ARG_WINDOW] : w->p.n;
	w->n = w->p.n - w->width + 1;
	w->n = w->p.n ? w->n : 0;
	w->in = arena_alloc(ask->scratch, (size_t)(w->n * w->p.n + 1) * sizeof *w->in);
	w->value = arena_alloc(ask->scratch, (size_t)(w->n + 1) * sizeof *w->value);
	for (int i = 0; i < w->n; i++)
		for (int j = 0; j < w->p.n; j++)
			w->in[i * w->p.n + j] = j < i || j >= i + w->width;
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

static void fill_cells(const struct windows *w)
{
	for (int i = 0; i < w->p.rows; i++) {
		const int player = w->p.player[i];

		if (player != NO_PLAYER)
			w->table->value[table_cell(w->table, i, 0)] = player == NO_EFFECT ? 0 : (float)worth(w, player);
	}
}

static void show_so_far(void *context)
{
	const struct windows *w = context;

	if (!ask_watched(w->p.ask))
		return;
	fill_cells(w);
	ask_show(w->p.ask, w->table);
}

static bool sweep(struct windows *w, struct err *err)
{
	struct task *task = w->p.ask->watch ? w->p.ask->task : NULL;
	bool ok;

	if (task) {
		task->piece = show_so_far;
		task->piece_context = w;
	}
	ok = players_values(&w->p, w->in, w->n, w->value, err);
	if (task)
		task->piece = NULL;
	if (ok)
		fill_cells(w);
	return ok;
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

static void describe(struct windows *w)
{
	const struct ask *ask = w->p.ask;
	struct table *t = w->table;

	players_axis(&w->p, t);
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = dim_word(DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "occlusion");
	table_set_title(t, "occlusion", player_groups[ask->arg[ARG_GROUP]].help,
			arena_printf(t->arena, "%s%s", player_hows[ask->arg[ARG_HOW]].word,
				     w->width > 1 ? arena_printf(ask->scratch, ", mean over windows of %d", w->width) : ""));
	table_set_unit(t, metric_unit(ask->metric));
	t->look = LOOK_TOKENS;
	t->scale = SCALE_DIVERGING;
	t->place.site = SITE_EMBED;
	t->footnote = arena_printf(t->arena, "%s with all of them: %.6g; positive: without it that is lower",
				   metric_table[ask->metric->kind].word, w->now);
	if (w->width > 1)
		t->no_edit = "a cell is a mean over windows; with window=1 an edit does it";
	else
		players_edits(&w->p, t, 0);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct windows w;

	if (!windows_init(&w, ask, err) || !metric_value(ask->metric, ask->run, ask->unedited, &w.now, ask->task, err) ||
	    !(w.table = table_new(w.p.rows, 1, err)))
		return NULL;
	describe(&w);
	if (sweep(&w, err) && check_strongest(&w, err))
		return w.table;
	table_unref(w.table);
	return NULL;
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
	.help = "Positive: the metric is lower without it, so it spoke for it. mask hides it from all later tokens and leaves every "
		"position where it is; replace and mean put another input there; remove shortens the prompt, and shifts what comes "
		"after. One at a time: of two words that say the same, neither seems to matter (shapley shares it between them). In a "
		"group, tokens still see each other. The first mark and the token at which the metric is read are always there.",
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
