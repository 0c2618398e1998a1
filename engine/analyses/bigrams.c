/*
 * bigrams.c - what a token alone calls for: its embedding through the final norm and the unembedding, without any layer's
 * attention.
 *
 *   embedding=raw         W_U norm(W_E[t])                                   the direct path, near to bigrams    Elhage et al. 2021
 *   embedding=effective   W_U norm(W_E[t] + MLP0 on it alone)                effective_embedding.h
 *
 * The check: raw is the logit lens at the prompt's own token on resid_pre 0, where positions are not learned; otherwise that
 * probabilities sum to 1.
 */
#include "engine/analysis/analysis.h"

#include <math.h>

#include "engine/analysis/effective_embedding.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/vocab.h"

enum { ARG_EMBEDDING, ARG_TOKEN, ARG_POSITION, ARG_K };
enum { COL_LOGIT, COL_PROBABILITY, COLUMNS };
static const struct choice embeddings[] = {
	{ "raw", "the token's embedding as it is", 0 },
	{ "effective", "and what layer 0's MLP writes on it alone", 1 },
	{ 0 },
};
static const struct param params[] = {
	[ARG_EMBEDDING] = { "embedding", PARAM_CHOICE, .choices = embeddings, .help = "what the token is taken as" },
	[ARG_TOKEN] = { "token", PARAM_TEXT, .help = "which one, in quotes; not given: the prompt's at `position`" },
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .help = "without token: whose" },
	[ARG_K] = { "k", PARAM_INT, .lo = 1, .hi = 50, .start = 10, .help = "how many words" },
	{ 0 },
};

struct bigrams {
	const struct ask *ask;
	int32_t token;
	int k;
	int32_t *ids;  /* [k] */
	float *logits; /* [k] */
	float lse;
};

static bool read_token(struct bigrams *b, struct err *err)
{
	const char *text = b->ask->text[ARG_TOKEN];
	struct metric m;

	b->token = b->ask->run->tokens[b->ask->arg[ARG_POSITION]];
	if (!text)
		return true;
	if (!metric_resolve(arena_printf(b->ask->scratch, "logit %s", text), b->ask->run, &m, b->ask->notes, &(struct err){ 0 }))
		return err_set(err, ERR_ARGUMENT, "bigrams: token=%s: expected one token in quotes, such as \" Paris\"", text);
	b->token = m.target[0];
	metric_done(&m);
	return true;
}

static bool read_words(struct bigrams *b, float *x, struct err *err)
{
	const struct ask *ask = b->ask;
	const struct vocab_wanted best = { .k = b->k, .ids = b->ids, .logits = b->logits, .lse = &b->lse };
	const struct vocab_wanted given = { .targets = b->ids, .target_count = b->k, .target_logits = b->logits, .lse = &b->lse };

	for (int i = 0; ask->like && i < b->k; i++)
		b->ids[i] = ask->like->id[table_cell(ask->like, i, 0)];
	if (!ask->arg[ARG_EMBEDDING])
		model_embed(ask->model, b->token, -1, x);
	else if (!effective_embedding(ask->model, &b->token, 1, x, ask->scratch, ask->task, err))
		return false;
	return vocab_read(ask->model, x, 1, false, ask->like ? &given : &best, ask->task, err);
}

/* The best word by the lens on the run's own stream. */
static bool check_lens(const struct bigrams *b, struct table *t, struct err *err)
{
	float logit;
	const struct vocab_wanted wanted = { .targets = b->ids, .target_count = 1, .target_logits = &logit };

	if (!vocab_read(b->ask->model, run_at(b->ask->unedited, SITE_RESID_PRE, 0, b->ask->arg[ARG_POSITION]), 1, false, &wanted,
			b->ask->task, err))
		return false;
	t->check = (struct check){ "the first word is the logit lens' on resid_pre 0", (double)logit, (double)b->logits[0], 1e-5 };
	return true;
}

