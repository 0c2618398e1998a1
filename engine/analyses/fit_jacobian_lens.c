/*
 * fit_jacobian_lens.c - the matrices of a Jacobian lens (jacobian.h) as means over the prompts of a text.
 *
 * Gurnee et al. 2026; TransformerLens' way: windows of at most 128 tokens, of which the first 16 and the last do not count, on
 * either side; shorter ones are passed over. A prompt takes a way back for each channel of the stream, as many at a time as fit
 * into memory.
 *
 * The check: of the first prompt, the stream of a layer moved by ±v at all positions that count moves a channel of the last stream,
 * summed over them, as that prompt's own matrix says. By four runs.
 */
#include "engine/analysis/interventions.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/analysis/jacobian.h"
#include "engine/analysis/training.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/noise.h"
#include "engine/run/lens_file.h"
#include "engine/run/positions.h"

enum { ARG_CORPUS, ARG_LAYERS, ARG_PROMPTS, ARG_LENGTH, ARG_FIRST, ARG_OUT };
static const struct param params[] = {
	[ARG_CORPUS] = { "corpus", PARAM_FILE, .file = &asset_corpus,
			 .help = "the text: a document a line, or JSON lines with \"text\" or \"prompt\"" },
	[ARG_LAYERS] = { "layers", PARAM_POSITIONS, DIM_LAYER, .words = "all", .help = "which layers; all where none is given" },
	[ARG_PROMPTS] = { "prompts", PARAM_INT, .lo = 1, .hi = 100000, .start = 100, .help = "of how many the mean is taken" },
	[ARG_LENGTH] = { "length", PARAM_INT, .lo = 3, .hi = 4096, .start = 128,
			 .help = "tokens of a prompt: longer documents are cut into several" },
	[ARG_FIRST] = { "first", PARAM_INT, .lo = 0, .hi = 4000, .start = JACOBIAN_FIRST,
			.help = "the first position that counts" },
	[ARG_OUT] = { "out", PARAM_OUTPUT, .help = "the lens, a .safetensors; the same question resumes from what is there" },
	{ 0 },
};

enum { FIRST_CHANNEL, FIRST_SUM, FIRST_NUMBERS };

struct jacobian_fit {
	const struct ask *ask;
	struct corpus *corpus;
	struct corpus_place place; /* of the next prompt */
	const int *layer;	   /* [layers] which have a matrix */
	int layers, prompts, length;
	size_t D, each, all; /* floats of a matrix, of all */
	float *sum, *one;    /* [layers, D, D] over prompts; of the prompt that is worked at, and the means when they are saved */
	float *change;	     /* [layers] of the mean by the last prompt, as a share of its length */
	float *first;	     /* of the first prompt: a channel of the last stream, and what v does to it */
	float *v;	     /* [D] */
};

/* ---- a prompt ---- */

static bool next_prompt(struct jacobian_fit *s, struct corpus_window *w, struct err *err)
{
	do {
		if (!corpus_next(s->corpus, w, err))
			return false;
	} while (w->n && !jacobian_positions(w->n, s->ask->arg[ARG_FIRST]));
	return true;
}

static struct run *run_prompt(const struct jacobian_fit *s, const struct corpus_window *w, struct err *err)
{
	struct run_order order = {
		.model = s->ask->model, .tokens = w->tokens, .T = w->n, .keeps = RUN_STREAM, .without_logits = true
	};

	return run_new(&order, s->ask->task, err);
}

static void direction(void *context, int i, float *w)
{
	(void)context;
	w[i] = 1;
}

static void take(void *context, int i, int layer, const float *row, const float *d)
{
	const struct jacobian_fit *s = context;

	(void)d;
	for (int u = 0; u < s->layers; u++)
		if (s->layer[u] == layer)
			memcpy(s->one + (size_t)u * s->each + (size_t)i * s->D, row, s->D * sizeof *row);
}

