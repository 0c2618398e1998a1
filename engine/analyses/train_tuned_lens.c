/*
 * train_tuned_lens.c - learns a lens: for each layer an affine map of the stream that enters it, after which the model's own final
 * norm and unembedding predict what the model predicts in the end.
 *
 *   kl          least, over W_l[D, D] and b_l[D],  mean over tokens of KL(output ‖ W_U norm(h_l + h_l W_lᵀ + b_l))
 *   head        the same for each head, h what it writes
 *   regression  least squares from h_l to the stream that leaves the last layer, in closed form; where kl starts, too
 *   ahead=k     the output, or the last stream, k positions later
 *
 * Belrose et al. 2023; Sakarvadia et al. 2023 (heads); Din et al. 2023 (regression); Pal et al. 2023 (ahead). W = b = 0 is the
 * logit lens. Belrose et al. take 2^18 tokens for each of 250 steps of SGD. On a CPU there are a few hundred for each: Adam (Kingma
 * & Ba 2015), its rate falling to 0. Each translator is learned by itself. Every tenth document is held out, unless the file says
 * which with `split`.
 */
#include "engine/analysis/corpus_split.h"
#include "engine/analysis/training.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/numbers/adam.h"
#include "engine/run/lens_file.h"
#include "engine/run/lens_loss.h"
#include "engine/run/lens_ridge.h"
#include "engine/run/positions.h"

enum { KIND_KL, KIND_REGRESSION, KIND_HEAD };
static const struct choice kinds[] = {
	{ "kl", "a map of the stream, so that its prediction is near the model's", KIND_KL },
	{ "regression", "a linear map of the stream to the last layer's, by least squares: a minute's work", KIND_REGRESSION },
	{ "head", "a map of what each head writes: an attention lens", KIND_HEAD },
	{ 0 },
};

enum { START_REGRESSION, START_IDENTITY };
static const struct choice starts[] = {
	{ "regression", "the regression's maps, of as many tokens as it takes: below the logit lens before the first step",
	  START_REGRESSION },
	{ "identity", "the logit lens", START_IDENTITY },
	{ 0 },
};

enum { ARG_CORPUS, ARG_KIND, ARG_START, ARG_AHEAD, ARG_LAYERS, ARG_STEPS, ARG_BATCH, ARG_LENGTH, ARG_RATE, ARG_SEED, ARG_OUT };
static const struct param params[] = {
	[ARG_CORPUS] = { "corpus", PARAM_FILE, .file = &asset_corpus,
			 .help = "the text: a document a line, or JSON lines with \"text\" or \"prompt\"" },
	[ARG_KIND] = { "kind", PARAM_CHOICE, .choices = kinds, .help = "what is learned" },
	[ARG_START] = { "start", PARAM_CHOICE, .choices = starts, .help = "of kind=kl: what is there before the first step" },
	[ARG_AHEAD] = { "ahead", PARAM_INT, .lo = 0, .hi = 3, .start = 0,
			.help = "how many tokens after the next one are foreseen" },
	[ARG_LAYERS] = { "layers", PARAM_POSITIONS, DIM_LAYER, .words = "all", .help = "which layers; all where none is given" },
	[ARG_STEPS] = { "steps", PARAM_INT, .lo = 1, .hi = 100000, .start = 250, .help = "how often the translators are changed" },
	[ARG_BATCH] = { "batch", PARAM_INT, .lo = 16, .hi = 1 << 18, .start = 512, .help = "tokens of a step" },
	[ARG_LENGTH] = { "length", PARAM_INT, .lo = 8, .hi = 1 << 16, .start = 256,
			 .help = "tokens of a window, which documents are cut into" },
	[ARG_RATE] = { "rate", PARAM_REAL, .words = "auto", .lo = 1e-6, .hi = 1, .start_text = "auto",
		       .help = "of Adam, at the beginning; auto: 0.8 for the channels together" },
	[ARG_SEED] = { "seed", PARAM_INT, .lo = 0, .hi = 1000000, .start = 0,
		       .help = "from which document on every tenth is held out" },
	[ARG_OUT] = { "out", PARAM_OUTPUT, .help = "the lens, a .safetensors; the same question resumes from what is there" },
	{ 0 },
};

