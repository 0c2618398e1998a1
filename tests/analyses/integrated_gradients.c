/*
 * integrated_gradients.c - shares of the metric's difference from a baseline, against PyTorch's gradients along the same way,
 * Captum's midpoints, and runs with one token at the baseline (make_integrated_gradients.py); their sum for every kind of metric,
 * under edits.
 */
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

enum { LONGEST = 64 };

/* Every token's cell within a share of the difference; only the mark before the prompt has none. */
static void check_cells(const struct pair *f, const char *words, const struct json_value *expected, double share)
{
	const size_t n = json_count(expected);
	const int mark = f->run->tokens[0] == tokenizer_bos(f->model->tokenizer);
	struct table *t = pair_table(f, "integrated-gradients", words);
	float theirs[LONGEST];
	double sum = 0;

	if (t && CHECK_THAT(n == (size_t)f->run->T && n < LONGEST && t->rows.n == f->run->T, "%s: %zu tokens", f->name, n)) {
		pair_numbers(expected, theirs, 0);
		for (size_t i = 0; i < n; i++)
			sum += (double)theirs[i];
		CHECK_THAT(isnan(t->value[0]) == mark, "%s: %s: the first row is %g", f->name, words, (double)t->value[0]);
		CHECK_NEAR(t->value + mark, theirs + mark, n - (size_t)mark, share * fmax(1, fabs(sum)), "%s: %s", f->name, words);
		CHECK_THAT(!strstr(t->title, "not converged"), "%s: %s: %s", f->name, words, t->title);
	}
	table_unref(t);
}

static void check_baselines(const struct pair *f)
{
	static const char *const baselines[] = { "mean", "zero", "bos", "token" };
	const char *token = json_text(json_get(f->root, "token"));
	int64_t steps = 0;
	char words[120];

	json_int(json_get(f->root, "steps"), &steps);
	for (size_t i = 0; i < sizeof baselines / sizeof *baselines; i++) {
		const char *b = baselines[i];
		const struct json_value *exact = json_get(json_get(f->root, "exact"), b);

		snprintf(words, sizeof words, "baseline=%s token=%s", b, token);
		if (exact)
			check_cells(f, words, exact, 5e-2);
		snprintf(words, sizeof words, "baseline=%s token=%s steps=512", b, token);
		if (exact)
			check_cells(f, words, exact, 2e-3);
		snprintf(words, sizeof words, "baseline=%s token=%s steps=%d", b, token, (int)steps);
		check_cells(f, words, json_get(json_get(f->root, "plain"), b), 5e-4);
		snprintf(words, sizeof words, "baseline=%s token=%s path=sequential", b, token);
		check_cells(f, words, json_get(json_get(f->root, "sequential"), b), 3e-4);
	}
}

static void check_logprob(const struct pair *f)
{
	struct pair other = *f;
	struct err err = { 0 };

	if (CHECK_THAT(metric_resolve(json_text(json_get(f->root, "logprob")), f->run, &other.metric, NULL, &err), "%s: %s",
		       f->name, err.text)) {
		check_cells(&other, "", json_get(f->root, "exact_logprob"), 5e-2);
		metric_done(&other.metric);
	}
}

/* The sum is measured by runs of their own, whatever the metric is and whatever edits do. */
static void check_sums(const struct pair *f)
{
	static const char *const metrics[] = { "logit #3",
					       "kl @-2",
					       "entropy",
					       "loss",
					       "neuron 1.3",
					       "neuron_pre 0.3 @-2",
					       "scores 1.0 @-1<3",
					       "pattern 0.0 @5<2",
					       "norm resid_post 0",
					       "lens #5 resid_pre 1",
					       "part head 1.0 of logit #5" };
	static const char *const lines[] = { "attn_out 0 @2 scale 0.5", "head 1.0 scale 0.3", "embed 0 @3 zero" };
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .unedited = f->run, .edits = lines, .edit_count = 3
	};
	struct err err = { 0 };
	struct run *edited = run_new(&order, NULL, &err);

	for (size_t i = 0; CHECK_THAT(edited, "%s: %s", f->name, err.text) && i < sizeof metrics / sizeof *metrics; i++) {
		static const char *const ways[] = { "baseline=mean", "baseline=mean path=sequential" };
		struct pair other = *f;

		other.run = edited;
		if (!CHECK_THAT(metric_resolve(metrics[i], edited, &other.metric, NULL, &err), "%s: %s %s", f->name, metrics[i],
				err.text))
			continue;
		for (int w = 0; w < 2; w++) {
			struct table *t = pair_ask(&other, NULL, "integrated-gradients", ways[w], &err);
			bool silent = true;

			CHECK_THAT(t && t->check.name && check_holds(&t->check), "%s: %s %s: %g, expected %g, %s, %s %s", f->name,
				   metrics[i], ways[w], t ? t->check.actual : NAN, t ? t->check.expected : NAN, t ? t->title : "",
				   t ? t->footnote : "", err.text);
			for (int r = 0; t && r < t->rows.n; r++)
				silent = silent && (r == 3 || isnan(t->value[r]) || t->value[r] == 0);
			CHECK_THAT(!silent && t && fabsf(t->value[3]) < 1e-6f, "%s: %s: an edit took token 3's embedding away: %g",
				   f->name, metrics[i], t ? (double)t->value[3] : NAN);
			table_unref(t);
		}
		metric_done(&other.metric);
	}
	run_unref(edited);
}

