/* ablation_sweep.c - every cell against a run of its own, here and in PyTorch; samples put what their draws put. */
#include <math.h>

#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"
#include "tests/analyses/plain.h"
#include "tests/analyses/tables.h"

static const double tolerance = 1e-4;

/* Every cell against a run of its own. */
static void check_ablation(const char *op, const char *at)
{
	char a[20], b[20], line[60];
	struct err err = { 0 };
	double now, ablated, unedited;
	struct table *t;
	float *expected;
	int H;

	snprintf(a, sizeof a, "op=%s", op);
	snprintf(b, sizeof b, "at=%s", at);
	if (!(t = ANSWER("ablation-sweep", a, b)))
		return;
	H = t->cols.n;
	expected = calloc((size_t)t->rows.n * (size_t)H, sizeof *expected);
	session_metric_values(session, &now, &unedited, NULL, &err);
	for (int i = 0; i < t->rows.n * H; i++) {
		int e;

		snprintf(line, sizeof line, "head %d.%d%s %s", i / H, i % H, *at == 'l' ? " @-1" : "", op);
		e = job_add_edit(&job, line);
		session_prepare(session, &job, NULL, NULL, &err);
		session_metric_values(session, &ablated, &unedited, NULL, &err);
		expected[i] = (float)(ablated - now);
		job_remove_edit(&job, e);
	}
	CHECK_NEAR(t->value, expected, (size_t)t->rows.n * (size_t)H, 1e-4, "%s: ablation-sweep %s %s", model_name, op, at);
	free(expected);
	table_unref(t);
}

static void test_ablation_sweep(void)
{
	check_ablation("zero", "all");
	check_ablation("mean", "last");
	job_add_edit(&job, "mlp_out 0 zero");
	check_ablation("zero", "last");
	check_ablation("mean", "all");
	job_remove_edit(&job, 0);
	job_set(&job.metric, "kl");
	check_ablation("zero", "all");
	job_set(&job.metric, NULL);
}

static void check_tables(const struct tables *f)
{
	static const char *const cases[][2] = {
		{ "zero all", "op=zero at=all" },
		{ "zero last", "op=zero at=last" },
		{ "mean all", "op=mean at=all" },
		{ "mean last", "op=mean at=last" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tables_test(f, "ablation-sweep", cases[i][0], cases[i][1]);
}

static void check_maps(const struct pair *f)
{
	static const char *const maps[] = { "site=attn_out op=mean",
					    "site=resid_post op=zero",
					    "site=kv op=zero",
					    "site=head op=zero at=position position=2",
					    "site=parts op=mean at=last",
					    "site=neuron op=zero block=11",
					    "site=head_position op=zero layer=0" };

	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
		const struct json_value *map = json_get(json_get(f->root, "ablation"), maps[i]);
		float expected[4096];
		size_t n = pair_numbers(map, expected, 0);
		struct table *t = pair_table(f, "ablation-sweep", maps[i]);

		if (t &&
		    CHECK_THAT((size_t)t->rows.n * (size_t)t->cols.n == n && n > 0, "%s: %s has %zu cells", f->name, maps[i], n))
			CHECK_NEAR(t->value, expected, n, tolerance, "%s: ablation %s", f->name, maps[i]);
		table_unref(t);
	}
}

/* What a file of prompts puts there: each draw is an edit of its own; without a file, a sentence. */
static void check_samples(const struct pair *f)
{
	enum { DRAWS = 3 };
	struct err err = { 0 };
	struct table *t = pair_ask(f, NULL, "ablation-sweep", "op=resample", &err), *drawn, *mean;
	double now = 0, sum = 0, value = 0;

	CHECK_THAT(!t && strstr(err.text, "samples=FILE"), "%s: %s", f->name, err.text);
	table_unref(t);
	err = (struct err){ 0 };
	metric_value(&f->metric, f->run, f->run, &now, NULL, &err);
	drawn = pair_ask(f, NULL, "ablation-sweep", "samples=tests/fixtures/edits/own.txt op=resample draws=3", &err);
	mean = pair_ask(f, NULL, "ablation-sweep", "samples=tests/fixtures/edits/set.jsonl op=samples_mean site=mlp_out", &err);
	for (int k = 0; k <= DRAWS; k++) {
		char line[100];
		const char *lines[] = { line };
		struct run *r;

		snprintf(line, sizeof line,
			 k < DRAWS ? "head 1.0 resample tests/fixtures/edits/own.txt %d"
				   : "mlp_out 1 @2 mean tests/fixtures/edits/set.jsonl",
			 k);
		r = pair_edited(f, NULL, lines, 1, &err);
		if (!CHECK_THAT(r && metric_value(&f->metric, r, f->run, &value, NULL, &err), "%s: %s %s", f->name, line, err.text))
			break;
		if (k < DRAWS)
			sum += value - now;
		run_unref(r);
	}
	CHECK_THAT(drawn && drawn->error && fabs((double)drawn->value[table_cell(drawn, 1, 0)] - sum / DRAWS) < 1e-5,
		   "%s: a cell is the mean of its draws %s", f->name, err.text);
	CHECK_THAT(mean && fabs((double)mean->value[table_cell(mean, 1, 2)] - (value - now)) < 1e-5,
		   "%s: a cell is the edit that puts the samples' mean %s", f->name, err.text);
	table_unref(drawn);
	table_unref(mean);
}

int main(void)
{
	static plain_test *const tests[] = { test_ablation_sweep, NULL };
	static pair_check *const checks[] = { check_maps, check_samples, NULL };

	plain_each(tests);
	tables_each(check_tables);
	pair_each("tests/fixtures/patching", 2, checks);
	pool_stop();
	return tap_done();
}
