/*
 * jacobian_lens.c - matrices of one prompt, products with a token's row of them, and words through a file that TransformerLens
 * wrote, against tests/fixtures/jacobian_lens (make_jacobian_lens.py); rows that go back together; and what is refused.
 */
#include "engine/analysis/jacobian.h"
#include "tests/analyses/tables.h"

/* ---- all rows of the matrices ---- */

struct jacobian_matrices {
	size_t D;
	float *J; /* [L-1, D, D] */
};

static void take_channel(void *context, int i, float *w)
{
	(void)context;
	w[i] = 1;
}

static void keep_row(void *context, int i, int layer, const float *row, const float *d)
{
	const struct jacobian_matrices *m = context;

	(void)d;
	memcpy(m->J + ((size_t)layer * m->D + (size_t)i) * m->D, row, m->D * sizeof *row);
}

static int first_of(const struct tables *f)
{
	int64_t first = 0;

	json_int(json_get(f->root, "first"), &first);
	return (int)first;
}

static void check_matrices(const struct tables *f)
{
	const struct json_value *expected = json_get(json_get(f->root, "jacobian-lens"), "matrices");
	const size_t n = tables_numbers(expected, NULL, 0), D = (size_t)f->model->config.D, L = (size_t)f->model->config.L;
	struct jacobian_matrices m = { D, calloc(2 * n + 1, sizeof(float)) };
	float *theirs = m.J + n;
	struct err err = { 0 };
	const struct jacobian_rows rows = { first_of(f), (int)D, take_channel, keep_row, &m };

	tables_numbers(expected, theirs, 0);
	if (CHECK_THAT(n == (L - 1) * D * D && jacobian_make(f->run, &rows, NULL, &err), "%s: matrices %s", f->name, err.text))
		CHECK_NEAR(m.J, theirs, n, tables_tolerance, "%s: matrices", f->name);
	free(m.J);
}

/* ---- the technique ---- */

static void check_products(const struct tables *f, const char *spec, const char *key)
{
	const struct json_value *expected = json_get(json_get(f->root, "jacobian-lens"), key);
	char words[40];
	struct table *t;

	snprintf(words, sizeof words, "first=%d", first_of(f));
	if (!(t = tables_compute(f, "jacobian-lens", spec, words)))
		return;
	CHECK_THAT(expected && t->check.name, "%s: a place is moved", f->name);
	tables_compare(f, t, expected, key);
	table_unref(t);
}

static void check_file(const struct tables *f)
{
	const struct json_value *all = json_get(f->root, "jacobian-lens"), *ids = json_get(all, "file ids");
	const size_t n = tables_numbers(ids, NULL, 0);
	char words[80];
	struct table *t;
	size_t same = 0;
	float *id;

	if (!json_get(all, "file"))
		return;
	id = calloc(n + 1, sizeof *id);
	snprintf(words, sizeof words, "lens=tests/fixtures/jacobian_lens/%.*s.pt", (int)strcspn(f->name, "."), f->name);
	if ((t = tables_compute(f, "jacobian-lens", "entropy", words))) {
		tables_numbers(ids, id, 0);
		tables_compare(f, t, json_get(all, "file"), "through a file");
		for (size_t i = 0; i < n; i++)
			same += t->id[i] == (int32_t)id[i];
		CHECK_THAT(n && same == n, "%s: %zu of %zu words", f->name, same, n);
	}
	table_unref(t);
	free(id);
}

/* Without a file it runs the model: as often as it says beforehand. */
static void check_forecast(const struct tables *f)
{
	struct job_pane pane;
	struct metric metric;
	struct task task = { 0 };
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .metric = &metric, .task = &task };
	struct err err = { 0 };
	struct table *t;

	job_pane_init(&pane, analysis_find("jacobian-lens"));
	if (!CHECK_THAT(metric_resolve(tables_metric(f), f->run, &metric, NULL, &err), "%s", err.text))
		return;
	t = analysis_compute(pane.analysis, &ask, pane.args, &err);
	CHECK_THAT(t && atomic_load(&task.runs) == analysis_runs(pane.analysis, &ask, pane.args).most, "%s: %d runs %s", f->name,
		   atomic_load(&task.runs), err.text);
	table_unref(t);
}

