/*
 * train_tuned_lens.c - learns a tuned lens: for each layer an affine map of the stream that enters it, after which the model's own
 * final norm and unembedding predict what the model predicts in the end.
 *
 *   least, over W_l[D, D] and b_l[D],  mean over tokens of KL(output ‖ W_U norm(h_l + h_l W_lᵀ + b_l));   W = b = 0 is the logit lens
 *
 * Belrose et al. 2023 take 2^18 tokens for each of 250 steps of SGD. On a CPU there are a few hundred for each: Adam (Kingma & Ba
 * 2015), its rate falling to 0. Each layer is learned by itself. Every tenth document is held out, unless the file says which with
 * `split`.
 */
#include "engine/analysis/training.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/numbers/pool.h"
#include "engine/run/lens_file.h"
#include "engine/run/lens_loss.h"

enum { ARG_CORPUS, ARG_STEPS, ARG_BATCH, ARG_LENGTH, ARG_RATE, ARG_SEED, ARG_OUT };
static const struct param params[] = {
	[ARG_CORPUS] = { "corpus", PARAM_FILE, .help = "the text: a document a line, or JSON lines with \"text\" or \"prompt\"" },
	[ARG_STEPS] = { "steps", PARAM_INT, .lo = 1, .hi = 100000, .start = 250, .help = "how often the translators are changed" },
	[ARG_BATCH] = { "batch", PARAM_INT, .lo = 16, .hi = 1 << 18, .start = 512, .help = "tokens of a step" },
	[ARG_LENGTH] = { "length", PARAM_INT, .lo = 8, .hi = 1 << 16, .start = 256,
			 .help = "tokens of a window, which documents are cut into" },
	[ARG_RATE] = { "rate", PARAM_REAL, .lo = 1e-6, .hi = 1, .start = 0.005, .help = "of Adam, at the beginning" },
	[ARG_SEED] = { "seed", PARAM_INT, .lo = 0, .hi = 1000000, .start = 0,
		       .help = "from which document on every tenth is held out" },
	[ARG_OUT] = { "out", PARAM_OUTPUT, .help = "the lens, a .safetensors; the same question resumes from what is there" },
	{ 0 },
};

enum { HELD_TOKENS = 4096, HELD_MOST = 1024, HELD_EACH = 10 };

struct held_window {
	int32_t *tokens;
	int n;
};

struct learning {
	const struct ask *ask;
	struct corpus *corpus;
	struct corpus_place place; /* of the next step */
	int length;
	size_t each, all;	   /* floats of a layer, of all layers */
	float *x, *first, *second; /* [all] the translators; Adam's two moments */
	float *g;		   /* [all] the gradient */
	double rate;		   /* of this step; with its corrections: */
	double first_scale, second_scale, per_token;
	struct held_window held[HELD_MOST];
	int helds, held_tokens;
	struct lens_loss *loss;
	double *sum;	 /* [L] */
	float *held_out; /* [2, L] the distance on held-out text: of this lens, of the logit lens */
};

/* ---- the text ---- */

static bool is_held_out(const struct learning *s, const struct corpus_window *w)
{
	if (w->split)
		return !strcmp(w->split, "test");
	return (w->line + HELD_EACH - 1 - s->ask->arg[ARG_SEED] % HELD_EACH) % HELD_EACH == 0;
}

static bool hold_out(struct learning *s, const struct corpus_window *w)
{
	struct held_window *h;

	if (s->held_tokens >= HELD_TOKENS || s->helds == HELD_MOST)
		return false;
	h = &s->held[s->helds++];
	*h = (struct held_window){ arena_alloc(s->ask->scratch, (size_t)w->n * sizeof *h->tokens), w->n };
	memcpy(h->tokens, w->tokens, (size_t)w->n * sizeof *h->tokens);
	s->held_tokens += w->n;
	return true;
}

/* What is measured on; and whether there is anything to learn from. */
static bool read_held_out(struct learning *s, struct err *err)
{
	const char *path = s->ask->text[ARG_CORPUS];
	bool some = false;
	struct corpus_window w;

	do {
		if (!task_going(s->ask->task, err) || !corpus_next(s->corpus, &w, err))
			return false;
		some |= w.n && !is_held_out(s, &w);
		if (w.n && is_held_out(s, &w) && !hold_out(s, &w))
			break;
	} while (w.n);
	if (!s->helds || !some)
		return err_set(err, ERR_ARGUMENT,
			       "%s: there is no document to %s; every tenth is held out, or those whose "
			       "\"split\" is \"test\"",
			       path, s->helds ? "learn from" : "measure on");
	return corpus_go(s->corpus, (struct corpus_place){ 0 }, err);
}

