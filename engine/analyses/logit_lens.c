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

#include "engine/run/vocab.h"

enum { ARG_SITE, ARG_SHOW, ARG_RANK };
enum show { SHOW_PROBABILITY, SHOW_LOGIT, SHOW_RANK, SHOW_TARGET, SHOW_ENTROPY, SHOW_KL };

static const struct param params[] = {
	[ARG_SITE] = { "site", .choices = STREAM_SITES, .help = "what is read" },
	[ARG_SHOW] = { "show", .choices = "probability|logit|rank|target|entropy|kl",
		       .help = "of the word: probability, logit; of the metric's token: rank, target (its probability); "
			       "of the distribution: entropy, kl to the last layer's" },
	[ARG_RANK] = { "rank", .dim = DIM_NONE, .lo = 1, .hi = 50, .start = 1, .help = "which word: 1 is the likeliest" },
	{ 0 },
};

static const struct {
	const char *title, *unit;
	enum scale scale;
	bool target;	/* asks for the metric's token */
} shows[] = {
	[SHOW_PROBABILITY] = { "probability", "probability", SCALE_PROBABILITY, false },
	[SHOW_LOGIT] = { "logit", "logit", SCALE_SEQUENTIAL, false },
	[SHOW_RANK] = { "rank of the metric's token", "rank", SCALE_SEQUENTIAL, true },
	[SHOW_TARGET] = { "probability of the metric's token", "probability", SCALE_PROBABILITY, true },
	[SHOW_ENTROPY] = { "entropy", "nats", SCALE_SEQUENTIAL, false },
	[SHOW_KL] = { "KL of the last layer to this", "nats", SCALE_SEQUENTIAL, false },
};

/* What is read of the T rows of one layer. */
struct reading {
	int rank;
	int32_t target;		/* -1: none is asked for */
	int32_t *ids;		/* [T, rank] */
	float *logits;		/* [T, rank] */
	float *lse, *entropy;	/* [T] */
	float *target_logit, *target_rank, *kl;	/* [T] */
	float *last;		/* [T, D] the stream that the model itself reads */
	float *x;		/* [T, D] the stream that is read */
};

static bool reading_init(struct reading *g, const struct ask *ask, struct err *err)
{
	size_t T = (size_t)ask->run->T, D = (size_t)ask->model->config.D;
	enum show show = (enum show)ask->arg[ARG_SHOW];

	g->rank = ask->arg[ARG_RANK] < ask->model->config.V ? ask->arg[ARG_RANK] : ask->model->config.V;
	g->target = shows[show].target ? ask->metric->target[0] : -1;
	if (shows[show].target && g->target < 0)
		return err_set(err, ERR_ARGUMENT, "show=%s is about the metric's token; %s has none: use logit, logprob or logit_diff",
			       show == SHOW_RANK ? "rank" : "target", ask->metric->spec);
	g->ids = arena_array(ask->scratch, T * (size_t)g->rank, sizeof *g->ids, err);
	g->logits = arena_floats(ask->scratch, T * (size_t)g->rank, err);
	g->lse = arena_floats(ask->scratch, T, err);
	g->entropy = arena_floats(ask->scratch, T, err);
	g->target_logit = arena_floats(ask->scratch, T, err);
	g->target_rank = arena_floats(ask->scratch, T, err);
	g->kl = arena_floats(ask->scratch, T, err);
	g->last = arena_floats(ask->scratch, T * D, err);
	g->x = arena_floats(ask->scratch, T * D, err);
	return g->ids && g->logits && g->lse && g->entropy && g->target_logit && g->target_rank && g->kl && g->last && g->x;
}

static bool read_layer(const struct reading *g, const struct ask *ask, int layer, struct err *err)
{
	struct vocab_wanted wanted = { .k = g->rank, .ids = g->ids, .logits = g->logits, .lse = g->lse };

	switch ((enum show)ask->arg[ARG_SHOW]) {
	case SHOW_PROBABILITY:
	case SHOW_LOGIT:
		break;
	case SHOW_RANK:
	case SHOW_TARGET:
		wanted.targets = &g->target;
		wanted.target_count = 1;
		wanted.target_logits = g->target_logit;
		wanted.target_ranks = g->target_rank;
		break;
	case SHOW_ENTROPY:
		wanted.entropy = g->entropy;
		break;
	case SHOW_KL:
		wanted.reference = g->last;
		wanted.kl = g->kl;
		break;
	}
	stream_rows(ask->run, site_argument(ask, params, ARG_SITE), layer, g->x);
	return vocab_read(ask->model, g->x, ask->run->T, false, &wanted, ask->task, err);
}

