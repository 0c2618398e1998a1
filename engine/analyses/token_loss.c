/*
 * token_loss.c - how surprising each token of the prompt is to the model, given those before it.
 *
 *   resid_post[L-1, i-1] --> final norm --> W_U, logit scale, cap --> logits[V] --> −log softmax[token i]    row i; row 0 has none
 *
 * The word of row i is the token that was the likeliest there. The mean of rows 1 … T-1 is the metric `loss`.
 */
#include "engine/analysis/analysis.h"

#include <math.h>

#include "engine/run/vocab.h"

enum { ARG_SHOW };
enum { SHOW_NATS, SHOW_BITS, SHOW_RANK, SHOW_ENTROPY, SHOW_TOP1 };
static const struct choice shown[] = {
	{ "nats", "minus the log of the token's probability", SHOW_NATS },
	{ "bits", "the same with base 2", SHOW_BITS },
	{ "rank", "of the token among all: 1 is the likeliest", SHOW_RANK },
	{ "entropy", "of the prediction, whatever the token is", SHOW_ENTROPY },
	{ "top1", "1 where the likeliest token is the one that comes, otherwise 0", SHOW_TOP1 },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a token's number is" },
	{ 0 },
};

/* What the vocabulary says of some tokens, as many as go through it together. */
struct losses {
	const struct ask *ask;
	int row, n;	      /* these tokens of the prompt, each read at the position before it */
	float *y;	      /* [n, D] normalised */
	int32_t *best;	      /* [n] the likeliest token */
	float *logit, *rank;  /* [n] of the token that comes */
	float *lse, *entropy; /* [n] */
};

static double nats(const struct losses *g, int i)
{
	return (double)g->lse[i] - (double)g->logit[i];
}

static double bits(const struct losses *g, int i)
{
	return nats(g, i) / M_LN2;
}

static double rank(const struct losses *g, int i)
{
	return (double)g->rank[i];
}

static double entropy(const struct losses *g, int i)
{
	return (double)g->entropy[i];
}

static double top1(const struct losses *g, int i)
{
	return g->best[i] == g->ask->run->tokens[g->row + i];
}

static const struct {
	double (*of)(const struct losses *g, int i);
	const char *title, *unit;
	double of_loss; /* so many are one nat of the loss; 0: it is no loss */
	enum scale scale;
	float neutral;
	const char *meaning;
} shows[] = {
	[SHOW_NATS] = { nats, NULL, "nats", 1, SCALE_SEQUENTIAL, 0, NULL },
	[SHOW_BITS] = { bits, NULL, "bits", 1 / M_LN2, SCALE_SEQUENTIAL, 0, NULL },
	[SHOW_RANK] = { rank, "rank of the token that comes", "rank", 0, SCALE_SEQUENTIAL, 1, "1 = the likeliest" },
	[SHOW_ENTROPY] = { entropy, "entropy of the prediction", "nats", 0, SCALE_SEQUENTIAL, 0, NULL },
	[SHOW_TOP1] = { top1, "the likeliest token comes", "accuracy", 0, SCALE_PROBABILITY, 0,
			"1 = as predicted, 0 = another token" },
};

static bool reading_init(struct losses *g, const struct ask *ask, struct err *err)
{
	const size_t n = VOCAB_ROWS;

	*g = (struct losses){ .ask = ask };
	g->y = arena_floats(ask->scratch, n * (size_t)ask->model->config.D, err);
	g->best = arena_array(ask->scratch, n, sizeof *g->best, err);
	g->logit = arena_floats(ask->scratch, n, err);
	g->rank = arena_floats(ask->scratch, n, err);
	g->lse = arena_floats(ask->scratch, n, err);
	g->entropy = arena_floats(ask->scratch, n, err);
	return g->y && g->best && g->logit && g->rank && g->lse && g->entropy;
}

static bool read_tokens(const struct losses *g, struct err *err)
{
	const struct run *r = g->ask->run;
	const int show = g->ask->arg[ARG_SHOW];
	const struct vocab_wanted wanted = {
		.k = 1,
		.ids = g->best,
		.lse = g->lse,
		.entropy = show == SHOW_ENTROPY ? g->entropy : NULL,
		.targets = r->tokens + g->row,
		.target_count = 1,
		.own_targets = true,
		.target_logits = g->logit,
		.target_ranks = show == SHOW_RANK ? g->rank : NULL,
	};

	for (int i = 0; i < g->n; i++)
		run_ln_final(r, g->row + i - 1, g->y + (size_t)i * (size_t)r->model->config.D);
	return vocab_read(r->model, g->y, g->n, true, &wanted, g->ask->task, err);
}

