/*
 * future_lens.c - the tokens that one position's stream already knows beyond the next.
 *
 *   method=prompt   resid_post[l, i] put at the last token of another prompt, after its layer l; what the model then says   [L, n]
 *   method=linear   resid_post[l, i] through a lens that was trained to foresee (train-tuned-lens ahead=1…3)
 *   row `own`       what the model says after the prompt itself, up to that position
 *
 * Pal et al. 2023. The other prompt says nothing of what the first is about: all that comes of it was in the one stream. Each row
 * after the first token is given its own tokens before it, and nothing else of the prompt. What is put there is there while the
 * target is read. A lens that translates what enters a layer reads what leaves the one below.
 *
 * The check: the last layer's stream says the model's own next token, bit for bit, wherever it is put.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/continuation.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/lens_file.h"
#include "engine/run/vocab.h"

enum { ARG_METHOD, ARG_POSITION, ARG_N, ARG_TARGET, ARG_FILE, ARG_FILE_2, ARG_FILE_3 };
enum { METHOD_PROMPT, METHOD_LINEAR };
enum { FILES = 3, FORESEEN = 4 }; /* tokens, the next one among them, that lenses of ours look ahead to */
static const struct choice methods[] = {
	{ "prompt", "put into another prompt, and what the model says there", METHOD_PROMPT },
	{ "linear", "through lenses that foresee", METHOD_LINEAR },
	{ 0 },
};
static const struct param params[] = {
	[ARG_METHOD] = { "method", PARAM_CHOICE, .choices = methods, .help = "how it is read" },
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true, .help = "whose stream" },
	[ARG_N] = { "n", PARAM_INT, .lo = 1, .hi = 20, .start = 3, .help = "of method=prompt: how many tokens" },
	[ARG_TARGET] = { "target", PARAM_TEXT, .start_text = "Hello! Could you please tell me more about \"",
			 .help = "of method=prompt: the other prompt" },
	[ARG_FILE] = { "file", PARAM_FILE, .file = &asset_lens, .help = "of method=linear: a lens of train-tuned-lens" },
	[ARG_FILE_2] = { "file_2", PARAM_FILE, .file = &asset_lens, .help = "one that looks further" },
	[ARG_FILE_3] = { "file_3", PARAM_FILE, .file = &asset_lens, .help = "and a third" },
	{ 0 },
};

struct future {
	const struct ask *ask;
	struct run *begun, *target;	/* the prompt up to the position; the other one */
	const struct lens *lens[FILES]; /* [lenses] by how far they look */
	int lenses, columns;
	struct continuation own;
	struct table *t;
};

/* ---- what the model says itself ---- */

static bool say_own(struct future *f, struct err *err)
{
	const struct ask *ask = f->ask;
	const int T = ask->arg[ARG_POSITION] + 1;
	struct run_order order = { .model = ask->model,
				   .tokens = ask->run->tokens,
				   .T = T,
				   .base = ask->run,
				   .unedited = ask->unedited,
				   .keeps = RUN_STREAM };

	f->begun = T == ask->run->T ? run_ref(ask->run) : run_new(&order, ask->task, err);
	return f->begun && continuation_make(&f->own, f->begun, ask->unedited, NULL, 0, f->columns, ask->scratch, ask->task, err);
}

static void set_row(const struct future *f, int row, const struct continuation *c)
{
	for (int i = 0; i < c->n && i < f->columns; i++) {
		const size_t cell = table_cell(f->t, row, i);

		f->t->value[cell] = c->probability[i];
		table_set_token(f->t, cell, f->ask->model, c->token[i]);
	}
}

/* ---- through another prompt ---- */

static bool run_target(struct future *f, struct err *err)
{
	const struct model *m = f->ask->model;
	const char *text = f->ask->text[ARG_TARGET] ? f->ask->text[ARG_TARGET] : "";
	int32_t *ids = NULL;
	size_t n = 0;
	const bool ok = tokenizer_encode(m->tokenizer, text, strlen(text), BOS_DEFAULT, &ids, &n, err) &&
			(n || err_set(err, ERR_ARGUMENT, "future-lens: the target has no tokens")) &&
			(f->target = run_new(&(struct run_order){ .model = m, .tokens = ids, .T = (int)n, .keeps = RUN_STREAM },
					     f->ask->task, err));

	free(ids);
	return ok;
}

