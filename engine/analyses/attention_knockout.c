/*
 * attention_knockout.c - what a position must read from where: the metric when it may not look there, for a few layers.
 *
 *   cell: metric(run without query → key in all heads of a window of layers) − metric(run)
 *   map=layers     every layer's window × every key, for one query
 *   map=positions  every query × every key, for one layer's window
 *   map=spans      every layer's window × {the keys from … to, the other earlier ones, the query itself}, for one query
 *
 * Geva et al. 2023, whose figures are map=spans: from the last position to the subject, the rest and itself, in windows around each
 * layer. mode=mask hides the key before softmax, so that the other weights grow to a sum of 1; mode=zero takes the weight away
 * after it, and leaves the others. These are two experiments: the first asks what the position does without that key, the second
 * what it is worth without what the key gave.
 */
#include "engine/analysis/interventions.h"

enum { ARG_MODE, ARG_MAP, ARG_QUERY, ARG_WINDOW, ARG_LAYER, ARG_FROM, ARG_TO };
enum { MODE_MASK, MODE_ZERO };
enum { MAP_LAYERS, MAP_POSITIONS, MAP_SPANS };
static const struct choice modes[] = {
	{ "mask", "hidden before softmax; the rest renormalises", MODE_MASK },
	{ "zero", "set to zero after softmax; the rest stays as it is", MODE_ZERO },
	{ 0 },
};
static const struct choice maps[] = {
	{ "layers", "layer × key, for one query", MAP_LAYERS },
	{ "positions", "query × key, in one window of layers", MAP_POSITIONS },
	{ "spans", "layer × three groups of keys, for one query", MAP_SPANS },
	{ 0 },
};
static const struct param params[] = {
	[ARG_MODE] = { "mode", PARAM_CHOICE, .choices = modes, .help = "how the key is taken away" },
	[ARG_MAP] = { "map", PARAM_CHOICE, .choices = maps, .help = "rows and columns" },
	[ARG_QUERY] = { "query", PARAM_DIM, DIM_POSITION, .start = -1,
			.help = "the position that may not look; not for map=positions" },
	[ARG_WINDOW] = { "window", PARAM_INT, .lo = 1, .hi = CAUSE_WINDOW, .start = 3,
			 .help = "in how many layers around that one, as far as there are any" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .help = "of map=positions" },
	[ARG_FROM] = { "from", PARAM_DIM, DIM_POSITION, .pinned = true, .help = "of map=spans: the first key of the span" },
	[ARG_TO] = { "to", PARAM_DIM, DIM_POSITION, .pinned = true, .help = "and its last" },
	{ 0 },
};
enum { SPAN, OTHERS, ITSELF, SPANS };

/* Cells with nothing to cut have no variant. */
struct knockout_variants {
	struct cause cause;
	size_t *cell; /* [cause.n] which cell a variant is */
};

static int window_layer(const struct ask *ask, int row)
{
	return ask->arg[ARG_MAP] == MAP_POSITIONS ? ask->arg[ARG_LAYER] : row;
}

static int query_of(const struct ask *ask, int row)
{
	return ask->arg[ARG_MAP] == MAP_POSITIONS ? row : ask->arg[ARG_QUERY];
}

/* The keys that column `col` cuts off from `query`, as up to two ranges; returns how many. */
static int keys_of(const struct ask *ask, int query, int col, struct cause_window *keys)
{
	int from = ask->arg[ARG_FROM], to = ask->arg[ARG_TO] < query ? ask->arg[ARG_TO] + 1 : query, n = 0;

	if (ask->arg[ARG_MAP] != MAP_SPANS) {
		keys[0] = (struct cause_window){ col, col + 1 };
		return col <= query;
	}
	if (col == ITSELF)
		keys[n++] = (struct cause_window){ query, query + 1 };
	else if (col == SPAN && from < to)
		keys[n++] = (struct cause_window){ from, to };
	if (col == OTHERS && (from < query ? from : query) > 0)
		keys[n++] = (struct cause_window){ 0, from < query ? from : query };
	if (col == OTHERS && from < query && to < query)
		keys[n++] = (struct cause_window){ to, query };
	return n;
}

/* What one cell cuts: in every layer of its window, all that its column names. */
static void describe_cell(struct cause *c, int i, int row, int col)
{
	const struct ask *ask = c->ask;
	struct cause_window layers = cause_window(window_layer(ask, row), ask->arg[ARG_WINDOW], ask->model->config.L), keys[2];
	int query = query_of(ask, row), n = keys_of(ask, query, col, keys);

	for (int l = layers.from; l < layers.to; l++)
		for (int k = 0; k < n && config_mixer(&ask->model->config, l) == MIXER_ATTENTION; k++) {
			bool mask = ask->arg[ARG_MODE] == MODE_MASK;
			struct place place = place_at(mask ? SITE_SCORES : SITE_PATTERN, l, -1, query);

			place_set(&place, DIM_KEY, keys[k].from, keys[k].to - 1);
			cause_edit(c, i, &place, mask ? EDIT_MASK : EDIT_ZERO);
		}
}

/* Is there attention in the window of a row? */
static bool attends(const struct ask *ask, int row)
{
	const struct config *c = &ask->model->config;
	const struct cause_window layers = cause_window(window_layer(ask, row), ask->arg[ARG_WINDOW], c->L);
	int l = layers.from;

	while (l < layers.to && config_mixer(c, l) != MIXER_ATTENTION)
		l++;
	return l < layers.to;
}

/* A variant for every cell that has something to cut. */
static struct knockout_variants cuts_of(const struct ask *ask, const struct table *t)
{
	int all = t->rows.n * t->cols.n, n = 0;
	struct knockout_variants cuts = { cause_new(ask, ask->run, ask->foil, all),
					  arena_alloc(ask->scratch, (size_t)all * sizeof *cuts.cell) };

