/* perturbation.h - tables against tests/fixtures/perturbation, where each value is a run of PyTorch (make_perturbation.py). */
#ifndef LMSCOPE_TESTS_ANALYSES_PERTURBATION_H
#define LMSCOPE_TESTS_ANALYSES_PERTURBATION_H

#include "engine/analysis/players.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

static const double tolerance = 3e-4;
enum { MOST_PLAYERS = 32 };

/* A column of a table, or its errors, against one number for each player; the other rows are empty. */
static __attribute__((unused)) void check_players(const struct pair *f, const struct table *t, const float *cells, int col,
						  const struct json_value *expected, const char *what)
{
	const struct json_value *players = json_get(f->root, "players");
	float mine[MOST_PLAYERS], theirs[MOST_PLAYERS];
	const size_t n = json_count(expected);
	int filled = 0;

	if (!CHECK_THAT(n > 0 && n == json_count(players) && n < MOST_PLAYERS, "%s: %s has %zu players", f->name, what, n))
		return;
	pair_numbers(expected, theirs, 0);
	for (size_t i = 0; i < n; i++) {
		int64_t row = -1;

		json_int(json_at(players, i), &row);
		mine[i] = cells[table_cell(t, (int)row, col)];
	}
	for (int i = 0; i < t->rows.n; i++)
		filled += !isnan(cells[table_cell(t, i, col)]);
	CHECK_THAT(filled == (int)n, "%s: %s: %d rows have a number, of %zu players", f->name, what, filled, n);
	CHECK_NEAR(mine, theirs, n, tolerance, "%s: %s", f->name, what);
}

static __attribute__((unused)) void check_column(const struct pair *f, const char *technique, const char *words, int col,
						 const struct json_value *expected)
{
	struct table *t = pair_table(f, technique, words);
	char what[160];

	snprintf(what, sizeof what, "%s %s", technique, words);
	if (t)
		check_players(f, t, t->value, col, expected, what);
	table_unref(t);
}

#endif