/* The sum grows by the prompt; how much the mean changed. */
static void add_prompt(struct jacobian_fit *s, int done)
{
	for (int u = 0; u < s->layers; u++) {
		float *sum = s->sum + (size_t)u * s->each, *one = s->one + (size_t)u * s->each;
		double moved = 0, length = 0;

		for (size_t i = 0; i < s->each; i++) {
			const double before = done ? (double)sum[i] / done : 0;
			double after;

			sum[i] += one[i];
			after = (double)sum[i] / (done + 1);
			moved += (after - before) * (after - before);
			length += after * after;
		}
		s->change[u] = (float)sqrt(moved / length);
	}
}

/* ---- the check ---- */

static int checked(const struct jacobian_fit *s)
{
	return s->layers / 2;
}

/* v, about as long as the stream. */
static void choose(const struct jacobian_fit *s, const struct run *r)
{
	const float *x = run_at(r, SITE_RESID_POST, s->layer[checked(s)], s->ask->arg[ARG_FIRST]);
	const float size = kernel_norm2(x, s->D) / sqrtf((float)s->D);

	for (size_t k = 0; k < s->D; k++)
		s->v[k] = size * (2 * (float)noise_uniform(0, 0, k) - 1);
}

/* The channel that v moves most. */
static void keep_first(const struct jacobian_fit *s, const struct run *r)
{
	const float *J = s->one + (size_t)checked(s) * s->each;
	const int n = jacobian_positions(r->T, s->ask->arg[ARG_FIRST]);

	choose(s, r);
	s->first[FIRST_SUM] = 0;
	for (size_t k = 0; k < s->D; k++) {
		const float sum = (float)n * kernel_dot(J + k * s->D, s->v, s->D);

		if (fabsf(sum) > fabsf(s->first[FIRST_SUM])) {
			s->first[FIRST_CHANNEL] = (float)k;
			s->first[FIRST_SUM] = sum;
		}
	}
}

/* The channel of the last stream, summed over the positions that count, with v added at all of them so many times. */
static bool sum_at(const struct jacobian_fit *s, const struct run *r, float by, double *sum, struct err *err)
{
	const int first = s->ask->arg[ARG_FIRST], n = jacobian_positions(r->T, first), layer = s->layer[checked(s)];
	float *rows = s->one; /* free by now, and large enough or not: see has_room */
	struct edit put = edit_put(place_at(SITE_RESID_POST, layer, -1, -1), rows, first, n);
	const struct edit *const one = &put;
	struct run_order order = { .model = r->model,
				   .tokens = r->tokens,
				   .T = r->T,
				   .keeps = RUN_STREAM,
				   .without_logits = true,
				   .more = &one,
				   .more_count = 1,
				   .unedited = r };
	struct run *moved;

	memcpy(rows, run_at(r, SITE_RESID_POST, layer, first), (size_t)n * s->D * sizeof *rows);
	for (int i = 0; i < n; i++)
		kernel_axpy(by, s->v, rows + (size_t)i * s->D, s->D);
	if (!(moved = run_new(&order, s->ask->task, err)))
		return false;
	*sum = 0;
	for (int t = first; t < first + n; t++)
		*sum += (double)run_at(moved, SITE_RESID_POST, r->model->config.L - 1, t)[(size_t)s->first[FIRST_CHANNEL]];
	run_unref(moved);
	return true;
}

/* The slope from a step and half of it, extrapolated. */
static bool measure_slope(const struct jacobian_fit *s, const struct run *r, double *slope, struct err *err)
{
	static const float steps[] = { 0.02f, 0.01f };
	double of[2];

	for (int i = 0; i < 2; i++) {
		double more, less;

		if (!sum_at(s, r, steps[i], &more, err) || !sum_at(s, r, -steps[i], &less, err))
			return false;
		of[i] = (more - less) / (2 * (double)steps[i]);
	}
	*slope = of[1] + (of[1] - of[0]) / 3;
	return true;
}

/* What the file says of its first prompt. */
static bool read_first(struct jacobian_fit *s, const char *path, struct err *err)
{
	struct lens *lens = asset_jacobian.open(path, err);
	const struct tensor *says = lens ? weights_find(lens->file, "first") : NULL;
	const bool ok = says && says->type == DTYPE_F32 && says->bytes == FIRST_NUMBERS * sizeof(float);

	if (ok)
		tensor_expand(says, s->first);
	else if (lens)
		err_set(err, ERR_FILE, "%s: it does not say what its check needs", path);
	if (lens)
		asset_jacobian.free(lens);
	return ok && ((s->first[FIRST_CHANNEL] >= 0 && s->first[FIRST_CHANNEL] < (float)s->D) ||
		      err_set(err, ERR_FILE, "%s: it names a channel that there is not", path));
}

