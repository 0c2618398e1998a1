/*
 * tracing.h - a table against a map of tests/fixtures/tracing, where every cell is a run of PyTorch
 * (tests/reference/make_tracing.py).
 */
#ifndef LMSCOPE_TESTS_ANALYSES_TRACING_H
#define LMSCOPE_TESTS_ANALYSES_TRACING_H

#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

static const double tolerance = 3e-4;
enum { MOST = 4096 };

/* got[] against a map of the fixture less `base`; null there is NaN here. */
static void check_numbers(const struct pair *f, const float *got, int cells, const struct json_value *map, double base,
			  const char *what)
{
	float expected[MOST], mine[MOST];
	size_t n = pair_numbers(map, expected, 0);
	int blanks = 0;

	if (!CHECK_THAT((size_t)cells == n && n > 0, "%s: %s has %zu cells", f->name, what, n))
		return;
	for (size_t i = 0; i < n; i++) {
		blanks += isnan(expected[i]) != isnan(got[i]);
		mine[i] = isnan(expected[i]) ? 0 : got[i];
		expected[i] = isnan(expected[i]) ? 0 : (float)((double)expected[i] - base);
	}
	CHECK_THAT(!blanks, "%s: %s: %d cells are there in one and not in the other", f->name, what, blanks);
	CHECK_NEAR(mine, expected, n, tolerance, "%s: %s", f->name, what);
}

/* What ends before it begins is refused. */
static void check_reversed(const struct pair *f, const char *technique, const char *words)
{
	struct err err = { 0 };
	struct table *t = pair_ask(f, NULL, technique, words, &err);

	CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, "which is before it"), "%s: %s", f->name, err.text);
}

#endif