static struct table *refused(const struct tables *f, const char *spec, const char *word, struct err *err)
{
	struct job_pane pane;
	struct metric metric;
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .metric = &metric };

	*err = (struct err){ 0 };
	job_pane_init(&pane, analysis_find("jacobian-lens"));
	if (!metric_resolve(spec, f->run, &metric, NULL, err) || !job_pane_set(&pane, word, err))
		return NULL;
	return analysis_compute(pane.analysis, &ask, pane.args, err);
}

static void check_refused(const struct tables *f)
{
	char late[40];
	struct err err;

	snprintf(late, sizeof late, "first=%d", f->run->T - 1);
	CHECK_THAT(!refused(f, "entropy", "first=2", &err) && strstr(err.text, "about the metric's token"), "%s: %s", f->name,
		   err.text);
	CHECK_THAT(!refused(f, "logit #3", late, &err) && strstr(err.text, "none is left"), "%s: %s", f->name, err.text);
	CHECK_THAT(!refused(f, "logit #3", "lens=tests/fixtures/tiny/gpt2-tied/model.safetensors", &err) &&
			   strstr(err.text, "this is no Jacobian lens"),
		   "%s: %s", f->name, err.text);
}

static void check_all(const struct tables *f)
{
	check_matrices(f);
	check_products(f, tables_metric(f), "logit");
	check_products(f, json_text(json_get(f->root, "diff")), "logit_diff");
	check_file(f);
	check_forecast(f);
	check_refused(f);
}

/* ---- rows that go back together ---- */

static void take_one(void *context, int i, float *w)
{
	(void)i;
	w[*(const int *)context] = 1;
}

struct jacobian_one {
	int channel; /* take_one's context */
	const struct jacobian_matrices *all;
	int unlike, rows;
};

static void compare_row(void *context, int i, int layer, const float *row, const float *d)
{
	struct jacobian_one *one = context;
	const size_t D = one->all->D;

	(void)i;
	(void)d;
	one->unlike += memcmp(row, one->all->J + ((size_t)layer * D + (size_t)one->channel) * D, D * sizeof *row) != 0;
	one->rows++;
}

/* The demo model has room for several at a time at so many tokens: each is as it is alone. */
static void check_together(void)
{
	enum { T = 40, FIRST = 3 };
	struct err err = { 0 };
	struct model *m = model_open("demo", NULL, NULL, &err);
	int32_t ids[T];
	struct run_order order = { .model = m, .tokens = ids, .T = T };
	struct jacobian_matrices all;
	struct run *r;

	if (!CHECK_THAT(m, "the demo model %s", err.text))
		return;
	for (int t = 0; t < T; t++)
		ids[t] = (11 + 7 * t) % m->config.V;
	all = (struct jacobian_matrices){ (size_t)m->config.D,
					  calloc((size_t)(m->config.L * m->config.D * m->config.D), sizeof(float)) };
	r = run_new(&order, NULL, &err);
	CHECK_THAT(r && jacobian_make(r, &(struct jacobian_rows){ FIRST, m->config.D, take_channel, keep_row, &all }, NULL, &err),
		   "all together %s", err.text);
	for (int i = 0; r && i < m->config.D; i += 23) {
		struct jacobian_one one = { i, &all, 0, 0 };

		jacobian_make(r, &(struct jacobian_rows){ FIRST, 1, take_one, compare_row, &one }, NULL, &err);
		CHECK_THAT(one.rows == m->config.L - 1 && !one.unlike, "channel %d alone: %d of %d rows differ", i, one.unlike,
			   one.rows);
	}
	free(all.J);
	run_unref(r);
	model_free(m);
}

int main(void)
{
	check_together();
	tables_each_in("tests/fixtures/jacobian_lens", check_all);
	return tap_done();
}
