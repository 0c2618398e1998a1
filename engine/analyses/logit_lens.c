/*
 * logit_lens.c - the next token each layer would predict if it were the last.
 *
 *   site[L, T, D] -- final norm, its scale taken at that layer --> -- W_U, logit scale, cap --> logits[L, T, V]
 *
 * A cell's word is the token of the chosen rank at (layer, position); its value is what `show` says. nostalgebraist 2020,
 * "interpreting GPT: the logit lens". Early layers mislead where the basis drifts. On attn_out and mlp_out it reads what a
 * block adds to the stream, with a norm of its own (Geva et al. 2022).
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <stdio.h>

#include "engine/numbers/kernels.h"
#include "engine/run/vocab.h"

enum { ARG_SITE, ARG_SHOW, ARG_RANK };
enum { SHOW_PROBABILITY, SHOW_LOGIT, SHOW_RANK, SHOW_TARGET, SHOW_ENTROPY, SHOW_KL };
static const struct param params[] = {
	[ARG_SITE] = { "site", .choices = STREAM_SITES, .help = "what is read" },
	[ARG_SHOW] = { "show", .choices = "probability|logit|rank|target|entropy|kl",
		       .help = "of the word: probability, logit; of the metric's token: rank, target (its probability); "
			       "of the distribution: entropy, kl to the last layer's" },
	[ARG_RANK] = { "rank", .lo = 1, .hi = 50, .start = 1, .help = "which word: 1 is the likeliest" },
	{ 0 },
};

enum { TOGETHER = 128 };	/* rows that go through the vocabulary together, layer upon layer: n of them */

/* What the vocabulary says of the T rows of some layers. */
struct reading {
	int layers;		/* at a time */
	bool kept;		/* an edit keeps the final norm's scale: of every layer's rows, so that the last are the output */
	float *x, *last;	/* [n, D] the stream that is read, and the one that the model itself reads in the end */
	int rank;
	int32_t *ids;		/* [n, rank] */
	float *logits;		/* [n, rank] */
	float *lse, *entropy, *kl;	/* [n] */
	int32_t target;		/* the metric's token; -1: none */
	float *target_logit, *target_rank;	/* [n] */
};

static float logit(const struct reading *g, int i)
{
	return g->logits[(i + 1) * g->rank - 1];
}

static float probability(const struct reading *g, int i)
{
	return expf(logit(g, i) - g->lse[i]);
}

static float target_rank(const struct reading *g, int i)
{
	return g->target_rank[i];
}

static float target_probability(const struct reading *g, int i)
{
	return expf(g->target_logit[i] - g->lse[i]);
}

static float entropy(const struct reading *g, int i)
{
	return g->entropy[i];
}

static float kl(const struct reading *g, int i)
{
	return g->kl[i];
}

static const struct {
	float (*of)(const struct reading *g, int i);
	const char *title, *unit;
	enum scale scale;
	bool target;	/* asks for the metric's token */
} shows[] = {
	[SHOW_PROBABILITY] = { probability, "probability", "probability", SCALE_PROBABILITY, false },
	[SHOW_LOGIT] = { logit, "logit", "logit", SCALE_SEQUENTIAL, false },
	[SHOW_RANK] = { target_rank, "rank of the metric's token", "rank", SCALE_SEQUENTIAL, true },
	[SHOW_TARGET] = { target_probability, "probability of the metric's token", "probability", SCALE_PROBABILITY, true },
	[SHOW_ENTROPY] = { entropy, "entropy", "nats", SCALE_SEQUENTIAL, false },
	[SHOW_KL] = { kl, "KL of the last layer to this", "nats", SCALE_SEQUENTIAL, false },
};

static bool reading_init(struct reading *g, const struct ask *ask, struct err *err)
{
	int T = ask->run->T, L = ask->model->config.L;
	size_t D = (size_t)ask->model->config.D, n;

	g->kept = run_keeps_final_norm(ask->run);
	g->layers = T >= TOGETHER ? 1 : TOGETHER / T < L ? TOGETHER / T : L;
	n = (size_t)g->layers * (size_t)T;
	g->rank = ask->arg[ARG_RANK] < ask->model->config.V ? ask->arg[ARG_RANK] : ask->model->config.V;
	g->target = ask->metric->target[0];
	if (shows[ask->arg[ARG_SHOW]].target && g->target < 0)
		return err_set(err, ERR_ARGUMENT, "show=%s is about the metric's token; %s has none: use logit, logprob or logit_diff",
			       ask->arg[ARG_SHOW] == SHOW_RANK ? "rank" : "target", ask->metric->spec);
	g->x = arena_floats(ask->scratch, n * D, err);
	g->last = arena_floats(ask->scratch, n * D, err);
	g->ids = arena_array(ask->scratch, n * (size_t)g->rank, sizeof *g->ids, err);
	g->logits = arena_floats(ask->scratch, n * (size_t)g->rank, err);
	g->lse = arena_floats(ask->scratch, n, err);
	g->entropy = arena_floats(ask->scratch, n, err);
	g->kl = arena_floats(ask->scratch, n, err);
	g->target_logit = arena_floats(ask->scratch, n, err);
	g->target_rank = arena_floats(ask->scratch, n, err);
	return g->x && g->last && g->ids && g->logits && g->lse && g->entropy && g->kl && g->target_logit && g->target_rank;
}

