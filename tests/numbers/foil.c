/* foil.c - a table of the foil is the table of a prompt like it; without a foil there is one sentence. */
#include "tests/analyses/plain.h"

static void test_on_foil(void)
{
	static const char *const names[] = { "logit-lens", "attention", "direct-attribution" };
	struct err err = { 0 };

	job_set(&job.metric, "logit \"two\"");
	for (int i = 0; i < 3; i++) {
		struct table *own, *on = NULL;

		job_set(&job.prompt, "three two one");
		own = ANSWER(names[i], NULL);
		job_set(&job.prompt, "one two three two one");
		job_set(&job.foil, "three two one");
		job.pane[0].shown = SHOWN_FOIL;
		if (session_prepare(session, &job, NULL, NULL, &err))
			on = session_answer(session, 0, NULL, NULL, &err);
		CHECK_THAT(own && on && own->rows.n == on->rows.n && own->cols.n == on->cols.n &&
				   !memcmp(own->value, on->value, (size_t)own->rows.n * (size_t)own->cols.n * sizeof *own->value) &&
				   strstr(on->title, "of the foil"),
			   "%s: %s of the foil is that of a prompt like it %s", model_name, names[i], err.text);
		table_unref(own);
		table_unref(on);
		job_set(&job.foil, NULL);
		CHECK_THAT(session_prepare(session, &job, NULL, NULL, &err) && !session_answer(session, 0, NULL, NULL, &err) &&
				   strstr(err.text, "no foil is set"),
			   "%s: and without one: %s", model_name, err.text);
	}
	job_set(&job.metric, NULL);
}

int main(void)
{
	static plain_test *const tests[] = { test_on_foil, NULL };

	plain_each(tests);
	return tap_done();
}
