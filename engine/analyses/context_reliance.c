/*
 * context_reliance.c - which generated tokens rely on a part of the prompt, the context, and on which tokens of it (PECoRe).
 *
 *   the prompt, continued greedily by n tokens y_t                                       p(y_t | context, rest, y_<t)
 *   the same continuation after the prompt without the context's tokens                  p(y_t | rest, y_<t)
 *
 *   kl       Σ_v p log(p with context / p without), nats      logprob  log p(y_t) of both, nats
 *   mcxmi    log2 p(y_t) with context - without, bits: positive where the context helps
 *   token=i  ‖∂ (logit y_i - logit of what would come without the context) / ∂ input_j‖ of each context token j
 *
 * Sarti et al. 2024. Without the context the rest closes up and positions shift; edits that name positions move with their tokens.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/token_groups.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/kernels.h"

enum { ARG_CONTEXT, ARG_N, ARG_SHOW, ARG_TOKEN };
enum { SHOW_KL, SHOW_LOGPROB, SHOW_MCXMI };
enum { MOST = 200, BLOCK = 16 };
static const struct choice shows[] = {
	{ "kl", "how far the prediction with the context is from the one without", SHOW_KL },
	{ "logprob", "the token's log-probability, with and without", SHOW_LOGPROB },
	{ "mcxmi", "how many bits the context spares the token", SHOW_MCXMI },
	{ 0 },
};
static const struct param params[] = {
	[ARG_CONTEXT] = { "context", PARAM_POSITIONS,
			  .help = "the tokens that are left out; not given: all before the last sentence, of one alone its first "
				  "half" },
	[ARG_N] = { "n", PARAM_INT, .lo = 1, .hi = MOST, .start = 20, .help = "so many tokens are generated" },
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shows, .help = "what is compared" },
	[ARG_TOKEN] = { "token", PARAM_INT, .words = "none", .lo = 0, .hi = MOST - 1, .start_text = "none",
			.help = "one generated token: which context tokens it relies on" },
	{ 0 },
};
extern const struct analysis analysis_context_reliance;

struct reliance {
	const struct ask *ask;
	const bool *context; /* [T] */
	int T, rest;	     /* tokens of the prompt, with and without the context */
	int n;		     /* generated */
	int32_t *tokens;     /* [T + n] */
	int32_t *without;    /* [rest + n] */
	int *new_place;	     /* [T] where a token is without the context; -1: it is of the context */
	struct run *with_run, *without_run;
	double *kl, *with, *bare; /* [n] */
	int32_t *other;		  /* [n] what would have come without the context */
};

/* ---- the context ---- */

/* All before the last sentence, of one alone its first half; the mark before the prompt stays. */
static const bool *before_last_sentence(const struct reliance *r)
{
	const struct model *m = r->ask->model;
	const int body = r->tokens[0] == tokenizer_bos(m->tokenizer);
	bool *at = arena_alloc(r->ask->scratch, (size_t)r->T);
	struct token_span *span = arena_alloc(r->ask->scratch, (size_t)r->T * sizeof *span);
	const int n = token_groups_split(m, r->tokens, r->T, GROUP_SENTENCE, span);
	const int end = n > 1 + body ? span[n - 1].from : r->T / 2;

	for (int t = body; t < end; t++)
		at[t] = true;
	return at;
}

static bool split(struct reliance *r, struct err *err)
{
	const struct ask *ask = r->ask;

	r->context = ask_positions(ask, ARG_CONTEXT);
	if (!r->context)
		r->context = before_last_sentence(r);
	for (int t = 0; t < r->T; t++) {
		r->new_place[t] = r->context[t] ? -1 : r->rest;
		if (!r->context[t])
			r->without[r->rest++] = r->tokens[t];
	}
	return r->rest || err_set(err, ERR_ARGUMENT, "context-reliance: context: nothing of the prompt would be left without it");
}

/* ---- the two runs ---- */

static int32_t likeliest(const struct model *m, const float *logits)
{
	int known = tokenizer_size(m->tokenizer);

	return kernel_best(logits, known && known < m->config.V ? known : m->config.V);
}

