/*
 * self_repair.c - self-repair against tests/fixtures/repair (tests/reference/make_repair.py), and what holds without a reference:
 * before the last layer's writes there is nothing to make up, and the parts sum to the change of the metric itself.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

#define FOLDER "tests/fixtures/repair"

/* Rows: the head; its layer's attention, rest; later writers; the norm. The reference has the first two as one. */
static void check_changes(const struct pair *f)
{
	const struct json_value *list = json_get(f->root, "repair");

	CHECK_THAT(json_count(list) >= 8, "%s: %zu ablations", f->name, json_count(list));
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json_value *v = json_at(list, i);
		int64_t layer = -1, head = -1;
		float expected[64], total = 0;
		int n = (int)pair_numbers(json_get(v, "changes"), expected, 0) - 1;
		struct table *t;
		char words[80];

		json_int(json_get(v, "layer"), &layer);
		json_int(json_get(v, "head"), &head);
		snprintf(words, sizeof words, "layer=%d head=%d op=%s", (int)layer, (int)head, json_text(json_get(v, "op")));
		t = pair_table(f, "self-repair", words);
		if (!t || !CHECK_THAT(t->rows.n == n + 1, "%s: %s: %d rows", f->name, words, t->rows.n))
			continue;
		for (int r = 0; r <= n; r++)
			total += t->value[r];
		t->value[1] += t->value[0];
		CHECK_NEAR(t->value + 1, expected, (size_t)n, 2e-4, "%s: %s", f->name, words);
		CHECK_THAT(fabsf(total - expected[n]) < 1e-4f, "%s: %s: the sum is %.6g, expected %.6g", f->name, words,
			   (double)total, (double)expected[n]);
		CHECK_THAT(!strcmp(t->rows.label[n], "norm") && t->footnote, "%s", t->footnote);
		table_unref(t);
	}
}

/* Of the last MLP, nothing comes after but the norm; of an attn_out, its biases are its own. */
static void check_edges(const struct pair *f)
{
	char words[80];
	struct table *t;

	snprintf(words, sizeof words, "part=mlp_out layer=%d", f->model->config.L - 1);
	t = pair_table(f, "self-repair", words);
	CHECK_THAT(t && t->rows.n == 3 && fabsf(t->value[1]) < 1e-5f && t->value[0] != 0, "%s: %s: nothing is downstream", f->name,
		   words);
	table_unref(t);
	table_unref(pair_table(f, "self-repair", "part=attn_out layer=0 op=mean"));
	table_unref(pair_table(f, "self-repair", "part=attn_out layer=1 at=last"));
}

/* A part that an edit has taken out already: nothing changes, and the table says why. */
static void check_done_already(const struct pair *f)
{
	static const char *const line[] = { "head 0.1 zero" };
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = line, .edit_count = 1, .unedited = f->run
	};
	struct pair own = *f;
	struct err err = { 0 };
	struct table *t = NULL;

	if ((own.run = run_new(&order, NULL, &err)))
		t = pair_table(&own, "self-repair", "layer=0 head=1");
	CHECK_THAT(t && t->footnote && strstr(t->footnote, "did this to head 0.1 already"), "%s: %s %s", f->name,
		   t ? t->footnote : "", err.text);
	table_unref(t);
	run_unref(own.run);
}

int main(void)
{
	static pair_check *const checks[] = { check_changes, check_edges, check_done_already, NULL };

	pair_each(FOLDER, 4, checks);
	pool_stop();
	return tap_done();
}
