/*
 * analyses.c - a walk over the registry: every technique on every tiny model, at default, least and greatest arguments, with and
 * without edits. What must hold for any technique is here; what each one means is in analyses/.
 */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/export/export.h"
#include "engine/run/run.h"
#include "engine/session/session.h"
#include "tests/scratch.h"
#include "tests/tap.h"
#include "tests/unit_file.h"

#define FOLDER "tests/fixtures/tiny"
#define PROMPT "one two three two one"
#define FOIL "one three two two one" /* of equally many tokens */

static const char *const edit_sets[][3] = {
	{ NULL },
	{ "head 1.0 zero", NULL },
	{ "attn_out 0 @1 scale 2", "mlp_out 1 mean", NULL },
	{ "resid_mid 1 @-1 scale 0.5", "resid_pre 0 @-1 scale 1.5", NULL },
	{ "pattern 0.1 @2 zero", "layer 1 zero", NULL },
};

struct technique_walk {
	const char *samples; /* a file of prompts, for techniques that want one */
	struct session *session;
	struct job job;
	const struct analysis *analysis;
	const char *model, *variant;
	size_t turn; /* which model it is */
};

static int count_bad_cells(const struct table *t)
{
	int bad = 0;

	for (int r = 0; r < t->rows.n; r++) {
		for (int c = 0; c < t->cols.n; c++) {
			bool later = t->rows.dim == DIM_POSITION && t->cols.dim == DIM_KEY && c > r;
			float x = t->value[table_cell(t, r, c)];

			bad += later ? !isnan(x) : !isfinite(x) && !t->footnote; /* a footnote says why there is nothing */
			bad += !later && t->scale == SCALE_PROBABILITY && t->units == 1 && (x < 0 || x > 1.0001f);
		}
	}
	return bad;
}

static bool axis_fits(const struct technique_walk *w, const struct axis *axis)
{
	int n = dim_extent(&session_model(w->session)->config, session_run(w->session)->T, axis->dim);

	for (int i = 0; i < axis->n; i++)
		if (!axis->label[i] || !axis->show[i] || !*axis->show[i])
			return false;
	if (axis->each)
		n = (n + axis->each - 1) / axis->each;
	return axis->n > 0 && (!n || axis->n == n || axis->place); /* places say what each index is of */
}

static bool shape_fits(const struct technique_walk *w, const struct table *t)
{
	char shape[80];

	snprintf(shape, sizeof shape, "%s × %s", t->rows.name, t->cols.name);
	return axis_fits(w, &t->rows) && axis_fits(w, &t->cols) && strstr(w->analysis->shape, shape);
}

static bool same_bits(const struct json_value *v, float x)
{
	double d = 0;
	float back;

	if (!isfinite(x))
		return json_kind(v) == JSON_NULL;
	if (!json_double(v, &d))
		return false;
	back = (float)d;
	return !memcmp(&back, &x, sizeof x);
}

static bool same_id(const struct json_value *v, int32_t id)
{
	int64_t back = -1;

	return json_int(v, &back) ? back == id : id < 0;
}

/* It begins with the prompt's own tokens: others are generated, or of the vocabulary. */
static bool is_prompt(const struct axis *axis, const struct run *run)
{
	return axis->id && axis->n >= run->T && !memcmp(axis->id, run->tokens, (size_t)run->T * sizeof *run->tokens);
}

/* "2.1", "3.attn", "head 2.1", "resid_post 3 @4"; a token of the prompt, and what is made of some. */
static bool names_place(const struct axis *axis, int i, const struct run *run)
{
	struct place place;
	struct err err;
	int n = 0;

	if (place_parse(axis->label[i], 0, &place, "label", &err) || axis->dim == DIM_GROUP)
		return true;
	if (axis->dim == DIM_COMPONENT && i < run->T && is_prompt(axis, run))
		return true;
	return sscanf(axis->label[i], "%*d.%*d%n", &n) == 0 &&
	       (n > 0 || strstr(axis->label[i], ".attn") || strstr(axis->label[i], ".mlp"));
}