/* As far as learned positions reach. */
static int possible(const struct ask *ask)
{
	const struct config *c = &ask->model->config;
	int n = ask->text[ARG_TOKEN] ? ask->arg[ARG_N] : ask->arg[ARG_TOKEN] + 1, room = c->context - ask->run->T;

	return c->context_is_hard && n > room ? (room > 1 ? room : 1) : n;
}

static bool continue_prompt(struct reliance *r, struct err *err)
{
	const struct ask *ask = r->ask;
	struct run_order order = { .model = ask->model,
				   .tokens = r->tokens,
				   .prompt_T = r->T,
				   .base = ask->run,
				   .unedited = ask->unedited,
				   .keeps = ask->run->keeps };
	float *logits = arena_floats(ask->scratch, (size_t)ask->model->config.V, err);

	r->with_run = run_ref(ask->run);
	for (int i = 0; logits && i < r->n; i++) {
		struct run *next;

		if (!task_step(ask->task, i, r->n + 1, err) || !run_logits(r->with_run, r->T + i - 1, 1, logits, ask->task, err))
			return false;
		r->tokens[r->T + i] = r->without[r->rest + i] = likeliest(ask->model, logits);
		order.T = r->T + i + 1;
		order.prefix = r->with_run;
		if (!(next = run_new(&order, ask->task, err)))
			return false;
		run_unref(r->with_run);
		r->with_run = next;
	}
	return logits != NULL;
}

/* An edit of the prompt at the same tokens without the context. False: it acts on none of them. */
static bool move_edit(const struct reliance *r, struct edit *e)
{
	bool *at = arena_alloc(r->ask->scratch, (size_t)r->rest + 1), any = !e->at || e->onward;
	int key = -1, key_to = -1;

	for (int t = 0; e->at && t < r->T && t < e->at_count; t++)
		if (r->new_place[t] >= 0 && e->at[t])
			any = at[r->new_place[t]] = true;
	for (int t = e->key; e->has_key && t <= e->key_to && t < r->T; t++)
		if (t >= 0 && r->new_place[t] >= 0) {
			key = key < 0 ? r->new_place[t] : key;
			key_to = r->new_place[t];
		}
	if (e->at) {
		e->at = at;
		e->at_count = r->rest;
	}
	if (!e->has_key)
		return any;
	e->key = key;
	e->key_to = key_to;
	return any && key >= 0;
}

/* What is taken from another run's same positions has none without the context. */
static bool can_move(const struct edit *e)
{
	return !e->source && !e->rows && !e->mean_keys;
}

static const struct edit *const *moved_edits(const struct reliance *r, int *n, struct err *err)
{
	const struct run *run = r->ask->run;
	const struct edit **list = arena_alloc(r->ask->scratch, ((size_t)run->edits + 1) * sizeof *list);

	*n = 0;
	for (int e = 0; e < run->edits; e++) {
		struct edit *edit = arena_alloc(r->ask->scratch, sizeof *edit);

		*edit = run->edit[e];
		if (!can_move(edit) && r->rest < r->T) {
			err_set(err, ERR_ARGUMENT,
				"context-reliance: edit %d takes its values from the same positions of another run, which are "
				"other ones without the context",
				e + 1);
			return NULL;
		}
		if (move_edit(r, edit))
			list[(*n)++] = edit;
	}
	return list;
}

static bool run_without(struct reliance *r, struct err *err)
{
	const struct ask *ask = r->ask;
	struct run_order order = {
		.model = ask->model, .tokens = r->without, .T = r->rest + r->n, .prompt_T = r->rest, .keeps = ask->run->keeps
	};

	order.more = moved_edits(r, &order.more_count, err);
	return order.more && (r->without_run = run_new(&order, ask->task, err));
}

/* ---- what differs ---- */

static void compare_rows(struct reliance *r, int i, const float *a, const float *b)
{
	const int V = r->ask->model->config.V;
	const double lse_a = (double)kernel_log_sum_exp(a, (size_t)V), lse_b = (double)kernel_log_sum_exp(b, (size_t)V);
	const int32_t y = r->tokens[r->T + i];
	double kl = 0;

	for (int v = 0; v < V; v++) {
		double log_p = (double)a[v] - lse_a;

		kl += exp(log_p) * (log_p - ((double)b[v] - lse_b));
	}
	r->kl[i] = fmax(kl, 0);
	r->with[i] = (double)a[y] - lse_a;
	r->bare[i] = (double)b[y] - lse_b;
	r->other[i] = likeliest(r->ask->model, b);
}

