/*
 * direct_attribution.c - what each part writes, from the other end: what the logit loses without it; and the tree below it against
 * tests/fixtures/tree (tests/reference/make_tree.py), with edits and without.
 */
#include "tests/analyses/attributions.h"
#include "tests/numbers/pair.h"

#include "engine/numbers/pool.h"

/*
 * A row, once more and from the other end: what the logit would lose if this write were taken out of the final stream while the
 * norm's scale stays. Take it out, normalise, and undo the change of scale.
 */
static double share_by_removal(const float *write)
{
	const struct model *m = session_model(session);
	const struct run *r = session_run(session);
	const struct metric *metric = session_metric(session);
	size_t D = (size_t)m->config.D;
	const float *x = run_at(r, SITE_RESID_POST, m->config.L - 1, r->T - 1);
	float *less = calloc(D, sizeof *less), *y = calloc(D, sizeof *y), *logits = calloc((size_t)m->config.V, sizeof *logits);
	float *zero = calloc(D, sizeof *zero), scale[3];
	double with, without, at_zero, share;

	for (size_t i = 0; i < D; i++)
		less[i] = x[i] - write[i];
	model_final_norm(m, x, 1, y, &scale[0]);
	model_unembed(m, y, 1, logits);
	with = (double)logits[metric->target[0]];
	model_final_norm(m, less, 1, y, &scale[1]);
	model_unembed(m, y, 1, logits);
	without = (double)logits[metric->target[0]];
	model_final_norm(m, zero, 1, y, &scale[2]);
	model_unembed(m, y, 1, logits);
	at_zero = (double)logits[metric->target[0]];
	share = with - ((without - at_zero) * (double)scale[0] / (double)scale[1] + at_zero);
	free(less);
	free(zero);
	free(y);
	free(logits);
	return share;
}

/* Attention and MLP of each layer; a bias is a row of its own. */
static void test_direct_attribution(void)
{
	struct table *t = ANSWER("direct-attribution", "position=-1");
	const struct model *m = session_model(session);
	int L = m->config.L, last = session_run(session)->T - 1;
	size_t D = (size_t)m->config.D;

	for (int l = 0; t && l < L; l++) {
		const float *biases[] = { m->layers[l].b_O, m->layers[l].b_out };
		float *write = calloc(D, sizeof *write), expected[2], actual[2];

		for (int part = 0; part < 2; part++) {
			char label[20];

			snprintf(label, sizeof label, part ? "%d.mlp" : "%d.attn", l);
			actual[part] = t->value[table_cell(t, row_of(t, label), 0)];
			memcpy(write, run_at(session_run(session), part ? SITE_MLP_OUT : SITE_ATTN_OUT, l, last),
			       D * sizeof *write);
			for (size_t i = 0; i < D; i++)
				write[i] -= biases[part] ? biases[part][i] : 0;
			expected[part] = (float)share_by_removal(write);
		}
		CHECK_NEAR(actual, expected, 2, 2e-4, "%s: layer %d: attention and MLP", model_name, l);
		free(write);
	}
	if (t && m->W_pos)
		CHECK(row_of(t, "embed") == 0 && row_of(t, "pos_embed") == 1 && row_of(t, "0.attn") == 2);
	if (t)
		CHECK(row_of(t, "unembed_bias") == t->rows.n - 1 && row_of(t, "edits") == -1 &&
		      t->rows.place[row_of(t, "1.mlp")].layer == 1);
	table_unref(t);
}

static void test_at_metric(void)
{
	check_at_metric("direct-attribution");
}

/* The rows by name, in the order of the file. */
static void compare_rows(const struct tables *f, const struct table *t, const struct json_value *expected, const char *what)
{
	float *actual = calloc((size_t)t->rows.n, sizeof *actual), *value = calloc((size_t)t->rows.n, sizeof *value);
	int known = 0;

	for (int i = 0; i < t->rows.n; i++) {
		double x;

		known += json_double(json_get(expected, t->rows.label[i]), &x);
		value[i] = known ? (float)x : NAN;
		actual[i] = t->value[table_cell(t, i, 0)];
	}
	CHECK_THAT(known == t->rows.n && json_count(expected) == (size_t)known, "%s: %s: the same rows", f->name, what);
	CHECK_NEAR(actual, value, t->rows.n, tables_tolerance, "%s: %s", f->name, what);
	free(actual);
	free(value);
}

static void check_one(const struct tables *f, const struct json_value *one, const char *metric, const char *words)
{
	struct table *t = tables_compute(f, "direct-attribution", metric, words);
	double value = 0;

	json_double(json_get(one, "value"), &value);
	if (t) {
		compare_rows(f, t, json_get(one, "rows"), metric);
		CHECK_THAT(fabs(t->check.expected - value) <= tables_tolerance * fmax(1, fabs(value)), "%s: %s is %g", f->name,
			   metric, value);
	}
	table_unref(t);
}

static void check_tables(const struct tables *f)
{
	attributions_each(f, check_one);
}

/* ---- the tree ---- */