/* What is shared out to both sides. */
static double shared_out(const struct table *t)
{
	double sum = 0;

	for (int r = 0; r < t->rows.n; r++)
		sum += isnan(t->value[r]) ? 0 : fabs((double)t->value[r]);
	return sum;
}

/*
 * Gaps of both signs can hide from their sum: their sizes together are a twentieth of the difference at most, or of what is shared
 * out.
 */
static void check_sizes(const struct pair *f)
{
	static const char *const baselines[] = { "baseline=mean", "baseline=bos" };

	for (size_t i = 0; i < sizeof baselines / sizeof *baselines; i++) {
		struct table *t = pair_table(f, "integrated-gradients", baselines[i]);
		const char *told = t ? strstr(t->footnote, "(sizes ") : NULL;
		const double sizes = told ? strtod(told + strlen("(sizes "), NULL) : NAN;

		if (t)
			CHECK_THAT(sizes <= 5.02e-2 * fmax(fabs(t->check.expected), shared_out(t)), "%s, %s: %s; of %.4g", f->name,
				   baselines[i], t->footnote, shared_out(t));
		table_unref(t);
	}
}

/* What cannot be asked is a sentence; a number of steps is not judged. */
static void check_words(const struct pair *f)
{
	struct err err = { 0 };
	struct table *t = pair_ask(f, NULL, "integrated-gradients", "baseline=token", &err);

	CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, "baseline=token needs token=TEXT"), "%s: %s", f->name,
		   err.text);
	table_unref(t);
	t = pair_table(f, "integrated-gradients", "steps=1");
	CHECK_THAT(t && !t->check.name && t->footnote && strstr(t->footnote, "gap") && strstr(t->footnote, "1 gradient"),
		   "%s: one step's gap is in the footnote", f->name);
	table_unref(t);
}

/*
 * Tokens that speak for the metric and against it nearly cancel: what is shared out is many times the difference, and is as
 * sure.
 */
static void check_cancelling(void)
{
	static const struct {
		const char *model, *words, *edit;
	} cases[] = {
		{ "tests/fixtures/tiny/gpt2-odd", "", NULL },
		{ "tests/fixtures/tiny/mistral-window", "baseline=zero", "head 1.0 zero" }, /* norms of next to nothing */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static const char text[] = "one two three two one";
		struct pair f = { .name = cases[i].model };
		struct run_order order = { .edits = &cases[i].edit, .edit_count = cases[i].edit != NULL };
		struct err err = { 0 };
		int32_t *ids = NULL;
		size_t n = 0;
		struct table *t = NULL;

		f.model = model_open(cases[i].model, NULL, NULL, &err);
		if (f.model && tokenizer_encode(f.model->tokenizer, text, strlen(text), BOS_DEFAULT, &ids, &n, &err)) {
			order.model = f.model;
			order.tokens = ids;
			order.T = (int)n;
			f.run = run_new(&order, NULL, &err);
		}
		if (f.run && metric_resolve(NULL, f.run, &f.metric, NULL, &err))
			t = pair_ask(&f, NULL, "integrated-gradients", cases[i].words, &err);
		CHECK_THAT(t && !strstr(t->title, "not converged") && check_holds(&t->check), "%s: %s %s", f.name,
			   t ? t->title : "", err.text);
		table_unref(t);
		metric_done(&f.metric);
		run_unref(f.run);
		model_free(f.model);
		free(ids);
	}
}

int main(void)
{
	static pair_check *const checks[] = { check_baselines, check_logprob, check_sums, check_sizes, check_words, NULL };

	pair_each("tests/fixtures/integrated", 6, checks);
	check_cancelling();
	pool_stop();
	return tap_done();
}