static bool compare(struct reliance *r, struct err *err)
{
	const struct ask *ask = r->ask;
	size_t V = (size_t)ask->model->config.V;
	float *a = arena_floats(ask->scratch, BLOCK * V, err), *b = a ? arena_floats(ask->scratch, BLOCK * V, err) : NULL;

	for (int i = 0; b && i < r->n; i += BLOCK) {
		int rows = r->n - i < BLOCK ? r->n - i : BLOCK;

		if (!run_logits(r->with_run, r->T + i - 1, rows, a, ask->task, err) ||
		    !run_logits(r->without_run, r->rest + i - 1, rows, b, ask->task, err))
			return false;
		for (int k = 0; k < rows; k++)
			compare_rows(r, i + k, a + (size_t)k * V, b + (size_t)k * V);
	}
	return b != NULL;
}

/* ---- one token's context ---- */

static bool rely(const struct reliance *r, int i, struct table *t, struct err *err)
{
	const struct ask *ask = r->ask;
	size_t D = (size_t)ask->model->config.D;
	float *g = arena_alloc(ask->scratch, D * sizeof *g);
	const int32_t y = r->tokens[r->T + i];
	const char *spec = y == r->other[i] ? arena_printf(ask->scratch, "logit #%d @%d", y, r->T + i - 1)
					    : arena_printf(ask->scratch, "logit_diff #%d #%d @%d", y, r->other[i], r->T + i - 1);
	struct gradient *gradient;
	struct metric metric;

	if (!metric_resolve(spec, r->with_run, &metric, NULL, err))
		return false;
	gradient = gradient_new(r->with_run, &metric, r->with_run, 0, ask->task, err);
	metric_done(&metric);
	for (int j = 0; gradient && j < r->T; j++)
		if (r->context[j]) {
			gradient_input(gradient, j, g);
			t->value[j] = kernel_norm2(g, D);
		}
	gradient_unref(gradient);
	return gradient != NULL;
}

/* ---- the table ---- */

static void label_generated(struct table *t, int row, const struct model *m, int32_t id)
{
	struct str show;
	size_t n;
	const char *bytes = tokenizer_bytes(m->tokenizer, id, &n);

	str_init(&show);
	tokenizer_show(m->tokenizer, id, &show);
	axis_token(t, &t->rows, row, id, bytes, n, show.s);
	str_done(&show);
}

static void fill(struct table *t, const struct reliance *r)
{
	const int show = r->ask->arg[ARG_SHOW];

	for (int i = 0; i < r->n; i++) {
		float *row = t->value + table_cell(t, i, 0);

		row[0] = (float)(show == SHOW_KL ? r->kl[i] : show == SHOW_MCXMI ? (r->with[i] - r->bare[i]) / M_LN2 : r->with[i]);
		if (show == SHOW_LOGPROB)
			row[1] = (float)r->bare[i];
	}
}

static void describe(struct table *t, const struct reliance *r, bool one)
{
	const struct ask *ask = r->ask;
	const int show = ask->arg[ARG_SHOW];

	t->rows.dim = DIM_COMPONENT;
	t->rows.name = "token";
	for (int i = 0; i < t->rows.n; i++)
		label_generated(t, i, ask->model, r->tokens[r->T + (one ? r->n - 1 : i)]);
	if (one) {
		axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
		t->place.site = SITE_EMBED;
		t->look = LOOK_HEAT;
		t->footnote = "tokens that are no context have no number";
	} else {
		axis_of(&t->cols, DIM_QUANTITY);
		axis_label(t, &t->cols, 0, show == SHOW_LOGPROB ? "with" : shows[show].word);
		if (show == SHOW_LOGPROB)
			axis_label(t, &t->cols, 1, "without");
		t->look = show == SHOW_LOGPROB ? LOOK_HEAT : LOOK_BARS;
	}
	table_set_title(t, "context reliance", arena_printf(t->arena, "%d of %d tokens are context", r->T - r->rest, r->T),
			one ? "gradient's length" : shows[show].word);
	table_set_unit(t, one ? "logit" : show == SHOW_MCXMI ? "bits" : "nats");
	t->scale = !one && show == SHOW_MCXMI ? SCALE_DIVERGING : SCALE_SEQUENTIAL;
}