/* A row's name in the fixture: its place, or its label below its parent's. */
static void key_of(const struct table *t, int row, struct str *out)
{
	if (t->rows.place[row].site != SITE_NONE) {
		place_print(&t->rows.place[row], out);
		return;
	}
	if (t->parent[row] >= 0)
		key_of(t, t->parent[row], out);
	str_addf(out, "/%s", t->rows.label[row]);
}

static double expected_of(const struct json_value *rows, const char *key)
{
	double x = NAN;

	json_double(json_get(rows, key), &x);
	return x;
}

/* All neurons of an MLP that the table does not list, and whether none of them is stronger than one that it does. */
static double unlisted(const struct table *t, int mlp, int position, int F, const struct json_value *rows, bool *weaker)
{
	double sum = 0, least = INFINITY, most = 0;

	for (int n = 0; n < F; n++) {
		const struct place place = place_at(SITE_MLP_POST, t->rows.place[mlp].layer, n, position);
		bool listed = false;
		struct str key;
		double x;

		str_init(&key);
		place_print(&place, &key);
		x = expected_of(rows, key.s);
		str_done(&key);
		for (int r = mlp + 1; r < t->rows.n && t->parent[r] == mlp; r++)
			listed = listed || place_equal(&t->rows.place[r], &place);
		sum += listed ? 0 : x;
		least = listed ? fmin(least, fabs(x)) : least;
		most = listed ? most : fmax(most, fabs(x));
	}
	*weaker = most <= least + 1e-5;
	return sum;
}

static void compare_row(const struct pair *f, const struct table *t, int row, int position, const struct json_value *rows)
{
	bool rest = !strncmp(t->rows.label[row], "rest of ", 8), weaker = true;
	double x = (double)t->value[table_cell(t, row, 0)], want;
	struct str key;

	/* embeddings and constants: the fixtures of tables have them */
	if (t->parent[row] < 0 && t->rows.place[row].site != SITE_ATTN_OUT && t->rows.place[row].site != SITE_MLP_OUT)
		return;
	str_init(&key);
	key_of(t, row, &key);
	want = rest ? unlisted(t, t->parent[row], position, f->model->config.F, rows, &weaker) : expected_of(rows, key.s);
	if (!(fabs(x - want) <= 2e-5) || !weaker)
		CHECK_THAT(false, "%s: %s is %g, expected %g%s", f->name, key.s, x, want,
			   weaker ? "" : "; a stronger neuron is not listed");
	str_done(&key);
}

static int children_of(const struct table *t, int row, double *sum)
{
	int n = 0;

	for (int r = row + 1; r < t->rows.n; r++)
		if (t->parent[r] == row) {
			*sum += (double)t->value[table_cell(t, r, 0)];
			n++;
		}
	return n;
}

/* Parents before their children, depth first, all open but what cannot be; children sum to their row; shares are of the sum. */
static void check_shape(const struct pair *f, const struct table *t)
{
	double all = 0;

	for (int r = 0; r < t->rows.n; r++) {
		double sum = 0, x = (double)t->value[table_cell(t, r, 0)];
		int above = r - 1;

		all += t->parent[r] < 0 ? x : 0;
		while (above >= 0 && above != t->parent[r] && t->parent[r] >= 0)
			above = t->parent[above];
		if (t->closed[r] || (t->parent[r] >= 0 && above != t->parent[r]) ||
		    (children_of(t, r, &sum) && fabs(sum - x) > 2e-5))
			CHECK_THAT(false, "%s: row %d, %s: %g, its children %g", f->name, r, t->rows.show[r], x, sum);
	}
	for (int r = 0; r < t->rows.n; r++)
		if (fabs((double)t->value[table_cell(t, r, 1)] * all - (double)t->value[table_cell(t, r, 0)]) > 1e-4)
			CHECK_THAT(false, "%s: the share of %s", f->name, t->rows.show[r]);
}

static struct run *edited_run(const struct pair *f, const struct json_value *lines, struct err *err)
{
	const char *line[16];
	struct run_order order = { .model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = line, .unedited = f->run };

	for (; order.edit_count < (int)json_count(lines); order.edit_count++)
		line[order.edit_count] = json_text(json_at(lines, (size_t)order.edit_count));
	return run_new(&order, NULL, err);
}

static void check_case(const struct pair *f, const struct json_value *one)
{
	const struct json_value *rows = json_get(one, "rows");
	struct pair own = *f;
	struct err err = { 0 };
	struct table *t = NULL;
	int64_t position = -1;
	char words[60];

	json_int(json_get(one, "position"), &position);
	snprintf(words, sizeof words, "depth=3 position=%d", (int)position);
	if (CHECK_THAT(!!(own.run = edited_run(f, json_get(one, "edits"), &err)), "%s runs with the edits %s", f->name, err.text) &&
	    (t = pair_table(&own, "direct-attribution", words))) {
		for (int r = 0; r < t->rows.n; r++)
			compare_row(&own, t, r, (int)position, rows);
		check_shape(&own, t);
		CHECK_THAT(t->rows.n > (int)(position * f->model->config.L * f->model->config.H), "%s: %s has %d rows", f->name,
			   words, t->rows.n);
	}
	table_unref(t);
	run_unref(own.run);
}

