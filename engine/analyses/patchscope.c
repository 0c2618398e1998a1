/*
 * patchscope.c - the stream of the prompt put into another prompt, which asks the model to say what is in it.
 *
 *   h = resid_post[l, i] of the prompt --> map --> resid_post[to_layer] of the target, at its placeholder --> what comes next
 *
 * Ghandeharioun et al. 2024. The default target has the model repeat what it reads ("cat->cat; …; ?"). Several placeholders and
 * to_layer=0 are SelfIE (Chen et al. 2024). map=norm makes h as long as what was there, map=file takes it through a lens's
 * translator first. The prompt's edits act in the prompt alone. What is put there is there while the target is read, and not in the
 * tokens that are generated after it.
 *
 * A cell computes the target's rows from the placeholder on, from the layer that is patched on, all others are those of the target
 * as it is. With tokens=2 and more each cell generates by itself.
 *
 * The check: the target's own stream put there changes nothing, bit for bit.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/continuation.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/kernels.h"
#include "engine/run/lens_file.h"
#include "engine/run/positions.h"
#include "engine/run/sweep.h"

enum { ARG_TARGET, ARG_AT, ARG_TO_LAYER, ARG_MAP, ARG_TOKENS, ARG_FILE };
enum { MAP_IDENTITY, MAP_NORM, MAP_FILE };
enum { TOKENS_MOST = 50, TOGETHER = 64 };
static const struct choice maps[] = {
	{ "identity", "as it is", MAP_IDENTITY },
	{ "norm", "as long as what the target has there", MAP_NORM },
	{ "file", "through a lens's translator of its layer", MAP_FILE },
	{ 0 },
};
static const struct param params[] = {
	[ARG_TARGET] = { "target", PARAM_TEXT, .start_text = "cat->cat; 1135->1135; hello->hello; ?",
			 .help = "the other prompt; the last token that is a ? is the placeholder" },
	[ARG_AT] = { "at", PARAM_TEXT, .help = "placeholders by their positions in the target instead, as 3,5 or -1" },
	[ARG_TO_LAYER] = { "to_layer", PARAM_DIM, DIM_LAYER, .words = "same", .start_text = "same", .pinned = true,
			   .help = "the layer whose output is replaced in the target" },
	[ARG_MAP] = { "map", PARAM_CHOICE, .choices = maps, .help = "what is done to the stream on its way" },
	[ARG_TOKENS] = { "tokens", PARAM_INT, .lo = 1, .hi = TOKENS_MOST, .start = 1, .help = "how many are generated" },
	[ARG_FILE] = { "file", PARAM_FILE, .file = &asset_lens, .help = "the translators of map=file" },
	{ 0 },
};
extern const struct analysis analysis_patchscope;

struct patchscope {
	const struct ask *ask;
	const struct lens *lens; /* NULL: none is given */
	struct run *target;
	struct metric metric; /* of the target's last position */
	const bool *at;	      /* [target->T] placeholders */
	int first;	      /* of them */
	struct table *t;
	float *put; /* [TOGETHER, D] */
	struct edit *edit;
	struct sweep_variant *variant; /* [TOGETHER] */
	size_t *cell;		       /* [TOGETHER] */
	int n;
	bool *taken; /* [cells] */
	int done;    /* how many are */
};

/* ---- the target ---- */

/* The last token that is a ? but for blanks around it; -1: none is. */
static int placeholder(const struct tokenizer *t, const int32_t *ids, int n)
{
	for (int i = n - 1; i >= 0; i--) {
		size_t bytes;
		const char *text = tokenizer_bytes(t, ids[i], &bytes);

		while (bytes && *text == ' ') {
			text++;
			bytes--;
		}
		while (bytes && text[bytes - 1] == ' ')
			bytes--;
		if (bytes == 1 && *text == '?')
			return i;
	}
	return -1;
}

