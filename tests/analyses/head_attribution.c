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

static void check_one(const struct tables *f, const struct json_value *one, const char *metric, const char *words)
{
	struct table *t = tables_compute(f, "head-attribution", metric, words);

	if (t) {
		const bool empty = isnan(t->value[table_cell(t, t->rows.n - 1, 0)]);

		tables_compare(f, t, json_get(one, "heads"), metric);
		CHECK_THAT(empty == (strstr(t->footnote, "empty: after what is explained") != NULL),
			   "%s: %s: why cells are empty: %s", f->name, metric, t->footnote);
	}
	table_unref(t);
}

static void check_tables(const struct tables *f)
{
	attributions_each(f, check_one);
}

int main(void)
{
	static plain_test *const tests[] = { test_sums, test_at_metric, NULL };

	plain_each(tests);
	tables_each(check_tables);
	return tap_done();
}