enum { START_EACH = 32, IN_DOUBLE = 8 };

struct learning {
	const struct ask *ask;
	struct lens_plan plan;
	struct corpus_split text;  /* ahead: tokens that are foreseen beyond the next */
	struct corpus_place place; /* of the next step */
	int length, units;	   /* of a window; translators */
	size_t each, all;	   /* floats of a translator, of all */
	float *x, *g;		   /* [all] the translators; the gradient */
	struct adam adam;
	struct lens_ridge *ridge; /* NULL: it is learned in steps */
	struct lens_loss *loss;
	double *sum;	 /* [units] */
	float *held_out; /* [2, units] the distance on held-out text: of this lens, of the logit lens; [MORE] */
	float *more;
};

/* The share of the last stream that is not explained, of held-out text; this lens's distance on its first window. */
enum { MORE_UNEXPLAINED, MORE_FIRST, MORE };

static double learned_tokens(const struct ask *ask)
{
	return (double)ask->arg[ARG_STEPS] * ask->arg[ARG_BATCH];
}

/* ---- a step ---- */

static struct run *run_window(const struct learning *s, const int32_t *tokens, int n, struct err *err)
{
	struct run_order order = { .model = s->ask->model,
				   .tokens = tokens,
				   .T = n,
				   .keeps = s->plan.heads ? RUN_ALL : RUN_STREAM,
				   .without_logits = true };

	return run_new(&order, s->ask->task, err);
}

/* A window to learn from. */
static bool add_window(struct learning *s, const struct corpus_window *w, struct err *err)
{
	struct run *r = run_window(s, w->tokens, w->n, err);
	bool ok = r != NULL;

	if (ok && s->ridge) {
		lens_ridge_measure(s->ridge, s->x, r);
		lens_ridge_add(s->ridge, r);
	} else if (ok) {
		ok = lens_loss_add(s->loss, s->x, r, s->sum, s->g, s->ask->task, err);
	}
	run_unref(r);
	return ok;
}

static bool measure_window(struct learning *s, const struct held_window *h, struct err *err)
{
	struct run *r = run_window(s, h->tokens, h->n, err);
	bool ok = r && lens_loss_add(s->loss, s->x, r, s->sum, NULL, s->ask->task, err);

	if (ok && s->ridge)
		lens_ridge_measure(s->ridge, s->x, r);
	run_unref(r);
	return ok;
}

static double mean(const double *x, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}

/* A sum over D channels moves by D times as much as each weight does: wider models take smaller steps. */
static double first_rate(const struct ask *ask)
{
	return ask->text[ARG_RATE] ? 0.8 / ask->model->config.D : ask->real[ARG_RATE];
}

static bool step(struct training *t, int number, float *loss, struct err *err)
{
	struct learning *s = t->context;
	int tokens = 0;
	struct corpus_window w;

	if (s->ridge)
		lens_ridge_clear(s->ridge);
	else
		memset(s->g, 0, s->all * sizeof *s->g);
	memset(s->sum, 0, (size_t)s->units * sizeof *s->sum);
	if (!corpus_go(s->text.corpus, s->place, err))
		return false;
	for (; tokens < s->ask->arg[ARG_BATCH]; tokens += corpus_split_rows(&s->text, w.n))
		if (!corpus_split_next(&s->text, &w, err) || !add_window(s, &w, err))
			return false;
	if (s->ridge) {
		*loss = (float)lens_ridge_unexplained(s->ridge);
		lens_ridge_take(s->ridge);
	} else {
		*loss = (float)(mean(s->sum, s->units) / tokens);
		adam_step(&s->adam, s->x, s->g, 1.0 / tokens, first_rate(s->ask) * (1 - (double)number / t->steps), number);
	}
	s->place = corpus_at(s->text.corpus);
	return true;
}

