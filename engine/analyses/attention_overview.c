/*
 * attention_overview.c - every head at a glance: one number of its attention pattern, mean over queries 1 … n-1.
 *
 *   entropy   −Σ_j A[i,j] log2 A[i,j]    bits: 0 looks at one key
 *   first     A[i, 0]                    how much rests on the first token
 *   previous  A[i, i-1]                  a previous-token head is near 1
 *   patterns  1 − A[i, 0]                and the pattern itself, pooled to at most 8 × 8
 *
 * Query 0 sees only itself and says nothing.
 */
#include "engine/analysis/analysis.h"

#include <math.h>

#include "engine/analysis/attention_check.h"

enum { ARG_SHOW };
enum { SHOW_ENTROPY, SHOW_FIRST, SHOW_PREVIOUS, SHOW_PATTERNS };
enum { TILE = 8 }; /* dots a side: long patterns are pooled to so many */
static const struct choice shown[] = {
	{ "entropy", "how spread the attention is", SHOW_ENTROPY },
	{ "first", "the share of the first key", SHOW_FIRST },
	{ "previous", "the share of the key before", SHOW_PREVIOUS },
	{ "patterns", "a small picture of each head's pattern", SHOW_PATTERNS },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	{ 0 },
};

static double entropy(const float *weight, int query)
{
	double bits = 0;

	for (int j = 0; j <= query; j++)
		if (weight[j] > 0)
			bits -= (double)weight[j] * log2((double)weight[j]);
	return bits;
}

static double first(const float *weight, int query)
{
	(void)query;
	return (double)weight[0];
}

static double previous(const float *weight, int query)
{
	return (double)weight[query - 1];
}

static double elsewhere(const float *weight, int query)
{
	return 1 - first(weight, query);
}

static const struct {
	double (*of)(const float *weight, int query);
	const char *title, *unit;
	enum scale scale;
} shows[] = {
	[SHOW_ENTROPY] = { entropy, "entropy", "bits", SCALE_SEQUENTIAL },
	[SHOW_FIRST] = { first, "to the first token", "weight", SCALE_PROBABILITY },
	[SHOW_PREVIOUS] = { previous, "to the previous token", "weight", SCALE_PROBABILITY },
	[SHOW_PATTERNS] = { elsewhere, "patterns", "weight", SCALE_PROBABILITY },
};

/*
 * The head's pattern as tile[n, n]: of each square of queries and keys the largest weight. Without the first key, or else all heads
 * look alike. NaN: no query there sees such a key.
 */
static void fill_tile(const struct run *r, int layer, int head, int n, float *tile)
{
	for (int i = 0; i < r->T; i++) {
		const float *weight = run_pattern(r, layer, head, i);

		for (int j = 1; j <= i; j++) {
			float *dot = &tile[i * n / r->T * n + j * n / r->T];

			*dot = isnan(*dot) || weight[j] > *dot ? weight[j] : *dot;
		}
	}
}

static float mean_over_queries(const struct run *r, int layer, int head, int show, struct check *check)
{
	double sum = 0;

	for (int i = 1; i < r->T; i++) {
		const float *weight = run_pattern(r, layer, head, i);

		pattern_check_row(check, weight, r->T);
		sum += shows[show].of(weight, i);
	}
	return (float)(sum / (r->T - 1));
}

/* The mean entropy of a head that looks at all keys alike. */
static double evenly_spread(int T)
{
	double bits = 0;

	for (int i = 1; i < T; i++)
		bits += log2(i + 1.0);
	return T > 1 ? bits / (T - 1) : 0;
}

static void describe(struct table *t, const struct ask *ask)
{
	const int show = ask->arg[ARG_SHOW];

	if (!pattern_is_edited(ask->run, -1))
		pattern_check_init(&t->check);
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	table_set_title(t, "attention", "all heads", shows[show].title);
	table_set_unit(t, shows[show].unit);
	t->look = show == SHOW_PATTERNS ? LOOK_TILES : LOOK_HEAT;
	if (show == SHOW_PATTERNS) {
		int n = ask->run->T < TILE ? ask->run->T : TILE;

		table_set_tiles(t, n, n);
		t->footnote = arena_printf(t->arena, "%s%d × %d, without the first key", n < ask->run->T ? "the strongest of " : "",
					   n, n);
	}
	if (ask->run->T == 1)
		t->footnote = "one token alone: there is nothing to look back at";
	t->scale = shows[show].scale;
	if (show == SHOW_ENTROPY) { /* to look at all alike is not to look */
		t->neutral = (float)evenly_spread(ask->run->T);
		t->meaning = arena_printf(t->arena, "0 = one key, %.2f = all alike", evenly_spread(ask->run->T));
	}
	t->place.site = SITE_PATTERN;
	t->explain = METRIC_PART;
	t->explain_other = "a mean over queries is no number of the run";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	struct table *t = table_new(c->L, c->H, err);

	if (!t)
		return NULL;
	describe(t, ask);
	for (int i = 0; i < c->L * c->H && ask->run->T > 1; i++)
		t->value[i] = NAN;
	for (int l = 0; l < c->L && ask->run->T > 1; l++) {
		if (!task_step(ask->task, l, c->L, err)) {
			table_unref(t);
			return NULL;
		}
		if (config_mixer(c, l) != MIXER_ATTENTION)
			continue;
		for (int h = 0; h < c->H; h++)
			t->value[table_cell(t, l, h)] = mean_over_queries(ask->run, l, h, ask->arg[ARG_SHOW], &t->check);
		for (int h = 0; h < c->H && t->tile; h++)
			fill_tile(ask->run, l, h, t->tile_rows,
				  t->tile + table_cell(t, l, h) * (size_t)(t->tile_rows * t->tile_cols));
		if (ask_watched(ask))
			ask_show(ask, t);
	}
	return t;
}

const struct analysis analysis_attention_overview = {
	.name = "attention-overview",
	.title = "Attention of all heads",
	.topic = TOPIC_ATTENTION,
	.blurb = "Every head's attention at a glance: its entropy, how much goes to the first or the previous token, or its "
		 "pattern.",
	.help = "Mean over all queries but the first. Low entropy: the head looks at one key. Much weight on the first token: the "
		"head rests. Much on the previous token: it feeds induction heads of later layers. show=patterns draws every "
		"head's pattern: a diagonal is a previous-token head, a column a place where heads rest; the number is what does "
		"not go to the first token.",
	.picture = " layer  head 0  head 1  head 2\n"
		   "   2     .91     .88     .12   ← low: looks at one key\n"
		   "   1     .85     .90     .79\n"
		   "   0     .03     .64     .71\n"
		   "          ↑ with show=previous, 1 is a previous-token head,\n"
		   "            which feeds induction heads of later layers\n",
	.shape = "layer × head",
	.unit = "bits, weight",
	.on = ON_RUN,
	.cost = COST_READ,
	.params = params,
	.compute = compute,
};
