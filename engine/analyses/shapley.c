/*
 * shapley.c - what each token, word or sentence is worth on average over all that may be there besides.
 *
 *   φ_i = Σ_{S without i} |S|! (n - |S| - 1)! / n! · (f(S ∪ i) − f(S))          (Shapley 1953; f: the metric when S alone is there)
 *
 * Up to 12 players all coalitions are tried. With more, φ is the mean over permutations of what a player adds to those before it
 * (Castro et al. 2009), each permutation with its reverse (Mitchell et al. 2022): the two tell of the same order, so that the
 * standard error is that of the means of pairs. The values sum to f(all) − f(none) either way: for every permutation they do.
 */
#include <math.h>

#include "engine/analysis/players.h"
#include "engine/numbers/noise.h"

enum { MOST_EXACT = 12 };
enum { ARG_SAMPLES = PLAYERS_PARAM_COUNT, ARG_SEED };
static const struct param params[] = {
	PLAYERS_PARAMS,
	[ARG_SAMPLES] = { "samples", PARAM_INT, .lo = 2, .hi = 2000, .start = 200,
			  .help = "permutations, with more than 12 of them" },
	[ARG_SEED] = { "seed", PARAM_INT, .lo = 0, .hi = 1000000, .start = 0, .help = "which permutations" },
	{ 0 },
};

struct game {
	struct players p;
	int pairs, done; /* of permutations; 0: all coalitions */
	bool *in;	 /* [count, p.n] those that are asked now */
	double *value;	 /* [count] */
	int count;
	double *weight;	       /* [p.n] of a coalition without a player, by its size */
	double *sum, *squares; /* [p.n] over pairs */
	double all, none;
	struct table *table;
};

static bool game_init(struct game *g, const struct ask *ask, struct err *err)
{
	*g = (struct game){ .all = NAN };
	if (!players_init(&g->p, ask, err))
		return false;
	g->pairs = g->p.n > MOST_EXACT ? (ask->arg[ARG_SAMPLES] + 1) / 2 : 0;
	g->sum = arena_alloc(ask->scratch, (size_t)(g->p.n + 1) * sizeof *g->sum);
	g->squares = arena_alloc(ask->scratch, (size_t)(g->p.n + 1) * sizeof *g->squares);
	return true;
}

static void make_room(struct game *g, int count)
{
	g->count = count;
	g->in = arena_alloc(g->p.ask->scratch, ((size_t)count * (size_t)g->p.n + 1) * sizeof *g->in);
	g->value = arena_alloc(g->p.ask->scratch, (size_t)(count + 1) * sizeof *g->value);
}

static double *worth_new(const struct game *g)
{
	return arena_alloc(g->p.ask->scratch, (size_t)(g->p.n + 1) * sizeof(double));
}

/* ---- all coalitions: number c has player i where its bit i is 1 ---- */

static void all_coalitions(struct game *g)
{
	make_room(g, 1 << g->p.n);
	for (int c = 0; c < g->count; c++)
		for (int i = 0; i < g->p.n; i++)
			g->in[c * g->p.n + i] = c >> i & 1;
}

/* s! (n - s - 1)! / n! */
static double weight(int n, int s)
{
	return exp(lgamma(s + 1) + lgamma(n - s) - lgamma(n + 1));
}

/* From the values that are known: all of them, in the end. */
static double exact_value(const struct game *g, int player)
{
	double sum = 0, weights = 0;

	for (int c = 0; c < g->count; c++) {
		const double added = g->value[c | 1 << player] - g->value[c];

		if ((c >> player & 1) || isnan(added))
			continue;
		weights += g->weight[__builtin_popcount((unsigned)c)];
		sum += g->weight[__builtin_popcount((unsigned)c)] * added;
	}
	return weights > 0 ? sum / weights : NAN;
}

static void fill_exact(void *with)
{
	const struct game *g = with;
	double *worth = worth_new(g);

	for (int i = 0; i < g->p.n; i++)
		worth[i] = exact_value(g, i);
	players_put(&g->p, g->table, worth);
}