static float shown(const struct reading *g, enum show show, int i)
{
	float logit = g->logits[(i + 1) * g->rank - 1];

	switch (show) {
	case SHOW_PROBABILITY:
		return expf(logit - g->lse[i]);
	case SHOW_LOGIT:
		return logit;
	case SHOW_RANK:
		return g->target_rank[i];
	case SHOW_TARGET:
		return expf(g->target_logit[i] - g->lse[i]);
	case SHOW_ENTROPY:
		return g->entropy[i];
	case SHOW_KL:
		return g->kl[i];
	}
	return NAN;
}

/* The same number from the model's own final logits[V]; `id` is the word. */
static double shown_of_logits(const float *logits, int V, enum show show, int32_t id, int32_t target)
{
	double max = -INFINITY, sum = 0, weighted = 0;
	int rank = 1;

	for (int v = 0; v < V; v++)
		max = fmax(max, (double)logits[v]);
	for (int v = 0; v < V; v++) {
		double e = exp((double)logits[v] - max);

		sum += e;
		weighted += e * ((double)logits[v] - max);
		rank += target >= 0 && logits[v] > logits[target];
	}
	switch (show) {
	case SHOW_PROBABILITY:
		return exp((double)logits[id] - max) / sum;
	case SHOW_LOGIT:
		return (double)logits[id];
	case SHOW_RANK:
		return rank;
	case SHOW_TARGET:
		return exp((double)logits[target] - max) / sum;
	case SHOW_ENTROPY:
		return log(sum) - weighted / sum;
	case SHOW_KL:
		return 0;
	}
	return NAN;
}

static void describe(struct table *t, const struct ask *ask)
{
	enum show show = (enum show)ask->arg[ARG_SHOW];
	enum site site = site_argument(ask, params, ARG_SITE);
	char where[32] = "", word[32] = "top token";

	if (site != SITE_RESID_POST)
		snprintf(where, sizeof where, " of %s", site_table[site].name);
	if (ask->arg[ARG_RANK] > 1)
		snprintf(word, sizeof word, "token of rank %d", ask->arg[ARG_RANK]);
	table_set_title(t, "logit lens%s · %s, %s", where, word, shows[show].title);
	table_set_unit(t, shows[show].unit);
	table_set_words(t);
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	t->look = LOOK_HEAT;
	t->scale = shows[show].scale;
	t->site = site;
}

static bool fill(struct table *t, const struct ask *ask, const struct reading *g, struct err *err)
{
	int L = ask->model->config.L, T = ask->run->T;
	enum show show = (enum show)ask->arg[ARG_SHOW];

	for (int l = 0; l < L; l++) {
		if (!task_step(ask->task, l, L, err) || !read_layer(g, ask, l, err))
			return false;
		for (int i = 0; i < T; i++) {
			t->value[table_cell(t, l, i)] = shown(g, show, i);
			table_set_token(t, table_cell(t, l, i), ask->model, g->ids[(i + 1) * g->rank - 1]);
		}
	}
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	int L = ask->model->config.L, T = ask->run->T;
	struct reading g;
	struct table *t;

	if (!reading_init(&g, ask, err) || !(t = table_new(L, T, err)))
		return NULL;
	describe(t, ask);
	stream_rows(ask->run, SITE_RESID_POST, L - 1, g.last);
	if (!fill(t, ask, &g, err)) {
		table_unref(t);
		return NULL;
	}
	if (t->site == SITE_RESID_POST) {
		size_t corner = table_cell(t, L - 1, T - 1);
		double own = shown_of_logits(ask->run->last_logits, ask->model->config.V, (enum show)ask->arg[ARG_SHOW],
					     t->id[corner], g.target);

		t->check = (struct check){ "last layer = output", own, (double)t->value[corner], 1e-5 };
	}
	return t;
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
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
