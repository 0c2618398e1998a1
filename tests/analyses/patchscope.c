/*
 * patchscope.c - what the target says, cell by cell, against tests/fixtures/patchscope (make_patchscope.py); the last layer says
 * what the prompt says; translators that change nothing; the placeholder in a text; and what is refused.
 */
#include "engine/model/tokenizer/tokenizer.h"
#include "tests/analyses/tables.h"
#include "tests/scratch.h"
#include "tests/zero_lens.h"

/* ---- questions ---- */

static struct table *ask_scope(const struct tables *f, const char *target, const char *words, struct err *err)
{
	char copy[200], *rest = copy, *word, text[100];
	struct job_pane pane;
	struct metric metric;
	struct task task = { 0 };
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .metric = &metric, .task = &task };
	struct table *t;

	*err = (struct err){ 0 };
	job_pane_init(&pane, analysis_find("patchscope"));
	snprintf(text, sizeof text, "target=%s", target);
	snprintf(copy, sizeof copy, "%s", words);
	if (!job_pane_set(&pane, text, err) || !metric_resolve("entropy", f->run, &metric, NULL, err))
		return NULL;
	while ((word = strsep(&rest, " ")))
		if (*word && !job_pane_set(&pane, word, err))
			return NULL;
	t = analysis_compute(pane.analysis, &ask, pane.args, err);
	if (t)
		CHECK_THAT(atomic_load(&task.runs) <= analysis_runs(pane.analysis, &ask, pane.args).most, "%s: %d runs of %d",
			   f->name, atomic_load(&task.runs), analysis_runs(pane.analysis, &ask, pane.args).most);
	return t;
}

/* ---- against torch ---- */

/* How many cells have these tokens; id[cells, n]. */
static int count_texts(const struct tables *f, const struct table *t, const float *id, int n)
{
	int same = 0;

	for (int i = 0; i < t->rows.n * t->cols.n; i++) {
		int32_t ids[16];
		struct str text;

		str_init(&text);
		for (int k = 0; k < n && k < 16; k++)
			ids[k] = (int32_t)id[i * n + k];
		tokenizer_decode(f->model->tokenizer, ids, (size_t)n, true, &text);
		same += n == 1 ? t->id[i] == ids[0] : text.n == t->word_bytes[i] && !memcmp(text.s, t->word[i], text.n);
		str_done(&text);
	}
	return same;
}

static void check_case(const struct tables *f, const char *words)
{
	const struct json_value *expected = json_get(json_get(f->root, "patchscope"), words);
	const size_t n = tables_numbers(json_get(expected, "ids"), NULL, 0);
	float *id = calloc(n + 1, sizeof *id);
	struct err err;
	struct table *t = ask_scope(f, json_text(json_get(f->root, "target")), words, &err);
	const int cells = t ? t->rows.n * t->cols.n : 0;

	tables_numbers(json_get(expected, "ids"), id, 0);
	if (CHECK_THAT(t && check_holds(&t->check) && t->check.tolerance == 0 && n && n % (size_t)cells == 0, "%s: %s %s", f->name,
		       words, err.text)) {
		const int same = count_texts(f, t, id, (int)n / cells);

		tables_compare(f, t, json_get(expected, "p"), words);
		CHECK_THAT(same == cells, "%s: %s: %d of %d texts", f->name, words, same, cells);
	}
	table_unref(t);
	free(id);
}

/* The placeholder of the script's default: the target's last position. */
static void check_last(const struct tables *f)
{
	char words[40];
	const int last = (int)json_count(json_get(f->root, "target ids")) - 1;

	snprintf(words, sizeof words, "at=%d", last);
	check_case(f, words);
}

/* ---- by itself ---- */

/* Into the last layer, at the last position: the target says what the prompt does. */
static void check_last_layer(const struct tables *f)
{
	struct err err;
	struct table *t = ask_scope(f, json_text(json_get(f->root, "target")), "at=-1 to_layer=-1", &err);
	const float *logits = f->run->last_logits;
	int best = 0;

	for (int v = 1; v < f->model->config.V; v++)
		best = logits[v] > logits[best] ? v : best;
	CHECK_THAT(t && t->id[table_cell(t, t->rows.n - 1, t->cols.n - 1)] == best, "%s: the last layer says %d %s", f->name, best,
		   err.text);
	table_unref(t);
}

static bool same_cells(const struct table *a, const struct table *b)
{
	return a && b && !memcmp(a->value, b->value, (size_t)(a->rows.n * a->cols.n) * sizeof *a->value);
}

static void check_file(const struct tables *f)
{
	char words[200], name[60];
	struct err err;
	struct table *plain = ask_scope(f, "the cat sat", "at=1", &err), *t;
	char *path;

	snprintf(name, sizeof name, "zero-%d-%d.safetensors", f->model->config.L, f->model->config.D);
	path = zero_lens(name, f->model->config.L, f->model->config.D, 0);
	snprintf(words, sizeof words, "at=1 map=file file=%s", path);
	t = ask_scope(f, "the cat sat", words, &err);
	CHECK_THAT(same_cells(t, plain), "%s: a lens that changes nothing %s", f->name, err.text);
	table_unref(t);
	table_unref(plain);
	free(path);
}

static void check_refused(const struct tables *f)
{
	struct err err;

	CHECK_THAT(!ask_scope(f, "the cat sat", "", &err) && strstr(err.text, "is a ? by itself"), "%s: %s", f->name, err.text);
	CHECK_THAT(!ask_scope(f, "the cat sat", "at=77", &err) && strstr(err.text, "patchscope: at"), "%s: %s", f->name, err.text);
	CHECK_THAT(!ask_scope(f, "the cat sat", "at=1 map=file", &err) && strstr(err.text, "file=FILE"), "%s: %s", f->name,
		   err.text);
}

/* The last ? is it, wherever blanks are. */
static void check_placeholder(void)
{
	struct tables f = { .name = "demo" };
	struct err err = { 0 };
	int32_t ids[] = { 5, 6, 7 };
	struct table *t, *given;

	f.model = model_open("demo", NULL, NULL, &err);
	f.run = f.model ? run_new(&(struct run_order){ .model = f.model, .tokens = ids, .T = 3 }, NULL, &err) : NULL;
	if (!CHECK_THAT(f.run, "the demo model %s", err.text))
		return;
	t = ask_scope(&f, "Who? It is ? and Tom", "", &err);
	given = ask_scope(&f, "Who? It is ? and Tom", "at=7", &err);
	CHECK_THAT(same_cells(t, given) && t->footnote && strstr(t->footnote, "·[?]·and"), "%s %s", t ? t->footnote : "", err.text);
	table_unref(t);
	table_unref(given);
	run_unref(f.run);
	model_free(f.model);
}

static void check_all(const struct tables *f)
{
	check_last(f);
	check_case(f, "at=2");
	check_case(f, "at=2 to_layer=0");
	check_case(f, "at=1,3 to_layer=0");
	check_case(f, "at=2 map=norm");
	check_case(f, "at=2 to_layer=1 tokens=4");
	check_last_layer(f);
	check_file(f);
	check_refused(f);
}

int main(void)
{
	tables_each_in("tests/fixtures/patchscope", check_all);
	check_placeholder();
	scratch_done();
	return tap_done();
}
