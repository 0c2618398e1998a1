/*
 * future_lens.c - what a stream says at the end of another prompt, and the model's own continuation, against
 * tests/fixtures/future_lens (make_future_lens.py); lenses that change nothing against the logit lens; and what is refused.
 */
#include "tests/analyses/tables.h"
#include "tests/scratch.h"
#include "tests/zero_lens.h"

static struct table *ask_future(const struct tables *f, const char *words, struct err *err)
{
	char copy[400], *rest = copy, *word, text[100];
	struct job_pane pane;
	struct metric metric;
	struct task task = { 0 };
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .metric = &metric, .task = &task };

	*err = (struct err){ 0 };
	job_pane_init(&pane, analysis_find("future-lens"));
	snprintf(text, sizeof text, "target=%s", json_text(json_get(f->root, "target")));
	snprintf(copy, sizeof copy, "%s", words);
	if (!job_pane_set(&pane, text, err) || !metric_resolve("entropy", f->run, &metric, NULL, err))
		return NULL;
	while ((word = strsep(&rest, " ")))
		if (*word && !job_pane_set(&pane, word, err))
			return NULL;
	return analysis_compute(pane.analysis, &ask, pane.args, err);
}

/* A model may say the end-of-text token, after which there is nothing: the cells before it are compared. */
static void check_case(const struct tables *f, const char *words)
{
	const struct json_value *expected = json_get(json_get(f->root, "future-lens"), words);
	const size_t n = tables_numbers(json_get(expected, "ids"), NULL, 0);
	float *id = calloc(2 * n + 1, sizeof *id), *p = id + n;
	struct err err;
	struct table *t = ask_future(f, words, &err);
	int unlike = 0, cells = 0;

	tables_numbers(json_get(expected, "ids"), id, 0);
	tables_numbers(json_get(expected, "p"), p, 0);
	if (CHECK_THAT(t && check_holds(&t->check) && t->check.name && t->check.tolerance == 0 &&
			       n == (size_t)(t->rows.n * t->cols.n) && t->rows.n == f->model->config.L + 1,
		       "%s: %s %s", f->name, words, err.text)) {
		for (size_t i = 0; i < n; i++) {
			if (isnan(t->value[i]))
				continue;
			cells++;
			unlike += t->id[i] != (int32_t)id[i] || fabsf(t->value[i] - p[i]) > 1e-4f;
		}
		CHECK_THAT(!unlike && cells > 2 * t->rows.n, "%s: %s: %d of %d cells differ", f->name, words, unlike, cells);
	}
	table_unref(t);
	free(id);
}

/* Through the lens of the tuned-lens project, as tuned-lens reads it. */
static void check_translated(const struct tables *f)
{
	static const char file[] = "tests/fixtures/tuned_lens/llama-tied";
	char words[200];
	struct table *lens, *t;
	struct err err;
	int same = 0;

	if (strcmp(f->name, "llama-tied.json"))
		return;
	snprintf(words, sizeof words, "lens=%s site=resid_post", file);
	lens = tables_compute(f, "tuned-lens", "entropy", words);
	snprintf(words, sizeof words, "method=linear file=%s", file);
	t = ask_future(f, words, &err);
	for (int l = 0; t && lens && l < f->model->config.L; l++)
		same += t->value[table_cell(t, l, 0)] == lens->value[table_cell(lens, l, lens->cols.n - 1)];
	CHECK_THAT(same == f->model->config.L, "%d layers are tuned-lens's %s", same, err.text);
	table_unref(t);
	table_unref(lens);
}

/* Rows of the logit lens are what a lens without a map reads; one that looks ahead has no row of the output. */
static void check_lenses(const struct tables *f)
{
	const int L = f->model->config.L;
	char name[60], ahead_name[60], words[400];
	struct table *lens = tables_compute(f, "logit-lens", "entropy", "site=resid_post"), *t;
	struct err err;
	char *next, *ahead;
	int same = 0;

	snprintf(name, sizeof name, "zero-%d-%d.safetensors", L, f->model->config.D);
	snprintf(ahead_name, sizeof ahead_name, "ahead-%d-%d.safetensors", L, f->model->config.D);
	next = zero_lens(name, L, f->model->config.D, 0);
	ahead = zero_lens_ahead(ahead_name, L, f->model->config.D);
	snprintf(words, sizeof words, "method=linear file=%s file_2=%s position=-1", ahead, next);
	t = ask_future(f, words, &err);
	if (CHECK_THAT(t && lens && t->cols.n == 2 && !strcmp(t->cols.label[0], "n+1") && !strcmp(t->cols.label[1], "n+2"),
		       "%s: two lenses %s", f->name, err.text)) {
		for (int l = 0; l < L; l++) {
			const size_t own = table_cell(lens, l, lens->cols.n - 1);

			same += t->id[table_cell(t, l, 0)] == lens->id[own] &&
				fabsf(t->value[table_cell(t, l, 0)] - lens->value[own]) < 1e-5f;
			same += l + 1 == L ? isnan(t->value[table_cell(t, l, 1)]) : t->id[table_cell(t, l, 1)] == lens->id[own];
		}
		CHECK_THAT(same == 2 * L, "%s: %d of %d are the logit lens's", f->name, same, 2 * L);
	}
	table_unref(t);
	table_unref(lens);
	free(ahead);
	free(next);
}

static void check_refused(const struct tables *f)
{
	struct err err;

	CHECK_THAT(!ask_future(f, "method=linear", &err) && strstr(err.text, "file=FILE"), "%s: %s", f->name, err.text);
}

static void check_all(const struct tables *f)
{
	check_case(f, "position=-1");
	check_case(f, "position=3");
	check_translated(f);
	check_lenses(f);
	check_refused(f);
}

int main(void)
{
	tables_each_in("tests/fixtures/future_lens", check_all);
	scratch_done();
	return tap_done();
}