/* What names a place has it, in the table and in JSON; an index along a dimension of the model or the prompt is one. */
static bool places_come_back(const struct table *t, const struct axis *axis, const struct run *run, const struct json_value *json)
{
	const struct json_value *places = json_get(json, "places");

	for (int i = 0; i < axis->n; i++) {
		const bool has = axis->place && !place_equal(&axis->place[i], &PLACE_NONE);

		if (names_place(axis, i, run) && !has) {
			printf("# %s: \"%s\" names a place and has none\n", t->title, axis->label[i]);
			return false;
		}
		if (axis->place && (json_kind(json_at(places, (size_t)i)) == JSON_STRING) != has) {
			printf("# %s: \"%s\" has a place, and JSON lacks it\n", t->title, axis->label[i]);
			return false;
		}
	}
	return !places == !axis->place;
}

/* The JSON reads back to the same shape, the same floats and the same tokens. */
static bool json_comes_back(const struct table *t, const struct run *run, const char *text, size_t n)
{
	struct err err = { 0 };
	struct json *doc = json_parse(text, n, "json", &err);
	const struct json_value *root = doc ? json_root(doc) : NULL, *values = json_get(root, "values"),
				*ids = json_get(root, "ids");
	bool ok = json_count(values) == (size_t)t->rows.n && !ids == !t->id && text[n - 1] == '\n' && !memchr(text, '\n', n - 1);

	for (int r = 0; ok && r < t->rows.n; r++) {
		const struct json_value *row = json_at(values, (size_t)r);

		ok = json_count(row) == (size_t)t->cols.n;
		for (int c = 0; ok && c < t->cols.n; c++) {
			size_t cell = table_cell(t, r, c);

			ok = same_bits(json_at(row, (size_t)c), t->value[cell]);
			if (ids)
				ok = ok && same_id(json_at(json_at(ids, (size_t)r), (size_t)c), t->id[cell]);
		}
	}
	ok = ok && json_count(json_get(json_get(root, "rows"), "labels")) == (size_t)t->rows.n;
	ok = ok && json_count(json_get(json_get(root, "cols"), "labels")) == (size_t)t->cols.n;
	ok = ok && places_come_back(t, &t->rows, run, json_get(root, "rows")) &&
	     places_come_back(t, &t->cols, run, json_get(root, "cols"));
	ok = ok && json_count(json_get(root, "units")) == (size_t)t->units;
	ok = ok && !json_get(root, "check") == !t->check.name;
	ok = ok && !json_get(root, "tiles") == !t->tile;
	if (t->tile)
		ok = ok && json_count(json_get(json_get(root, "tiles"), "values")) == (size_t)t->rows.n &&
		     json_count(json_at(json_at(json_get(json_get(root, "tiles"), "values"), 0), 0)) ==
			     (size_t)(t->tile_rows * t->tile_cols);
	json_free(doc);
	return ok;
}

/* Nothing that a terminal would obey. */
static bool is_harmless(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\n' && *s != '\r') || *s == 0x7f)
			return false;
	return true;
}

static void check_exports(const struct technique_walk *w, const struct table *t)
{
	struct snapshot *of = xcalloc(1, sizeof *of);
	struct answer answer = { .table = t, .job = &w->job, .pane = &w->job.pane[0], .of = of };
	struct str out;

	snapshot_describe(of, w->session);
	str_init(&out);
	export_json(&answer, &out);
	CHECK_THAT(json_comes_back(t, session_run(w->session), out.s, out.n), "%s %s: JSON reads back", w->model, w->variant);
	str_clear(&out);
	export_text(&answer, &out);
	CHECK_THAT(out.n > 8 && is_harmless(out.s), "%s %s: text", w->model, w->variant);
	str_clear(&out);
	export_csv(&answer, &out);
	CHECK_THAT(out.n > 8 && is_harmless(out.s), "%s %s: CSV", w->model, w->variant);
	snapshot_free(of);
	str_done(&out);
}

/* Two axes of one dimension would have one cursor, and nothing but the diagonal could be reached. */
static bool has_two_cursors(const struct table *t)
{
	return t->rows.dim != t->cols.dim || t->rows.dim == DIM_NONE;
}