static bool say_through(const struct future *f, int layer, struct continuation *c, struct err *err)
{
	const struct ask *ask = f->ask;
	struct edit put = edit_put(place_at(SITE_RESID_POST, layer, -1, -1),
				   run_at(ask->run, SITE_RESID_POST, layer, ask->arg[ARG_POSITION]), f->target->T - 1, 1);
	const struct edit *const one = &put;

	return continuation_make(c, f->target, f->target, &one, 1, f->columns, ask->scratch, ask->task, err);
}

static bool fill_by_prompt(struct future *f, struct err *err)
{
	const int L = f->ask->model->config.L;

	for (int l = L - 1; l >= 0; l--) {
		struct continuation c;

		task_part(f->ask->task, L - 1 - l, 1, L);
		if (!say_through(f, l, &c, err))
			return false;
		set_row(f, l, &c);
		if (l == L - 1)
			f->t->check = (struct check){ "the last layer's stream says the model's own next token",
						      (double)f->own.probability[0], (double)c.probability[0], 0 };
		if (l && ask_watched(f->ask))
			ask_show(f->ask, f->t);
	}
	task_part(f->ask->task, 0, 0, 0);
	return true;
}

/* ---- through lenses ---- */

static bool open_lenses(struct future *f, struct err *err)
{
	for (int i = 0; i < FILES; i++) {
		const struct asset *file;
		const struct lens *lens;
		int at = f->lenses;

		if (!f->ask->text[ARG_FILE + i])
			continue;
		if (!(file = ask_asset(f->ask, ARG_FILE + i, err)))
			return false;
		lens = file->content;
		if (lens->heads)
			return err_set(err, ERR_ARGUMENT, "%s: this is an attention lens; future-lens reads the stream",
				       file->path);
		for (; at > 0 && f->lens[at - 1]->ahead > lens->ahead; at--)
			f->lens[at] = f->lens[at - 1];
		f->lens[at] = lens;
		f->lenses++;
	}
	return f->lenses ||
	       err_set(err, ERR_ARGUMENT,
		       "future-lens: method=linear reads through lenses, and none is given: file=FILE (train-tuned-lens "
		       "ahead=1 makes one)");
}

/*
 * The stream after a layer is what enters the next one; after the last it is the output, which foresees nothing but the next
 * token.
 */
static bool fill_by_lens(struct future *f, int column, struct err *err)
{
	const struct ask *ask = f->ask;
	const struct lens *lens = f->lens[column];
	const size_t D = (size_t)ask->model->config.D;
	float *x = arena_floats(ask->scratch, D, err), logit, lse;
	int32_t id;
	const struct vocab_wanted wanted = { .k = 1, .ids = &id, .logits = &logit, .lse = &lse };

	for (int l = 0; x && l < lens->L; l++) {
		const float *h = run_at(ask->run, SITE_RESID_POST, l, ask->arg[ARG_POSITION]);
		const size_t cell = table_cell(f->t, l, column);

		if (l + 1 == lens->L ? lens->ahead > 0 : !lens_has(lens, l + 1))
			continue;
		if (l + 1 == lens->L)
			memcpy(x, h, D * sizeof *x);
		else
			lens_apply(lens, l + 1, h, 1, x);
		if (!vocab_read(ask->model, x, 1, false, &wanted, ask->task, err))
			return false;
		f->t->value[cell] = expf(logit - lse);
		table_set_token(f->t, cell, ask->model, id);
	}
	return x != NULL;
}

/* ---- the table ---- */

