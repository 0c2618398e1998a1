/*
 * attribution_compare.c - rows are the methods' own tables, agreement is scipy's, on scores that PyTorch gave (make_agreement.py);
 * what a pane has asked before is not computed again.
 */
#include <string.h>

#include "engine/analysis/inputs.h"
#include "engine/analysis/rank_correlation.h"
#include "engine/numbers/pool.h"
#include "tests/analyses/plain.h"
#include "tests/numbers/pair.h"

#define FOUR "methods=gradient-x-input,smoothgrad,occlusion,shapley"
enum { LENGTH = 64 };

/* ---- against scipy ---- */

static int read_doubles(const struct json_value *v, double *out)
{
	for (size_t i = 0; i < json_count(v); i++)
		json_double(json_at(v, i), &out[i]);
	return (int)json_count(v);
}

static void check_lists(void)
{
	struct err err = { 0 };
	struct json *doc = json_open("tests/fixtures/agreement/lists/lists.json", 0, &err);
	const struct json_value *lists = doc ? json_get(json_root(doc), "lists") : NULL;

	CHECK_THAT(json_count(lists) >= 4, "lists: %s", err.text);
	for (size_t i = 0; i < json_count(lists); i++) {
		const struct json_value *one = json_at(lists, i);
		double a[LENGTH], b[LENGTH], expected[2] = { NAN, NAN }, mine[2];
		const int n = read_doubles(json_get(one, "a"), a);

		read_doubles(json_get(one, "b"), b);
		read_doubles(json_get(one, "expected"), expected);
		mine[0] = rank_spearman(a, b, n);
		mine[1] = rank_kendall(a, b, n);
		for (int k = 0; k < 2; k++)
			CHECK_THAT(fabs(mine[k] - expected[k]) < 1e-8, "list of %d: %s %.9g, scipy has %.9g", n,
				   k ? "Kendall" : "Spearman", mine[k], expected[k]);
	}
	json_free(doc);
}

/* All one value, or fewer than two: there is no order. */
static void check_no_order(void)
{
	static const double same[] = { 2, 2, 2 }, other[] = { 1, 2, 3 };

	CHECK(isnan(rank_spearman(same, other, 3)) && isnan(rank_kendall(other, same, 3)));
	CHECK(isnan(rank_spearman(other, other, 1)) && isnan(rank_kendall(other, other, 0)));
}

static int row_named(const struct table *t, const char *name)
{
	for (int i = 0; i < t->rows.n; i++)
		if (!strcmp(t->rows.label[i], name))
			return i;
	return -1;
}

static void check_pairs(const struct pair *f, const char *words, int which)
{
	const struct json_value *pairs = json_get(f->root, "pairs");
	struct table *t = pair_table(f, "attribution-compare", words);

	CHECK_THAT(json_count(pairs) == 6, "%s: %zu pairs", f->name, json_count(pairs));
	for (size_t i = 0; t && i < json_count(pairs); i++) {
		const struct json_value *names = json_get(json_at(pairs, i), "methods");
		const int a = row_named(t, json_text(json_at(names, 0))), b = row_named(t, json_text(json_at(names, 1)));
		double expected[2] = { NAN, NAN };

		read_doubles(json_get(json_at(pairs, i), "expected"), expected);
		if (CHECK(a >= 0 && b >= 0))
			CHECK_THAT(fabs((double)t->value[table_cell(t, a, b)] - expected[which]) < 1e-6 &&
					   t->value[table_cell(t, a, b)] == t->value[table_cell(t, b, a)] &&
					   t->value[table_cell(t, a, a)] == 1,
				   "%s %s: %s and %s %.7g, scipy has %.7g", f->name, words, t->rows.label[a], t->rows.label[b],
				   (double)t->value[table_cell(t, a, b)], expected[which]);
	}
	table_unref(t);
}

static void check_agreement(const struct pair *f)
{
	check_pairs(f, FOUR " show=agreement", 0);
	check_pairs(f, FOUR " show=agreement by=kendall", 1);
}

/* Of a row, without the mark, the largest. */
static float largest(const struct pair *f, const float *x)
{
	float most = 0;

	for (int i = inputs_first(f->run); i < f->run->T; i++)
		most = fmaxf(most, fabsf(x[i]));
	return most;
}

/* After a norm on embeddings, as BLOOM has it, gradient times input is next to nothing: of that there are no shares. */
static void check_scores(const struct pair *f)
{
	struct table *values = pair_table(f, "attribution-compare", FOUR " show=values"),
		     *scores = pair_table(f, "attribution-compare", FOUR);
	const struct json_value *rows = json_get(f->root, "scores");

	for (int i = 0; values && scores && i < values->rows.n; i++) {
		const int T = values->cols.n;
		float theirs[LENGTH], ranged[LENGTH];
		const float *mine = values->value + table_cell(values, i, 0), *own = scores->value + table_cell(scores, i, 0);

		CHECK(pair_numbers(json_get(rows, values->rows.label[i]), theirs, 0) == (size_t)T);
		for (int p = 0; p < T; p++) {
			ranged[p] = theirs[p] / largest(f, theirs);
			CHECK_THAT(isnan(mine[p]) == isnan(theirs[p]), "%s %s: position %d", f->name, values->rows.label[i], p);
		}
		for (int p = 1; p < T; p++)
			CHECK_THAT(isnan(mine[p]) || (fabsf(mine[p] - theirs[p]) < 3e-4f * fmaxf(1, largest(f, theirs)) &&
						      (fabsf(own[p] - ranged[p]) < 2e-3f ||
						       (largest(f, theirs) < 1e-5f && own[p] == mine[p]))),
				   "%s %s, position %d: %g, %g of the largest; %g, %g", f->name, values->rows.label[i], p,
				   (double)mine[p], (double)own[p], (double)theirs[p], (double)ranged[p]);
	}
	table_unref(values);
	table_unref(scores);
}