static void check_answer(struct technique_walk *w)
{
	struct err err = { 0 };
	struct notes notes = { 0 };
	struct table *t = NULL;

	unit_file_arguments(&w->job, &session_model(w->session)->config, w->samples);
	if (session_prepare(w->session, &w->job, NULL, &notes, &err))
		t = session_answer(w->session, 0, NULL, &notes, &err);
	if (!t && !session_model(w->session)->config.experts.X && strstr(err.text, "this model has no experts")) {
		CHECK_THAT(strstr(w->variant, "site="), "%s %s: maps of experts alone need some: %s", w->model, w->variant,
			   err.text);
	} else if (CHECK_THAT(!!t, "%s %s answers %s", w->model, w->variant, err.text)) {
		CHECK_THAT(shape_fits(w, t), "%s %s: axes are %s", w->model, w->variant, w->analysis->shape);
		CHECK_THAT(count_bad_cells(t) == 0, "%s %s: numbers are numbers", w->model, w->variant);
		CHECK_THAT(check_holds(&t->check), "%s %s: %s: %.9g is %.9g", w->model, w->variant,
			   t->check.name ? t->check.name : "no check", t->check.expected, t->check.actual);
		CHECK_THAT(!strstr(t->title, "logit \"") && !strstr(t->title, "logit #"), "%s: the metric is not in the title: %s",
			   w->analysis->name, t->title);
		CHECK_THAT(*t->title && *t->unit[0] && !strcmp(t->analysis, w->analysis->name), "%s %s: %s", w->model, w->variant,
			   t->title);
		CHECK_THAT(has_two_cursors(t), "%s %s: rows and columns have a cursor each", w->model, w->variant);
		check_exports(w, t);
	}
	table_unref(t);
	notes_done(&notes);
}

/* The least and the greatest value of an argument. */
static struct value bound(const struct technique_walk *w, const struct param *p, bool high)
{
	int n = dim_extent(&session_model(w->session)->config, session_run(w->session)->T, p->dim);

	if (p->kind == PARAM_CHOICE)
		return value_number(p->choices[high ? param_choices(p) - 1 : 0].value);
	if (p->kind == PARAM_DIM)
		return value_number(high ? n - 1 : 0);
	return param_is_text(p) ? param_default(p) : value_number(high ? p->hi : p->lo);
}

static void walk_arguments(struct technique_walk *w)
{
	const struct param *params = w->analysis->params;
	struct job_pane *pane = &w->job.pane[0];
	char variant[100];

	job_pane_init(pane, w->analysis);
	w->variant = w->analysis->name;
	check_answer(w);
	for (const struct param *p = params; p && p->name; p++) {
		int values = p->kind == PARAM_CHOICE ? param_choices(p) : param_is_text(p) ? 0 : 2;

		for (int v = 0; v < values; v++) {
			struct value value = p->kind == PARAM_CHOICE ? value_number(p->choices[v].value) : bound(w, p, v == 1);

			job_pane_init(pane, w->analysis);
			pane->args[p - params] = value;
			snprintf(variant, sizeof variant, "%s %s=%g", w->analysis->name, p->name, value.number);
			w->variant = variant;
			check_answer(w);
		}
	}
	for (int high = 0; high < 2; high++) {
		for (int i = 0; i < param_count(params); i++)
			pane->args[i] = bound(w, &params[i], high);
		snprintf(variant, sizeof variant, "%s, all arguments %s", w->analysis->name, high ? "high" : "low");
		w->variant = variant;
		check_answer(w);
	}
}

/* Of the run it reads the tokens alone, which no edit changes. */
static bool of_tokens_alone(const struct analysis *a)
{
	return !strcmp(a->name, "bigrams");
}

/* With an edit, --diff shows something; without one it is zero everywhere, exactly. */
static void check_diff(struct technique_walk *w)
{
	for (int edited = 0; edited < 2; edited++) {
		struct err err = { 0 };
		struct table *t = NULL;
		float lo = 0, hi = 0;

		w->job.edit[0].on = edited;
		w->job.pane[0].shown = SHOWN_MINUS_UNEDITED;
		if (session_prepare(w->session, &w->job, NULL, NULL, &err))
			t = session_answer(w->session, 0, NULL, NULL, &err);
		if (!CHECK_THAT(t && t->scale == SCALE_DIVERGING, "%s %s: difference %s", w->model, w->analysis->name, err.text))
			return;
		table_range(t, false, &lo, &hi);
		CHECK_THAT((lo == 0 && hi == 0) == (!edited || of_tokens_alone(w->analysis)),
			   "%s %s: differences %g … %g %s an edit", w->model, w->analysis->name, (double)lo, (double)hi,
			   edited ? "with" : "without");
		table_unref(t);
	}
	w->job.edit[0].on = true;
	w->job.pane[0].shown = SHOWN_RUN;
}

