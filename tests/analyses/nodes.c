/*
 * nodes.c - every node's direct share, slope, effect and activation against tests/fixtures/nodes (make_nodes.py: runs of PyTorch
 * with the node scaled and switched off), with edits and without; the order of the list, and how many of it are measured.
 */
#include <string.h>

#include "engine/analysis/explain.h"
#include "engine/numbers/pool.h"
#include "tests/analyses/mixing.h"
#include "tests/analyses/plain.h"

enum { COLUMNS = 4, EFFECT = 2, EDITS = 8 };

static const struct json_value *node_of(const struct json_value *nodes, const char *label)
{
	return json_get(nodes, label);
}

/* Whatever a column's numbers are, single precision is what they may be off by. */
static void compare_row(const struct pair *f, const struct table *t, int row, const struct json_value *expected)
{
	static const double tolerance[COLUMNS] = { 2e-4, 5e-4, 5e-4, 5e-4 };

	for (int k = 0; k < COLUMNS; k++) {
		const double own = (double)t->value[table_cell(t, row, k)];
		double x = NAN;

		json_double(json_at(expected, (size_t)k), &x);
		CHECK_THAT(fabs(own - x) <= tolerance[k] * fmax(1, fabs(x)), "%s, %s, %s: %.7g, PyTorch has %.7g", f->name,
			   t->rows.label[row], t->cols.label[k], own, x);
	}
}

static void check_case(const struct pair *f, const struct json_value *one)
{
	const struct json_value *nodes = json_get(one, "nodes"), *edits = json_get(one, "edits");
	const char *line[EDITS];
	const int n = (int)json_count(edits);
	struct table *t;

	for (int i = 0; i < n && i < EDITS; i++)
		line[i] = json_text(json_at(edits, (size_t)i));
	if (!(t = mixing_edited(f, "nodes", "k=1000 exact=1000", line, n)))
		return;
	CHECK_THAT((size_t)t->rows.n == json_count(nodes), "%s: %d nodes of %zu", f->name, t->rows.n, json_count(nodes));
	for (int i = 0; i < t->rows.n; i++)
		if (CHECK_THAT(node_of(nodes, t->rows.label[i]) != NULL, "%s: %s is no node", f->name, t->rows.label[i]))
			compare_row(f, t, i, node_of(nodes, t->rows.label[i]));
	table_unref(t);
}

static void check_values(const struct pair *f)
{
	const struct json_value *cases = json_get(f->root, "cases");

	CHECK(json_count(cases) == 2);
	for (size_t i = 0; i < json_count(cases); i++)
		check_case(f, json_at(cases, i));
}

/* Falling from the first to the last row. */
static bool falls(const struct table *t, int column, int rows)
{
	for (int i = 1; i < rows; i++)
		if (fabsf(t->value[table_cell(t, i, column)]) > fabsf(t->value[table_cell(t, i - 1, column)]))
			return false;
	return true;
}

static int measured(const struct table *t)
{
	int n = 0;

	for (int i = 0; i < t->rows.n; i++)
		n += !isnan(t->value[table_cell(t, i, EFFECT)]);
	return n;
}

static void check_order(const struct pair *f)
{
	static const struct {
		const char *words;
		int column, rows, exact;
	} lists[] = {
		{ "k=8 exact=3", 0, 8, 3 },
		{ "k=8 exact=3 by=gradient", 1, 8, 3 },
		{ "k=9 exact=5 by=effect", EFFECT, 5, 5 },
		{ "k=8 exact=0 by=activation", 3, 8, 0 },
	};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct table *t = pair_table(f, "nodes", lists[i].words);

		if (t)
			CHECK_THAT(falls(t, lists[i].column, lists[i].rows) && measured(t) == lists[i].exact &&
					   !t->check.name == !lists[i].exact,
				   "%s: %s: %d measured", f->name, lists[i].words, measured(t));
		table_unref(t);
	}
}

