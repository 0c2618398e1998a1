/*
 * demo.c - the demo model is what its README says: its text, its largest logits, and heads that look one token back and that do
 * induction, all against tests/fixtures/demo_expected.json (made by tests/reference/head_scores.py from the same file); and it
 * answers the questions of tests/fixtures/demo_questions.json (made by models/demo/tasks.py), which its training never had.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/pool.h"
#include "engine/run/run.h"
#include "tests/numbers/ids.h"
#include "tests/tap.h"

enum { MOST = 256 };
static const double tolerance = 1e-4;

static struct run *run_ids(const struct model *m, const int32_t *ids, int n, const struct run *prefix)
{
	struct run_order order = { .model = m, .tokens = ids, .T = n, .prefix = prefix };
	struct err err = { 0 };
	struct run *r = run_new(&order, NULL, &err);

	if (!r)
		CHECK_THAT(false, "%d tokens run %s", n, err.text);
	return r;
}

static int32_t largest(const float *logits, int V)
{
	int best = 0;

	for (int i = 1; i < V; i++)
		best = logits[i] > logits[best] ? i : best;
	return best;
}

static void check_tokens(const struct model *m, const char *text, const int32_t *ids, int n)
{
	struct err err = { 0 };
	int32_t *own = NULL;
	size_t count = 0;
	bool ok = tokenizer_encode(m->tokenizer, text, strlen(text), BOS_DEFAULT, &own, &count, &err);

	CHECK_THAT(ok && count == (size_t)n && !memcmp(own, ids, count * sizeof *ids), "the tokens of \"%s\"%s", text, err.text);
	free(own);
}

static void check_top(const struct run *r, const struct json_value *expected)
{
	const struct json_value *logits = json_get(expected, "top_logits");
	float want[MOST], got[MOST];
	int32_t ids[MOST];
	int n = read_ids(json_get(expected, "top_ids"), ids, MOST);

	for (int i = 0; i < n; i++) {
		double x = NAN;

		json_double(json_at(logits, (size_t)i), &x);
		want[i] = (float)x;
		got[i] = r->last_logits[ids[i]];
	}
	CHECK_THAT(n >= 10, "%d logits are expected", n);
	CHECK_NEAR(got, want, n, tolerance, "the largest logits");
}

/* Greedy text: each step resumes the run before it. */
static void check_greedy(const struct model *m, struct run *r, int32_t *ids, int n, const struct json_value *expected)
{
	int32_t greedy[MOST];
	int steps = read_ids(json_get(expected, "greedy_ids"), greedy, MOST), same = 0;
	struct str text;

	str_init(&text);
	for (int i = 0; i < steps && r && n < MOST; i++) {
		struct run *next;

		ids[n] = largest(r->last_logits, m->config.V);
		same += ids[n] == greedy[i];
		n++;
		next = run_ids(m, ids, n, r);
		run_unref(r);
		r = next;
	}
	run_unref(r);
	tokenizer_decode(m->tokenizer, ids + n - steps, (size_t)steps, true, &text);
	CHECK_THAT(steps > 0 && same == steps, "%d of %d greedy tokens", same, steps);
	CHECK_TEXT(text.s, json_text(json_get(expected, "greedy_text")));
	str_done(&text);
}

static void check_prompt(const struct model *m, const struct json_value *expected)
{
	int32_t ids[MOST];
	int n = read_ids(json_get(expected, "ids"), ids, MOST);
	struct run *r;

	check_tokens(m, json_text(json_get(expected, "prompt")), ids, n);
	if (!(r = run_ids(m, ids, n, NULL)))
		return;
	check_top(r, expected);
	check_greedy(m, r, ids, n, expected);
}

/* Mean weight of the key `back` positions before the query, over the queries from `first` on. */
static float offset_score(const struct run *r, int layer, int head, int back, int first)
{
	double sum = 0;

	for (int i = first; i < r->T; i++)
		sum += (double)run_pattern(r, layer, head, i)[i - back];
	return (float)(sum / (r->T - first));
}

