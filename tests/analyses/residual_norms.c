/* residual_norms.c - the lengths of what is in the stream and what is written to it. */
#include <math.h>

#include "tests/analyses/plain.h"
#include "tests/analyses/tables.h"

static void test_residual_norms(void)
{
	struct table *t = ANSWER("residual-norms", "site=mlp_out");
	float expected[64 * 64];

	for (int l = 0; t && l < t->rows.n; l++) {
		for (int i = 0; i < t->cols.n; i++) {
			const float *x = run_at(session_run(session), SITE_MLP_OUT, l, i);
			double sum = 0;

			for (int d = 0; d < session_model(session)->config.D; d++)
				sum += (double)x[d] * (double)x[d];
			expected[table_cell(t, l, i)] = (float)sqrt(sum);
		}
	}
	if (t)
		CHECK_NEAR(t->value, expected, (size_t)t->rows.n * (size_t)t->cols.n, 1e-5, "%s: residual-norms", model_name);
	table_unref(t);
}

static void check_tables(const struct tables *f)
{
	static const char *const cases[][2] = {
		{ "resid_post", "site=resid_post" }, { "resid_pre", "site=resid_pre" }, { "resid_mid", "site=resid_mid" },
		{ "attn_out", "site=attn_out" },     { "mlp_out", "site=mlp_out" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tables_test(f, "residual-norms", cases[i][0], cases[i][1]);
}

int main(void)
{
	static plain_test *const tests[] = { test_residual_norms, NULL };

	plain_each(tests);
	tables_each(check_tables);
	return tap_done();
}
