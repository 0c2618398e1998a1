/*
 * composition.c - scores of all pairs of heads against tests/fixtures/composition (make_composition.py), which multiplies [D, D]
 * out; one receiving layer, the random baseline, and that no prompt is needed.
 */
#include <math.h>

#include "tests/analyses/tables.h"

static struct table *scores(const struct tables *f, const char *words)
{
	return tables_compute(f, "composition", "entropy", words);
}

static void check_values(const struct tables *f)
{
	static const char *const kinds[] = { "k", "q", "v" }, *const folds[] = { "no", "yes" };
	char key[10], words[40];

	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 2; j++) {
			struct table *t;

			snprintf(key, sizeof key, "%s %s", kinds[i], folds[j]);
			snprintf(words, sizeof words, "kind=%s fold=%s", kinds[i], folds[j]);
			if (!(t = scores(f, words)))
				continue;
			CHECK_THAT(t->check.name, "%s: a pair is multiplied out", f->name);
			tables_compare(f, t, json_get(json_get(f->root, "composition"), key), key);
			table_unref(t);
		}
}

/* Columns of one layer, less 1/√D, are those of the whole. */
static void check_layer(const struct tables *f)
{
	const struct config *c = &f->model->config;
	struct table *all = scores(f, "kind=q"), *one = scores(f, "kind=q receiver=layer layer=1 against=random");
	int bad = 0;

	for (int s = 0; all && one && s < c->L * c->H; s++)
		for (int r = 0; r < c->H; r++) {
			const float x = all->value[table_cell(all, s, c->H + r)], y = one->value[table_cell(one, s, r)];

			bad += isnan(x) ? !isnan(y) : !(fabs((double)x - 1 / sqrt(c->D) - (double)y) < 1e-6);
		}
	CHECK_THAT(all && one && one->cols.n == c->H && !bad, "%s: %d differ", f->name, bad);
	table_unref(all);
	table_unref(one);
}

static void check_without_run(const struct tables *f)
{
	struct ask ask = { .model = f->model };
	struct job_pane pane;
	struct err err = { 0 };
	struct table *t;

	job_pane_init(&pane, analysis_find("composition"));
	t = analysis_compute(pane.analysis, &ask, pane.args, &err);
	CHECK_THAT(t && !(analysis_on(pane.analysis, pane.args) & ON_RUN), "%s: no run is needed: %s", f->name, err.text);
	table_unref(t);
}

static void check_all(const struct tables *f)
{
	check_values(f);
	check_layer(f);
	check_without_run(f);
}

int main(void)
{
	tables_each_in("tests/fixtures/composition", check_all);
	return tap_done();
}