/* Of the lens as it is; the curve's second column. */
static bool measure_held_out(struct learning *s, float *row, struct err *err)
{
	memset(s->sum, 0, (size_t)s->units * sizeof *s->sum);
	if (s->ridge)
		lens_ridge_clear(s->ridge);
	for (int i = 0; i < s->text.helds; i++) {
		if (!measure_window(s, &s->text.held[i], err))
			return false;
		if (i == 0)
			s->more[MORE_FIRST] = (float)(mean(s->sum, s->units) / corpus_split_rows(&s->text, s->text.held[0].n));
	}
	for (int u = 0; u < s->units; u++)
		s->held_out[u] = (float)(s->sum[u] / s->text.held_tokens);
	s->more[MORE_UNEXPLAINED] = s->ridge ? (float)lens_ridge_unexplained(s->ridge) : 0;
	row[1] = (float)(mean(s->sum, s->units) / s->text.held_tokens);
	return true;
}

static bool measure(struct training *t, int number, float *row, struct err *err)
{
	struct learning *s = t->context;

	if (s->ridge && number)
		lens_ridge_solve(s->ridge, s->x);
	row[2] = t->curve[2];
	return measure_held_out(s, row, err);
}

/* ---- where it starts ---- */

static bool starts_by_squares(const struct ask *ask)
{
	return ask->arg[ARG_KIND] == KIND_KL && ask->arg[ARG_START] == START_REGRESSION;
}

/* Tokens that the start is found from: many for each channel, but no more than are learned from afterwards. */
static int start_tokens(const struct ask *ask)
{
	const double most = START_EACH * (double)ask->model->config.D, learned = learned_tokens(ask);

	return (int)(learned < most ? learned : most);
}

static bool add_squares(struct learning *s, struct lens_ridge *ridge, struct err *err)
{
	struct corpus_window w;

	for (int tokens = 0; tokens < start_tokens(s->ask); tokens += corpus_split_rows(&s->text, w.n)) {
		struct run *r = corpus_split_next(&s->text, &w, err) ? run_window(s, w.tokens, w.n, err) : NULL;

		if (!r)
			return false;
		lens_ridge_add(ridge, r);
		lens_ridge_take(ridge);
		run_unref(r);
	}
	return true;
}

static bool start_by_squares(struct learning *s, struct err *err)
{
	struct arena *arena = arena_new();
	struct lens_ridge *ridge = lens_ridge_new(s->ask->model, &s->plan, s->length, arena, err);
	bool ok = ridge && add_squares(s, ridge, err);

	if (ok)
		lens_ridge_solve(ridge, s->x);
	arena_free(arena);
	return ok;
}

/* Translators of zero are the logit lens. */
static bool start(struct training *t, struct err *err)
{
	struct learning *s = t->context;

	if (!measure_held_out(s, t->curve, err))
		return false;
	memcpy(s->held_out + s->units, s->held_out, (size_t)s->units * sizeof *s->held_out);
	t->curve[2] = t->curve[1];
	if (!starts_by_squares(s->ask))
		return true;
	t->curve[1] = NAN;
	return start_by_squares(s, err);
}

static void remark(const struct training *t, struct str *out)
{
	const struct learning *s = t->context;
	int below = 0;

	for (int u = 0; u < s->units; u++)
		below += s->held_out[u] < s->held_out[s->units + u];
	str_addf(out, "; below the logit lens at %d of %d %s", below, s->units, s->plan.heads ? "heads" : "layers");
	if (s->ridge)
		str_addf(out, "; R² %.4g", 1 - (double)s->more[MORE_UNEXPLAINED]);
}

/* ---- what is written ---- */

/* What a lens says of itself beside what every training says. */
enum { NOTES = 5 };
static void describe(const struct learning *s, struct safetensors_note note[NOTES], struct arena *arena)
{
	const struct ask *ask = s->ask;

	note[0] = (struct safetensors_note){ "model", lens_model(ask->model, arena) };
	note[1] = (struct safetensors_note){ "site", s->plan.heads ? "result" : "resid_pre" };
	note[2] = (struct safetensors_note){ "kind", param_word(&params[ARG_KIND], ask->arg[ARG_KIND]) };
	note[3] = (struct safetensors_note){ "ahead", arena_printf(arena, "%d", s->text.ahead) };
	note[4] = (struct safetensors_note){ "heads", arena_printf(arena, "%d", s->plan.heads ? ask->model->config.H : 0) };
}