static bool find_places(struct patchscope *s, const int32_t *ids, int n, struct err *err)
{
	const char *text = s->ask->text[ARG_AT];
	bool *at = arena_alloc(s->ask->scratch, (size_t)n * sizeof *at);
	int one, places = 0;

	s->at = at;
	if (text) {
		if (!positions_parse(text, n, at, "patchscope: at", err))
			return false;
	} else {
		if ((one = placeholder(s->ask->model->tokenizer, ids, n)) < 0)
			return err_set(err, ERR_ARGUMENT,
				       "patchscope: no token of the target is a ? by itself; at= names the placeholder's position");
		at[one] = true;
	}
	for (int i = n - 1; i >= 0; i--) {
		s->first = at[i] ? i : s->first;
		places += at[i];
	}
	return places <= SWEEP_EDITS ||
	       err_set(err, ERR_ARGUMENT, "patchscope: %d placeholders are more than %d", places, SWEEP_EDITS);
}

static bool run_target(struct patchscope *s, struct err *err)
{
	const struct model *m = s->ask->model;
	const char *text = s->ask->text[ARG_TARGET];
	int32_t *ids = NULL;
	size_t n = 0;
	bool ok = tokenizer_encode(m->tokenizer, text ? text : "", text ? strlen(text) : 0, BOS_DEFAULT, &ids, &n, err);

	if (ok && !n)
		ok = err_set(err, ERR_ARGUMENT, "patchscope: the target has no tokens");
	ok = ok && find_places(s, ids, (int)n, err) &&
	     (s->target = run_new(&(struct run_order){ .model = m, .tokens = ids, .T = (int)n }, s->ask->task, err)) &&
	     metric_resolve("entropy", s->target, &s->metric, NULL, err);
	free(ids);
	return ok;
}

/* ---- what is put there ---- */

static int to_layer(const struct ask *ask, int row)
{
	return ask->text[ARG_TO_LAYER] ? row : ask->arg[ARG_TO_LAYER];
}

/* x[D]: the stream that leaves the layer, mapped. A lens translates what enters one: the last layer's output has no translator. */
static void take(const struct patchscope *s, int layer, int position, float *x)
{
	const size_t D = (size_t)s->ask->model->config.D;
	const float *h = run_at(s->ask->run, SITE_RESID_POST, layer, position);
	const float *there = run_at(s->target, SITE_RESID_POST, to_layer(s->ask, layer), s->first);
	float by = 1;

	if (s->ask->arg[ARG_MAP] == MAP_FILE && layer + 1 < s->lens->L) {
		lens_apply(s->lens, layer + 1, h, 1, x);
		return;
	}
	if (s->ask->arg[ARG_MAP] == MAP_NORM)
		by = kernel_norm2(there, D) / fmaxf(kernel_norm2(h, D), 1e-30f);
	for (size_t k = 0; k < D; k++)
		x[k] = by * h[k];
}

static bool is_there(const struct patchscope *s, int layer)
{
	return s->ask->arg[ARG_MAP] != MAP_FILE || layer + 1 == s->lens->L || lens_has(s->lens, layer + 1);
}

/* The edits of variant i: one for each placeholder, of the same row. */
static void add_variant(struct patchscope *s, int layer, const float *x, size_t cell)
{
	struct sweep_variant *v = &s->variant[s->n];

	*v = (struct sweep_variant){ .edits = 0 };
	for (int t = s->first; t < s->target->T; t++) {
		struct edit *e = &s->edit[s->n * SWEEP_EDITS + v->edits];

		if (!s->at[t])
			continue;
		*e = edit_put(place_at(SITE_RESID_POST, layer, -1, -1), x, t, 1);
		v->edit[v->edits++] = e;
	}
	s->cell[s->n++] = cell;
}

/* ---- what comes next ---- */

static void see(void *context, int variant, const float *logits)
{
	const struct patchscope *s = context;
	const size_t cell = s->cell[variant];
	const int32_t id = continuation_best(s->ask->model, logits, &s->t->value[cell]);

	table_set_token(s->t, cell, s->ask->model, id);
}

/* One token for each of the batch. */
static bool read_next(struct patchscope *s, struct err *err)
{
	const struct logits_seen seen = { see, s };
	double value[TOGETHER];

	return sweep_logits(s->target, s->target, NULL, &s->metric, s->variant, s->n, value, &seen, s->ask->task, err);
}

