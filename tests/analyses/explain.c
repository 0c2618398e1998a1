/*
 * explain.c - a cell that is made the metric is the same number: for every technique that says that its cells can be, on each tiny
 * model, and along a walk from the logit through its parts.
 */
#include <math.h>
#include <string.h>

#include "engine/analysis/explain.h"
#include "engine/numbers/pool.h"
#include "tests/analyses/plain.h"

static char spec_now[sizeof((struct metric *)0)->spec];

/* The metric's value, and its spec as it is shown in spec_now. */
static double value_of(const char *metric)
{
	struct err err = { 0 };
	double value = NAN, unedited;

	job_set(&job.metric, metric);
	if (CHECK_THAT(session_prepare(session, &job, NULL, NULL, &err), "%s: %s: %s", model_name, metric ? metric : "default",
		       err.text) &&
	    CHECK(session_metric_values(session, &value, &unedited, NULL, &err)))
		snprintf(spec_now, sizeof spec_now, "%s", session_metric(session)->spec);
	return value;
}

/* Of a cell whose metric is another number: what the cell is by itself, as a part of the metric. */
static void part_of_metric(const struct table *t, int row, int col, const char *metric, struct str *spec)
{
	struct place place;

	CHECK(table_place(t, row, col, &place));
	str_clear(spec);
	str_add(spec, "part ");
	place_print(&place, spec);
	str_addf(spec, " of %s", metric);
}

/* Whether the cell is a metric, and whether that has its value; where it says that it has another one, its part has it. */
static bool explained(const struct table *t, int row, int col, const char *metric, struct explained *e)
{
	const double cell = (double)t->value[table_cell(t, row, col)];
	struct err err = { 0 };
	struct str part;
	double value;

	if (!explain_cell(t, row, col, metric, e, &err)) {
		CHECK_THAT(*err.text, "%s: %s", model_name, t->title);
		return false;
	}
	str_init(&part);
	if (e->other.n)
		part_of_metric(t, row, col, metric, &part);
	value = value_of(e->other.n ? part.s : e->spec.s);
	CHECK_THAT(fabs(value - cell) <= 1e-4 * fmax(1, fabs(cell)), "%s: %s: %s is %g, its cell %g", model_name, t->title,
		   e->other.n ? part.s : e->spec.s, value, cell);
	str_done(&part);
	return true;
}

/* Every cell of one technique's table under a metric; returns how many were metrics. */
static int all_cells(const char *technique, const char *const *words, const char *metric)
{
	struct explained e;
	struct table *t;
	char of[sizeof spec_now];
	int n = 0;

	value_of(metric);
	snprintf(of, sizeof of, "%s", spec_now);
	explained_init(&e);
	if ((t = answer(technique, words)))
		for (int i = 0; i < t->rows.n; i++)
			for (int k = 0; k < t->cols.n; k++)
				n += explained(t, i, k, of, &e);
	table_unref(t);
	explained_done(&e);
	job_set(&job.metric, NULL);
	return n;
}