static bool save(const struct training *t, const char *path, const struct safetensors_note *note, int notes, struct err *err)
{
	const struct learning *s = t->context;
	const struct config *c = &s->ask->model->config;
	const size_t U = (size_t)s->units;
	struct arena *arena = arena_new();
	struct safetensors_note *all = arena_alloc(arena, (size_t)(notes + NOTES) * sizeof *all);
	struct tensor more[] = {
		training_curve(t),
		{ "held_out", DTYPE_F32, 2, { 2, s->units }, (const unsigned char *)s->held_out, 2 * U * sizeof(float) },
		{ "held_first", DTYPE_F32, 1, { 1 }, (const unsigned char *)&s->more[MORE_FIRST], sizeof(float) },
	};
	struct lens lens = { .L = c->L,
			     .D = c->D,
			     .heads = s->plan.heads ? c->H : 0,
			     .residual = true,
			     .note = all,
			     .notes = notes + NOTES,
			     .more = more,
			     .mores = sizeof more / sizeof *more };
	bool ok;

	describe(s, all, arena);
	memcpy(all + NOTES, note, (size_t)notes * sizeof *all);
	lens_plan_maps(&s->plan, s->ask->model, s->x, &lens, arena);
	ok = asset_lens.save(&lens, path, err);
	arena_free(arena);
	return ok;
}

static const char *question(const struct learning *s, struct err *err)
{
	const struct ask *ask = s->ask;
	struct str layers, q;
	const char *kept;
	uint64_t text;

	if (!file_hash(ask->text[ARG_CORPUS], &text, err))
		return NULL;
	str_init(&layers);
	for (int i = 0; s->plan.layers < ask->model->config.L && i < s->plan.layers; i++)
		str_addf(&layers, "%s%d", i ? "," : " of layers ", s->plan.layer[i]);
	str_init(&q);
	str_addf(&q, "train-tuned-lens of %s: %s%s, %d ahead, text %016" PRIx64 ", %d steps of %d tokens in windows of %d, seed %d",
		 lens_model(ask->model, ask->scratch), param_word(&params[ARG_KIND], ask->arg[ARG_KIND]), layers.s, s->text.ahead,
		 text, ask->arg[ARG_STEPS], ask->arg[ARG_BATCH], ask->arg[ARG_LENGTH], ask->arg[ARG_SEED]);
	if (!s->ridge)
		str_addf(&q, ", adam %.9g", first_rate(ask));
	if (starts_by_squares(ask))
		str_addf(&q, " from the regression of %d tokens", start_tokens(ask));
	kept = arena_strdup(ask->scratch, q.s);
	str_done(&q);
	str_done(&layers);
	return kept;
}

/* ---- the file, read back ---- */

/* What the file says of its distance on the first window that was held out is what its translators have there. */
static bool check_file(const struct learning *s, const char *path, struct check *check, struct err *err)
{
	struct lens *lens = asset_lens.open(path, err);
	const struct tensor *says = lens ? weights_find(lens->file, "held_first") : NULL;
	struct run *r = lens ? run_window(s, s->text.held[0].tokens, s->text.held[0].n, err) : NULL;
	double distance;
	float first = NAN;
	bool ok = r && lens_plan_distance(&s->plan, lens, r, &distance, s->ask->scratch, s->ask->task, err);

	if (ok) {
		if (says)
			tensor_expand(says, &first);
		*check = (struct check){ "held-out KL, first window = of the file", (double)first, distance, 1e-4 };
	}
	run_unref(r);
	if (lens)
		asset_lens.free(lens);
	return ok;
}

/* ---- the question ---- */

static bool choose_layers(struct learning *s, struct err *err)
{
	const int L = s->ask->model->config.L;
	const char *text = s->ask->text[ARG_LAYERS];
	bool *at = arena_alloc(s->ask->scratch, (size_t)L * sizeof *at);
	int *layer = arena_alloc(s->ask->scratch, (size_t)L * sizeof *layer);

	if (text && !strcmp(text, "all"))
		text = NULL;
	if (text && !positions_parse(text, L, at, "train-tuned-lens: layers", err))
		return false;
	s->plan = (struct lens_plan){ .layer = layer, .heads = s->ask->arg[ARG_KIND] == KIND_HEAD, .ahead = s->text.ahead };
	for (int l = 0; l < L; l++)
		if (!text || at[l])
			layer[s->plan.layers++] = l;
	return true;
}

