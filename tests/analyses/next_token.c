/* next_token.c - the likeliest tokens and their numbers, before and after an edit, from whole rows of logits. */
#include "tests/analyses/distribution.h"

static void test_next_token(void)
{
	struct table *t;
	struct distribution now, before;
	float expected[4 * 5];
	bool ranks = true;

	job_add_edit(&job, "layer 0 zero");
	t = ANSWER("next-token", "k=5", "position=-2");
	now = new_distribution();
	before = new_distribution();
	if (t) {
		int last = session_model(session)->config.L - 1, at = session_run(session)->T - 2;

		read_row(&now, run_at(session_run(session), SITE_RESID_POST, last, at));
		read_row(&before, run_at(session_unedited(session), SITE_RESID_POST, last, at));
		for (int i = 0; i < 5; i++) {
			int32_t id = t->id[4 * i];

			ranks = ranks && rank_of(&now, id) == i + 1;
			expected[4 * i] = now.logits[id];
			expected[4 * i + 1] = (float)now.p[id];
			expected[4 * i + 2] = before.logits[id];
			expected[4 * i + 3] = (float)before.p[id];
		}
		CHECK_THAT(ranks && t->rows.n == 5, "%s: next-token: likeliest first", model_name);
		CHECK_NEAR(t->value, expected, 20, 1e-5, "%s: next-token", model_name);
	}
	free_distribution(&now);
	free_distribution(&before);
	table_unref(t);
	job_remove_edit(&job, 0);
}

int main(void)
{
	static plain_test *const tests[] = { test_next_token, NULL };

	plain_each(tests);
	return tap_done();
}
