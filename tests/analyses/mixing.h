/* mixing.h - fixtures of tests/reference/make_mixing.py: maps of queries over keys, whose rows are as long as they can be. */
#ifndef LMSCOPE_TESTS_ANALYSES_MIXING_H
#define LMSCOPE_TESTS_ANALYSES_MIXING_H

#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

#define MIXING_FOLDER "tests/fixtures/mixing"
enum { MIXING_MODELS = 9 };

/*
 * Rows i of i+1 numbers (and, of a table that is wider than it is high, of its last columns): as expected, and nothing after
 * them.
 */
static inline void mixing_compare(const struct pair *f, const struct table *t, const struct json_value *expected, double tolerance,
				  const char *what)
{
	int wrong = 0, loud = 0, cells = 0;
	double worst = 0;

	for (int i = 0; t && i < t->rows.n; i++) {
		const struct json_value *row = json_at(expected, (size_t)i);
		int more = t->cols.n - t->rows.n;

		wrong += json_count(row) != (size_t)(i + 1 + more);
		for (int j = 0; j < t->cols.n; j++) {
			double value = NAN, own = (double)t->value[table_cell(t, i, j)];

			if (j > i && j < t->rows.n) {
				loud += !isnan(own);
				continue;
			}
			json_double(json_at(row, (size_t)(j <= i ? j : i + 1 + j - t->rows.n)), &value);
			cells++;
			if (!(fabs(own - value) <= worst))
				worst = fabs(own - value);
			wrong += !(fabs(own - value) <= tolerance);
		}
	}
	CHECK_THAT(t && cells && !wrong && !loud, "%s: %s: of %d cells %d are wrong, by up to %g; %d later keys are not empty",
		   f->name, what, cells, wrong, worst, loud);
}

/* With edits on top of the run; NULL after a failed check. */
static inline struct table *mixing_edited(const struct pair *f, const char *analysis, const char *words, const char *const *edits,
					  int n)
{
	struct pair own = *f;
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = edits, .edit_count = n, .unedited = f->run
	};
	struct err err = { 0 };
	struct table *t = NULL;

	own.run = run_new(&order, NULL, &err);
	if (own.run)
		t = pair_ask(&own, NULL, analysis, words, &err);
	CHECK_THAT(t && check_holds(&t->check), "%s: %s %s with %s: its books balance %s", f->name, analysis, words,
		   n ? edits[0] : "", err.text);
	run_unref(own.run);
	return t;
}

#endif
