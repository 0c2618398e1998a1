/* analysis.c - see analysis.h: the registry made of analyses.def, running a technique, and what techniques share. */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"

enum { LOOK_EVERY_MS = 70, SHARE = 10 }; /* of the time, a tenth at most goes into showing */

#define ANALYSIS(stem) extern const struct analysis analysis_##stem;
#include "engine/analysis/analyses.def"
#undef ANALYSIS

const struct analysis *const analysis_list[] = {
#define ANALYSIS(stem) &analysis_##stem,
#include "engine/analysis/analyses.def"
#undef ANALYSIS
	NULL,
};

/* clang-format off */
const char *const topic_words[TOPIC_COUNT] = {
	[TOPIC_PREDICTION] = "prediction",
	[TOPIC_LENS] = "lenses",
	[TOPIC_ATTENTION] = "attention",
	[TOPIC_ATTRIBUTION] = "attribution",
	[TOPIC_CAUSAL] = "causal",
	[TOPIC_GEOMETRY] = "geometry",
};
/* clang-format on */

const char *const on_words[ON_COUNT] = { "run", "foil", "metric", "corpus", "asset" };
const char *const cost_words[COST_COUNT] = { "read", "vocabulary", "runs", "corpus", "training" };
const char *const cost_sentences[COST_COUNT] = {
	[COST_RUNS] = "slow: runs of its own",
	[COST_CORPUS] = "slow: runs a file of prompts",
	[COST_TRAINING] = "slow: trains for minutes",
};

const struct analysis *analysis_find(const char *name)
{
	for (int i = 0; analysis_list[i]; i++)
		if (!strcmp(analysis_list[i]->name, name))
			return analysis_list[i];
	return NULL;
}