/* The foil's own best tokens may be others: a difference knows its numbers for those of the prompt all the same. */
static void check_foil_ranks(struct technique_walk *w)
{
	struct err err = { 0 };
	struct table *t = NULL;
	int unknown = 0;

	job_pane_init(&w->job.pane[0], analysis_find("next-token"));
	w->job.pane[0].shown = SHOWN_MINUS_FOIL;
	if (session_prepare(w->session, &w->job, NULL, NULL, &err))
		t = session_answer(w->session, 0, NULL, NULL, &err);
	for (int i = 0; t && i < t->rows.n * t->cols.n; i++)
		unknown += isnan(t->value[i]);
	CHECK_THAT(t && unknown == 0, "%s: %d numbers of the foil's are not known %s", w->model, unknown, err.text);
	table_unref(t);
	w->job.pane[0].shown = SHOWN_RUN;
}

static void walk_model(struct technique_walk *w)
{
	struct err err = { 0 };

	if (!CHECK_THAT(session_prepare(w->session, &w->job, NULL, NULL, &err), "%s opens %s", w->model, err.text))
		return;
	check_foil_ranks(w);
	for (int i = 0; analysis_list[i]; i++) {
		w->analysis = analysis_list[i];
		if ((w->analysis->needs & NEEDS_EXPERTS) && !session_model(w->session)->config.experts.X)
			continue; /* analyses/expert_routing.c has the refusal */
		w->job.panes = 1;
		for (size_t set = 0; set < (w->analysis->on & ON_RUN ? sizeof edit_sets / sizeof *edit_sets : 1); set++) {
			if (!tap_takes((size_t)i + w->turn, set, set ? 8 : 2))
				continue;
			while (w->job.edits)
				job_remove_edit(&w->job, 0);
			for (int e = 0; edit_sets[set][e]; e++)
				job_add_edit(&w->job, edit_sets[set][e]);
			walk_arguments(w);
		}
		while (w->job.edits)
			job_remove_edit(&w->job, 0);
		job_set(&w->job.prompt, "a"); /* one token, or one and BOS */
		job_set(&w->job.foil, "b");
		walk_arguments(w);
		job_set(&w->job.prompt, PROMPT);
		job_set(&w->job.foil, FOIL);
		job_add_edit(&w->job, "resid_pre 0 @-2 mean");
		job_pane_init(&w->job.pane[0], w->analysis);
		unit_file_arguments(&w->job, &session_model(w->session)->config, w->samples);
		if (w->analysis->on & ON_RUN)
			check_diff(w);
	}
}

/* Questions that have no answer get a sentence. */
static void test_refusals(const char *model)
{
	static const struct {
		const char *analysis, *metric;
		int arg, value;
		const char *expected;
	} cases[] = {
		{ "attention", NULL, 0, 99, "there is no layer 99" },
		{ "attention", NULL, 1, -99, "there is no head -99" },
		{ "next-token", NULL, 1, 500, "there is no position 500" },
		{ "direct-attribution", "entropy", 0, -1, "and entropy is not: ask logit" },
		{ "logit-lens", "kl", 1, 2, "is about the metric's token" },
	};
	struct session *session = session_new();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = { 0 };
		struct table *t = NULL;
		struct job job;

		job_init(&job);
		job_set(&job.model, model);
		job_set(&job.prompt, "one two three");
		job_set(&job.metric, cases[i].metric);
		job_pane_init(&job.pane[job.panes++], analysis_find(cases[i].analysis));
		job.pane[0].args[cases[i].arg] = value_number(cases[i].value);
		if (session_prepare(session, &job, NULL, NULL, &err))
			t = session_answer(session, 0, NULL, NULL, &err);
		CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, cases[i].expected), "%s: %s", cases[i].analysis,
			   err.text);
		job_done(&job);
	}
	session_free(session);
}