	for (int i = 0; i < all; i++) {
		struct cause_window keys[2];
		int row = i / t->cols.n, col = i % t->cols.n;

		if (!attends(ask, row) || !keys_of(ask, query_of(ask, row), col, keys))
			continue;
		describe_cell(&cuts.cause, n, row, col);
		cuts.cell[n++] = (size_t)i;
	}
	cuts.cause.n = n;
	cuts.cause.cell = cuts.cell;
	return cuts;
}

static void cells(struct table *t, const struct cause *c, const void *with)
{
	const struct knockout_variants *cuts = with;

	for (int i = 0; i < c->n; i++)
		t->value[cuts->cell[i]] = (float)(c->value[i] - c->now);
}

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	struct knockout_variants cuts = cuts_of(ask, t);
	struct cause *c = &cuts.cause;
	bool blank = c->n < t->rows.n * t->cols.n && ask->arg[ARG_MAP] != MAP_POSITIONS;

	if (!cause_fill(c, t, cells, &cuts, err))
		return false;
	t->footnote = arena_printf(t->arena, "%s with all attention: %.6g%s", metric_table[ask->metric->kind]->word, c->now,
				   blank ? "; no query looks ahead" : "");
	return cause_check_strongest(c, t, "strongest cell, run alone", err);
}

static void label_spans(struct table *t, const struct ask *ask)
{
	struct axis *axis = &t->cols;

	axis->dim = DIM_QUANTITY;
	axis->name = "keys";
	axis_label(t, axis, SPAN, arena_printf(t->arena, "%d…%d", ask->arg[ARG_FROM], ask->arg[ARG_TO]));
	axis_label(t, axis, OTHERS, "others");
	axis_label(t, axis, ITSELF, "itself");
}

static void describe(struct table *t, const struct ask *ask)
{
	bool positions = ask->arg[ARG_MAP] == MAP_POSITIONS, mask = ask->arg[ARG_MODE] == MODE_MASK;
	int window = ask->arg[ARG_WINDOW];
	const char *where = positions ? arena_printf(ask->scratch, "%d layer%s around layer %d", window, window == 1 ? "" : "s",
						     ask->arg[ARG_LAYER])
				      : arena_printf(ask->scratch, "from position %d in %d layer%s around the row's",
						     ask->arg[ARG_QUERY], window, window == 1 ? "" : "s");

	if (positions)
		axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "query");
	else
		axis_numbers(t, &t->rows, DIM_LAYER);
	if (ask->arg[ARG_MAP] == MAP_SPANS)
		label_spans(t, ask);
	else
		axis_tokens(t, &t->cols, ask->run, DIM_KEY, "key");
	table_set_title(t, "attention knockout", where, mask ? "masked before softmax" : "zero after softmax");
	table_set_unit(t, metric_unit(ask->metric));
	t->look = positions ? LOOK_ATTENTION : LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->place = place_at(SITE_ATTN_OUT, positions ? ask->arg[ARG_LAYER] : -1, -1, positions ? -1 : ask->arg[ARG_QUERY]);
	t->explain = METRIC_PART;
	t->explain_other = "all heads of a window of layers are cut, which is no number of the run";
	t->skip_first = ask->arg[ARG_MAP] != MAP_SPANS;
}

static int rows(const struct ask *ask)
{
	return ask->arg[ARG_MAP] == MAP_POSITIONS ? ask->run->T : ask->model->config.L;
}

static int columns(const struct ask *ask)
{
	return ask->arg[ARG_MAP] == MAP_SPANS ? SPANS : ask->run->T;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct table *t;

	if (ask->arg[ARG_MAP] == MAP_SPANS && ask->arg[ARG_FROM] > ask->arg[ARG_TO]) {
		err_set(err, ERR_ARGUMENT, "attention-knockout: the span goes from position %d to %d, which is before it",
			ask->arg[ARG_FROM], ask->arg[ARG_TO]);
		return NULL;
	}
	if (!(t = table_new(rows(ask), columns(ask), err)))
		return NULL;
	describe(t, ask);
	return table_if(fill(t, ask, err), t);
}

/* Every cell that has something to cut, and the strongest alone. */
static int runs(const struct ask *ask)
{
	const int cols = columns(ask);
	int n = 1;

	for (int i = 0; i < rows(ask) * cols; i++) {
		struct cause_window keys[2];

		n += keys_of(ask, query_of(ask, i / cols), i % cols, keys) > 0;
	}
	return n;
}

const struct analysis analysis_attention_knockout = {
	.name = "attention-knockout",
	.title = "Attention knockout",
	.topic = TOPIC_CAUSAL,
	.paper = "Geva et al. 2023",
	.blurb = "How the metric changes when one position may not look at another, for a few layers.",
	.help = "All heads of the window are cut from that key. Negative: what was read there helped. mode=mask hides the key "
		"before softmax, and its weight goes to the other keys; mode=zero takes the weight away and leaves the rest. "
		"Cutting the first token often disturbs much, since heads rest on it when they have nothing to do. map=positions "
		"cuts each position from each, for the window around one layer; map=spans cuts one query from a span (a subject), "
		"from what else is before it, and from itself.",
	.picture = " layer  ‹bos›  ·Tom  ·and  ·Lily  ·to     key\n"
		   "   3      ·     ·     ·    -3.1    ·    ← here the query\n"
		   "   2      ·     ·     ·    -2.6    ·      reads the name\n"
		   "   1      ·     ·     ·      ·     ·\n"
		   "   0    -0.8    ·     ·      ·     ·\n"
		   "          ↑ the first token often matters, as a place\n"
		   "            to rest: it is no finding\n",
	.shape = "layer × key, query × key, layer × keys",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
