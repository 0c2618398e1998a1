/* reagent.c - shares and their errors against Inseq's own code, fed with the same draws (make_reagent.py). */
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

enum { LONGEST = 64 };

static void check_cells(const struct pair *f, const float *cells, const struct json_value *expected, const char *what)
{
	float theirs[LONGEST];
	const size_t n = json_count(expected);

	if (!n || !CHECK_THAT(n == (size_t)f->run->T && n < LONGEST, "%s: %s: %zu tokens", f->name, what, n))
		return;
	pair_numbers(expected, theirs, 0);
	CHECK_NEAR(cells, theirs, n, 3e-4, "%s: %s", f->name, what);
}

/* Where no probe stops, Inseq has no numbers; here there is their mean, marked. */
static void check_stopped(const struct pair *f, const struct table *t, const char *words, int stopped, int probes, int steps)
{
	char told[60], after[60];

	snprintf(told, sizeof told, "%d of %d probes stopped", stopped, probes);
	snprintf(after, sizeof after, "after %d step%s;", steps, steps == 1 ? "" : "s");
	CHECK_THAT(!strncmp(t->footnote, told, strlen(told)) && strstr(t->footnote, after), "%s: %s: %s, expected %s %s", f->name,
		   words, t->footnote, told, after);
	CHECK_THAT(!stopped == !!strstr(t->title, "not converged") && !stopped == (t->mark && t->mark[0]), "%s: %s: %s", f->name,
		   words, t->title);
}

static void check_cases(const struct pair *f)
{
	const struct json_value *cases = json_get(f->root, "cases");

	for (size_t i = 0; CHECK(json_count(cases) > 0) && i < json_count(cases); i++) {
		const struct json_value *own = json_at(cases, i);
		const char *words = json_text(json_get(own, "words"));
		int64_t stopped = -1, steps = -1;
		struct table *t = pair_table(f, "reagent", words);

		json_int(json_get(own, "stopped"), &stopped);
		json_int(json_get(own, "steps"), &steps);
		if (!t)
			continue;
		check_cells(f, t->value, json_get(own, "mean"), words);
		check_cells(f, t->error, json_get(own, "error"), words);
		check_stopped(f, t, words, (int)stopped, atoi(words + strlen("probes=")), (int)steps);
		CHECK_THAT(t->check.name && check_holds(&t->check), "%s: %s: %s: %g, %g", f->name, words, t->check.name,
			   t->check.expected, t->check.actual);
		table_unref(t);
	}
}

/* Shares sum to 1; a seed gives them again, another one others; the mark before the prompt has none. */
static void check_shares(const struct pair *f)
{
	const int T = f->run->T;
	struct pair marked = *f;
	struct run_order order = { .model = f->model, .T = T + 1 };
	int32_t tokens[LONGEST] = { tokenizer_bos(f->model->tokenizer) };
	struct table *t[4] = { pair_table(f, "reagent", "probes=4"), pair_table(f, "reagent", "probes=4"),
			       pair_table(f, "reagent", "probes=4 seed=1"), NULL };
	struct err err = { 0 };
	double sum = 0;

	memcpy(tokens + 1, f->run->tokens, (size_t)T * sizeof *tokens);
	order.tokens = tokens;
	marked.run = run_new(&order, NULL, &err);
	marked.metric = metric_at(&f->metric, T);
	t[3] = marked.run ? pair_table(&marked, "reagent", "probes=4") : NULL;
	if (t[0] && t[1] && t[2] && CHECK_THAT(t[3], "%s: %s", f->name, err.text)) {
		CHECK_THAT(!memcmp(t[0]->value, t[1]->value, (size_t)T * sizeof(float)) &&
				   memcmp(t[0]->value, t[2]->value, (size_t)T * sizeof(float)),
			   "%s: seeds", f->name);
		for (int i = 1; i <= T; i++)
			sum += (double)t[3]->value[i];
		CHECK_THAT(isnan(t[3]->value[0]) && fabs(sum - 1) < 1e-5, "%s: the mark has %g, the others %g", f->name,
			   (double)t[3]->value[0], sum);
	}
	for (int i = 0; i < 4; i++)
		table_unref(t[i]);
	run_unref(marked.run);
}

int main(void)
{
	static pair_check *const checks[] = { check_cases, check_shares, NULL };

	pair_each("tests/fixtures/reagent", 8, checks);
	pool_stop();
	return tap_done();
}
