/* attention_knockout.c - keys that a query may not see, against PyTorch's runs. */
#include "tests/analyses/tracing.h"

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

/* A span of one key is that key, and a row of the map of positions is a query. */
static void check_identities(const struct pair *f)
{
	int L = f->model->config.L, T = f->run->T, wrong = 0;
	struct table *keys = pair_table(f, "attention-knockout", "query=5 window=2"),
		     *span = pair_table(f, "attention-knockout", "map=spans query=5 from=2 to=2 window=2"),
		     *places = pair_table(f, "attention-knockout", "map=positions layer=1 window=2");

	for (int l = 0; keys && span && l < L; l++)
		wrong += keys->value[table_cell(keys, l, 2)] != span->value[table_cell(span, l, 0)] ||
			 keys->value[table_cell(keys, l, 5)] != span->value[table_cell(span, l, 2)];
	for (int j = 0; keys && places && j < T; j++)
		wrong += j <= 5 && keys->value[table_cell(keys, 1, j)] != places->value[table_cell(places, 5, j)];
	CHECK_THAT(keys && span && places && !wrong, "%s: %d cells that are the same question are not equal", f->name, wrong);
	table_unref(keys);
	table_unref(span);
	table_unref(places);
}

static void check_refused(const struct pair *f)
{
	check_reversed(f, "attention-knockout", "map=spans from=3 to=2");
}

int main(void)
{
	static pair_check *const checks[] = { check_knockout, check_identities, check_refused, NULL };

	pair_each("tests/fixtures/tracing", 4, checks);
	pool_stop();
	return tap_done();
}
