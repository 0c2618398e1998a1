/*
 * context_reliance.c - two runs' predictions against tests/reference/make_reliance.py, and, with edits that name positions, against
 * a run of the shortened prompt whose edits name them again.
 */
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

#define FOLDER "tests/fixtures/reliance"
enum { N = 3 };

static void check_column(const struct pair *f, const char *show, int column, const char *member, double factor)
{
	char words[80];
	struct table *t;
	float expected[N] = { 0 }, own[N] = { 0 };
	size_t n;

	snprintf(words, sizeof words, "context=1..3 n=%d show=%s", N, show);
	t = pair_table(f, "context-reliance", words);
	n = pair_numbers(json_get(f->root, member), expected, 0);
	for (int i = 0; t && i < N; i++) {
		int64_t id = -1;

		json_int(json_at(json_get(f->root, "tokens"), (size_t)i), &id);
		CHECK_THAT(t->rows.n == N && t->rows.id[i] == id, "%s: token %d is generated", f->name, i);
		own[i] = (float)factor * t->value[table_cell(t, i, column)];
	}
	CHECK(n == N);
	CHECK_NEAR(own, expected, N, 1e-4, "%s: %s, %s", f->name, words, member);
	table_unref(t);
}

static void check_values(const struct pair *f)
{
	struct table *bits = pair_table(f, "context-reliance", "context=1..3 n=3 show=mcxmi"),
		     *both = pair_table(f, "context-reliance", "context=1..3 n=3 show=logprob");

	check_column(f, "kl", 0, "kl", 1);
	check_column(f, "logprob", 0, "with", 1);
	check_column(f, "logprob", 1, "without", 1);
	for (int i = 0; bits && both && i < N; i++)
		CHECK_THAT(fabs((double)bits->value[i] * M_LN2 - ((double)both->value[2 * i] - (double)both->value[2 * i + 1])) <
				   1e-5,
			   "%s: token %d: the context spares %g bits", f->name, i, (double)bits->value[i]);
	table_unref(bits);
	table_unref(both);
}

static void check_gradient(const struct pair *f)
{
	struct table *t = pair_table(f, "context-reliance", "context=1..3 token=1");
	float expected[3] = { 0 };

	pair_numbers(json_get(f->root, "gradient"), expected, 0);
	CHECK_THAT(t && t->rows.n == 1 && t->cols.n == f->run->T && isnan(t->value[0]) && isnan(t->value[4]),
		   "%s: a row over the context's tokens", f->name);
	if (t)
		CHECK_NEAR(t->value + 1, expected, 3, 1e-4, "%s: what token 1 leans on", f->name);
	table_unref(t);
}

/* log p of the generated tokens after the prompt without tokens 1 to 3, under these lines. */
static bool run_bare(const struct pair *f, const struct table *generated, const char *const *lines, int n, float *out)
{
	const int T = f->run->T, rest = T - 3, V = f->model->config.V;
	int32_t ids[64] = { f->run->tokens[0] };
	struct run_order order = {
		.model = f->model, .tokens = ids, .T = rest + N, .prompt_T = rest, .edits = lines, .edit_count = n
	};
	float *logits = calloc((size_t)V, sizeof *logits);
	struct err err = { 0 };
	struct run *r;

	for (int t = 4; t < T; t++)
		ids[t - 3] = f->run->tokens[t];
	for (int i = 0; i < N; i++)
		ids[rest + i] = generated->rows.id[i];
	r = run_new(&order, NULL, &err);
	for (int i = 0; r && i < N && run_logits(r, rest + i - 1, 1, logits, NULL, &err); i++)
		out[i] = logits[generated->rows.id[i]] - kernel_log_sum_exp(logits, (size_t)V);
	free(logits);
	run_unref(r);
	return CHECK_THAT(r != NULL, "%s: the shortened prompt runs %s", f->name, err.text);
}

/* Position 5 is 2 without the context, 2 is no more; a key that is gone takes its edit along. */
static void check_edits(const struct pair *f)
{
	static const char *const here[] = { "mlp_out 0 @5 zero", "attn_out 0 @2 scale 3", "pattern 1.0 @6<5 zero",
					    "head 0.1 scale 2", "pattern 0.0 @6<2 zero" };
	static const char *const there[] = { "mlp_out 0 @2 zero", "pattern 1.0 @3<2 zero", "head 0.1 scale 2" };
	struct pair own = *f;
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = here, .edit_count = 5, .unedited = f->run
	};
	struct err err = { 0 };
	struct table *t;
	float expected[N] = { 0 }, bare[N] = { 0 };

	own.run = run_new(&order, NULL, &err);
	t = own.run ? pair_ask(&own, NULL, "context-reliance", "context=1..3 n=3 show=logprob", &err) : NULL;
	if (CHECK_THAT(t && check_holds(&t->check), "%s: under edits %s", f->name, err.text) &&
	    run_bare(f, t, there, 3, expected)) {
		for (int i = 0; i < N; i++)
			bare[i] = t->value[2 * i + 1];
		CHECK_NEAR(bare, expected, N, 1e-5, "%s: edits move with their tokens", f->name);
	}
	table_unref(t);
	run_unref(own.run);
}

/* What a run takes from another's same positions cannot be moved; nothing left is no prompt. */
static void check_refused(const struct pair *f)
{
	static const char *const lines[] = { "ln1 1 freeze" };
	struct pair own = *f;
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = lines, .edit_count = 1, .unedited = f->run
	};
	struct err err = { 0 }, none = { 0 };
	struct table *t;

	own.run = run_new(&order, NULL, &err);
	t = own.run ? pair_ask(&own, NULL, "context-reliance", "context=1..3 n=1", &err) : NULL;
	CHECK_THAT(!t && strstr(err.text, "other ones without the context"), "%s: %s", f->name, err.text);
	table_unref(t);
	t = pair_ask(f, NULL, "context-reliance", "context=0.. n=1", &none);
	CHECK_THAT(!t && strstr(none.text, "nothing of the prompt"), "%s: %s", f->name, none.text);
	table_unref(t);
	run_unref(own.run);
}

int main(void)
{
	static pair_check *const checks[] = { check_values, check_gradient, check_edits, check_refused, NULL };

	pair_each(FOLDER, 8, checks);
	pool_stop();
	return tap_done();
}