static void test_cells(void)
{
	static const struct {
		const char *technique, *words[3], *metric;
		int least, most;
	} cases[] = {
		{ "head-attribution", { NULL }, NULL, 4, 100 },
		{ "head-attribution", { NULL }, "logit_diff #3 #5", 4, 100 },
		{ "direct-attribution", { "depth=3", NULL }, "logit #4", 20, 10000 },
		{ "direct-attribution", { NULL }, "norm resid_post 1", 4, 100 },
		{ "direct-attribution", { "depth=3", NULL }, "part head 1.1 of logit #4", 4, 10000 }, /* it reads many positions */
		{ "direct-attribution", { "open=mlp_out 0", NULL }, "part attn_out 1 of logit #4", 4, 10000 },
		{ "attention", { "layer=1", "head=1", NULL }, NULL, 15, 1000 },
		{ "attention", { "layer=1", "show=score", NULL }, NULL, 15, 1000 },
		{ "attention", { "show=value", NULL }, NULL, 0, 0 },
		{ "residual-norms", { "site=attn_out", NULL }, NULL, 10, 100 },
		{ "residual-norms", { "site=resid_mid", NULL }, NULL, 10, 100 },
		{ "logit-lens", { "show=logit", NULL }, NULL, 10, 100 },
		{ "logit-lens", { NULL }, NULL, 0, 0 },
		{ "logit-lens", { "show=entropy", NULL }, NULL, 0, 0 },
		{ "next-token", { "position=2", NULL }, NULL, 3, 100 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const int n = all_cells(cases[i].technique, cases[i].words, cases[i].metric);

		CHECK_THAT(n >= cases[i].least && n <= cases[i].most, "%s: %d cells of %s (%zu) can be explained", model_name, n,
			   cases[i].technique, i);
	}
}

/* ---- the walk ---- */

/* Which rows a step may choose among. */
typedef bool wanted(const struct place *place);

static bool any_head(const struct place *place)
{
	return place->site == SITE_RESULT;
}

static bool any_source(const struct place *place)
{
	return place->site == SITE_PATTERN;
}

static bool any_writer(const struct place *place)
{
	return place->site == SITE_ATTN_OUT || place->site == SITE_MLP_OUT || place->site == SITE_EMBED;
}

static bool strongest(const struct table *t, wanted *want, int *row, int *col)
{
	bool any = false;

	for (int i = 0; i < t->rows.n; i++)
		for (int k = 0; k < (t->units > 1 ? 1 : t->cols.n); k++) {
			const float x = t->value[table_cell(t, i, k)];
			struct place place;

			if (!table_place(t, i, k, &place) || !want(&place) || !isfinite(x) ||
			    (any && fabsf(x) <= fabsf(t->value[table_cell(t, *row, *col)])))
				continue;
			*row = i;
			*col = k;
			any = true;
		}
	return any;
}

/* The gradient answers under each metric of the way, direct attribution under those that are sums; their books balance. */
static void check_answers(const char *metric, bool sum)
{
	static const char *const techniques[] = { "gradient-x-input", "direct-attribution", "head-attribution" };

	for (size_t i = 0; i < (sum ? sizeof techniques / sizeof *techniques : 1); i++) {
		struct table *t = answer(techniques[i], NULL);

		CHECK_THAT(t && t->check.name && check_holds(&t->check), "%s: %s of %s: %s %g, %g", model_name, techniques[i],
			   metric, t ? t->check.name : "", t ? t->check.expected : NAN, t ? t->check.actual : NAN);
		table_unref(t);
	}
}

/*
 * One step: x on the strongest wanted cell of a technique's table. The metric that is left is in `of`; the new one, whose value is
 * checked to be the cell's, replaces it.
 */
static bool step(const char *technique, const char *const *words, wanted *want, char of[sizeof spec_now], struct place *place)
{
	struct table *t = answer(technique, words);
	struct explained e;
	int row = 0, col = 0;
	bool ok;

	explained_init(&e);
	ok = t && strongest(t, want, &row, &col) && table_place(t, row, col, place) && explained(t, row, col, of, &e) &&
	     (technique[0] != 'h' || !e.other.n);
	CHECK_THAT(ok, "%s: from %s by %s to %s", model_name, of, technique, e.spec.s);
	if (ok) {
		value_of(e.spec.s);
		check_answers(e.spec.s, place->site != SITE_MLP_OUT && place->site != SITE_EMBED);
		snprintf(of, sizeof spec_now, "%s", spec_now);
	}
	explained_done(&e);
	table_unref(t);
	return ok;
}

/* The score that a source's row leads to is the cell of the head's scores; from its weight it is one step further. */
static void check_score(const struct place *look, const char *metric)
{
	char layer[20], head[20];
	struct table *t;
	struct explained e;
	struct err err = { 0 };

	snprintf(layer, sizeof layer, "layer=%d", look->layer);
	snprintf(head, sizeof head, "head=%d", look->unit);
	explained_init(&e);
	if ((t = ANSWER("attention", layer, head, "show=score")))
		CHECK_THAT(explained(t, look->position, look->key, metric, &e) && !e.other.n && !strcmp(e.spec.s, metric),
			   "%s: %s is the cell of the scores, %s", model_name, metric, e.spec.s);
	table_unref(t);
	if ((t = ANSWER("attention", layer, head)) && explain_cell(t, look->position, look->key, metric, &e, &err)) {
		char weight[sizeof spec_now];

		snprintf(weight, sizeof weight, "%s", e.spec.s);
		CHECK_THAT(!strncmp(weight, "pattern ", 8) && explain_further(weight, &e) && !strcmp(e.spec.s, metric),
			   "%s: %s is what decides the weight, %s", model_name, metric, e.spec.s);
	}
	table_unref(t);
	explained_done(&e);
	value_of(metric);
}

/* Logit → head → the score of what it reads → who wrote that → the token that the writer's heads read it from. */
static void test_walk(void)
{
	char of[sizeof spec_now], open[60], score[sizeof spec_now];
	struct place head, look, writer, token;

	value_of(NULL);
	snprintf(of, sizeof of, "%s", spec_now);
	if (!step("head-attribution", NULL, any_head, of, &head))
		return;
	CHECK_THAT(!strncmp(of, "part head ", 10), "%s", of);
	value_of(NULL); /* Backspace: the head's row in the tree of the logit opens to what it reads */
	snprintf(of, sizeof of, "%s", spec_now);
	snprintf(open, sizeof open, "open=head %d.%d", head.layer, head.unit);
	if (!step("direct-attribution", (const char *const[]){ open, NULL }, any_source, of, &look))
		return;
	CHECK_THAT(!strncmp(of, "scores ", 7) && look.layer == head.layer && look.unit == head.unit, "%s", of);
	snprintf(score, sizeof score, "%s", of);
	check_score(&look, score);
	if (step("direct-attribution", NULL, any_writer, of, &writer))
		CHECK_THAT(!strncmp(of, "part ", 5) && strstr(of, score), "%s", of);
	if (!look.layer) /* before it nothing but the embedding writes: that is the token */
		return;
	value_of(score);
	snprintf(of, sizeof of, "%s", score);
	if (step("direct-attribution", (const char *const[]){ "depth=3", NULL }, any_source, of, &token))
		CHECK_THAT(token.layer < look.layer && token.position == look.key && token.key <= token.position, "%s: %s", score,
			   of);
	job_set(&job.metric, NULL);
}

/* What is explained where a cell is no number of the run. */
static void test_other(void)
{
	static const struct {
		const char *technique, *words[3], *begins, *ends;
	} cases[] = {
		{ "ablation-sweep",
		  { "site=head", NULL },
		  "part head 0.0 of logit",
		  "what an edit changes is no number of the run" },
		{ "ablation-sweep",
		  { "site=parts", NULL },
		  "part attn_out 0 of logit",
		  "what an edit changes is no number of the run" },
		{ "attention-knockout",
		  { "window=1", NULL },
		  "part attn_out 0 @",
		  "all heads of a window of layers are cut, which is no number of the run" },
		{ "self-repair",
		  { "layer=0", "head=1", NULL },
		  "part head 0.1 of logit",
		  "what an edit changes is no number of the run" },
		{ "attention-overview", { NULL }, "part head 0.0 of logit", "a mean over queries is no number of the run" },
		{ "information-flow", { NULL }, "norm resid_post ", "a flow is no number of the run" },
	};
	char of[sizeof spec_now];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct explained e;
		struct err err = { 0 };
		struct table *t;
		size_t said, end = strlen(cases[i].ends);

		value_of(NULL);
		snprintf(of, sizeof of, "%s", spec_now);
		explained_init(&e);
		if ((t = answer(cases[i].technique, cases[i].words))) {
			bool ok = explain_cell(t, 0, 0, of, &e, &err);

			said = e.other.n;
			CHECK_THAT(ok && !strncmp(e.spec.s, cases[i].begins, strlen(cases[i].begins)) && said >= end &&
					   !strcmp(e.other.s + said - end, cases[i].ends),
				   "%s: %s: %s, %s%s", model_name, cases[i].technique, e.spec.s, e.other.s, err.text);
			value_of(e.spec.s);
		}
		table_unref(t);
		explained_done(&e);
		job_set(&job.metric, NULL);
	}
}

