/*
 * projection.c - how far streams reach along a file's direction and along tokens, in each unit, against tests/fixtures/geometry
 * (make_geometry.py); what it asks for.
 */
#include "tests/analyses/plain.h"
#include "tests/analyses/tables.h"

static void check_values(const struct tables *f)
{
	static const char *const units[] = { "raw", "cosine", "norm" };
	const char *model = json_text(json_get(f->root, "model"));
	char words[160], key[40];

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		snprintf(key, sizeof key, "file %s", units[i]);
		snprintf(words, sizeof words, "unit=%s direction=tests/fixtures/%s/vector.npy", units[i], model);
		CHECK_THAT(json_get(json_get(f->root, "projection"), key), "%s has %s", f->name, key);
		tables_test(f, "projection", key, words);
		snprintf(key, sizeof key, "token %s", units[i]);
		snprintf(words, sizeof words, "unit=%s tokens=#5", units[i]);
		tables_test(f, "projection", key, words);
	}
}

/* Two tokens: the difference of the projections on each. */
static void test_tokens(void)
{
	struct table *both = ANSWER("projection", "tokens=#5 #9"), *a = ANSWER("projection", "tokens=#5"),
		     *b = ANSWER("projection", "tokens=#9");

	for (int i = 0; both && a && b && i < both->rows.n * both->cols.n; i++)
		CHECK_THAT(fabsf(both->value[i] - (a->value[i] - b->value[i])) < 1e-4f * fmaxf(1, fabsf(a->value[i])),
			   "%s: cell %d: %g of %g and %g", model_name, i, (double)both->value[i], (double)a->value[i],
			   (double)b->value[i]);
	table_unref(both);
	table_unref(a);
	table_unref(b);
}

static void test_refused(void)
{
	static const char *const words[][3] = { { NULL, NULL, "none is given" },
						{ "tokens=\"no", NULL, "expected one or two tokens in quotes" } };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct err err = { 0 };
		struct table *t;

		job.panes = 1;
		job_pane_init(&job.pane[0], analysis_find("projection"));
		for (int k = 0; k < 2 && words[i][k]; k++)
			CHECK_THAT(job_pane_set(&job.pane[0], words[i][k], &err), "%s", err.text);
		t = session_prepare(session, &job, NULL, NULL, &err) ? session_answer(session, 0, NULL, NULL, &err) : NULL;
		CHECK_THAT(!t && strstr(err.text, words[i][2]), "%s: %s", model_name, err.text);
		table_unref(t);
	}
}

int main(void)
{
	static plain_test *const tests[] = { test_tokens, test_refused, NULL };

	plain_each(tests);
	tables_each_in("tests/fixtures/geometry", check_values);
	return tap_done();
}