static void check_cases(const struct pair *f)
{
	const struct json_value *cases = json_get(f->root, "cases");

	CHECK(json_count(cases) >= 3);
	for (size_t i = 0; i < json_count(cases); i++)
		check_case(f, json_at(cases, i));
}

/* What is open is what was asked for, and an open head is seen. */
static void check_open(const struct pair *f)
{
	struct job_pane pane;
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .metric = &f->metric };
	struct err err = { 0 };
	struct table *t = NULL;
	int open = 0, closed = 0;

	job_pane_init(&pane, analysis_find("direct-attribution"));
	CHECK(job_pane_set(&pane, "open=head 1.0; mlp_out 0", &err) &&
	      (t = analysis_compute(pane.analysis, &ask, pane.args, &err)));
	for (int r = 0; t && r < t->rows.n; r++) {
		open += table_has_rows_of(t, r);
		closed += t->closed[r];
	}
	CHECK_THAT(open == 3 && closed == 2 * f->model->config.L - 2 + f->model->config.H - 1, "%s: %d rows are open and %d closed",
		   f->name, open, closed);
	table_unref(t);
	CHECK(job_pane_set(&pane, "open=resid_post 0", &err) && !(t = analysis_compute(pane.analysis, &ask, pane.args, &err)));
	CHECK_THAT(!!strstr(err.text, "resid_post 0 cannot be opened"), "%s", err.text);
}

/* Of the other side of a difference the same neurons are listed; what only one has counts as 0 and is named. */
static void check_difference(const struct pair *f)
{
	static const char *const line[] = { "mlp_out 0 @-1 scale 3" };
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = line, .edit_count = 1, .unedited = f->run
	};
	struct err err = { 0 };
	struct pair own = *f;
	struct table *a = NULL, *b = NULL, *d = NULL;
	struct ask ask;
	struct job_pane pane;

	job_pane_init(&pane, analysis_find("direct-attribution"));
	if (CHECK((own.run = run_new(&order, NULL, &err)) && job_pane_set(&pane, "depth=2", &err)) &&
	    (a = pair_table(&own, "direct-attribution", "depth=2"))) {
		ask = (struct ask){ .model = f->model, .run = f->run, .unedited = f->run, .metric = &f->metric, .like = a };
		b = analysis_compute(pane.analysis, &ask, pane.args, &err);
		d = b ? table_minus(a, b, "edited − unedited", &err) : NULL;
	}
	CHECK_THAT(a && b && check_holds(&b->check) && d && d->footnote && strstr(d->footnote, "of one alone"), "%s: %s", f->name,
		   d ? d->footnote : err.text);
	for (int r = 0; d && r < d->rows.n; r++) {
		double sum = 0, x = (double)d->value[table_cell(d, r, 0)];

		if (children_of(d, r, &sum) && fabs(sum - x) > 4e-5)
			CHECK_THAT(false, "%s: %s changes by %g, its children by %g", f->name, d->rows.show[r], x, sum);
	}
	table_unref(a);
	table_unref(b);
	table_unref(d);
	run_unref(own.run);
}

/* A stream that norms are on is no sum: what takes it apart says so, what follows its gradient answers and its books balance. */
static void test_normed_stream(const char *folder)
{
	int refused = 0;

	session = session_new();
	model_name = strrchr(folder, '/') + 1;
	job_init(&job);
	job_set(&job.model, folder);
	job_set(&job.prompt, "the cat saw a dog. the cat");
	job.panes = 1;
	for (int i = 0; analysis_list[i]; i++) {
		struct err err = { 0 };
		struct table *t;

		if (!(analysis_list[i]->needs & NEEDS_SUM))
			continue;
		job_pane_init(&job.pane[0], analysis_list[i]);
		t = session_prepare(session, &job, NULL, NULL, &err) ? session_answer(session, 0, NULL, NULL, &err) : NULL;
		refused++;
		CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, "is not the sum of what is written to it"),
			   "%s: %s: %s", model_name, analysis_list[i]->name, t ? "it answers" : err.text);
		table_unref(t);
	}
	CHECK_THAT(refused >= 8, "%s: %d techniques were asked", model_name, refused);
	static const char *const others[] = { "relevance", "attention", "residual-norms", "logit-lens" };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct table *t = answer(others[i], NULL);

		CHECK_THAT(t && check_holds(&t->check), "%s: the books balance", model_name);
		table_unref(t);
	}
	session_free(session);
	job_done(&job);
}

int main(void)
{
	static plain_test *const tests[] = { test_direct_attribution, test_at_metric, NULL };
	static pair_check *const trees[] = { check_cases, check_open, check_difference, NULL };

	plain_each(tests);
	tables_each(check_tables);
	pair_each("tests/fixtures/tree", 8, trees);
	test_normed_stream("tests/fixtures/families/bloom-post");
	test_normed_stream("tests/fixtures/families/opt-post");
	pool_stop();
	return tap_done();
}