/* The next window to learn from; after the last document the first comes again. */
static bool next_window(struct learning *s, struct corpus_window *w, struct err *err)
{
	do {
		if (!corpus_next(s->corpus, w, err) || (!w->n && !corpus_go(s->corpus, (struct corpus_place){ 0 }, err)))
			return false;
	} while (!w->n || is_held_out(s, w));
	return true;
}

/* ---- a step ---- */

static bool add_window(struct learning *s, const int32_t *tokens, int n, float *g, struct err *err)
{
	struct run_order order = { .model = s->ask->model, .tokens = tokens, .T = n, .keeps = RUN_STREAM, .without_logits = true };
	struct run *r = run_new(&order, s->ask->task, err);
	bool ok = r && lens_loss_add(s->loss, s->x, r, s->sum, g, s->ask->task, err);

	run_unref(r);
	return ok;
}

enum { CHUNK = 16384 };

/* Adam, some numbers of it. */
static void change_chunk(void *context, int chunk)
{
	const struct learning *s = context;
	const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
	const size_t from = (size_t)chunk * CHUNK, to = from + CHUNK < s->all ? from + CHUNK : s->all;

	for (size_t i = from; i < to; i++) {
		const double g = (double)s->g[i] * s->per_token;

		s->first[i] = (float)(beta1 * (double)s->first[i] + (1 - beta1) * g);
		s->second[i] = (float)(beta2 * (double)s->second[i] + (1 - beta2) * g * g);
		s->x[i] -= (float)(s->rate * (double)s->first[i] * s->first_scale /
				   (sqrt((double)s->second[i] * s->second_scale) + epsilon));
	}
}

static double mean(const double *x, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}

static bool step(struct training *t, int number, float *loss, struct err *err)
{
	struct learning *s = t->context;
	const int L = s->ask->model->config.L;
	int tokens = 0;
	struct corpus_window w;

	memset(s->g, 0, s->all * sizeof *s->g);
	memset(s->sum, 0, (size_t)L * sizeof *s->sum);
	if (!corpus_go(s->corpus, s->place, err))
		return false;
	for (; tokens < s->ask->arg[ARG_BATCH]; tokens += w.n)
		if (!next_window(s, &w, err) || !add_window(s, w.tokens, w.n, s->g, err))
			return false;
	*loss = (float)(mean(s->sum, L) / tokens);
	s->per_token = 1.0 / tokens;
	s->rate = s->ask->real[ARG_RATE] * (1 - (double)number / t->steps);
	s->first_scale = 1 / (1 - pow(0.9, number + 1));
	s->second_scale = 1 / (1 - pow(0.999, number + 1));
	pool_run((int)((s->all + CHUNK - 1) / CHUNK), change_chunk, s);
	s->place = corpus_at(s->corpus);
	return true;
}

/* Held out: with translators of zero, at step 0, it is the logit lens. */
static bool measure(struct training *t, int number, float *row, struct err *err)
{
	struct learning *s = t->context;
	const int L = s->ask->model->config.L;

	memset(s->sum, 0, (size_t)L * sizeof *s->sum);
	for (int i = 0; i < s->helds; i++)
		if (!add_window(s, s->held[i].tokens, s->held[i].n, NULL, err))
			return false;
	for (int l = 0; l < L; l++) {
		s->held_out[l] = (float)(s->sum[l] / s->held_tokens);
		s->held_out[L + l] = number ? s->held_out[L + l] : s->held_out[l];
	}
	row[1] = (float)(mean(s->sum, L) / s->held_tokens);
	row[2] = number ? t->curve[2] : row[1];
	return true;
}

static void remark(const struct training *t, struct str *out)
{
	const struct learning *s = t->context;
	const int L = s->ask->model->config.L;
	int below = 0;

	for (int l = 0; l < L; l++)
		below += s->held_out[l] < s->held_out[L + l];
	str_addf(out, "; below the logit lens at %d of %d layers", below, L);
}

/* ---- what is written ---- */

