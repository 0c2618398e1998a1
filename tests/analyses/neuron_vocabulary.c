/*
 * neuron_vocabulary.c - the words of a neuron's weights against tests/fixtures/neuron_vocabulary (make_neuron_vocabulary.py), raw
 * and folded; without a prompt; a mixture's layer is refused.
 */
#include "tests/analyses/tables.h"

static void compare_words(const struct tables *f, const struct table *t, const char *key)
{
	const struct json_value *expected = json_get(json_get(f->root, "neuron-vocabulary"), key);
	const size_t n = tables_numbers(expected, NULL, 0);
	float *id = calloc(n + 1, sizeof *id);
	size_t same = 0;

	tables_numbers(expected, id, 0);
	for (size_t i = 0; i < n && n == (size_t)t->rows.n * 2; i++)
		same += t->id[i] == (int32_t)id[i];
	CHECK_THAT(n && same == n, "%s: %s: %zu of %zu words", f->name, key, same, n);
	free(id);
}

static void check_values(const struct tables *f)
{
	static const char *const sides[] = { "out", "in", "gate" }, *const folds[] = { "no", "yes" };
	char key[40], ids[50], words[80];

	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 2; k++) {
			struct table *t;

			snprintf(key, sizeof key, "%s %s", sides[i], folds[k]);
			snprintf(ids, sizeof ids, "%s ids", key);
			snprintf(words, sizeof words, "layer=1 neuron=5 k=7 side=%s fold=%s", sides[i], folds[k]);
			if (!(t = tables_compute(f, "neuron-vocabulary", tables_metric(f), words)))
				continue;
			tables_compare(f, t, json_get(json_get(f->root, "neuron-vocabulary"), key), key);
			compare_words(f, t, ids);
			table_unref(t);
		}
}

/* It reads weights alone. */
static void check_without_run(const struct tables *f)
{
	struct ask ask = { .model = f->model };
	struct job_pane pane;
	struct err err = { 0 };
	struct table *t;

	job_pane_init(&pane, analysis_find("neuron-vocabulary"));
	t = analysis_compute(pane.analysis, &ask, pane.args, &err);
	CHECK_THAT(t && !(analysis_on(pane.analysis, pane.args) & ON_RUN), "%s: no run is needed: %s", f->name, err.text);
	table_unref(t);
}

static void check_all(const struct tables *f)
{
	check_values(f);
	check_without_run(f);
}

static void test_mixture(void)
{
	struct err err = { 0 };
	struct model *m = model_open("tests/fixtures/families/mixtral", NULL, NULL, &err);
	struct ask ask = { .model = m };
	struct job_pane pane;
	struct table *t;

	job_pane_init(&pane, analysis_find("neuron-vocabulary"));
	t = m ? analysis_compute(pane.analysis, &ask, pane.args, &err) : NULL;
	CHECK_THAT(m && !t && strstr(err.text, "layer 0 is a mixture"), "%s", err.text);
	table_unref(t);
	model_free(m);
}

int main(void)
{
	tables_each_in("tests/fixtures/neuron_vocabulary", check_all);
	test_mixture();
	return tap_done();
}
