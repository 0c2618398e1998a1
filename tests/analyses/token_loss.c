/*
 * token_loss.c - token-loss against transformers in double precision (tests/fixtures/token_loss,
 * tests/reference/make_token_loss.py), and against whole rows of logits where the prompt takes several goes and an edit keeps the
 * final norm.
 */
#include "engine/run/vocab.h"
#include "tests/analyses/distribution.h"
#include "tests/analyses/tables.h"

static const char *const shows[] = { "nats", "bits", "rank", "entropy", "top1" };
enum { SHOWS = sizeof shows / sizeof *shows };

/* ---- the fixtures ---- */

/* Of row 1 on: the first token has no number and no word. */
static void compare(const struct tables *f, const struct json_value *expected, const char *show)
{
	float value[MOST_IDS], word[MOST_IDS];
	char words[40];
	size_t n = tables_numbers(json_get(expected, show), value, 0), same = 0;
	struct table *t;
	double loss = NAN;

	snprintf(words, sizeof words, "show=%s", show);
	if (!(t = tables_compute(f, "token-loss", "loss", words)))
		return;
	tables_numbers(json_get(expected, "words"), word, 0);
	json_double(json_get(expected, "loss"), &loss);
	if (CHECK_THAT(n > 8 && t->rows.n == (int)n + 1 && t->cols.n == 1, "%s: %s: %d rows", f->name, show, t->rows.n)) {
		CHECK_THAT(isnan(t->value[0]) && t->id[0] == -1, "%s: %s: the first token has none", f->name, show);
		CHECK_NEAR(t->value + 1, value, n, 2e-5, "%s: %s", f->name, show);
		for (size_t i = 0; i < n; i++)
			same += t->id[i + 1] == (int32_t)word[i];
		CHECK_THAT(same == n, "%s: %s: %zu of %zu words", f->name, show, same, n);
	}
	if (!strcmp(show, "nats"))
		CHECK_THAT(t->check.name && fabs(t->check.actual - loss) < 1e-5, "%s: the mean is %.7g, the model's loss %.7g",
			   f->name, t->check.actual, loss);
	table_unref(t);
}

static int compared, edited;

static void check_tables(const struct tables *f)
{
	const char *const line = json_text(json_get(f->root, "edit"));
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = &line, .edit_count = 1, .unedited = f->run
	};
	struct tables other = *f;
	struct err err = { 0 };

	compared++;
	for (int i = 0; i < SHOWS; i++)
		compare(f, json_get(f->root, "plain"), shows[i]);
	if (!line || !CHECK_THAT(!!(other.run = run_new(&order, NULL, &err)), "%s: %s", f->name, err.text))
		return;
	edited++;
	for (int i = 0; i < SHOWS; i++)
		compare(&other, json_get(f->root, "edited"), shows[i]);
	run_unref(other.run);
}

/* ---- whole rows of logits, as the run has them ---- */

static double plainly(const struct distribution *d, const char *show, int32_t token)
{
	int32_t best = 0;

	for (int v = 1; v < d->V; v++)
		best = d->logits[v] > d->logits[best] ? v : best;
	return !strcmp(show, "nats")	  ? -log(d->p[token])
	       : !strcmp(show, "bits")	  ? -log2(d->p[token])
	       : !strcmp(show, "rank")	  ? rank_of(d, token)
	       : !strcmp(show, "entropy") ? d->entropy
					  : best == token;
}

static int goes;

static void check_show(const char *show)
{
	char words[40];
	struct table *t;
	struct distribution d;
	const struct run *r;
	struct err err = { 0 };
	float *expected;

	snprintf(words, sizeof words, "show=%s", show);
	if (!(t = ANSWER("token-loss", words)))
		return;
	r = session_run(session);
	d = new_distribution();
	expected = calloc((size_t)r->T, sizeof *expected);
	for (int i = 1; i < r->T; i++) {
		CHECK_THAT(run_logits(r, i - 1, 1, d.logits, NULL, &err), "%s", err.text);
		read_logits(&d);
		expected[i] = (float)plainly(&d, show, r->tokens[i]);
	}
	CHECK_THAT(check_holds(&t->check), "%s: %d tokens, %s", model_name, t->rows.n, show);
	goes += r->T > 2 * VOCAB_ROWS;
	CHECK_NEAR(t->value + 1, expected + 1, (size_t)r->T - 1, 2e-5, "%s: %s as from whole rows", model_name, show);
	free(expected);
	free_distribution(&d);
	table_unref(t);
}

static void test_long(void)
{
	struct str text;

	str_init(&text);
	for (int i = 0; i < (strncmp(model_name, "gpt2", 4) ? 60 : 1); i++) /* which has learned positions, and few of them */
		str_addf(&text, "one two %d three ", i);
	job_set(&job.prompt, text.s);
	str_done(&text);
	job_add_edit(&job, "resid_post 0 scale 2");
	job_add_edit(&job, "ln_final freeze");
	for (int i = 0; i < SHOWS; i++)
		check_show(shows[i]);
}

int main(void)
{
	static plain_test *const tests[] = { test_long, NULL };

	tables_each_in("tests/fixtures/token_loss", check_tables);
	CHECK_THAT(compared >= 6 && edited >= 2, "%d models, %d edited", compared, edited);
	plain_each(tests);
	CHECK_THAT(goes > 0, "%d tables took several goes", goes);
	return tap_done();
}