/* The line of JSON that describes a technique parses and has every argument. */
static void check_registry(const struct analysis *a)
{
	struct err err = { 0 };
	struct str line;
	struct json *doc;
	const struct json_value *args;

	str_init(&line);
	export_registry(a, &line);
	doc = json_parse(line.s, line.n, a->name, &err);
	args = doc ? json_get(json_root(doc), "args") : NULL;
	CHECK_THAT(doc && !strcmp(json_text(json_get(json_root(doc), "name")), a->name) &&
			   json_count(args) == (size_t)param_count(a->params),
		   "%s is described in JSON %s", a->name, err.text);
	for (int i = 0; i < param_count(a->params); i++)
		CHECK_THAT(!strcmp(json_text(json_get(json_at(args, (size_t)i), "name")), a->params[i].name) &&
				   json_count(json_get(json_at(args, (size_t)i), "choices")) ==
					   (size_t)param_choices(&a->params[i]),
			   "%s: %s is described in JSON", a->name, a->params[i].name);
	json_free(doc);
	str_done(&line);
}

/* Every technique says what to look for, and it fits where it is shown. */
static void test_picture(const struct analysis *a)
{
	int lines = 0, widest = 0, ink = 0;

	if (!CHECK_THAT(a->picture && *a->picture && a->picture[strlen(a->picture) - 1] == '\n', "%s has a picture of whole lines",
			a->name))
		return;
	for (const char *line = a->picture; *line; line += strcspn(line, "\n") + 1, lines++) {
		int columns = 0;

		for (const char *s = line; *s != '\n'; s++) {
			columns += (*s & 0xC0) != 0x80; /* each character is a column */
			ink += *s != ' ';
		}
		if (columns > widest)
			widest = columns;
	}
	CHECK_THAT(lines > 2 && lines <= PICTURE_LINES && widest <= PICTURE_COLUMNS && ink > 40, "%s: its picture is %d × %d",
		   a->name, widest, lines);
}

static void test_registry(void)
{
	struct str near;
	int n = 0;

	for (; analysis_list[n]; n++) {
		const struct analysis *a = analysis_list[n];

		CHECK_THAT(a->title && a->blurb && a->help && a->shape && a->unit && a->compute && a->topic < TOPIC_COUNT,
			   "%s says what it is", a->name);
		test_picture(a);
		CHECK(analysis_find(a->name) == a && param_count(a->params) <= PARAM_MAX);
		/* weights alone depend on nothing else: on 0 */
		CHECK_THAT((a->metrics || !(a->on & ON_METRIC)) && a->cost < COST_COUNT &&
				   !(a->needs & NEEDS_FOIL) == !(a->on & ON_FOIL),
			   "%s says what it depends on and costs", a->name);
		check_registry(a);
	}
	CHECK(n >= 8 && !analysis_find("logit_lens"));
	str_init(&near);
	analysis_suggest("logit_lense", &near);
	CHECK_TEXT(near.s, "logit-lens");
	str_clear(&near);
	analysis_suggest("attention", &near);
	CHECK_THAT(!strncmp(near.s, "attention, attention-", 21) && strstr(near.s, "attention-overview") &&
			   strstr(near.s, "attention-knockout") && !strstr(near.s, "lens"),
		   "%s", near.s);
	str_done(&near);
}

int main(void)
{
	static const char others[] = FOIL "\nb\n"; /* of as many tokens as the prompts that are walked with */
	char *samples = scratch_file("samples.txt", others, sizeof others - 1);
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	int models = 0;

	test_registry();
	while (dir && (entry = readdir(dir))) {
		struct technique_walk w = {
			.session = session_new(), .model = entry->d_name, .samples = samples, .turn = (size_t)models
		};
		char *path = file_join(FOLDER, entry->d_name), *config = file_join(path, "config.json");

		if (entry->d_name[0] != '.' && file_exists(config)) {
			job_init(&w.job);
			job_set(&w.job.model, path);
			job_set(&w.job.prompt, PROMPT);
			job_set(&w.job.foil, FOIL);
			walk_model(&w);
			if (!models++)
				test_refusals(path);
			job_done(&w.job);
		}
		session_free(w.session);
		free(config);
		free(path);
	}
	if (dir)
		closedir(dir);
	free(samples);
	scratch_done();
	CHECK_THAT(models > 0, "%d tiny models", models);
	return tap_done();
}
