/*
 * lens.c - maps of interventions against tests/fixtures/lens, where every cell is a run of TransformerLens under its own hooks, or
 * two for a path (tests/reference/make_lens.py).
 */
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

#define FOLDER "tests/fixtures/lens"
static const double tolerance = 2e-5;

/* Cells that are there in one and not in the other; what is in neither counts as 0. */
static int strip_blanks(float *a, float *b, size_t n)
{
	int apart = 0;

	for (size_t i = 0; i < n; i++) {
		apart += isnan(a[i]) != isnan(b[i]);
		if (isnan(a[i]) || isnan(b[i]))
			a[i] = b[i] = 0;
	}
	return apart;
}

static void check_map(const struct pair *f, const struct json_value *map)
{
	const char *technique = json_text(json_get(map, "technique")), *words = json_text(json_get(map, "words"));
	struct table *t = pair_table(f, technique, words);
	float expected[4096];
	size_t n = pair_numbers(json_get(map, "map"), expected, 0);

	if (t && CHECK_THAT((size_t)t->rows.n * (size_t)t->cols.n == n && n > 0, "%s: %s %s has %zu cells", f->name, technique,
			    words, n)) {
		int apart = strip_blanks(t->value, expected, n);

		CHECK_THAT(!apart, "%s: %s %s: %d cells are there in one and not in the other", f->name, technique, words, apart);
		CHECK_NEAR(t->value, expected, n, tolerance, "%s: %s %s", f->name, technique, words);
	}
	table_unref(t);
}

static void check_maps(const struct pair *f)
{
	const struct json_value *list = json_get(f->root, "maps");
	double m;

	for (size_t i = 0; i < json_count(list); i++)
		check_map(f, json_at(list, i));
	CHECK_THAT(json_count(list) == 54, "%s: %zu maps", f->name, json_count(list));
	CHECK_THAT(metric_value(&f->metric, f->run, f->run, &m, NULL, &(struct err){ 0 }) && fabs(m - f->m_run) < 2e-4,
		   "%s: the prompt's metric is %g", f->name, m);
	CHECK_THAT(metric_value(&f->metric, f->foil, f->foil, &m, NULL, &(struct err){ 0 }) && fabs(m - f->m_foil) < 2e-4,
		   "%s: the foil's is %g", f->name, m);
}

int main(void)
{
	static pair_check *const checks[] = { check_maps, NULL };

	pair_each(FOLDER, 3, checks);
	pool_stop();
	return tap_done();
}