/* With the scale that an edit keeps, in place; otherwise each row has its own, which vocab_read knows. */
static void normalise(const struct run *r, float *x, int layers)
{
	size_t D = (size_t)r->model->config.D;

	for (int i = 0; i < layers * r->T; i++)
		run_final_norm(r, i % r->T, x + (size_t)i * D, x + (size_t)i * D, NULL);
}

static bool read_layers(const struct reading *g, const struct ask *ask, int from, int layers, struct err *err)
{
	int show = ask->arg[ARG_SHOW];
	size_t rows = (size_t)ask->run->T * (size_t)ask->model->config.D;
	struct vocab_wanted wanted = {
		.k = g->rank, .ids = g->ids, .logits = g->logits, .lse = g->lse,
		.entropy = show == SHOW_ENTROPY ? g->entropy : NULL,
		.reference = show == SHOW_KL ? g->last : NULL, .kl = show == SHOW_KL ? g->kl : NULL,
		.targets = &g->target, .target_count = shows[show].target,
		.target_logits = g->target_logit, .target_ranks = g->target_rank,
	};

	for (int l = 0; l < layers; l++)
		stream_rows(ask->run, site_argument(ask, params, ARG_SITE), from + l, g->x + (size_t)l * rows);
	if (g->kept)
		normalise(ask->run, g->x, layers);
	return vocab_read(ask->model, g->x, layers * ask->run->T, g->kept, &wanted, ask->task, err);
}

/* The last row is the model's output: the word in the last corner has the probability that the run's own logits give it. */
static void check_output(struct table *t, const struct ask *ask, const struct reading *g, int from)
{
	const float *own = ask->run->last_logits;	/* [V] */
	int last = ask->run->T - 1;
	float lse = kernel_log_sum_exp(own, (size_t)ask->model->config.V);
	int32_t word = t->id[table_cell(t, t->rows.n - 1, last)];
	int row = (t->rows.n - 1 - from) * ask->run->T + last;

	t->check = (struct check){ "last layer = output", exp((double)(own[word] - lse)), (double)probability(g, row), 1e-5 };
}

/* The last layers first: they are looked at first. */
static bool fill(struct table *t, const struct ask *ask, const struct reading *g, struct err *err)
{
	int L = t->rows.n, T = t->cols.n;

	for (int to = L; to > 0; to -= g->layers) {
		int layers = to < g->layers ? to : g->layers, from = to - layers;

		if (!task_step(ask->task, L - to, L, err) || !read_layers(g, ask, from, layers, err))
			return false;
		for (int i = 0; i < layers * T; i++) {
			size_t cell = table_cell(t, from + i / T, i % T);

			t->value[cell] = shows[ask->arg[ARG_SHOW]].of(g, i);
			table_set_token(t, cell, ask->model, g->ids[(i + 1) * g->rank - 1]);
		}
		if (to == L && t->site == SITE_RESID_POST)
			check_output(t, ask, g, from);
		if (ask_watched(ask))
			ask_show(ask, t);
	}
	return true;
}

static void describe(struct table *t, const struct ask *ask)
{
	int show = ask->arg[ARG_SHOW];
	char where[32] = "", word[32] = "top token";

	t->site = site_argument(ask, params, ARG_SITE);
	if (t->site != SITE_RESID_POST)
		snprintf(where, sizeof where, " of %s", site_table[t->site].name);
	if (ask->arg[ARG_RANK] > 1)
		snprintf(word, sizeof word, "token of rank %d", ask->arg[ARG_RANK]);
	table_set_title(t, "logit lens%s · %s, %s", where, word, shows[show].title);
	table_set_unit(t, shows[show].unit);
	table_set_words(t);
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	t->look = LOOK_HEAT;
	t->scale = shows[show].scale;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	int L = ask->model->config.L;
	struct reading g;
	struct table *t;

	if (!reading_init(&g, ask, err) || !(t = table_new(L, ask->run->T, err)))
		return NULL;
	describe(t, ask);
	for (int l = 0; l < g.layers; l++)
		stream_rows(ask->run, SITE_RESID_POST, L - 1, g.last + (size_t)l * (size_t)ask->run->T * (size_t)ask->model->config.D);
	if (g.kept)
		normalise(ask->run, g.last, g.layers);
	if (fill(t, ask, &g, err))
		return t;
	table_unref(t);
	return NULL;
}

const struct analysis analysis_logit_lens = {
	.name = "logit-lens",
	.title = "Logit lens",
	.topic = TOPIC_LENS,
	.paper = "nostalgebraist 2020",
	.blurb = "The next token each layer would predict if it were the last.",
	.help = "Reads the stream after each layer with the model's own final norm and unembedding; the last row is the model's "
		"output. Early layers may not speak the vocabulary's language yet: a word there is weak evidence. On attn_out and "
		"mlp_out it shows what a block adds, normalised by itself.",
	.shape = "layer × position",
	.unit = "probability, logit, rank, nats",
	.needs = READS_STREAM,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
