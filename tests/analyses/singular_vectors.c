/*
 * singular_vectors.c - singular vectors in words against tests/fixtures/singular_vectors (make_singular_vectors.py), which takes
 * whole matrices apart; that all of them reproduce the matrix; without a prompt; a mixture's MLP is refused.
 */
#include "tests/analyses/tables.h"

static void compare_words(const struct tables *f, const struct table *t, const char *key)
{
	const struct json_value *expected = json_get(json_get(f->root, "singular-vectors"), key);
	const size_t n = tables_numbers(expected, NULL, 0), ends = (size_t)t->cols.n - 1;
	float *id = calloc(n + 1, sizeof *id);
	size_t same = 0;

	tables_numbers(expected, id, 0);
	for (size_t i = 0; i < n && n == (size_t)t->rows.n * ends; i++)
		same += t->id[table_cell(t, (int)(i / ends), 1 + (int)(i % ends))] == (int32_t)id[i];
	CHECK_THAT(n && same == n, "%s: %s: %zu of %zu words", f->name, key, same, n);
	free(id);
}

static void check_case(const struct tables *f, const char *of, const char *side, const char *fold)
{
	char key[60], ids[70], words[90];
	struct table *t;

	snprintf(key, sizeof key, "of=%s side=%s fold=%s", of, side, fold);
	snprintf(ids, sizeof ids, "%s ids", key);
	snprintf(words, sizeof words, "layer=1 head=%d k=2 %s", f->model->config.H > 1, key);
	if (!(t = tables_compute(f, "singular-vectors", tables_metric(f), words)))
		return;
	CHECK_THAT(t->check.name, "%s: %s: a vector is sent through", f->name, key);
	tables_compare(f, t, json_get(json_get(f->root, "singular-vectors"), key), key);
	compare_words(f, t, ids);
	table_unref(t);
}

static void check_all(const struct tables *f)
{
	static const char *const of[] = { "ov", "qk", "mlp_in", "mlp_out", "unembed" }, *const folds[] = { "no", "yes" };

	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < 2; k++) {
			check_case(f, of[i], "out", folds[k]);
			if (i < 2)
				check_case(f, of[i], "in", folds[k]);
		}
}

static struct table *of_model(const struct model *m, const char *of, struct err *err)
{
	struct ask ask = { .model = m };
	struct job_pane pane;

	job_pane_init(&pane, analysis_find("singular-vectors"));
	return job_pane_set(&pane, of, err) ? analysis_compute(pane.analysis, &ask, pane.args, err) : NULL;
}

/* Of a mixture there are heads, without a run. */
static void test_mixture(void)
{
	struct err err = { 0 };
	struct model *m = model_open("tests/fixtures/families/mixtral", NULL, NULL, &err);
	struct table *t = m ? of_model(m, "of=mlp_in", &err) : NULL;

	CHECK_THAT(m && !t && strstr(err.text, "is a mixture"), "%s", err.text);
	table_unref(t);
	err.text[0] = 0;
	t = m ? of_model(m, "of=qk", &err) : NULL;
	CHECK_THAT(t, "heads of a mixture %s", err.text);
	table_unref(t);
	model_free(m);
}

int main(void)
{
	tables_each_in("tests/fixtures/singular_vectors", check_all);
	test_mixture();
	return tap_done();
}