static void set_text(const struct patchscope *s, size_t cell, const int32_t *tokens, int n)
{
	const struct tokenizer *t = s->ask->model->tokenizer;
	struct str raw, show;

	str_init(&raw);
	str_init(&show);
	tokenizer_decode(t, tokens, (size_t)n, true, &raw);
	for (int i = 0; i < n; i++)
		tokenizer_show(t, tokens[i], &show);
	table_set_word(s->t, cell, n == 1 ? tokens[0] : -1, raw.s, raw.n, show.s);
	str_done(&raw);
	str_done(&show);
}

/* The tokens of cell i of the batch. */
static bool generate(const struct patchscope *s, int i, struct err *err)
{
	const struct ask *ask = s->ask;
	struct continuation c;

	if (!continuation_make(&c, s->target, s->target, s->variant[i].edit, s->variant[i].edits, ask->arg[ARG_TOKENS],
			       ask->scratch, ask->task, err))
		return false;
	s->t->value[s->cell[i]] = c.probability[0];
	set_text(s, s->cell[i], c.token, c.n);
	return true;
}

static bool generate_all(const struct patchscope *s, struct err *err)
{
	for (int i = 0; i < s->n; i++)
		if (!generate(s, i, err))
			return false;
	return true;
}

/* ---- all cells ---- */

static int together(const struct ask *ask)
{
	return ask->arg[ARG_TOKENS] == 1 ? TOGETHER : 1;
}

static void take_cell(struct patchscope *s, int row, int col)
{
	const size_t cell = table_cell(s->t, row, col), D = (size_t)s->ask->model->config.D;
	float *x = s->put + (size_t)s->n * D;

	if (s->taken[cell] || s->n == together(s->ask))
		return;
	s->taken[cell] = true;
	s->done++;
	if (!is_there(s, row))
		return;
	take(s, row, col, x);
	add_variant(s, to_layer(s->ask, row), x, cell);
}

/* Those on the screen first, from the last layer down, which is the quickest. */
static void take_some(struct patchscope *s)
{
	const struct window w = ask_visible(s->ask, s->t);

	s->n = 0;
	for (int i = w.row + w.rows - 1; i >= w.row; i--)
		for (int j = w.col; j < w.col + w.cols; j++)
			take_cell(s, i, j);
	for (int i = s->t->rows.n - 1; i >= 0 && s->n < together(s->ask); i--)
		for (int j = 0; j < s->t->cols.n; j++)
			take_cell(s, i, j);
}

static bool fill(struct patchscope *s, struct err *err)
{
	const int all = s->t->rows.n * s->t->cols.n;

	while (s->done < all) {
		const int from = s->done;

		take_some(s);
		task_part(s->ask->task, from, s->done - from, all);
		if (!task_going(s->ask->task, err) || !(s->ask->arg[ARG_TOKENS] == 1 ? read_next(s, err) : generate_all(s, err)))
			return false;
		if (s->done < all && ask_watched(s->ask))
			ask_show(s->ask, s->t);
	}
	task_part(s->ask->task, 0, 0, 0);
	return true;
}

/* What the target has at its first placeholder, put there again. */
static bool check_own(struct patchscope *s, struct err *err)
{
	const int layer = to_layer(s->ask, s->t->rows.n / 2);
	struct edit own = edit_put(place_at(SITE_RESID_POST, layer, -1, -1), run_at(s->target, SITE_RESID_POST, layer, s->first),
				   s->first, 1);
	const struct sweep_variant variant = { .edit = { &own }, .edits = 1 };
	double before, after;

	if (!metric_value(&s->metric, s->target, s->target, &before, s->ask->task, err) ||
	    !sweep_metric(s->target, s->target, NULL, &s->metric, &variant, 1, &after, s->ask->task, err))
		return false;
	s->t->check = (struct check){ "the target's own stream put there changes nothing", before, after, 0,
				      arena_printf(s->t->arena, "entropy, layer %d", layer) };
	return true;
}

