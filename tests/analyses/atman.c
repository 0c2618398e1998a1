/* atman.c - scores suppressed, against the paper's equations in PyTorch's attention (make_perturbation.py). */
#include "tests/analyses/perturbation.h"

/* There is nothing of bloom, whose scores no hook reaches. */
static void check_values(const struct pair *f)
{
	static const char *const words[] = { "factor=0.9 similarity=0.7", "factor=0.5 similarity=0.2" };
	struct pair own = *f;
	struct err err = { 0 };

	if (!CHECK_THAT(metric_resolve(json_text(json_get(f->root, "logprob")), f->run, &own.metric, NULL, &err), "%s: %s", f->name,
			err.text))
		return;
	for (size_t i = 0; i < 2; i++)
		if (json_get(json_get(f->root, "atman"), words[i]))
			check_column(&own, "atman", words[i], 0, json_get(json_get(f->root, "atman"), words[i]));
		else
			CHECK_THAT(strstr(f->name, "bloom"), "%s: has values", f->name);
}

/* Softmax does not see that all scores of a row are less by the same. */
static void check_nothing(const struct pair *f)
{
	struct table *t = pair_table(f, "atman", "factor=0 similarity=0");
	float most = 0;

	for (int i = 0; t && i < t->rows.n; i++)
		most = isnan(t->value[i]) ? most : fmaxf(most, fabsf(t->value[i]));
	CHECK_THAT(t && most < 1e-4f, "%s: factor=0 changes nothing, but %g", f->name, (double)most);
	table_unref(t);
}

/* The paper's example: scores 2, 1, −1, the first suppressed to a tenth. */
static void check_row(void)
{
	const float factor[] = { 0.1f, 1, 1 }, expected[] = { 0.3f, 2, 0 };
	float x[] = { 2, 1, -1 };
	struct arena *arena = arena_new();
	const struct edit e = edit_suppress(factor, 3, arena);

	edit_apply_pattern(&e, 0, 2, x);
	CHECK_NEAR(x, expected, 3, 1e-6, "scores 2, 1, -1");
	arena_free(arena);
}

int main(void)
{
	static pair_check *const checks[] = { check_values, check_nothing, NULL };

	check_row();
	pair_each("tests/fixtures/perturbation", 8, checks);
	pool_stop();
	return tap_done();
}
