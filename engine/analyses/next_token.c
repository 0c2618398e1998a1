/*
 * next_token.c - what the model would say next, with the edits and without them.
 *
 *   resid_post[L-1, position] -- final norm, W_U --> logits[V] -- softmax --> probability
 *
 * A row is one of the k likeliest tokens of the edited run; the last two columns are the same token's in the unedited run, so
 * that what an edit did can be read along the row.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <stdio.h>

#include "engine/run/vocab.h"

enum { ARG_K, ARG_POSITION };
static const struct param params[] = {
	[ARG_K] = { "k", PARAM_INT, .lo = 1, .hi = 50, .start = 10, .help = "how many tokens" },
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .help = "after which token" },
	{ 0 },
};

enum { COL_LOGIT, COL_PROBABILITY, COL_LOGIT_UNEDITED, COL_PROBABILITY_UNEDITED, COLS };
static const char *const columns[COLS] = { "logit", "probability", "logit_unedited", "probability_unedited" };
static const char *const units[COLS] = { "logit", "probability", "logit", "probability" };

/* The probabilities of the whole vocabulary sum to 1: logits and their log-sum-exp come by different ways. */
static bool check_mass(const struct ask *ask, int position, float lse, struct check *check, struct err *err)
{
	int V = ask->model->config.V;
	float *logits = arena_floats(ask->scratch, (size_t)V, err);
	double mass = 0;

	if (!logits || !run_logits(ask->run, position, 1, logits, ask->task, err))
		return false;
	for (int v = 0; v < V; v++)
		mass += exp((double)logits[v] - (double)lse);
	*check = (struct check){ "probabilities sum to 1", 1, mass, 1e-5 };
	return true;
}

static void fill(struct table *t, const struct model *m, int k, const int32_t *ids, const float *logits, float lse,
		 const float *logits_unedited, float lse_unedited)
{
	char rank[16];

	axis_numbers(t, &t->rows, DIM_RANK);
	for (int i = 0; i < k; i++) {
		float *cell = t->value + table_cell(t, i, 0);

		snprintf(rank, sizeof rank, "%d", i + 1);
		axis_label(t, &t->rows, i, rank);
		cell[COL_LOGIT] = logits[i];
		cell[COL_PROBABILITY] = expf(logits[i] - lse);
		cell[COL_LOGIT_UNEDITED] = logits_unedited[i];
		cell[COL_PROBABILITY_UNEDITED] = expf(logits_unedited[i] - lse_unedited);
		for (int c = 0; c < COLS; c++)
			table_set_token(t, table_cell(t, i, c), m, ids[i]);
	}
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct model *m = ask->model;
	int position = ask->arg[ARG_POSITION];
	int wanted = ask->like ? ask->like->rows.n : ask->arg[ARG_K], k = wanted < m->config.V ? wanted : m->config.V;
	int32_t *ids = arena_alloc(ask->scratch, (size_t)k * sizeof *ids);
	float *logits = arena_alloc(ask->scratch, (size_t)k * sizeof *logits);
	float *before = arena_alloc(ask->scratch, (size_t)k * sizeof *before);
	float lse, lse_before, *row = arena_floats(ask->scratch, (size_t)m->config.D, err);
	struct vocab_wanted best = { .k = k, .ids = ids, .logits = logits, .lse = &lse };
	struct vocab_wanted given = { .targets = ids, .target_count = k, .target_logits = logits, .lse = &lse };
	struct vocab_wanted same = { .targets = ids, .target_count = k, .target_logits = before, .lse = &lse_before };
	struct table *t;

	if (!row)
		return NULL;
	for (int i = 0; ask->like && i < k; i++)
		ids[i] = ask->like->id[table_cell(ask->like, i, 0)];
	run_ln_final(ask->run, position, row);
	if (!vocab_read(m, row, 1, true, ask->like ? &given : &best, ask->task, err))
		return NULL;
	run_ln_final(ask->unedited, position, row);
	if (!vocab_read(m, row, 1, true, &same, ask->task, err) || !(t = table_new(k, COLS, err)))
		return NULL;
	if (!check_mass(ask, position, lse, &t->check, err)) {
		table_unref(t);
		return NULL;
	}
	axis_of(&t->cols, DIM_QUANTITY);
	for (int c = 0; c < COLS; c++)
		axis_label(t, &t->cols, c, columns[c]);
	table_set_units(t, units);
	table_set_words(t);
	fill(t, m, k, ids, logits, lse, before, lse_before);
	if (position == ask->run->T - 1)
		table_set_title(t, "next token", NULL, NULL);
	else
		table_set_title(t, "next token", arena_printf(t->arena, "after position %d", position), NULL);
	place_set(&t->place, DIM_POSITION, position, position);
	t->explain = METRIC_LOGIT;
	t->look = LOOK_RANKING;
	t->ranking = (struct ranking){ COL_PROBABILITY, COL_LOGIT, COL_PROBABILITY_UNEDITED };
	t->scale = SCALE_PROBABILITY;
	return t;
}

const struct analysis analysis_next_token = {
	.name = "next-token",
	.title = "Next token",
	.topic = TOPIC_PREDICTION,
	.blurb = "The likeliest next tokens, with the edits and without them.",
	.help = "Rows are the edited run's best tokens; the unedited columns are the same tokens before the edits. Logits are what "
		"the model computes, cap and scale included; probabilities are their softmax over the whole vocabulary.",
	.picture = " ·Paris   .62  ██████████▌    one word far ahead:\n"
		   " ·London  .05  ▊              the model is sure\n"
		   " ·the     .04  ▋\n"
		   "                              with an edit, compare\n"
		   " ·Paris   .62 → .11  ▊        what it was with what\n"
		   " ·London  .05 → .31  ████▉    it is now\n",
	.shape = "rank × quantity",
	.unit = "logit, probability",
	.on = ON_RUN,
	.cost = COST_READ,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