/* A score of all heads on BOS + r + r; the best head must reach `least`. */
static void check_score(const struct run *r, const struct json_value *expected, const char *name, int back, int first, double least)
{
	const struct config *c = &r->model->config;
	const struct json_value *rows = json_get(expected, name);
	size_t n = (size_t)(c->L * c->H), at = 0;
	float *want = calloc(n, sizeof *want), *got = calloc(n, sizeof *got), best = 0;

	for (int l = 0; l < c->L; l++) {
		for (int h = 0; h < c->H; h++, at++) {
			double x = NAN;

			json_double(json_at(json_at(rows, (size_t)l), (size_t)h), &x);
			want[at] = (float)x;
			got[at] = offset_score(r, l, h, back, first);
			best = got[at] > best ? got[at] : best;
		}
	}
	CHECK_NEAR(got, want, n, tolerance, "%s of every head", name);
	CHECK_THAT((double)best >= least, "the best %s head has %.3f", name, (double)best);
	free(want);
	free(got);
}

static void check_heads(const struct model *m, const struct json_value *expected)
{
	int32_t ids[MOST];
	int n = read_ids(json_get(expected, "ids"), ids, MOST), length = (n - 1) / 2;
	struct run *r = run_ids(m, ids, n, NULL);

	if (!r)
		return;
	check_score(r, expected, "previous", 1, 1, 0.9);
	check_score(r, expected, "induction", length - 1, length + 1, 0.9);
	check_score(r, expected, "duplicate", length, length + 1, 0.5);
	run_unref(r);
}

/* The largest logit among right and wrong answers is a right one. */
static bool is_right(const struct model *m, const struct json_value *question)
{
	const char *prompt = json_text(json_get(question, "prompt"));
	int32_t right[MOST], wrong[MOST], *ids = NULL;
	int rights = read_ids(json_get(question, "right"), right, MOST),
	    wrongs = read_ids(json_get(question, "wrong"), wrong, MOST);
	struct err err = { 0 };
	struct run *r = NULL;
	size_t n = 0;
	float best = -INFINITY, worst = -INFINITY;

	if (tokenizer_encode(m->tokenizer, prompt, strlen(prompt), BOS_DEFAULT, &ids, &n, &err))
		r = run_ids(m, ids, (int)n, NULL);
	for (int i = 0; r && i < rights; i++)
		best = fmaxf(best, r->last_logits[right[i]]);
	for (int i = 0; r && i < wrongs; i++)
		worst = fmaxf(worst, r->last_logits[wrong[i]]);
	run_unref(r);
	free(ids);
	return best > worst;
}

/* What it was taught, asked with names, numbers and nouns that the training never had in such a sentence. */
static void check_questions(const struct model *m)
{
	static const struct {
		const char *task;
		double least;
	} tasks[] = { { "giving", 0.95 }, { "years", 0.95 }, { "agreement", 0.9 }, { "capitals", 1 }, { "feelings", 0.95 } };
	struct err err = { 0 };
	struct json *doc = json_open("tests/fixtures/demo_questions.json", 0, &err);
	const struct json_value *root = json_get(doc ? json_root(doc) : NULL, "tasks");

	for (size_t t = 0; t < sizeof tasks / sizeof *tasks; t++) {
		const struct json_value *questions = json_get(root, tasks[t].task);
		size_t n = json_count(questions), right = 0;

		for (size_t i = 0; i < n; i++)
			right += is_right(m, json_at(questions, i));
		CHECK_THAT(n >= 40 && (double)right >= tasks[t].least * (double)n,
			   "%s: %zu of %zu held-out questions are answered rightly %s", tasks[t].task, right, n, err.text);
	}
	json_free(doc);
}

int main(void)
{
	struct err err = { 0 };
	struct json *doc = json_open("tests/fixtures/demo_expected.json", 0, &err);
	struct model *m = doc ? model_open("models/demo", NULL, NULL, &err) : NULL;

	if (CHECK_THAT(!!m, "the demo model opens %s", err.text)) {
		const struct json_value *prompts = json_get(json_root(doc), "prompts");

		CHECK(json_count(prompts) >= 3 && tokenizer_adds_bos(m->tokenizer));
		for (size_t i = 0; i < json_count(prompts); i++)
			check_prompt(m, json_at(prompts, i));
		check_heads(m, json_get(json_root(doc), "repeated"));
		check_questions(m);
	}
	model_free(m);
	json_free(doc);
	pool_stop();
	return tap_done();
}