static bool compute_exact(struct game *g, struct err *err)
{
	struct filling filling = { g->p.ask, g->table, fill_exact, g };

	all_coalitions(g);
	g->weight = worth_new(g);
	for (int size = 0; size < g->p.n; size++)
		g->weight[size] = weight(g->p.n, size);
	return players_fill(&g->p, g->in, g->count, g->value, &filling, err);
}

/* ---- permutations ---- */

/* order[n] of a pair, by Fisher and Yates. */
static void permute(const struct game *g, int pair, int *order)
{
	const uint64_t seed = (uint64_t)g->p.ask->arg[ARG_SEED];

	for (int i = 0; i < g->p.n; i++)
		order[i] = i;
	for (int i = g->p.n - 1; i > 0; i--) {
		const int j = (int)(noise_uniform(seed, (uint64_t)pair, (uint64_t)i) * (i + 1)), other = order[i];

		order[i] = order[j];
		order[j] = other;
	}
}

/*
 * The pairs are asked in a few goes, so that something is there soon; the later ones are longer, since many coalitions have more
 * rows in common.
 */
static int next_pairs(const struct game *g, int done)
{
	const int n = done ? 2 * done : g->pairs / 10 + 1;

	return done + n > g->pairs || g->pairs - done < 2 * n ? g->pairs - done : n;
}

/* Coalitions 0 and 1 are none and all; then each pair's, as they grow in its order and in the reverse. */
static void coalitions_of(struct game *g, int from, int pairs)
{
	const int n = g->p.n;
	int *order = arena_alloc(g->p.ask->scratch, (size_t)n * sizeof *order);
	bool *in;

	make_room(g, 2 + pairs * 2 * (n - 1));
	for (int i = 0; i < n; i++)
		g->in[n + i] = true;
	in = g->in + 2 * n;
	for (int k = 0; k < pairs; k++) {
		permute(g, from + k, order);
		for (int way = 0; way < 2; way++)
			for (int size = 1; size < n; size++, in += n)
				for (int i = 0; i < size; i++)
					in[order[way ? n - 1 - i : i]] = true;
	}
}

/* What each player adds on one way of a pair, half of it, as the pair's mean has it. */
static void add_way(const struct game *g, const int *order, bool back, const double *value, double *mean)
{
	const int n = g->p.n;
	double before = g->value[0];

	for (int i = 0; i < n; i++) {
		const double now = i < n - 1 ? value[i] : g->value[1];

		mean[order[back ? n - 1 - i : i]] += (now - before) / 2;
		before = now;
	}
}

static void add_pairs(struct game *g, int from, int pairs)
{
	const int n = g->p.n;
	int *order = arena_alloc(g->p.ask->scratch, (size_t)n * sizeof *order);
	double *mean = arena_alloc(g->p.ask->scratch, (size_t)n * sizeof *mean);

	for (int k = 0; k < pairs; k++) {
		const double *value = g->value + 2 + k * 2 * (n - 1);

		permute(g, from + k, order);
		for (int i = 0; i < n; i++)
			mean[i] = 0;
		add_way(g, order, false, value, mean);
		add_way(g, order, true, value + n - 1, mean);
		for (int i = 0; i < n; i++) {
			g->sum[i] += mean[i];
			g->squares[i] += mean[i] * mean[i];
		}
	}
	g->done += pairs;
}

static void fill_sampled(void *with)
{
	const struct game *g = with;
	const double n = g->done;
	double *mean = worth_new(g);

	for (int i = 0; i < g->p.n; i++) {
		const size_t cell = table_cell(g->table, g->p.row_of[i], 0);
		double spread;

		mean[i] = g->sum[i] / n;
		spread = g->squares[i] / n - mean[i] * mean[i];
		g->table->error[cell] = n > 1 ? (float)sqrt(fmax(0, spread) / (n - 1)) : NAN;
	}
	players_put(&g->p, g->table, mean);
}