static bool check_first(struct jacobian_fit *s, const char *path, struct table *t, struct err *err)
{
	struct corpus_window w;
	struct run *r;
	double slope = NAN;
	bool ok;

	if (!read_first(s, path, err) || !corpus_go(s->corpus, (struct corpus_place){ 0 }, err) || !next_prompt(s, &w, err) ||
	    !(r = run_prompt(s, &w, err)))
		return false;
	choose(s, r);
	ok = measure_slope(s, r, &slope, err);
	t->check = (struct check){
		"the first prompt, its stream moved = what its matrix says", slope, (double)s->first[FIRST_SUM], 1e-2,
		arena_printf(t->arena, "layer %d, channel %d", s->layer[checked(s)], (int)s->first[FIRST_CHANNEL])
	};
	run_unref(r);
	return ok;
}

/* ---- as a training ---- */

static bool step(struct training *t, int number, float *loss, struct err *err)
{
	struct jacobian_fit *s = t->context;
	const struct jacobian_rows rows = { s->ask->arg[ARG_FIRST], (int)s->D, direction, take, s };
	struct corpus_window w;
	struct run *r;
	bool ok;

	if (!corpus_go(s->corpus, s->place, err) || !next_prompt(s, &w, err) || !(r = run_prompt(s, &w, err)))
		return false;
	ok = jacobian_make(r, &rows, s->ask->task, err);
	if (ok && !number)
		keep_first(s, r);
	run_unref(r);
	if (!ok)
		return false;
	add_prompt(s, number);
	*loss = 0;
	for (int u = 0; u < s->layers; u++)
		*loss += s->change[u] / (float)s->layers;
	s->place = corpus_at(s->corpus);
	return true;
}

/* The layer whose mean changed most. */
static bool measure(struct training *t, int number, float *row, struct err *err)
{
	const struct jacobian_fit *s = t->context;

	(void)err;
	for (int u = 0; number && u < s->layers; u++)
		row[1] = u ? fmaxf(row[1], s->change[u]) : s->change[u];
	return true;
}

static bool save(const struct training *t, const char *path, const struct safetensors_note *note, int notes, struct err *err)
{
	enum { NOTES = 2 };
	const struct jacobian_fit *s = t->context;
	const int L = s->ask->model->config.L;
	struct arena *arena = arena_new();
	struct safetensors_note *all = arena_alloc(arena, (size_t)(notes + NOTES) * sizeof *all);
	struct tensor more[] = { training_curve(t), tensor_floats("first", s->first, FIRST_NUMBERS),
				 tensor_floats("change", s->change, (size_t)s->layers) };
	struct lens lens = { .L = L,
			     .D = (int)s->D,
			     .jacobian = true,
			     .weight = arena_alloc(arena, (size_t)L * sizeof *lens.weight),
			     .note = all,
			     .notes = notes + NOTES,
			     .more = more,
			     .mores = sizeof more / sizeof *more };
	bool ok;

	all[0] = (struct safetensors_note){ "model", lens_model(s->ask->model, arena) };
	all[1] = (struct safetensors_note){ "site", "resid_post" };
	memcpy(all + NOTES, note, (size_t)notes * sizeof *all);
	for (size_t i = 0; i < s->all; i++)
		s->one[i] = s->sum[i] / (float)(t->done ? t->done : 1);
	for (int u = 0; u < s->layers; u++)
		lens.weight[s->layer[u]] = (struct tensor){ NULL,
							    DTYPE_F32,
							    2,
							    { (int64_t)s->D, (int64_t)s->D },
							    (const unsigned char *)(s->one + (size_t)u * s->each),
							    s->each * sizeof(float) };
	ok = asset_jacobian.save(&lens, path, err);
	arena_free(arena);
	return ok;
}

