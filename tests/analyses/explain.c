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

/* Whether the cell is a metric, and whether that has its value. */
static bool explained(const struct table *t, int row, int col, const char *metric, struct str *spec)
{
	const double cell = (double)t->value[table_cell(t, row, col)];
	struct err err = { 0 };
	double value;

	str_clear(spec);
	if (!explain_cell(t, row, col, metric, spec, &err)) {
		CHECK_THAT(*err.text, "%s: %s", model_name, t->title);
		return false;
	}
	value = value_of(spec->s);
	CHECK_THAT(fabs(value - cell) <= 1e-4 * fmax(1, fabs(cell)), "%s: %s: %s is %g, its cell %g", model_name, t->title, spec->s,
		   value, cell);
	return true;
}

/* Every cell of one technique's table under a metric; returns how many were metrics. */
static int all_cells(const char *technique, const char *const *words, const char *metric)
{
	struct str spec;
	struct table *t;
	char of[sizeof spec_now];
	int n = 0;

	value_of(metric);
	snprintf(of, sizeof of, "%s", spec_now);
	str_init(&spec);
	if ((t = answer(technique, words)))
		for (int i = 0; i < t->rows.n; i++)
			for (int k = 0; k < t->cols.n; k++)
				n += explained(t, i, k, of, &spec);
	table_unref(t);
	str_done(&spec);
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
		{ "attention", { "layer=1", "head=1", NULL }, NULL, 15, 1000 },
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

/* The strongest cell that can be explained; its spec. */
static bool strongest(const struct table *t, const char *metric, struct str *spec)
{
	struct err err;
	size_t best = 0, cells = (size_t)t->rows.n * (size_t)t->cols.n;
	const size_t n = (size_t)t->cols.n;
	bool any = false;

	for (size_t i = 0; i < cells; i++) {
		str_clear(spec);
		if (explain_cell(t, (int)(i / n), (int)(i % n), metric, spec, &err) &&
		    (!any || fabsf(t->value[i]) > fabsf(t->value[best]))) {
			best = i;
			any = true;
		}
	}
	return any && explained(t, (int)(best / n), (int)(best % n), metric, spec);
}

/* From the logit to the strongest head, to what wrote what that head reads; each step's number is the cell that was left. */
static void test_walk(void)
{
	static const char *const techniques[] = { "head-attribution", "direct-attribution" };
	struct str spec;

	str_init(&spec);
	value_of(NULL);
	for (size_t i = 0; i < sizeof techniques / sizeof *techniques; i++) {
		char of[sizeof spec_now];
		struct table *t;

		snprintf(of, sizeof of, "%s", spec_now);
		if ((t = answer(techniques[i], NULL))) {
			bool found = strongest(t, of, &spec); /* before its text is read */

			CHECK_THAT(found && strstr(spec.s, of), "%s: step %zu from %s to %s", model_name, i, of, spec.s);
		}
		table_unref(t);
	}
	str_done(&spec);
	job_set(&job.metric, NULL);
}

/* A difference of two runs is a number of neither; nor is what no place is said of. */
static void test_refused(void)
{
	struct table *t = ANSWER("residual-norms", NULL), *d = NULL;
	struct err err = { 0 };
	struct str spec;

	str_init(&spec);
	if (t && (d = table_minus(t, t, "edited − unedited", &err))) {
		CHECK(!explain_cell(d, 0, 0, "logit #1", &spec, &err));
		CHECK_TEXT(err.text, "this cell (L2 norm) is no metric; logits, contributions, attention weights and norms are");
	}
	table_unref(d);
	table_unref(t);
	str_done(&spec);
}

int main(void)
{
	static plain_test *const tests[] = { test_cells, test_walk, test_refused, NULL };

	plain_each(tests);
	pool_stop();
	return tap_done();
}