static bool save(const struct training *t, const char *path, const struct safetensors_note *note, int notes, struct err *err)
{
	const struct learning *s = t->context;
	const int L = s->ask->model->config.L, D = s->ask->model->config.D;
	const size_t D2 = (size_t)D * (size_t)D;
	struct arena *arena = arena_new();
	struct safetensors_note *all = arena_alloc(arena, (size_t)(notes + 4) * sizeof *all);
	struct tensor more[] = {
		training_curve(t),
		{ "held_out", DTYPE_F32, 2, { 2, L }, (const unsigned char *)s->held_out, 2 * (size_t)L * sizeof(float) }
	};
	struct lens lens = { .L = L,
			     .D = D,
			     .residual = true,
			     .note = all,
			     .notes = notes + 4,
			     .more = more,
			     .mores = 2,
			     .weight = arena_alloc(arena, (size_t)L * sizeof *lens.weight),
			     .bias = arena_alloc(arena, (size_t)L * sizeof *lens.bias) };
	bool ok;

	all[0] = (struct safetensors_note){ "lmscope", asset_lens.name };
	all[1] = (struct safetensors_note){ "version", "1" };
	all[2] = (struct safetensors_note){ "model", lens_model(s->ask->model, arena) };
	all[3] = (struct safetensors_note){ "site", "resid_pre" };
	memcpy(all + 4, note, (size_t)notes * sizeof *all);
	for (int l = 0; l < L; l++) {
		const float *x = s->x + (size_t)l * s->each;

		lens.weight[l] = (struct tensor){ NULL, DTYPE_F32, 2, { D, D }, (const unsigned char *)x, D2 * sizeof *x };
		lens.bias[l] = (struct tensor){ NULL, DTYPE_F32, 1, { D }, (const unsigned char *)(x + D2), (size_t)D * sizeof *x };
	}
	ok = asset_lens.save(&lens, path, err);
	arena_free(arena);
	return ok;
}

static const char *question(const struct ask *ask, struct err *err)
{
	uint64_t text;

	if (!file_hash(ask->text[ARG_CORPUS], &text, err))
		return NULL;
	return arena_printf(ask->scratch,
			    "train-tuned-lens of %s: text %016" PRIx64 ", %d steps of %d tokens in windows of %d, "
			    "adam %.9g, seed %d",
			    lens_model(ask->model, ask->scratch), text, ask->arg[ARG_STEPS], ask->arg[ARG_BATCH],
			    ask->arg[ARG_LENGTH], ask->real[ARG_RATE], ask->arg[ARG_SEED]);
}

/* ---- the question ---- */

static bool begin(struct learning *s, struct err *err)
{
	const struct config *c = &s->ask->model->config;
	struct arena *scratch = s->ask->scratch;
	const size_t L = (size_t)c->L;

	s->each = lens_loss_floats(s->ask->model);
	s->all = L * s->each;
	if (4 * s->all * sizeof *s->x > memory_available() / 2)
		return err_set(err, ERR_MEMORY,
			       "train-tuned-lens: the translators and what learning needs beside them take %.1f "
			       "GB, more than half of the memory that is free",
			       (double)(4 * s->all * sizeof *s->x) / 1e9);
	s->x = arena_floats(scratch, s->all, err);
	s->first = arena_floats(scratch, s->all, err);
	s->second = arena_floats(scratch, s->all, err);
	s->g = arena_floats(scratch, s->all, err);
	s->loss = lens_loss_new(s->ask->model, scratch, err);
	s->sum = arena_alloc(scratch, L * sizeof *s->sum);
	s->held_out = arena_alloc(scratch, 2 * L * sizeof *s->held_out);
	s->length = c->context_is_hard && s->ask->arg[ARG_LENGTH] > c->context ? c->context : s->ask->arg[ARG_LENGTH];
	return s->x && s->first && s->second && s->g && s->loss &&
	       (s->corpus = corpus_open(s->ask->text[ARG_CORPUS], s->ask->model, s->length, err)) && read_held_out(s, err);
}

static struct tensor array(const char *name, const float *x, size_t n)
{
	return (struct tensor){ name, DTYPE_F32, 1, { (int64_t)n }, (const unsigned char *)x, n * sizeof *x };
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	static const char *const columns[] = { "loss", "held out", "logit lens" };
	struct learning *s = arena_alloc(ask->scratch, sizeof *s);
	struct table *table = NULL;

	if (!ask->text[ARG_CORPUS]) {
		err_set(err, ERR_ARGUMENT, "train-tuned-lens learns from a text, and none is given: corpus=FILE");
		return NULL;
	}
	s->ask = ask;
	if (begin(s, err)) {
		struct tensor state[] = { array("translators", s->x, s->all), array("first", s->first, s->all),
					  array("second", s->second, s->all),
					  array("held_out", s->held_out, 2 * (size_t)ask->model->config.L) };
		struct training t = { .ask = ask,
				      .technique = "train-tuned-lens",
				      .title = "train tuned lens",
				      .question = question(ask, err),
				      .out = ask->text[ARG_OUT],
				      .steps = ask->arg[ARG_STEPS],
				      .column = columns,
				      .columns = 3,
				      .unit = "nats",
				      .state = state,
				      .states = 4,
				      .place = &s->place,
				      .step = step,
				      .measure = measure,
				      .remark = remark,
				      .save = save,
				      .context = s };

		table = t.question ? training_run(&t, err) : NULL;
	}
	corpus_close(s->corpus);
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
		"and then that on text held out, and the logit lens's there, which is the one to beat. Esc or Ctrl-C stops it and "
		"keeps what is done; the same question resumes. The file can be used while it still learns.",
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
	.makes = &asset_lens,
	.compute = compute,
};