static const char *question(const struct jacobian_fit *s, struct err *err)
{
	const struct ask *ask = s->ask;
	const char *kept;
	struct str q;
	uint64_t text;

	if (!file_hash(ask->text[ARG_CORPUS], &text, err))
		return NULL;
	str_init(&q);
	str_addf(&q, "fit-jacobian-lens of %s: layers", lens_model(ask->model, ask->scratch));
	for (int u = 0; u < s->layers; u++)
		str_addf(&q, "%s%d", u ? "," : " ", s->layer[u]);
	str_addf(&q, ", text %016" PRIx64 ", %d prompts of at most %d tokens from position %d on", text, ask->arg[ARG_PROMPTS],
		 s->length, ask->arg[ARG_FIRST]);
	kept = arena_strdup(ask->scratch, q.s);
	str_done(&q);
	return kept;
}

/* Layers, and of each how many prompts are in its mean and how much the last changed it. */
static struct table *layers_table(const struct training *t, struct err *err)
{
	static const char *const units[] = { "prompts", "share" };
	const struct jacobian_fit *s = t->context;
	struct table *table = table_new(s->layers, 2, err);

	if (!table)
		return NULL;
	table->rows.dim = DIM_LAYER;
	table->rows.name = "layer";
	table->cols.dim = DIM_QUANTITY;
	table->cols.name = "quantity";
	axis_label(table, &table->cols, 0, "prompts");
	axis_label(table, &table->cols, 1, "change");
	for (int u = 0; u < s->layers; u++) {
		axis_label(table, &table->rows, u, arena_printf(table->arena, "%d", s->layer[u]));
		axis_place(table, &table->rows, u, place_at(SITE_RESID_POST, s->layer[u], -1, -1));
		table->value[table_cell(table, u, 0)] = (float)t->done;
		table->value[table_cell(table, u, 1)] = t->done ? s->change[u] : NAN;
	}
	table_set_title(table, t->title, NULL, NULL);
	table_set_units(table, units);
	table->look = LOOK_HEAT;
	table->neutral = 0;
	return table;
}

/* ---- the question ---- */

static bool choose_layers(struct jacobian_fit *s, struct err *err)
{
	const int L = s->ask->model->config.L;
	const char *text = s->ask->text[ARG_LAYERS];
	bool *at = arena_alloc(s->ask->scratch, (size_t)L * sizeof *at);
	int *layer = arena_alloc(s->ask->scratch, (size_t)L * sizeof *layer);

	if (text && !strcmp(text, "all"))
		text = NULL;
	if (text && !positions_parse(text, L, at, "fit-jacobian-lens: layers", err))
		return false;
	s->layer = layer;
	for (int l = 0; l < L - 1; l++)
		if (!text || at[l])
			layer[s->layers++] = l;
	return s->layers || err_set(err, ERR_ARGUMENT,
				    "fit-jacobian-lens: the last layer's matrix is the identity, and no other layer is named");
}

static bool has_room(const struct jacobian_fit *s, struct err *err)
{
	const double bytes = 2.0 * (double)s->all * sizeof(float);

	return bytes <= (double)memory_available() / 2 ||
	       err_set(err, ERR_MEMORY,
		       "fit-jacobian-lens: two times %d matrices of %zu × %zu take %.1f GB, more than half of the memory that is "
		       "free; layers= takes some at a time",
		       s->layers, s->D, s->D, bytes / 1e9);
}

/* How many prompts of the text count, no more than are asked for; back at its beginning. */
static bool count_prompts(struct jacobian_fit *s, const char *path, struct err *err)
{
	struct corpus_window w;

	for (; s->prompts < s->ask->arg[ARG_PROMPTS]; s->prompts++) {
		if (!task_going(s->ask->task, err) || !next_prompt(s, &w, err))
			return false;
		if (!w.n)
			break;
	}
	if (!s->prompts)
		return err_set(err, ERR_ARGUMENT,
			       "%s: no prompt is left in it: the positions before %d and the last one of each do not count", path,
			       s->ask->arg[ARG_FIRST]);
	if (s->prompts < s->ask->arg[ARG_PROMPTS])
		notes_add(s->ask->notes, "%s has %d prompts that are long enough", path, s->prompts);
	return corpus_go(s->corpus, (struct corpus_place){ 0 }, err);
}

