/*
 * path_attribution.c - each sender's share through each head against tests/reference/make_path_attribution.py, which moves the
 * model's own values along each write; with edits; and what a path is as a metric.
 */
#include "engine/analysis/explain.h"
#include "tests/analyses/mixing.h"

enum { CELLS = 4096 };

static double cell_of(const struct json_value *rows, size_t row, int col)
{
	double x = NAN;

	json_double(json_at(json_at(rows, row), (size_t)col), &x);
	return x;
}

/* The row of a name; -1: there is none. */
static int row_of(const struct table *t, const char *name)
{
	for (int i = 0; i < t->rows.n; i++)
		if (!strcmp(t->rows.label[i], name))
			return i;
	return -1;
}

/* Those that have a place one by one; what is left of each head's share is in the rows without one. */
static void compare(const struct pair *f, const struct json_value *one, const struct table *t)
{
	const struct json_value *names = json_get(one, "names"), *cells = json_get(one, "cells"), *whole = json_get(one, "whole");
	float *expected = calloc(CELLS, sizeof *expected), *actual = calloc(CELLS, sizeof *actual);
	int lost = 0, unlike = 0;
	size_t n = 0, placed = 0;

	CHECK_THAT(t->cols.n == (int)json_count(whole), "%s: %d receivers", f->name, t->cols.n);
	for (size_t i = 0; i < json_count(names); i++) {
		const int row = row_of(t, json_text(json_at(names, i)));

		lost += row < 0;
		for (int r = 0; row >= 0 && r < t->cols.n && n < CELLS; r++) {
			const double x = cell_of(cells, i, r), own = (double)t->value[table_cell(t, row, r)];

			unlike += isnan(x) != isnan(own);
			expected[n] = isnan(x) ? 0 : (float)x;
			actual[n++] = isnan(own) ? 0 : (float)own;
		}
	}
	for (int s = 0; s < t->rows.n; s++)
		placed += t->rows.place[s].site != SITE_NONE;
	CHECK_THAT(!lost && !unlike && placed == json_count(names), "%s: %zu senders, %d lost, %d empty cells are not", f->name,
		   placed, lost, unlike);
	for (int r = 0; r < t->cols.n && n < CELLS; r++, n++) {
		double share = NAN;

		json_double(json_at(whole, (size_t)r), &share);
		expected[n] = (float)share;
		for (int s = 0; s < t->rows.n; s++)
			actual[n] += isnan(t->value[table_cell(t, s, r)]) ? 0 : t->value[table_cell(t, s, r)];
	}
	CHECK_NEAR(actual, expected, n, 2e-5, "%s: with %zu edits", f->name, json_count(json_get(one, "edits")));
	free(expected);
	free(actual);
}

static void check_cases(const struct pair *f)
{
	const struct json_value *cases = json_get(f->root, "cases");

	CHECK(json_count(cases) == 3);
	for (size_t i = 0; i < json_count(cases); i++) {
		const struct json_value *one = json_at(cases, i), *lines = json_get(one, "edits");
		const char *edits[8];
		int n = 0;
		struct table *t;

		for (; n < (int)json_count(lines) && n < 8; n++)
			edits[n] = json_text(json_at(lines, (size_t)n));
		if ((t = mixing_edited(f, "path-attribution", "", edits, n)))
			compare(f, one, t);
		table_unref(t);
	}
}

/* The rows of a part of the senders are those of all; head-attribution has what a column sums to. */
static void check_senders(const struct pair *f)
{
	static const char *const words[] = { "sender=head", "sender=mlp", "sender=embed" };
	struct table *all = pair_table(f, "path-attribution", ""), *heads = pair_table(f, "head-attribution", "");
	int rows = 0, wrong = 0;

	for (int i = 0; all && i < 3; i++) {
		struct table *t = pair_table(f, "path-attribution", words[i]);

		for (int r = 0; t && r < t->rows.n; r++, rows++) {
			const int row = row_of(all, t->rows.label[r]);

			wrong += row < 0 || memcmp(t->value + table_cell(t, r, 0), all->value + table_cell(all, row, 0),
						   (size_t)t->cols.n * sizeof *t->value) != 0;
		}
		table_unref(t);
	}
	for (int r = 0; all && heads && r < all->cols.n; r++) {
		double sum = 0;

		for (int s = 0; s < all->rows.n; s++)
			sum += isnan(all->value[table_cell(all, s, r)]) ? 0 : (double)all->value[table_cell(all, s, r)];
		wrong += !(fabs(sum - (double)heads->value[r]) < 1e-4 * fmax(1, fabs(sum)));
	}
	CHECK_THAT(rows > 2 && !wrong, "%s: of %d rows and all heads %d are wrong", f->name, rows, wrong);
	CHECK_THAT(all && all->rows.dim != all->cols.dim, "%s: sender and receiver have a cursor each", f->name);
	table_unref(all);
	table_unref(heads);
}

/* x on a cell: a metric with the cell's own value. */
static void check_explained(const struct pair *f)
{
	struct table *t = pair_table(f, "path-attribution", "sender=head");
	const int col = t ? t->cols.n - 1 : 0;
	struct explained e;
	int wrong = 0;

	explained_init(&e);
	for (int row = 0; t && row < t->rows.n; row++) {
		struct err err = { 0 };
		struct metric m = { 0 };
		double value = NAN, own = (double)t->value[table_cell(t, row, col)];
		bool ok = explain_cell(t, row, col, f->metric.spec, &e, &err) && metric_resolve(e.spec.s, f->run, &m, NULL, &err) &&
			  metric_value(&m, f->run, f->run, &value, NULL, &err);

		if (ok && fabs(value - own) < 1e-5 * fmax(1, fabs(own)))
			metric_done(&m);
		else if (!wrong++)
			printf("# %s: %s is %g, the cell %g %s\n", f->name, e.spec.s, value, own, err.text);
	}
	CHECK_THAT(t && !wrong, "%s: x on a cell asks for the cell", f->name);
	explained_done(&e);
	table_unref(t);
}

int main(void)
{
	static pair_check *const checks[] = { check_cases, check_senders, check_explained, NULL };

	pair_each("tests/fixtures/path_attribution", 13, checks);
	pool_stop();
	return tap_done();
}
