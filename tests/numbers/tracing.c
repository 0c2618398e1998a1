/*
 * tracing.c - causal tracing and attention knockout against tests/fixtures/tracing, where every cell is a run of PyTorch of its own
 * (tests/reference/make_tracing.py), and what holds without a reference.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

#define FOLDER "tests/fixtures/tracing"
static const double tolerance = 3e-4;
enum { MOST = 4096 };

/* got[] against a map of the fixture less `base`; null there is NaN here. */
static void check_numbers(const struct pair *f, const float *got, int cells, const struct json_value *map, double base, const char *what)
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

static void check_knockout(const struct pair *f)
{
	const struct json_value *list = json_get(f->root, "knockout");

	CHECK_THAT(json_count(list) == 8, "%s: %zu knockouts", f->name, json_count(list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *words = json_text(json_get(json_at(list, i), "words"));
		struct table *t = pair_table(f, "attention-knockout", words);

		if (t)
			check_numbers(f, t->value, t->rows.n * t->cols.n, json_get(json_at(list, i), "map"), f->m_run, words);
		table_unref(t);
	}
}

static void check_tracing(const struct pair *f)
{
	static const char *const shows[] = { "raw", "normalised" };
	const struct json_value *list = json_get(f->root, "tracing");

	CHECK_THAT(json_count(list) >= 8, "%s: %zu tracings", f->name, json_count(list));
	for (size_t i = 0; i < json_count(list); i++)
		for (int s = 0; s < 2; s++) {
			const struct json_value *v = json_at(list, i), *errors;
			char words[200], member[40];
			struct table *t;

			snprintf(words, sizeof words, "%s show=%s", json_text(json_get(v, "words")), shows[s]);
			snprintf(member, sizeof member, "%s_errors", shows[s]);
			errors = json_get(v, member);
			if (!(t = pair_table(f, "causal-tracing", words)))
				continue;
			check_numbers(f, t->value, t->rows.n * t->cols.n, json_get(v, shows[s]), 0, words);
			if (CHECK_THAT(!errors == !t->error, "%s: %s: standard errors", f->name, words) && errors)
				check_numbers(f, t->error, t->rows.n * t->cols.n, errors, 0, member);
			table_unref(t);
		}
}

/* A span of one key is that key; a window that reaches beyond both ends is every layer, whatever its row. */
static void check_identities(const struct pair *f)
{
	int L = f->model->config.L, T = f->run->T, wrong = 0;
	struct table *keys = pair_table(f, "attention-knockout", "query=5 window=2"),
		     *span = pair_table(f, "attention-knockout", "map=spans query=5 from=2 to=2 window=2"),
		     *places = pair_table(f, "attention-knockout", "map=positions layer=1 window=2"),
		     *wide = pair_table(f, "causal-tracing", "window=16 from=1 to=1 site=attn_out seeds=1");

	for (int l = 0; keys && span && l < L; l++)
		wrong += keys->value[table_cell(keys, l, 2)] != span->value[table_cell(span, l, 0)] ||
			 keys->value[table_cell(keys, l, 5)] != span->value[table_cell(span, l, 2)];
	for (int j = 0; keys && places && j < T; j++)
		wrong += j <= 5 && keys->value[table_cell(keys, 1, j)] != places->value[table_cell(places, 5, j)];
	for (int i = 0; wide && i < L * T; i++)
		wrong += wide->value[i] != wide->value[i % T];
	CHECK_THAT(keys && span && places && wide && !wrong, "%s: %d cells that are the same question are not equal", f->name, wrong);
	table_unref(keys);
	table_unref(span);
	table_unref(places);
	table_unref(wide);
}

static void check_refusals(const struct pair *f)
{
	static const char *const cases[][2] = { { "causal-tracing", "from=3 to=2" }, { "attention-knockout", "map=spans from=3 to=2" } };

	for (size_t i = 0; i < 2; i++) {
		struct err err = { 0 };
		struct table *t = pair_ask(f, NULL, cases[i][0], cases[i][1], &err);

		CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, "which is before it"), "%s: %s", f->name, err.text);
	}
}

int main(void)
{
	static pair_check *const checks[] = { check_knockout, check_tracing, check_identities, check_refusals, NULL };

	pair_each(FOLDER, 4, checks);
	pool_stop();
	return tap_done();
}
