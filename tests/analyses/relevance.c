/*
 * relevance.c - relevance of tokens and streams, and what softmax and gates lose, against autograd through Transformers' own code
 * with the rules put in (make_relevance.py), for each rule and metric; of tokens, against LXT's own code (make_lxt.py); the books
 * of each layer; and under edits.
 */
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

enum { LONGEST = 64 };

static const char *const rules[] = { "attnlrp", "detached", "relp" };

static float largest(const float *x, size_t n)
{
	float most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmaxf(most, fabsf(x[i]));
	return most;
}

static void check_row(const float *ours, const struct json_value *expected, const char *name, const char *words, const char *what)
{
	float theirs[LONGEST];
	const size_t n = pair_numbers(expected, theirs, 0);

	CHECK_NEAR(ours, theirs, n, 2e-5 * (double)fmaxf(1, largest(theirs, n)), "%s: %s: %s", name, words, what);
}

/* A column of losses over the layers; none in the fixture: all 0. */
static void check_losses(const struct table *t, int L, int col, const struct json_value *expected, const char *name,
			 const char *words)
{
	float ours[LONGEST], none[LONGEST] = { 0 };

	for (int l = 0; l < L; l++)
		ours[l] = t->value[table_cell(t, l, col)];
	if (json_count(expected))
		check_row(ours, expected, name, words, t->cols.label[col]);
	else
		CHECK_NEAR(ours, none, (size_t)L, 0, "%s: %s: no %s", name, words, t->cols.label[col]);
}

static void check_stream(const struct pair *f, const char *rule, const struct json_value *expected)
{
	const bool output = metric_of_output(&f->metric);
	const int layers = (int)json_count(json_get(expected, "stream"));
	char words[80];
	struct table *t;

	snprintf(words, sizeof words, "rule=%s at=stream", rule);
	t = pair_table(f, "relevance", words);
	if (t && CHECK_THAT(t->cols.n == f->run->T + 3 && t->rows.n == layers + output, "%s: %s of %s: %d x %d", f->name, words,
			    f->metric.spec, t->rows.n, t->cols.n)) {
		for (int l = 0; l < layers; l++)
			check_row(&t->value[table_cell(t, l, 0)], json_at(json_get(expected, "stream"), (size_t)l), f->name, words,
				  t->rows.label[l]);
		check_losses(t, layers, f->run->T + 1, json_get(expected, "softmax"), f->name, words);
		check_losses(t, layers, f->run->T + 2, json_get(expected, "activation"), f->name, words);
	}
	table_unref(t);
}

static double sum(const struct table *t)
{
	double all = 0;

	for (int i = 0; i < t->rows.n; i++)
		all += (double)t->value[i];
	return all;
}

static void check_input(const struct pair *f, const char *rule, const struct json_value *expected)
{
	struct err err = { 0 };
	char words[80];
	struct table *t;
	double metric;

	snprintf(words, sizeof words, "rule=%s", rule);
	t = pair_table(f, "relevance", words);
	if (t && CHECK_THAT(metric_value(&f->metric, f->run, f->run, &metric, NULL, &err), "%s %s", f->name, err.text)) {
		check_row(t->value, json_get(expected, "input"), f->name, words, "tokens");
		CHECK_THAT(fabs(sum(t) - metric) < 1e-4 * fmax(1, fabs(metric)), "%s: %s: rows sum to %g, the metric is %g",
			   f->name, words, sum(t), metric);
	}
	table_unref(t);
}

static void check_answers(const struct pair *f)
{
	struct pair own = *f;
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		const struct json_value *answers = json_get(json_get(f->root, "answers"), rules[i]);

		for (size_t k = 0; k < json_count(answers); k++) {
			const struct json_value *answer = json_at(answers, k);

			if (!CHECK_THAT(metric_resolve(json_text(json_get(answer, "metric")), f->run, &own.metric, NULL, &err),
					"%s: %s", f->name, err.text))
				continue;
			check_input(&own, rules[i], answer);
			if (json_get(answer, "stream")) /* LXT tells the tokens' alone */
				check_stream(&own, rules[i], answer);
			metric_done(&own.metric);
		}
	}
}

/* Every metric of the output, and edits: the books alone, which the table's check has. */
static void check_books(const struct pair *f)
{
	static const char *const metrics[] = { "entropy",
					       "loss",
					       "kl",
					       "lens #5 resid_pre 1",
					       "norm mlp_out 0",
					       "part head 1.1 of logit #5",
					       "part mlp_out 0 of logit #5",
					       "part pattern 1.1 @3<2 of logit #5 @3" };
	enum { METRICS = sizeof metrics / sizeof *metrics };
	static const char *const lines[] = { "head 0.1 scale 2", "mlp_out 0 noise 0.5",	   "head 0.1 noise 0.5",
					     "pattern 1.0 zero", "resid_post 0 scale 0.5", "embed 0 @1 zero",
					     "attn_out 0 mean",	 "scores 0.0 scale 0.5",   "head 1.0 mean",
					     "head 1.1 mean",	 "head 1.1 noise 0.5" };
	struct pair own = *f;
	struct err err = { 0 };

	for (size_t e = 0; e <= sizeof lines / sizeof *lines; e++) {
		struct run_order order = {
			.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edit_count = 1, .unedited = f->run
		};

		order.edits = e ? &lines[e - 1] : NULL;
		if (e && !CHECK_THAT(!!(own.run = run_new(&order, NULL, &err)), "%s: %s %s", f->name, lines[e - 1], err.text))
			continue;
		for (size_t i = 0; i < 3 * METRICS; i++) {
			char words[80];

			snprintf(words, sizeof words, "rule=%s", rules[i % 3]);
			if (CHECK_THAT(metric_resolve(metrics[i / 3], own.run, &own.metric, NULL, &err), "%s", err.text)) {
				struct table *t = pair_ask(&own, NULL, "relevance", words, &err);

				CHECK_THAT(t && check_holds(&t->check), "%s: %s of %s: %s: %s %g, expected %g %s", f->name,
					   metrics[i / 3], e ? lines[e - 1] : "the prompt", words, t ? t->check.of : "",
					   t ? t->check.actual : 0, t ? t->check.expected : 0, err.text);
				table_unref(t);
			}
			metric_done(&own.metric);
		}
		if (e)
			run_unref(own.run);
		own.run = f->run;
	}
}

int main(void)
{
	static pair_check *const checks[] = { check_answers, check_books, NULL }, *const values[] = { check_answers, NULL };

	pair_each("tests/fixtures/relevance", 10, checks);
	pair_each("tests/fixtures/lxt", 3, values);
	pool_stop();
	return tap_done();
}