/*
 * What is written at a position that the metric does not read is no part of it. Cells of maps over positions name such parts: they
 * are refused before anything runs, in the words with which they would be when resolved.
 */
static void test_other_position(void)
{
	static const char *const maps[] = { "map=positions", NULL };
	struct err early = { 0 }, late = { 0 }, err = { 0 };
	struct table *t = answer("attention-knockout", maps);
	struct explained e;
	char of[sizeof spec_now];
	int T = t ? t->rows.n : 0;

	value_of(NULL);
	snprintf(of, sizeof of, "%s", spec_now);
	explained_init(&e);
	if (t && CHECK_THAT(explain_cell(t, 1, 0, of, &e, &err), "%s", err.text)) {
		const struct config *c = &session_model(session)->config;

		CHECK_THAT(!metric_check(e.spec.s, c, T, &early) && strstr(early.text, ", not 1"), "%s: %s", e.spec.s, early.text);
		CHECK(metric_check(e.spec.s, c, 0, &err)); /* of a prompt that nobody knows yet */
		job_set(&job.metric, e.spec.s);
		CHECK(!session_prepare(session, &job, NULL, NULL, &late));
		CHECK_TEXT(early.text, late.text);
		str_clear(&e.spec);
		err = (struct err){ 0 };
		CHECK_THAT(explain_cell(t, T - 1, 0, of, &e, &err) && metric_check(e.spec.s, c, T, &err), "%s: %s", e.spec.s,
			   err.text);
		value_of(e.spec.s);
	}
	CHECK(metric_check("part embed 0 @1 of part head 1.0 @3 of logit #3 @3", NULL, T, &err));
	CHECK(!metric_check("part embed 0 @4 of part head 1.0 @3 of logit #3 @3", NULL, T, &err));
	CHECK_TEXT(err.text, "metric: part head 1.0 @3 of logit #3 @3 reads positions up to 3, not 4");
	table_unref(t);
	explained_done(&e);
	job_set(&job.metric, NULL);
}

/* What is no sum over the stream has no parts, and says what to ask. */
static void test_no_parts(void)
{
	struct err err = { 0 };

	CHECK(!metric_check("part head 0.0 of logprob #3", NULL, 0, &err));
	CHECK_TEXT(err.text, "metric: logprob #3 is not linear in the stream: ask logit");
}

/* A difference of two runs is a number of neither; nor is what has no place. */
static void test_refused(void)
{
	struct table *t = ANSWER("residual-norms", NULL), *d = NULL;
	struct err err = { 0 };
	struct explained e;

	explained_init(&e);
	if (t && (d = table_minus(t, t, "edited − unedited", &err))) {
		CHECK(!explain_cell(d, 0, 0, "logit #1", &e, &err));
		CHECK_TEXT(err.text, "this cell (L2 norm) is no metric; logits, contributions, attention weights and norms are");
	}
	table_unref(d);
	table_unref(t);
	explained_done(&e);
}

int main(void)
{
	static plain_test *const tests[] = { test_cells,    test_walk,	  test_other, test_other_position,
					     test_no_parts, test_refused, NULL };

	plain_each(tests);
	pool_stop();
	return tap_done();
}