static bool add_some(struct game *g, struct err *err)
{
	const int pairs = next_pairs(g, g->done);

	coalitions_of(g, g->done, pairs);
	task_part(g->p.ask->task, g->done, pairs, g->pairs);
	if (!players_values(&g->p, g->in, g->count, g->value, err))
		return false;
	add_pairs(g, g->done, pairs);
	return true;
}

static bool compute_sampled(struct game *g, struct err *err)
{
	const struct ask *ask = g->p.ask;
	struct filling filling = { ask, g->table, fill_sampled, g };

	table_set_errors(g->table, arena_printf(ask->scratch, "%d pairs of permutations", g->pairs));
	while (g->done < g->pairs) {
		struct arena_mark mark = arena_mark(ask->scratch);
		const bool ok = add_some(g, err);

		arena_rewind(ask->scratch, mark);
		if (!ok)
			return false;
		filling_show(&filling);
	}
	task_part(ask->task, 0, 0, 0);
	return filling_end(&filling, true);
}

/* ---- the table ---- */

static bool check_sum(struct game *g, struct err *err)
{
	const bool *nobody = arena_alloc(g->p.ask->scratch, (size_t)g->p.n + 1);
	struct table *t = g->table;
	double sum = 0;

	if (!players_value_alone(&g->p, nobody, &g->none, err))
		return false;
	for (int i = 0; i < g->p.n; i++)
		sum += (double)t->value[table_cell(t, g->p.row_of[i], 0)];
	t->check = (struct check){ "sum = with all − with none", g->all - g->none, sum, 1e-4 };
	t->footnote = arena_printf(t->arena, "%s with all of them: %.6g, with none: %.6g",
				   metric_table[g->p.ask->metric->kind]->word, g->all, g->none);
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct game g;

	if (!game_init(&g, ask, err) || !metric_value(ask->metric, ask->run, ask->unedited, &g.all, ask->task, err) ||
	    !(g.table = players_table(&g.p, "Shapley values", "Shapley value",
				      g.pairs ? arena_printf(ask->scratch, "estimated from %d permutations", 2 * g.pairs) : "exact",
				      err)))
		return NULL;
	g.table->no_edit = "a cell is a mean over many edits; occlusion has what one of them does";
	return table_if((g.pairs ? compute_sampled(&g, err) : compute_exact(&g, err)) && check_sum(&g, err), g.table);
}

static int runs(const struct ask *ask)
{
	struct game g;
	struct err err;
	int passes = 1;

	if (!game_init(&g, ask, &err))
		return -1;
	if (!g.pairs)
		all_coalitions(&g);
	for (int done = 0, pairs; done < g.pairs; done += pairs) {
		pairs = next_pairs(&g, done);
		coalitions_of(&g, done, pairs);
		passes += players_passes(&g.p, g.in, g.count);
	}
	return g.pairs ? passes : passes + players_passes(&g.p, g.in, g.count);
}

const struct analysis analysis_shapley = {
	.name = "shapley",
	.title = "Shapley values",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Shapley 1953, Štrumbelj & Kononenko 2014",
	.blurb = "What each token, word or sentence is worth, averaged over all that may be there besides.",
	.help = "The metric's difference between the prompt and the same without any of them, shared out: each gets the mean of "
		"what it adds to every coalition of the others. Two words that say the same share what occlusion gives to neither. "
		"Exact up to 12 of them: with a long prompt ask for group=sentence or word; with more, an estimate with its "
		"standard error. A coalition is an unusual prompt: what the model makes of it counts as well.",
	.picture = " ‹bos› Tom ·has ·a ·red ·ball .    the parts sum to what the\n"
		   "        ░          ▒▒▒  ███        whole prompt adds\n"
		   " ±: the standard error of an estimate\n",
	.shape = "position × quantity, word × quantity, sentence × quantity",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