static void check_kinds(const struct pair *f)
{
	struct table *t = pair_table(f, "nodes", "kinds=mlp,head k=1000 exact=0");
	int neurons = 0;

	for (int i = 0; t && i < t->rows.n; i++)
		neurons += t->rows.place[i].site == SITE_MLP_POST;
	CHECK_THAT(t && t->rows.n == f->model->config.L * (f->model->config.H + 1) && !neurons, "%s: heads and MLPs alone",
		   f->name);
	table_unref(t);
}

/* x on the first column makes the node's share the metric; on the others there is none. */
static void explains_shares(void)
{
	struct explained e;
	struct err err = { 0 };
	struct table *t = ANSWER("nodes", "kinds=head");
	char expected[80];

	explained_init(&e);
	if (t) {
		snprintf(expected, sizeof expected, "part %s of logit #5", t->rows.label[0]);
		CHECK_THAT(explain_cell(t, 0, 0, "logit #5", &e, &err) && !strcmp(e.spec.s, expected), "%s: %s %s", model_name,
			   e.spec.s, err.text);
		CHECK_THAT(!explain_cell(t, 0, 3, "logit #5", &e, &err), "%s: an activation is no part", model_name);
		CHECK_THAT(t->edits && strstr(t->edits[0], t->rows.label[0]) && strstr(t->edits[0], "zero"), "%s: Space: %s",
			   model_name, t->edits ? t->edits[0] : "nothing");
	}
	table_unref(t);
	explained_done(&e);
}

/* What is not linear in the stream is ordered by gradient, and nothing is given directly. */
static void says_what_is_missing(void)
{
	struct table *t;

	job_set(&job.metric, "entropy");
	if ((t = ANSWER("nodes", "k=5")))
		CHECK_THAT(isnan(t->value[0]) && falls(t, 1, 5) && strstr(t->footnote, "entropy is not linear in the stream") &&
				   strstr(t->title, "by gradient_x_activation"),
			   "%s: %s: %s", model_name, t->title, t->footnote);
	table_unref(t);
	job_set(&job.metric, NULL);
}

/* A difference is of the same nodes on both sides, in the order of the edited run. */
static void compares_the_same(void)
{
	struct err err = { 0 };
	struct table *minus = NULL, *edited;

	job_add_edit(&job, "head 0.0 zero");
	edited = ANSWER("nodes", "k=6", "exact=2");
	job.pane[0].shown = SHOWN_MINUS_UNEDITED;
	if (edited && session_prepare(session, &job, NULL, NULL, &err) && (minus = session_answer(session, 0, NULL, NULL, &err))) {
		for (int i = 0; i < edited->rows.n; i++)
			CHECK(!strcmp(edited->rows.label[i], minus->rows.label[i]));
		job.edit[0].on = false;
		table_unref(edited);
		edited = ANSWER("nodes", "k=1000", "exact=0");
		for (int i = 0; edited && i < edited->rows.n; i++)
			if (!strcmp(edited->rows.label[i], minus->rows.label[0])) {
				struct table *now;

				job.edit[0].on = true;
				now = ANSWER("nodes", "k=6", "exact=2");
				if (now)
					CHECK_THAT(fabsf(now->value[0] - edited->value[table_cell(edited, i, 0)] -
							 minus->value[0]) < 1e-4f,
						   "%s: %s differs by %g", model_name, minus->rows.label[0],
						   (double)minus->value[0]);
				table_unref(now);
			}
	}
	CHECK_THAT(minus != NULL, "%s: a difference %s", model_name, err.text);
	table_unref(minus);
	table_unref(edited);
	job_remove_edit(&job, 0);
}

int main(void)
{
	static pair_check *const checks[] = { check_values, check_order, check_kinds, NULL };
	static plain_test *const tests[] = { explains_shares, says_what_is_missing, compares_the_same, NULL };

	pair_each("tests/fixtures/nodes", 8, checks);
	plain_each(tests);
	pool_stop();
	return tap_done();
}