/* ---- every method, and what it shares ---- */

/* Every technique that gives one number to each token for any metric of the output can be compared. */
static void every_method(void)
{
	const struct analysis *compare = analysis_find("attribution-compare");
	const struct choice *words = compare->params[0].choices;

	for (int i = 0; analysis_list[i]; i++) {
		const struct analysis *a = analysis_list[i];
		bool there = false;

		for (const struct choice *c = words; c->word; c++)
			there = there || !strcmp(c->word, a->name);
		if (a->topic == TOPIC_ATTRIBUTION && !strncmp(a->shape, "position × quantity", strlen("position × quantity")))
			CHECK_THAT(there, "%s can be compared", a->name);
		else
			CHECK_THAT(!there, "%s is no attribution to tokens", a->name);
	}
	for (const struct choice *c = words; c->word; c++) {
		char asked[80];
		struct table *own = answer(c->word, NULL), *t;

		snprintf(asked, sizeof asked, "methods=%s", c->word);
		t = ANSWER("attribution-compare", asked, "show=values");
		if (own && t && CHECK(t->rows.n == 1 && t->cols.n <= own->rows.n && !strcmp(t->rows.label[0], c->word)))
			for (int p = 0; p < t->cols.n; p++) {
				const float x = own->value[table_cell(own, p, 0)], y = t->value[p];

				CHECK_THAT(x == y || (isnan(x) && isnan(y)), "%s: %s at %d: %g, %g", model_name, c->word, p,
					   (double)x, (double)y);
			}
		table_unref(own);
		table_unref(t);
	}
}

/* Passes that a question takes: announced, and made. */
static int passes(const char *analysis, const char *words)
{
	struct err err = { 0 };
	struct task task = { 0 };
	struct forecast f;
	struct table *t = NULL;
	int made = 0;

	job.panes = 1;
	job_pane_init(&job.pane[0], analysis_find(analysis));
	CHECK(job_pane_set(&job.pane[0], words, &err));
	if (session_prepare(session, &job, &task, NULL, &err)) {
		f = session_forecast(session, &job.pane[0]);
		made = atomic_load(&task.runs);
		t = session_answer(session, 0, &task, NULL, &err);
		made = atomic_load(&task.runs) - made;
		CHECK_THAT(t && f.runs >= made && (f.runs > 0) == (made > 0), "%s: %d passes announced, %d made %s", words, f.runs,
			   made, err.text);
	}
	table_unref(t);
	return made;
}

static void shares_answers(void)
{
	int alone, with;

	job_set(&job.prompt, "three two one"); /* nothing of it is there yet */
	alone = passes("occlusion", "how=mask");
	CHECK_THAT(alone > 0, "%s: occlusion takes passes", model_name);
	with = passes("attribution-compare", "methods=occlusion");
	CHECK_THAT(with <= 1, "%s: compared, occlusion takes none of its %d again, but %d", model_name, alone, with);
	with = passes("attribution-compare", "methods=occlusion,atman");
	CHECK_THAT(with > 1, "%s: atman is new", model_name);
	alone = passes("atman", "factor=0.9");
	CHECK_THAT(!alone, "%s: atman in a pane of its own takes %d more", model_name, alone);
	CHECK_THAT(passes("attribution-compare", "show=agreement") > 0, "%s: relevance and others are new", model_name);
	CHECK_THAT(!passes("attribution-compare", "show=values"), "%s: shown otherwise it takes none", model_name);
	job_set(&job.prompt, "one two three two one");
}

/* A method that cannot explain the metric leaves its row empty, and says why. */
static void says_why_not(void)
{
	struct table *t;

	job_set(&job.metric, "entropy");
	if ((t = ANSWER("attribution-compare", "methods=reagent,occlusion", "show=values"))) {
		const int none = row_named(t, "reagent"), some = row_named(t, "occlusion");

		CHECK_THAT(isnan(t->value[table_cell(t, none, 1)]) && isfinite(t->value[table_cell(t, some, 1)]) &&
				   strstr(t->footnote, "reagent explains the metrics logit, logprob; this one is entropy"),
			   "%s: %s", model_name, t->footnote);
	}
	table_unref(t);
	job_set(&job.metric, NULL);
}

int main(void)
{
	static pair_check *const checks[] = { check_agreement, check_scores, NULL };
	static plain_test *const tests[] = { every_method, shares_answers, says_why_not, NULL };

	check_lists();
	check_no_order();
	pair_each("tests/fixtures/agreement", 6, checks);
	plain_each(tests);
	pool_stop();
	return tap_done();
}