static bool has_room(const struct learning *s, struct err *err)
{
	const bool ridge = s->ask->arg[ARG_KIND] == KIND_REGRESSION;
	const size_t D = (size_t)s->ask->model->config.D,
		     rows = ridge ? ((size_t)s->ask->arg[ARG_BATCH] + (size_t)s->length) * D * (size_t)(s->units + 1) : 0;
	const double bytes = (double)((ridge ? 5 : starts_by_squares(s->ask) ? 8 : 4) * s->all + rows) * sizeof(float);

	return bytes <= (double)memory_available() / 2 ||
	       err_set(err, ERR_MEMORY,
		       "train-tuned-lens: %d translators and what learning needs beside them take %.1f GB, more than half of the "
		       "memory that is free; layers= learns some at a time",
		       s->units, bytes / 1e9);
}

static bool begin(struct learning *s, struct err *err)
{
	const struct asset *text;
	const struct ask *ask = s->ask;
	const struct config *c = &ask->model->config;
	struct arena *scratch = ask->scratch;

	s->text.ahead = ask->arg[ARG_AHEAD];
	s->text.seed = ask->arg[ARG_SEED];
	s->length = c->context_is_hard && ask->arg[ARG_LENGTH] > c->context ? c->context : ask->arg[ARG_LENGTH];
	if (!choose_layers(s, err))
		return false;
	s->units = lens_plan_units(&s->plan, ask->model);
	s->each = lens_plan_floats(ask->model);
	s->all = s->adam.n = (size_t)s->units * s->each;
	if (!has_room(s, err) || !(s->x = arena_floats(scratch, s->all, err)) ||
	    !(s->loss = lens_loss_new(ask->model, &s->plan, scratch, err)))
		return false;
	if (ask->arg[ARG_KIND] == KIND_REGRESSION)
		s->ridge = lens_ridge_new(ask->model, &s->plan, ask->arg[ARG_BATCH] + s->length, scratch, err);
	else if ((s->adam.first = arena_floats(scratch, s->all, err)) && (s->adam.second = arena_floats(scratch, s->all, err)))
		s->g = arena_floats(scratch, s->all, err);
	s->sum = arena_alloc(scratch, (size_t)s->units * sizeof *s->sum);
	s->held_out = arena_alloc(scratch, (2 * (size_t)s->units + MORE) * sizeof *s->held_out);
	s->more = s->held_out + 2 * s->units;
	return (s->ridge || s->g) && (text = ask_asset(ask, ARG_CORPUS, err)) &&
	       (s->text.corpus = corpus_open(text->path, ask->model, s->length, err)) &&
	       corpus_split_hold_out(&s->text, text->path, corpus_split_enough(learned_tokens(ask)), scratch, ask->task, err);
}

/* All that the next step depends on. */
static int list_state(const struct learning *s, struct tensor state[4])
{
	const size_t D2 = s->each - (size_t)s->ask->model->config.D, sums = (size_t)s->units * D2;

	state[0] = tensor_floats("translators", s->x, s->all);
	state[1] = tensor_floats("held_out", s->held_out, 2 * (size_t)s->units + MORE);
	state[2] = s->ridge ? tensor_doubles("hh", s->ridge->hh, sums) : tensor_floats("first", s->adam.first, s->all);
	state[3] = s->ridge ? tensor_doubles("hy", s->ridge->hy, sums) : tensor_floats("second", s->adam.second, s->all);
	return 4;
}

static const char *object(const struct ask *ask)
{
	const char *kind = param_word(&params[ARG_KIND], ask->arg[ARG_KIND]);

	return ask->arg[ARG_AHEAD] ? arena_printf(ask->scratch, "%s, %d ahead", kind, ask->arg[ARG_AHEAD]) : kind;
}

/* ---- how long it takes ---- */

/* Multiplications, roughly: of a step, of measuring, of what is before the first step. */
struct effort {
	double step, measure, begin;
};