/* Letters to insert, delete or change to get from a to b (Levenshtein 1966), one row of the matrix at a time. */
static int distance(const char *a, const char *b)
{
	int row[64], n = (int)strlen(b);

	if (n >= 64)
		return n;
	for (int j = 0; j <= n; j++)
		row[j] = j;
	for (int i = 1; a[i - 1]; i++) {
		int corner = row[0];

		row[0] = i;
		for (int j = 1; j <= n; j++) {
			int best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

void analysis_suggest(const char *name, struct str *out)
{
	int nearest = 1000;

	for (int i = 0; analysis_list[i]; i++) {
		int d = distance(name, analysis_list[i]->name);

		nearest = d < nearest ? d : nearest;
	}
	for (int i = 0, written = 0; analysis_list[i]; i++) {
		const char *word = analysis_list[i]->name;

		if (distance(name, word) == nearest || (*name && strstr(word, name)))
			str_addf(out, "%s%s", written++ ? ", " : "", word);
	}
}

unsigned analysis_on(const struct analysis *a, const struct value args[PARAM_MAX])
{
	unsigned on = a->on;

	for (int i = 0; i < param_count(a->params); i++) {
		on |= param_on(&a->params[i], args[i]);
	}
	return on;
}

void analysis_defaults(const struct analysis *a, struct value args[PARAM_MAX])
{
	memset(args, 0, PARAM_MAX * sizeof *args);
	for (int i = 0; i < param_count(a->params); i++)
		args[i] = param_default(&a->params[i]);
}

bool analysis_explains(const struct analysis *a, enum metric_kind kind)
{
	return a->metrics && (metric_kind_can(kind) & a->metrics) == a->metrics;
}

/* "direct-attribution takes apart what is linear in the stream, and pattern 2.1 @7<3 is not: ask scores 2.1 @7<3" */
static bool refuse_nonlinear(const struct analysis *a, const struct metric *metric, struct err *err)
{
	const struct metric_info *info = metric_table[metric->kind], *instead = NULL;

	for (int k = 0; k < METRIC_KINDS; k++)
		if (!strcmp(metric_table[k]->word, info->instead))
			instead = metric_table[k];
	return err_set(err, ERR_ARGUMENT, "%s takes apart what is linear in the stream, and %s is not: ask %s%s", a->name,
		       metric->spec, info->instead,
		       instead && instead->takes == info->takes ? metric->spec + strlen(info->word) : "");
}

/* "path-patching explains logit, logit_diff; the metric is loss" */
static bool refuse_metric(const struct analysis *a, const struct metric *metric, struct err *err)
{
	struct str can;

	if (a->metrics == METRICS_LINEAR)
		return refuse_nonlinear(a, metric, err);
	str_init(&can);
	for (int k = 0; k < METRIC_KINDS; k++)
		if (analysis_explains(a, (enum metric_kind)k))
			str_addf(&can, "%s%s", can.n ? ", " : "", metric_table[k]->word);
	err_set(err, ERR_ARGUMENT, "%s explains the metrics %s; this one is %s", a->name, can.s, metric->spec);
	str_done(&can);
	return false;
}

/* "attention reads more than a run over 3000 tokens can keep here: …" */
bool analysis_refuse_stream(const struct analysis *a, const struct run *r, struct err *err)
{
	struct err why = { 0 };
	struct str can;

	str_init(&can);
	for (int i = 0; analysis_list[i]; i++)
		if (analysis_list[i]->needs & READS_STREAM)
			str_addf(&can, "%s%s", can.n ? ", " : "", analysis_list[i]->name);
	if (run_fits(r->model, r->T, RUN_ALL, &why)) /* memory has become free since */
		err_set(&why, ERR_MEMORY, "shorten the prompt");
	err_set(err, ERR_MEMORY, "%s reads more of a run than its stream, all that is kept of this one: %s, or ask for %s", a->name,
		why.text, can.s);
	str_done(&can);
	return false;
}

static bool keeps_all(const struct run *r)
{
	return !r || r->keeps == RUN_ALL;
}

/* "expert-routing: demo has no experts: each of its layers has one MLP, which every token passes through" */
static bool has_experts(const struct model *m, struct err *err)
{
	return m->config.experts.X ||
	       err_set(err, ERR_ARGUMENT, "%s has no experts: each of its layers has one MLP, which every token passes through",
		       m->name);
}

bool analysis_can_answer(const struct analysis *a, const struct ask *ask, struct err *err)
{
	if ((a->needs & NEEDS_FOIL) && !ask->foil)
		return err_set(err, ERR_ARGUMENT, "%s compares with a second prompt: set a foil", a->name);
	if ((a->needs & NEEDS_SUM) && !norms_off_stream(&ask->model->config, err))
		return err_in(err, "%s", a->name);
	if ((a->needs & NEEDS_ATTENTION) && !mixer_all_attend(&ask->model->config, err))
		return err_in(err, "%s", a->name);
	if ((a->needs & NEEDS_EXPERTS) && !has_experts(ask->model, err))
		return err_in(err, "%s", a->name);
	if (a->metrics && !analysis_explains(a, ask->metric->kind))
		return refuse_metric(a, ask->metric, err);
	if (!(a->needs & READS_STREAM) && !(keeps_all(ask->run) && keeps_all(ask->unedited)))
		return analysis_refuse_stream(a, ask->run, err);
	return (a->needs & READS_STREAM) || !(a->needs & NEEDS_FOIL) || keeps_all(ask->foil) ||
	       analysis_refuse_stream(a, ask->foil, err);
}

static bool prepare(const struct analysis *a, struct ask *ask, const struct value *args, struct err *err)
{
	if (!analysis_can_answer(a, ask, err))
		return false;
	for (int i = 0; i < param_count(a->params); i++) {
		const struct param *p = &a->params[i];
		struct value value;

		if (!param_resolve(p, args[i], dim_extent(&ask->model->config, ask->run ? ask->run->T : 0, param_dim(p)), &value,
				   err))
			return err_in(err, "%s", a->name);
		ask->real[i] = value.number;
		ask->arg[i] = (int)value.number;
		if ((a->needs & READS_ATTENTION) && param_dim(p) == DIM_LAYER &&
		    !mixer_attends(&ask->model->config, ask->arg[i], err))
			return err_in(err, "%s", a->name);
		ask->text[i] = param_is_path(p) && value.text ? asset_path(value.text, NULL, NULL) : value.text;
		if (value.text && !ask->text[i])
			return err_set(err, ERR_FILE, "%s: %s: there is no file %s", a->name, p->name, value.text);
	}
	return true;
}

/* Files that are held open while a table is made. */
struct held {
	const struct param *params;
	struct asset *file[PARAM_MAX];
	int n;
};

const struct asset *ask_asset(const struct ask *ask, int arg, struct err *err)
{
	struct asset_file file;
	struct asset *a;

	asset_find(ask->text[arg], NULL, &file);
	if ((a = assets_open(ask->assets, ask->held->params[arg].file, &file, ask->model, ask->notes, err)))
		ask->held->file[ask->held->n++] = a;
	return a;
}

struct table *analysis_compute(const struct analysis *a, struct ask *ask, const struct value *args, struct err *err)
{
	struct held held = { .params = a->params };
	struct table *t;

	if (!prepare(a, ask, args, err))
		return NULL;
	ask->held = &held;
	ask->scratch = arena_new();
	if (ask->watch)
		ask->watch->next = clock_now() + LOOK_EVERY_MS; /* what is quick comes whole */
	t = a->compute(ask, err);
	task_part(ask->task, 0, 0, 0); /* also where it stopped in the middle */
	arena_free(ask->scratch);
	ask->scratch = NULL;
	while (held.n)
		asset_unref(held.file[--held.n]);
	if (t)
		t->analysis = a->name;
	return t;
}

const bool *ask_positions(const struct ask *ask, int i)
{
	bool *at = arena_alloc(ask->scratch, (size_t)ask->run->T + 1);
	struct err ignored; /* it was read before: prepare() */

	return ask->text[i] && positions_parse(ask->text[i], ask->run->T, at, "", &ignored) ? at : NULL;
}

const struct place *ask_places(const struct ask *ask, const struct analysis *a, int i, int *n, struct err *err)
{
	const char *list = ask->text[i], *text, *what = arena_printf(ask->scratch, "%s: %s", a->name, a->params[i].name);
	struct place *place = arena_alloc(ask->scratch, (list ? strlen(list) / 2 + 1 : 1) * sizeof *place);

	for (*n = 0; param_next_place(&list, &text); (*n)++)
		if (!place_parse(text, ask->run->T, &place[*n], what, err) ||
		    !place_check(&place[*n], &ask->model->config, what, err))
			return NULL;
	return place;
}

struct passes analysis_runs(const struct analysis *a, struct ask *ask, const struct value *args)
{
	struct err err = { 0 };
	struct passes n = { 0 };

	if (!a->runs)
		return n;
	if (!prepare(a, ask, args, &err))
		return (struct passes){ -1, -1 };
	ask->scratch = arena_new();
	n.most = a->runs(ask);
	n.usual = a->usual_runs ? a->usual_runs(ask) : n.most;
	arena_free(ask->scratch);
	ask->scratch = NULL;
	return n;
}

/* Nobody waits for less than the whole answer. */
static struct ask same_question(const struct ask *ask)
{
	return (struct ask){ .model = ask->model,
			     .run = ask->run,
			     .unedited = ask->unedited,
			     .foil = ask->foil,
			     .metric = ask->metric,
			     .gradient = ask->gradient,
			     .assets = ask->assets,
			     .task = ask->task,
			     .notes = ask->notes };
}

struct table *ask_other(const struct ask *ask, const struct analysis *a, const struct value *args, struct err *err)
{
	struct ask own = same_question(ask);

	return ask->others ? ask->others->answer(ask->others->context, a, args, err) : analysis_compute(a, &own, args, err);
}

struct passes ask_other_passes(const struct ask *ask, const struct analysis *a, const struct value *args)
{
	struct ask own = same_question(ask);

	return ask->others ? ask->others->passes(ask->others->context, a, args) : analysis_runs(a, &own, args);
}

double analysis_work(const struct analysis *a, struct ask *ask, const struct value *args, int *steps)
{
	struct err err = { 0 };
	double work;

	if (!a->work || !prepare(a, ask, args, &err))
		return 0;
	ask->scratch = arena_new();
	work = a->work(ask, steps);
	arena_free(ask->scratch);
	ask->scratch = NULL;
	return work;
}

bool ask_watched(const struct ask *ask)
{
	return ask->watch && clock_now() >= ask->watch->next;
}

void ask_show(const struct ask *ask, const struct table *so_far)
{
	double start, took;

	if (!ask->watch)
		return;
	start = clock_now();
	ask->watch->show(ask->watch->context, so_far);
	took = clock_now() - start;
	ask->watch->next = start + took + (took * SHARE > LOOK_EVERY_MS ? took * SHARE : LOOK_EVERY_MS);
}

/* The part of 0 … all-1 that `n` from `from` on cover. */
static void clip(int *from, int *n, int all)
{
	int end;

	*from += *from < 0 ? all : 0;
	end = *n < all - *from ? *from + *n : all;
	*from = *from < 0 ? 0 : *from;
	*n = end > *from ? end - *from : 0;
}

struct window ask_visible(const struct ask *ask, const struct table *t)
{
	struct window w = ask->watch && ask->watch->visible ? ask->watch->visible(ask->watch->context) : (struct window){ 0 };

	clip(&w.row, &w.rows, t->rows.n);
	clip(&w.col, &w.cols, t->cols.n);
	return w;
}

const struct choice stream_sites[] = {
	{ "resid_post", "the stream after a layer", SITE_RESID_POST },
	{ "resid_pre", "the stream before a layer", SITE_RESID_PRE },
	{ "resid_mid", "the stream between attention and MLP", SITE_RESID_MID },
	{ "attn_out", "what attention writes", SITE_ATTN_OUT },
	{ "mlp_out", "what the MLP writes", SITE_MLP_OUT },
	{ 0 },
};

void axis_tokens(struct table *t, struct axis *axis, const struct run *r, enum dim dim, const char *name)
{
	const struct tokenizer *tokenizer = r->model->tokenizer;
	struct str show;

	axis->dim = dim;
	axis->name = name;
	str_init(&show);
	for (int i = 0; i < axis->n && i < r->T; i++) {
		size_t n;
		const char *bytes = tokenizer_bytes(tokenizer, r->tokens[i], &n);

		str_clear(&show);
		tokenizer_show(tokenizer, r->tokens[i], &show);
		axis_token(t, axis, i, r->tokens[i], bytes, n, show.s);
	}
	str_done(&show);
}

void table_set_attribution(struct table *t, const struct metric *metric, const char *column)
{
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, 0, column);
	table_set_unit(t, metric_unit(metric));
	t->look = LOOK_TOKENS;
	t->scale = SCALE_DIVERGING;
	t->place.site = SITE_EMBED;
}

void table_set_entropy(struct table *t, int V)
{
	t->neutral = logf((float)V);
	t->meaning = arena_printf(t->arena, "0 = sure, %.1f = a blind guess", log(V));
}

void table_set_token(struct table *t, size_t cell, const struct model *m, int32_t id)
{
	struct str show;
	size_t n;
	const char *bytes = tokenizer_bytes(m->tokenizer, id, &n);

	str_init(&show);
	tokenizer_show(m->tokenizer, id, &show);
	table_set_word(t, cell, id, bytes, n, show.s);
	str_done(&show);
}
