/* attention_overview.c - entropy, first and previous token: the mean over queries. */
#include <math.h>

#include "tests/analyses/plain.h"
#include "tests/analyses/tables.h"

static double overview(const char *show, const float *A, int i)
{
	double bits = 0;

	if (!strcmp(show, "first"))
		return (double)A[0];
	if (!strcmp(show, "previous"))
		return (double)A[i - 1];
	for (int j = 0; j <= i; j++)
		bits -= A[j] > 0 ? (double)A[j] * log((double)A[j]) / log(2) : 0;
	return bits;
}

static void test_attention_overview(void)
{
	static const char *const shows[] = { "entropy", "first", "previous" };

	for (int s = 0; s < 3; s++) {
		char word[32];
		float expected[64 * 64];
		struct table *t;

		snprintf(word, sizeof word, "show=%s", shows[s]);
		t = ANSWER("attention-overview", word);
		for (int cell = 0; t && cell < t->rows.n * t->cols.n; cell++) {
			int T = session_run(session)->T;
			double mean = 0;

			for (int i = 1; i < T; i++)
				mean += overview(shows[s], run_pattern(session_run(session), cell / t->cols.n, cell % t->cols.n, i),
						 i) /
					(T - 1);
			expected[cell] = (float)mean;
		}
		if (t)
			CHECK_NEAR(t->value, expected, (size_t)t->rows.n * (size_t)t->cols.n, 1e-5, "%s: attention-overview %s",
				   model_name, shows[s]);
		table_unref(t);
	}
}

static void check_tables(const struct tables *f)
{
	static const char *const cases[][2] = {
		{ "entropy_bits", "show=entropy" },
		{ "first", "show=first" },
		{ "previous", "show=previous" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tables_test(f, "attention-overview", cases[i][0], cases[i][1]);
}

int main(void)
{
	static plain_test *const tests[] = { test_attention_overview, NULL };

	plain_each(tests);
	tables_each(check_tables);
	return tap_done();
}