static bool begin(struct jacobian_fit *s, struct err *err)
{
	const struct ask *ask = s->ask;
	const struct config *c = &ask->model->config;
	const struct asset *text;
	size_t rows;

	s->D = (size_t)c->D;
	s->length = c->context_is_hard && ask->arg[ARG_LENGTH] > c->context ? c->context : ask->arg[ARG_LENGTH];
	if (!choose_layers(s, err))
		return false;
	s->each = s->D * s->D;
	s->all = (size_t)s->layers * s->each;
	rows = (size_t)s->length * s->D; /* the check's, in the same memory */
	return has_room(s, err) && (s->sum = arena_floats(ask->scratch, s->all, err)) &&
	       (s->one = arena_floats(ask->scratch, s->all > rows ? s->all : rows, err)) &&
	       (s->change = arena_floats(ask->scratch, (size_t)s->layers, err)) &&
	       (s->first = arena_floats(ask->scratch, FIRST_NUMBERS, err)) && (s->v = arena_floats(ask->scratch, s->D, err)) &&
	       (text = ask_asset(ask, ARG_CORPUS, err)) && (s->corpus = corpus_open(text->path, ask->model, s->length, err)) &&
	       count_prompts(s, text->path, err);
}

static struct table *fit(struct jacobian_fit *s, struct err *err)
{
	static const char *const columns[] = { "change", "largest change" };
	struct tensor state[] = { tensor_floats("sum", s->sum, s->all), tensor_floats("change", s->change, (size_t)s->layers),
				  tensor_floats("first", s->first, FIRST_NUMBERS) };
	struct training t = { .ask = s->ask,
			      .technique = "fit-jacobian-lens",
			      .title = "fit jacobian lens",
			      .question = question(s, err),
			      .out = s->ask->text[ARG_OUT],
			      .steps = s->prompts,
			      .column = columns,
			      .columns = 2,
			      .unit = "prompts, share",
			      .state = state,
			      .states = sizeof state / sizeof *state,
			      .place = &s->place,
			      .step = step,
			      .measure = measure,
			      .table = layers_table,
			      .save = save,
			      .context = s };
	struct table *table = t.question ? training_run(&t, err) : NULL;

	if (table && check_first(s, t.path, table, err))
		return table;
	table_unref(table);
	return NULL;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct jacobian_fit *s = arena_alloc(ask->scratch, sizeof *s);
	struct table *table = NULL;

	if (!ask->text[ARG_CORPUS]) {
		err_set(err, ERR_ARGUMENT, "fit-jacobian-lens takes means over a text, and none is given: corpus=FILE");
		return NULL;
	}
	s->ask = ask;
	if (begin(s, err))
		table = fit(s, err);
	corpus_close(s->corpus);
	return table;
}

/* A prompt: forward, and a way back for each channel. */
static double work(const struct ask *ask, int *steps)
{
	*steps = ask->arg[ARG_PROMPTS];
	return (double)*steps * ask->arg[ARG_LENGTH] * model_multiplications(ask->model) * (ask->model->config.D + 1.0);
}

const struct analysis analysis_fit_jacobian_lens = {
	.name = "fit-jacobian-lens",
	.title = "Fit a Jacobian lens",
	.topic = TOPIC_LENS,
	.paper = "Gurnee et al. 2026",
	.blurb = "Takes the mean effect of each layer's stream on the last one over a text, and writes it to a file.",
	.help = "For jacobian-lens. Each prompt takes as many ways back through the model as its stream has channels: seconds on a "
		"small model, minutes on one of a few hundred channels, and some tens of prompts go a long way. `change` is how "
		"much the last prompt moved a layer's mean; where it no longer falls much, more text adds little. Esc or Ctrl-C "
		"stops it and keeps what is done; the same question resumes. The file can be used while it grows.",
	.picture = " layer  prompts  change\n"
		   "   0       40    0.031   early layers need most\n"
		   "   1       40    0.022\n"
		   "   2       40    0.012   the mean hardly moves\n",
	.shape = "layer × quantity",
	.unit = "prompts, share",
	.on = ON_CORPUS,
	.cost = COST_TRAINING,
	.params = params,
	.work = work,
	.makes = &asset_jacobian,
	.compute = compute,
};