static void fill_cells(struct table *t, const struct losses *g)
{
	for (int i = 0; i < g->n; i++) {
		const size_t cell = table_cell(t, g->row + i, 0);

		t->value[cell] = (float)shows[g->ask->arg[ARG_SHOW]].of(g, i);
		table_set_token(t, cell, g->ask->model, g->best[i]);
	}
}

/* Blocks of tokens, from the one that is on the screen on. */
static bool fill(struct table *t, struct losses *g, int blocks, int steps, struct err *err)
{
	const struct ask *ask = g->ask;
	const int seen = ask_visible(ask, t).row, first = seen > 0 ? (seen - 1) / VOCAB_ROWS : 0;

	for (int k = 0; k < blocks; k++) {
		g->row = 1 + (first + k) % blocks * VOCAB_ROWS;
		g->n = ask->run->T - g->row < VOCAB_ROWS ? ask->run->T - g->row : VOCAB_ROWS;
		if (!task_step(ask->task, k, steps, err) || !read_tokens(g, err))
			return false;
		fill_cells(t, g);
		if (k + 1 < steps && ask_watched(ask))
			ask_show(ask, t);
	}
	return true;
}

static bool check_loss(struct table *t, const struct ask *ask, double of_loss, struct err *err)
{
	const int n = ask->run->T - 1;
	double expected, sum = 0;

	if (!run_loss(ask->run, 1, &expected, ask->task, err))
		return false;
	for (int i = 1; i <= n; i++)
		sum += (double)t->value[table_cell(t, i, 0)];
	t->check = (struct check){ "the mean is the loss", expected * of_loss / n, sum / n, 1e-5 };
	return true;
}

static void describe(struct table *t, const struct ask *ask)
{
	const int show = ask->arg[ARG_SHOW];

	axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "position");
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, 0, shown[show].word);
	table_set_title(t, "token loss", NULL, shows[show].title);
	table_set_unit(t, shows[show].unit);
	table_set_words(t);
	t->look = LOOK_TOKENS;
	t->scale = shows[show].scale;
	t->neutral = shows[show].neutral;
	t->meaning = shows[show].meaning;
	t->footnote = "nothing comes before the first token";
	if (show == SHOW_ENTROPY)
		table_set_entropy(t, ask->model->config.V);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const double of_loss = shows[ask->arg[ARG_SHOW]].of_loss;
	const int blocks = (ask->run->T - 1 + VOCAB_ROWS - 1) / VOCAB_ROWS;
	const bool checked = of_loss > 0 && blocks > 0; /* by another pass over the vocabulary */
	struct losses g;
	struct table *t;

	if (!reading_init(&g, ask, err) || !(t = table_new(ask->run->T, 1, err)))
		return NULL;
	describe(t, ask);
	return table_if(fill(t, &g, blocks, checked ? 2 * blocks : blocks, err) && (!checked || check_loss(t, ask, of_loss, err)),
			t);
}

const struct analysis analysis_token_loss = {
	.name = "token-loss",
	.title = "Token loss",
	.topic = TOPIC_PREDICTION,
	.blurb = "How surprising each token of the prompt is, given those before it.",
	.help = "A token's number is read from the prediction at the position before it, and so the first token has none. The word "
		"of a cell is the token that was the likeliest there; top1 is 1 where that one comes, otherwise 0, and its mean "
		"the accuracy. The mean of nats is the metric loss. One surprise costs more than many good guesses save: look at "
		"the tokens before trusting the mean.",
	.picture = " ‹bos› ·Tom ·has ·a ·red ·ball . … ·Tom ·has ·a ·red ·ball\n"
		   "        ▓▓▓  ░░░  ·  ▓▓▓   ▒▒▒  ·   ▒▒▒   ·   ·  ░░░   ·\n"
		   "\n"
		   " bright: the model did not expect this token\n"
		   " dark on the second time: it copies from the first\n"
		   " the first token: nothing comes before it\n",
	.shape = "position × quantity",
	.unit = "nats, bits, rank, accuracy",
	.on = ON_RUN,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