/* Back through the vocabulary takes as much as forward; sums in double precision take IN_DOUBLE times the products in single. */
static struct effort effort_of(const struct ask *ask, int units, int held)
{
	const double D = ask->model->config.D, word = D * ask->model->config.V, model = model_multiplications(ask->model),
		     read = model + word + units * (D * D + word), learned = read + units * (word + D * D),
		     squares = model + units * 2 * IN_DOUBLE * D * D;
	const bool regression = ask->arg[ARG_KIND] == KIND_REGRESSION;
	struct effort e = { ask->arg[ARG_BATCH] * (regression ? squares : learned), held * read, held * read };

	if (starts_by_squares(ask))
		e.begin += held * read + start_tokens(ask) * squares;
	return e;
}

static double work(const struct ask *ask, int *steps)
{
	struct learning s = { .ask = ask };
	struct effort e;
	struct err err; /* layers that there are not: then it takes no time to say so */

	if (!choose_layers(&s, &err))
		return 0;
	e = effort_of(ask, lens_plan_units(&s.plan, ask->model), corpus_split_enough(learned_tokens(ask)));
	*steps = ask->arg[ARG_STEPS];
	return e.begin + *steps * e.step + (training_measures(*steps) - 1) * e.measure;
}

static struct table *learn(struct learning *s, struct err *err)
{
	static const char *const columns[] = { "loss", "held out", "logit lens" }, *const by_squares[] = { "unexplained",
													   "held out",
													   "logit lens" };
	const struct effort effort = effort_of(s->ask, s->units, s->text.held_tokens);
	struct tensor state[4];
	struct training t = { .ask = s->ask,
			      .technique = "train-tuned-lens",
			      .title = "train tuned lens",
			      .object = object(s->ask),
			      .question = question(s, err),
			      .out = s->ask->text[ARG_OUT],
			      .steps = s->ask->arg[ARG_STEPS],
			      .column = s->ridge ? by_squares : columns,
			      .columns = 3,
			      .unit = "nats",
			      .state = state,
			      .states = list_state(s, state),
			      .place = &s->place,
			      .begin = start,
			      .begin_steps = effort.begin / effort.step,
			      .step = step,
			      .measure = measure,
			      .measure_steps = effort.measure / effort.step,
			      .remark = remark,
			      .save = save,
			      .context = s };
	struct table *table = t.question ? training_run(&t, err) : NULL;

	if (table && check_file(s, t.path, &table->check, err))
		return table;
	table_unref(table);
	return NULL;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct learning *s = arena_alloc(ask->scratch, sizeof *s);
	struct table *table = NULL;

	if (!ask->text[ARG_CORPUS]) {
		err_set(err, ERR_ARGUMENT, "train-tuned-lens learns from a text, and none is given: corpus=FILE");
		return NULL;
	}
	s->ask = ask;
	if (begin(s, err))
		table = learn(s, err);
	corpus_close(s->text.corpus);
	return table;
}

const struct analysis analysis_train_tuned_lens = {
	.name = "train-tuned-lens",
	.title = "Train a tuned lens",
	.topic = TOPIC_LENS,
	.paper = "Belrose et al. 2023",
	.blurb = "Learns the translators of a tuned lens from a text, and writes them to a file.",
	.help = "Each layer's translator is changed until the model's own final norm and unembedding, after it, predict what the "
		"model predicts in the end. The table is the curve as it grows: the distance (KL) on the text of each step, now "
		"and then that on text held out, and the logit lens's there, which is the one to beat. It starts at the "
		"regression, found beforehand from the same text, which is below the logit lens already. Esc or Ctrl-C stops it "
		"and keeps what is done; the same question resumes. The file can be used while it still learns. Of a regression "
		"the first column is the share of the last stream's variance that is not explained. With ahead=1 the prediction "
		"after the next is learned: what a layer knows of words to come.",
	.picture = " KL\n"
		   " 4.5 ⢣\n"
		   "     ╌⠣⡀╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ logit lens, held out\n"
		   "       ⠙⡄\n"
		   "         ⠑⠦⣀◆                  held out: below it, and\n"
		   "             ⠉⠒⠒⠤⠤⣀⣀◆⣀⣀⣀⣀◆⣀    near the training's own\n"
		   "   0 ──────────────────────── step\n",
	.shape = "step × quantity",
	.unit = "nats",
	.on = ON_CORPUS,
	.cost = COST_TRAINING,
	.params = params,
	.work = work,
	.makes = &asset_lens,
	.compute = compute,
};