static void describe(const struct future *f)
{
	const struct ask *ask = f->ask;
	struct table *t = f->t;
	const bool linear = ask->arg[ARG_METHOD] == METHOD_LINEAR;

	t->rows.dim = DIM_LAYER;
	t->rows.name = "layer";
	axis_of(&t->cols, DIM_QUANTITY);
	t->cols.name = "token";
	for (int l = 0; l < t->rows.n - 1; l++) {
		axis_label(t, &t->rows, l, arena_printf(t->arena, "%d", l));
		axis_place(t, &t->rows, l, place_at(SITE_RESID_POST, l, -1, ask->arg[ARG_POSITION]));
	}
	axis_label(t, &t->rows, t->rows.n - 1, "own");
	for (int i = 0; i < t->cols.n; i++)
		axis_label(t, &t->cols, i, arena_printf(t->arena, "n+%d", linear ? f->lens[i]->ahead + 1 : i + 1));
	table_set_words(t);
	table_set_title(t, "future lens", arena_printf(t->arena, "position %d", ask->arg[ARG_POSITION]),
			linear ? "through lenses" : "through another prompt");
	table_set_unit(t, "probability");
	t->look = LOOK_HEAT;
	t->scale = SCALE_PROBABILITY;
	t->explain_other = "a token that comes later is no number of this run";
	if (!linear)
		t->footnote = arena_printf(t->arena, "put at the end of: %s", ask->text[ARG_TARGET] ? ask->text[ARG_TARGET] : "");
}

/* Of lenses, the token that each one foresees. */
static void set_own(const struct future *f)
{
	struct continuation c = f->own;

	if (f->ask->arg[ARG_METHOD] == METHOD_PROMPT) {
		set_row(f, f->t->rows.n - 1, &c);
		return;
	}
	for (int i = 0; i < f->lenses; i++) {
		const int ahead = f->lens[i]->ahead;
		const size_t cell = table_cell(f->t, f->t->rows.n - 1, i);

		if (ahead >= c.n)
			continue;
		f->t->value[cell] = c.probability[ahead];
		table_set_token(f->t, cell, f->ask->model, c.token[ahead]);
	}
}

static bool fill(struct future *f, struct err *err)
{
	const bool linear = f->ask->arg[ARG_METHOD] == METHOD_LINEAR;

	describe(f);
	set_own(f);
	for (int i = 0; linear && i < f->lenses; i++)
		if (!fill_by_lens(f, i, err))
			return false;
	return linear || (run_target(f, err) && fill_by_prompt(f, err));
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const bool linear = ask->arg[ARG_METHOD] == METHOD_LINEAR;
	struct future f = { .ask = ask, .columns = ask->arg[ARG_N] };
	bool ok = !linear || open_lenses(&f, err);

	if (linear)
		f.columns = FORESEEN;
	ok = ok && say_own(&f, err) && (f.t = table_new(ask->model->config.L + 1, linear ? f.lenses : f.columns, err)) &&
	     fill(&f, err);
	run_unref(f.begun);
	run_unref(f.target);
	return table_if(ok, f.t);
}

/* The target, and each row's tokens; the prompt's own, of which the first is known. */
static int runs(const struct ask *ask)
{
	const bool linear = ask->arg[ARG_METHOD] == METHOD_LINEAR;
	const int n = linear ? FORESEEN : ask->arg[ARG_N], begin = ask->arg[ARG_POSITION] + 1 < ask->run->T;

	return begin + n - 1 + (linear ? 0 : 1 + ask->model->config.L * n);
}

const struct analysis analysis_future_lens = {
	.name = "future-lens",
	.title = "Future lens",
	.topic = TOPIC_LENS,
	.paper = "Pal et al. 2023",
	.blurb = "Which tokens beyond the next one a single position's stream already knows.",
	.help = "One position's stream is put at the end of a prompt about nothing, and the model continues from there: what it "
		"says beyond the first token was in that one stream. Compare with the row `own`, the model's own continuation: "
		"where they agree, the plan was there. Common phrases need no plan: a second token that always follows the first "
		"proves nothing. method=linear reads through lenses trained to foresee instead (train-tuned-lens ahead=1).",
	.picture = " layer   n+1      n+2       n+3\n"
		   "   own   ·New     ·York     ·City\n"
		   "   3     ·New     ·York     .\n"
		   "   2     ·New     ·York     ·City    planned in layer 2\n"
		   "   1     ·Los     ·Angeles  .        another city\n"
		   "   0     ·the     ·first    ·time\n",
	.shape = "layer × token",
	.unit = "probability",
	.on = ON_RUN | ON_ASSET,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
