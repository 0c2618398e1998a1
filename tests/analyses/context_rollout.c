/*
 * context_rollout.c - rollouts by each measure, and the flow of every pair, against tests/reference/make_mixing.py (flow:
 * networkx); and a prompt that is too long for all pairs.
 */
#include "engine/analysis/max_flow.h"
#include "tests/analyses/mixing.h"

static void check_rollouts(const struct pair *f)
{
	static const char *const methods[] = { "attention", "norm", "value_zeroing", "alti", "globenc", "flow" };

	for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
		char words[80];
		struct table *t;

		snprintf(words, sizeof words, "method=%s", methods[m]);
		t = pair_table(f, "context-rollout", words);
		mixing_compare(f, t, json_get(json_get(f->root, "rollout"), methods[m]),
			       strcmp(methods[m], "value_zeroing") ? 2e-5 : 1e-3, words);
		table_unref(t);
	}
}

/* After the first layer alone it is that layer's mixing. */
static void check_first_layer(const struct pair *f)
{
	struct table *rolled = pair_table(f, "context-rollout", "method=alti layer=0"),
		     *mixed = pair_table(f, "context-mixing", "method=alti layer=0");
	int wrong = 0;

	for (int i = 0; rolled && mixed && i < rolled->rows.n; i++)
		for (int j = 0; j <= i; j++)
			wrong += rolled->value[table_cell(rolled, i, j)] != mixed->value[table_cell(mixed, i, j)];
	CHECK_THAT(rolled && mixed && !wrong, "%s: one layer's rollout is its mixing", f->name);
	table_unref(rolled);
	table_unref(mixed);
}

/* A flow whose shortest ways must be given back: by hand. Top 2 → {1: 1}, 1 → {1: .5, 0: .5}; down to 0. */
static void check_by_hand(void)
{
	static const float share[2][3][3] = {
		{ { 1, 0, 0 }, { 0.3f, 0.7f, 0 }, { 0, 0.2f, 0.8f } }, /* into the bottom */
		{ { 1, 0, 0 }, { 0.5f, 0.5f, 0 }, { 0.4f, 0.6f, 0 } }, /* out of the top */
	};

	CHECK_THAT(fabs(max_flow(&share[0][0][0], 2, 3, 2, 0) - 0.7) < 1e-6, "0.4 through 0, and 0.3 of 0.6 through 1");
	CHECK_THAT(fabs(max_flow(&share[0][0][0], 2, 3, 2, 1) - 0.6) < 1e-6, "all 0.6 that leaves for 1 arrives at 1");
	CHECK_THAT(fabs(max_flow(&share[0][0][0], 2, 3, 2, 2)) < 1e-6, "nothing leaves for 2");
	CHECK_THAT(fabs(max_flow(&share[0][0][0], 2, 3, 0, 0) - 1) < 1e-6, "the first token has all of itself");
}

/* Of more than 64 tokens the flow is one position's. */
static void check_long(void)
{
	struct err err = { 0 };
	struct pair f = { .name = "llama-grouped", .model = model_open("tests/fixtures/tiny/llama-grouped", NULL, NULL, &err) };
	int32_t ids[70];
	struct run_order order = { .model = f.model, .tokens = ids, .T = 70 };
	struct table *t = NULL;
	int known = 0;

	for (int i = 0; i < 70; i++)
		ids[i] = 3 + i * 7 % 11;
	f.run = f.model ? run_new(&order, NULL, &err) : NULL;
	if (f.run && metric_resolve("entropy", f.run, &f.metric, NULL, &err))
		t = pair_ask(&f, NULL, "context-rollout", "method=flow position=66", &err);
	for (int i = 0; t && i < 70; i++)
		for (int j = 0; j < 70; j++)
			known += !isnan(t->value[table_cell(t, i, j)]) ? (i == 66 ? 1 : 1000) : 0;
	CHECK_THAT(t && known == 67 && check_holds(&t->check) && t->footnote, "of 70 tokens one row is known: %d cells %s", known,
		   err.text);
	table_unref(t);
	metric_done(&f.metric);
	run_unref(f.run);
	model_free(f.model);
}

int main(void)
{
	static pair_check *const checks[] = { check_rollouts, check_first_layer, NULL };

	pair_each(MIXING_FOLDER, MIXING_MODELS, checks);
	check_by_hand();
	check_long();
	pool_stop();
	return tap_done();
}
