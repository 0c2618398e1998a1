/* attention.c - the weights are the run's; show=value is what the head writes. */
#include <math.h>

#include "tests/analyses/plain.h"
#include "tests/analyses/tables.h"

/* Query 0 sees one key with weight 1, so that its weighted value is all that the head writes there. */
static void test_attention(void)
{
	const struct config *c;
	float *write;

	for (int layer = 0; layer < 2; layer++) {
		struct table *t = ANSWER("attention", layer ? "layer=-1" : "layer=0", "head=-1", "show=value");
		struct table *plain = ANSWER("attention", layer ? "layer=-1" : "layer=0", "head=-1");
		double norm = 0;
		float first;
		int same = 0;

		if (!t || !plain)
			return;
		c = &session_model(session)->config;
		write = calloc((size_t)c->D, sizeof *write);
		run_result(session_run(session), t->place.layer, c->H - 1, 0, write);
		for (int d = 0; d < c->D; d++)
			norm += (double)write[d] * (double)write[d];
		first = (float)sqrt(norm);
		CHECK_NEAR(t->value, &first, 1, 1e-5, "%s: attention show=value is what the head writes", model_name);
		CHECK(t->place.unit == c->H - 1 && t->place.layer == (layer ? c->L - 1 : 0) && t->skip_first);
		for (int i = 0; i < plain->rows.n; i++)
			same += !memcmp(plain->value + table_cell(plain, i, 0),
					run_pattern(session_run(session), t->place.layer, c->H - 1, i),
					(size_t)(i + 1) * sizeof(float));
		CHECK_THAT(same == plain->rows.n, "%s: attention is the run's pattern", model_name);
		free(write);
		table_unref(t);
		table_unref(plain);
	}
}

static void check_tables(const struct tables *f)
{
	const struct json_value *about = json_get(f->root, "attention");
	static const char *const shows[] = { "weight", "value" };
	int64_t layer = -1, head = -1;

	json_int(json_get(about, "layer"), &layer);
	json_int(json_get(about, "head"), &head);
	for (int i = 0; i < 2; i++) {
		char words[100];

		snprintf(words, sizeof words, "layer=%d head=%d show=%s", (int)layer, (int)head, shows[i]);
		tables_test(f, "attention", shows[i], words);
	}
}

/* Shares of the same lengths: the fixture's, each row by its sum; and what is summed is the head's write. */
static void check_shares(const struct tables *f)
{
	const struct json_value *about = json_get(f->root, "attention"), *rows = json_get(about, "value");
	int64_t layer = -1, head = -1;
	char words[100];
	struct table *t;
	int wrong = 0;

	json_int(json_get(about, "layer"), &layer);
	json_int(json_get(about, "head"), &head);
	snprintf(words, sizeof words, "layer=%d head=%d show=norm", (int)layer, (int)head);
	t = tables_compute(f, "attention", tables_metric(f), words);
	for (int i = 0; t && i < t->rows.n; i++) {
		double sum = 0, value = 0;

		for (int j = 0; j <= i; j++) {
			json_double(json_at(json_at(rows, (size_t)i), (size_t)j), &value);
			sum += value;
		}
		for (int j = 0; j <= i; j++) {
			json_double(json_at(json_at(rows, (size_t)i), (size_t)j), &value);
			wrong += !(fabs((double)t->value[table_cell(t, i, j)] - value / sum) < 1e-4);
		}
	}
	CHECK_THAT(t && !wrong && t->check.name && strstr(t->check.name, "write"), "%s: %d shares are wrong", f->name, wrong);
	table_unref(t);
}

int main(void)
{
	static plain_test *const tests[] = { test_attention, NULL };

	plain_each(tests);
	tables_each(check_tables);
	tables_each(check_shares);
	return tap_done();
}