static bool check_mass(const struct bigrams *b, struct table *t, float *x, struct err *err)
{
	const struct model *m = b->ask->model;
	float *logits = arena_floats(b->ask->scratch, (size_t)m->config.V, err);
	double mass = 0;

	if (!logits)
		return false;
	model_final_norm(m, x, 1, x, NULL);
	model_unembed(m, x, 1, logits);
	for (int v = 0; v < m->config.V; v++)
		mass += exp((double)logits[v] - (double)b->lse);
	t->check = (struct check){ "probabilities sum to 1", 1, mass, 1e-5 };
	return true;
}

static bool check(const struct bigrams *b, struct table *t, float *x, struct err *err)
{
	const struct ask *ask = b->ask;
	const bool on_prompt = ask->unedited->tokens[ask->arg[ARG_POSITION]] == b->token;

	return on_prompt && !ask->arg[ARG_EMBEDDING] && !ask->model->W_pos ? check_lens(b, t, err) : check_mass(b, t, x, err);
}

static const char *name_of(const struct bigrams *b, struct table *t)
{
	struct str s;
	const char *name;

	str_init(&s);
	tokenizer_show(b->ask->model->tokenizer, b->token, &s);
	name = arena_printf(t->arena, "after %s", s.s);
	str_done(&s);
	return name;
}

static void describe(const struct bigrams *b, struct table *t)
{
	static const char *const unit[COLUMNS] = { "logit", "probability" };

	axis_of(&t->rows, DIM_RANK);
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, COL_LOGIT, "logit");
	axis_label(t, &t->cols, COL_PROBABILITY, "probability");
	table_set_units(t, unit);
	table_set_words(t);
	for (int i = 0; i < b->k; i++) {
		axis_label(t, &t->rows, i, arena_printf(t->arena, "%d", i + 1));
		t->value[table_cell(t, i, COL_LOGIT)] = b->logits[i];
		t->value[table_cell(t, i, COL_PROBABILITY)] = expf(b->logits[i] - b->lse);
		for (int c = 0; c < COLUMNS; c++)
			table_set_token(t, table_cell(t, i, c), b->ask->model, b->ids[i]);
	}
	table_set_title(t, "bigrams", name_of(b, t), b->ask->arg[ARG_EMBEDDING] ? "effective embedding" : "raw embedding");
	t->look = LOOK_RANKING;
	t->ranking = (struct ranking){ COL_PROBABILITY, COL_LOGIT, -1 };
	t->scale = SCALE_PROBABILITY;
	t->explain_other = "what weights say of a token alone is no number of the run; the logit lens on layer 0's stream is one";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const int V = ask->model->config.V, wanted = ask->like ? ask->like->rows.n : ask->arg[ARG_K];
	struct bigrams b = { .ask = ask, .k = wanted < V ? wanted : V };
	float *x = arena_floats(ask->scratch, (size_t)ask->model->config.D, err);
	struct table *t;

	b.ids = arena_alloc(ask->scratch, (size_t)b.k * sizeof *b.ids);
	b.logits = arena_alloc(ask->scratch, (size_t)b.k * sizeof *b.logits);
	if (!x || !read_token(&b, err) || !read_words(&b, x, err) || !(t = table_new(b.k, COLUMNS, err)))
		return NULL;
	describe(&b, t);
	return table_if(check(&b, t, x, err), t);
}

const struct analysis analysis_bigrams = {
	.name = "bigrams",
	.title = "Bigrams",
	.topic = TOPIC_GEOMETRY,
	.paper = "Elhage et al. 2021",
	.blurb = "What a token alone calls for next, by its embedding and the unembedding.",
	.help = "What the model would say were there no layers, or (effective) layer 0's MLP alone. In small models much of what "
		"comes next is here already: endings of words, and what often follows. With tied embeddings the raw path cannot be "
		"one of bigrams, and often names the token itself; then effective says more. What a prompt changes is what the "
		"layers add to this.",
	.picture = " after ·New\n"
		   "   ·York    .21  ████████▌     an ending that needs\n"
		   "   ·Year    .09  ███▋          no context\n"
		   "   ·Zealand .07  ██▊\n",
	.shape = "rank × quantity",
	.unit = "logit, probability",
	.on = ON_RUN,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
