/* head_attribution.c - the heads of a layer sum to what its attention writes, and each is the fixtures'. */
#include "tests/analyses/attributions.h"

static void test_sums(void)
{
	struct table *t = ANSWER("direct-attribution", "position=-1"), *heads = ANSWER("head-attribution", "position=-1");

	for (int l = 0; t && heads && l < heads->rows.n; l++) {
		float sum = 0, attention;
		char label[20];

		snprintf(label, sizeof label, "%d.attn", l);
		attention = t->value[table_cell(t, row_of(t, label), 0)];
		for (int h = 0; h < heads->cols.n; h++)
			sum += heads->value[table_cell(heads, l, h)];
		CHECK_NEAR(&sum, &attention, 1, 2e-4, "%s: layer %d: its heads", model_name, l);
	}
	table_unref(t);
	table_unref(heads);
}

static void test_at_metric(void)
{
	check_at_metric("head-attribution");
}

/* Heads above what is explained have no share, and the table says so; below the logits each has one. */
static void test_empty(void)
{
	static const char says[] = "empty: after what is explained";
	struct table *t = answer("head-attribution", NULL);

	CHECK_THAT(t && !strstr(t->footnote, says), "%s: %s", model_name, t ? t->footnote : "no table");
	table_unref(t);
	job_set(&job.metric, "norm resid_post 0 @1");
	t = answer("head-attribution", NULL);
	CHECK_THAT(t && isnan(t->value[table_cell(t, t->rows.n - 1, 0)]) && strstr(t->footnote, says), "%s: %s", model_name,
		   t ? t->footnote : "no table");
	table_unref(t);
	job_set(&job.metric, NULL);
}

static void check_one(const struct tables *f, const struct json_value *one, const char *metric, const char *words)
{
	struct table *t = tables_compute(f, "head-attribution", metric, words);

	if (t)
		tables_compare(f, t, json_get(one, "heads"), metric);
	table_unref(t);
}

static void check_tables(const struct tables *f)
{
	attributions_each(f, check_one);
}

int main(void)
{
	static plain_test *const tests[] = { test_sums, test_at_metric, test_empty, NULL };

	plain_each(tests);
	tables_each(check_tables);
	return tap_done();
}