/* The log-probabilities against the losses of the two runs, each read by itself. */
static bool check_losses(struct table *t, const struct reliance *r, struct err *err)
{
	double with, bare, sum = 0;

	if (!run_loss(r->with_run, r->T, &with, r->ask->task, err) || !run_loss(r->without_run, r->rest, &bare, r->ask->task, err))
		return false;
	for (int i = 0; i < r->n; i++)
		sum += r->with[i] - r->bare[i];
	t->check = (struct check){ "what the context spares is the difference of two losses", bare - with, sum, 1e-4 };
	return true;
}

static bool begin(struct reliance *r, const struct ask *ask, struct err *err)
{
	size_t T = (size_t)ask->run->T;

	*r = (struct reliance){ .ask = ask, .T = (int)T, .n = possible(ask) };
	r->tokens = arena_alloc(ask->scratch, (T + (size_t)r->n) * sizeof *r->tokens);
	r->without = arena_alloc(ask->scratch, (T + (size_t)r->n) * sizeof *r->without);
	r->new_place = arena_alloc(ask->scratch, T * sizeof *r->new_place);
	r->kl = arena_alloc(ask->scratch, 3 * (size_t)r->n * sizeof *r->kl);
	r->with = r->kl + r->n;
	r->bare = r->with + r->n;
	r->other = arena_alloc(ask->scratch, (size_t)r->n * sizeof *r->other);
	memcpy(r->tokens, ask->run->tokens, T * sizeof *r->tokens);
	return split(r, err);
}

static int runs(const struct ask *ask)
{
	return possible(ask) + 1 + !ask->text[ARG_TOKEN];
}

static struct table *answer(struct reliance *r, struct err *err)
{
	const bool one = !r->ask->text[ARG_TOKEN];
	struct table *t;

	if (!continue_prompt(r, err) || !run_without(r, err) || !compare(r, err) ||
	    !(t = table_new(one ? 1 : r->n, one ? r->T : 1 + (r->ask->arg[ARG_SHOW] == SHOW_LOGPROB), err)))
		return NULL;
	describe(t, r, one);
	if (!one)
		fill(t, r);
	return table_if((!one || rely(r, r->n - 1, t, err)) && check_losses(t, r, err), t);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct reliance r;
	struct table *t;

	if (!ask->text[ARG_TOKEN] && !run_has(ask->run, SITE_Z) &&
	    !analysis_refuse_stream(&analysis_context_reliance, ask->run, err))
		return NULL;
	if (!begin(&r, ask, err))
		return NULL;
	t = answer(&r, err);
	run_unref(r.with_run);
	run_unref(r.without_run);
	return t;
}

const struct analysis analysis_context_reliance = {
	.name = "context-reliance",
	.title = "Context reliance",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Sarti et al. 2024",
	.blurb = "Which generated tokens rely on the prompt's context, and on which tokens of it.",
	.help = "The prompt is continued, and the same continuation is read once more after the prompt without its context: all "
		"before the last sentence, or the positions of context=. kl: how far apart the two predictions are before each "
		"token; mcxmi is positive where the context helps. token=3 shows which context tokens the fourth generated one "
		"leans on: the gradient of its logit, less that of what would have come without the context. Without the context "
		"the rest moves to the front: part of what is measured.",
	.picture = " ·Lily  ▇▇▇▇▇▇▇  needs the context: who was there\n"
		   " ·said  ▏\n"
		   " ,      ▏         follows from grammar alone\n"
		   " ·blue  ▇▇▇▇      the colour was told before\n",
	.shape = "token × quantity, token × position",
	.unit = "nats, bits, logit",
	.on = ON_RUN,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