static void describe(const struct patchscope *s)
{
	const struct ask *ask = s->ask;
	struct table *t = s->t;
	struct str text;

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	table_set_words(t);
	t->place.site = SITE_RESID_POST;
	table_set_title(t, "patchscope",
			ask->text[ARG_TO_LAYER] ? "into the same layer"
						: arena_printf(t->arena, "into layer %d", ask->arg[ARG_TO_LAYER]),
			ask->arg[ARG_TOKENS] > 1 ? "what follows, probability of its first token" : "next token, probability");
	table_set_unit(t, "probability");
	t->look = LOOK_HEAT;
	t->scale = SCALE_PROBABILITY;
	t->explain_other = "what another prompt says is no number of this run";
	str_init(&text);
	str_add(&text, "the target:");
	for (int i = 0; i < s->target->T; i++) {
		str_add(&text, i ? "" : " ");
		if (s->at[i])
			str_add(&text, "[");
		tokenizer_show(ask->model->tokenizer, s->target->tokens[i], &text);
		if (s->at[i])
			str_add(&text, "]");
	}
	t->footnote = arena_strdup(t->arena, text.s);
	str_done(&text);
}

static bool begin(struct patchscope *s, struct err *err)
{
	const struct ask *ask = s->ask;
	const size_t D = (size_t)ask->model->config.D;
	const struct asset *file;

	if (ask->arg[ARG_MAP] == MAP_FILE) {
		if (!ask->text[ARG_FILE])
			return err_set(err, ERR_ARGUMENT, "patchscope: map=file takes a lens, and none is given: file=FILE");
		if (!(file = ask_asset(ask, ARG_FILE, err)))
			return false;
		s->lens = file->content;
		if (s->lens->heads || s->lens->ahead)
			return err_set(err, ERR_ARGUMENT, "%s: this lens is none of the stream and the next token", file->path);
	}
	s->variant = arena_alloc(ask->scratch, TOGETHER * sizeof *s->variant);
	s->edit = arena_alloc(ask->scratch, TOGETHER * SWEEP_EDITS * sizeof *s->edit);
	s->cell = arena_alloc(ask->scratch, TOGETHER * sizeof *s->cell);
	return (s->put = arena_floats(ask->scratch, TOGETHER * D, err)) && run_target(s, err);
}

/* The target, the check's, and one for each cell and token. */
static int runs(const struct ask *ask)
{
	return 2 + ask->model->config.L * ask->run->T * ask->arg[ARG_TOKENS];
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct patchscope s = { .ask = ask };
	bool ok = begin(&s, err) && (s.t = table_new(ask->model->config.L, ask->run->T, err));

	if (ok) {
		s.taken = arena_alloc(ask->scratch, (size_t)s.t->rows.n * (size_t)s.t->cols.n);
		describe(&s);
		ok = fill(&s, err) && check_own(&s, err);
	}
	run_unref(s.target);
	return table_if(ok, s.t);
}

const struct analysis analysis_patchscope = {
	.name = "patchscope",
	.title = "Patchscope",
	.topic = TOPIC_LENS,
	.paper = "Ghandeharioun et al. 2024",
	.blurb = "Puts each layer's stream into another prompt, and shows what the model says there.",
	.help = "A lens reads with the unembedding alone; here the model itself reads, through the layers above the one that is "
		"patched. The target says what is asked: the default has it repeat what is at the ?, others have it describe "
		"(\"Syria: a country. ?: \"). tokens=8 lets it continue. Early layers of a source often mean nothing to late "
		"layers of a target: to_layer=0 puts all of them where the model begins to read. A fluent answer is the model's, "
		"and may say more than was in the stream: compare with a position that cannot know.",
	.picture = " layer   Diana   ,   ·Princess  ·of   ·Wales\n"
		   "   9     ·Diana  ·,  ·Princess  ·of   ·Wales\n"
		   "   6     ·Diana  ·,  ·Princess  ·of   ·Diana   resolved to\n"
		   "   3     ·Diana  ·,  ·Princess  ·of   ·Wales   a person in\n"
		   "   0     ·Diana  ·,  ·Princess  ·of   ·whales  layers 4 to 8\n",
	.shape = "layer × position",
	.unit = "probability",
	.on = ON_RUN | ON_ASSET,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
