/*
 * smoothgrad.c - mean gradients over noisy prompts and their errors, against PyTorch's with the same draws (make_smoothgrad.py);
 * without noise the cells are the plain gradient's, bit for bit.
 */
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

enum { LONGEST = 64 };

static void check_cells(const struct pair *f, const char *words, const struct json_value *expected)
{
	const struct json_value *cells = json_get(expected, "cells"), *errors = json_get(expected, "errors");
	struct table *t = pair_table(f, "smoothgrad", words);
	float theirs[LONGEST];
	size_t n = json_count(cells);

	if (t && CHECK_THAT(n == (size_t)f->run->T && n < LONGEST && t->rows.n == f->run->T, "%s: %zu tokens", f->name, n)) {
		float most = 0;

		pair_numbers(cells, theirs, 0);
		for (size_t i = 0; i < n; i++)
			most = fmaxf(most, fabsf(theirs[i]));
		CHECK_NEAR(t->value, theirs, n, 1e-4 * (double)most, "%s: %s", f->name, words);
		pair_numbers(errors, theirs, 0);
		CHECK_NEAR(t->error, theirs, n, 1e-4 * (double)most, "%s: %s: errors", f->name, words);
		CHECK_THAT(check_holds(&t->check), "%s: %s: without noise %g, expected %g", f->name, words, t->check.actual,
			   t->check.expected);
	}
	table_unref(t);
}

static void check_answers(const struct pair *f)
{
	static const char *const spreads[] = { "sd", "range" }, *const shows[] = { "norm", "gradient_x_input" };
	const struct json_value *samples = json_get(f->root, "samples");
	double sigma = 0, seed = 0, n = 0;
	char words[120];

	json_double(json_get(f->root, "sigma"), &sigma);
	json_double(json_get(f->root, "seed"), &seed);
	for (size_t i = 0; i < 2 * 2 * json_count(samples); i++) {
		const char *spread = spreads[i % 2], *show = shows[i / 2 % 2];
		const struct json_value *answers = json_get(json_get(f->root, "answers"), spread);

		json_double(json_at(samples, i / 4), &n);
		snprintf(words, sizeof words, "sigma=%g seed=%g samples=%g spread=%s show=%s", sigma, seed, n, spread, show);
		check_cells(f, words, json_get(json_at(answers, i / 4), show));
	}
}

static void check_quiet(const struct pair *f)
{
	static const char *const shows[] = { "norm", "gradient_x_input" };
	char words[80];

	for (int i = 0; i < 2; i++) {
		struct table *quiet, *plain;

		snprintf(words, sizeof words, "show=%s", shows[i]);
		plain = pair_table(f, "gradient-x-input", words);
		snprintf(words, sizeof words, "sigma=0 samples=3 show=%s", shows[i]);
		quiet = pair_table(f, "smoothgrad", words);
		if (plain && quiet) {
			CHECK_THAT(!memcmp(quiet->value, plain->value, (size_t)f->run->T * sizeof *plain->value),
				   "%s: %s: the plain gradient's bits", f->name, words);
			for (int t = 0; t < f->run->T; t++)
				CHECK_THAT(quiet->error[t] == 0, "%s: %s: error %g", f->name, words, (double)quiet->error[t]);
		}
		table_unref(quiet);
		table_unref(plain);
	}
}

/* Equal seeds give equal bits, other seeds other cells; the mark's neighbours alone are moved. */
static void check_seeds(const struct pair *f)
{
	struct table *a = pair_table(f, "smoothgrad", "seed=1 samples=4"), *b = pair_table(f, "smoothgrad", "seed=1 samples=4"),
		     *c = pair_table(f, "smoothgrad", "seed=2 samples=4");

	if (a && b && c) {
		const size_t n = (size_t)f->run->T * sizeof *a->value;

		CHECK_THAT(!memcmp(a->value, b->value, n) && !memcmp(a->error, b->error, n), "%s: equal seeds, equal bits",
			   f->name);
		CHECK_THAT(memcmp(a->value, c->value, n), "%s: another seed, other draws", f->name);
	}
	table_unref(a);
	table_unref(b);
	table_unref(c);
}

int main(void)
{
	static pair_check *const checks[] = { check_answers, check_quiet, check_seeds, NULL };

	pair_each("tests/fixtures/smoothgrad", 6, checks);
	pool_stop();
	return tap_done();
}
