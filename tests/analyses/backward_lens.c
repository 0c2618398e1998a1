/*
 * backward_lens.c - the words of gradients at MLPs' writes and of what MLPs read, against tests/fixtures/backward_lens
 * (make_backward_lens.py); one layer alone; what no gradient reaches stays empty.
 */
#include "tests/analyses/tables.h"

static void compare_words(const struct tables *f, const struct table *t, const char *key, const char *what)
{
	const size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;
	const struct json_value *expected = json_get(json_get(f->root, "backward-lens"), key);
	const size_t n = tables_numbers(expected, NULL, 0);
	float *id = calloc(n + 1, sizeof *id);
	size_t same = 0;

	tables_numbers(expected, id, 0);
	for (size_t i = 0; i < n && n == cells; i++)
		same += t->id[i] == (int32_t)id[i];
	CHECK_THAT(n && same == n, "%s: %s: %zu of %zu words", f->name, what, same, n);
	free(id);
}

static void check_case(const struct tables *f, const char *spec, const char *words, const char *key)
{
	const struct json_value *expected = json_get(json_get(f->root, "backward-lens"), key);
	struct table *t = tables_compute(f, "backward-lens", spec, words);
	char ids[40];

	snprintf(ids, sizeof ids, "%s ids", key);
	if (t && CHECK_THAT(expected, "%s has %s", f->name, key)) {
		tables_compare(f, t, expected, key);
		compare_words(f, t, ids, key);
	}
	table_unref(t);
}

/* The same row as of all layers. */
static void check_one_layer(const struct tables *f)
{
	struct table *all = tables_compute(f, "backward-lens", tables_metric(f), "layer=all"),
		     *one = tables_compute(f, "backward-lens", tables_metric(f), "layer=0");

	if (all && one && CHECK_THAT(one->rows.n == 1 && one->cols.n == all->cols.n, "%s: one row", f->name))
		for (int i = 0; i < one->cols.n; i++)
			CHECK_THAT(one->id[i] == all->id[i] && (isnan(one->value[i]) || one->value[i] == all->value[i]),
				   "%s: layer 0 @%d is the same", f->name, i);
	table_unref(all);
	table_unref(one);
}

static void check_all(const struct tables *f)
{
	check_case(f, tables_metric(f), "show=gradient", "logit");
	check_case(f, "loss", "show=gradient", "loss");
	check_case(f, tables_metric(f), "show=input", "input");
	check_one_layer(f);
}

int main(void)
{
	tables_each_in("tests/fixtures/backward_lens", check_all);
	return tap_done();
}
