/*
 * tables.c - every technique against tests/fixtures/tables: the same tables, worked out by tests/reference/make_tables.py in double
 * precision from PyTorch's activations of the tiny models.
 */
#include <dirent.h>
#include <stdlib.h>

#include "engine/analysis/analysis.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/job.h"
#include "engine/model/model.h"
#include "tests/numbers/ids.h"
#include "tests/tap.h"

#define FOLDER "tests/fixtures/tables"
static const double tolerance = 1e-4;

struct fixture {
	const char *name;
	struct json *doc;
	const struct json_value *root;
	struct model *model;
	struct run *run;
};

static bool open_fixture(struct fixture *f, const char *path)
{
	struct err err = { 0 };
	struct run_order order = { 0 };
	struct str folder;
	int32_t ids[MOST_IDS];

	if (!CHECK_THAT(!!(f->doc = json_open(path, 0, &err)), "%s %s", path, err.text))
		return false;
	f->root = json_root(f->doc);
	str_init(&folder);
	str_addf(&folder, "tests/fixtures/%s", json_text(json_get(f->root, "model")));
	f->model = model_open(folder.s, NULL, NULL, &err);
	str_done(&folder);
	if (!CHECK_THAT(!!f->model, "%s opens %s", f->name, err.text))
		return false;
	order.T = read_ids(json_get(f->root, "ids"), ids, MOST_IDS);
	order.model = f->model;
	order.tokens = ids;
	f->run = run_new(&order, NULL, &err);
	return CHECK_THAT(!!f->run, "%s runs %s", f->name, err.text);
}

/* The table of one technique with "key=value" words, for a metric; NULL after a failed check. */
static struct table *compute(const struct fixture *f, const char *analysis, const char *spec, const char *words)
{
	struct job_pane pane;
	struct metric metric;
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .metric = &metric };
	struct err err = { 0 };
	struct table *t = NULL;
	char copy[100], *rest = copy, *word;
	bool ok = metric_resolve(spec, f->run, &metric, NULL, &err);

	job_pane_init(&pane, analysis_find(analysis));
	snprintf(copy, sizeof copy, "%s", words);
	while (ok && (word = strsep(&rest, " ")))
		ok = job_pane_set(&pane, word, &err);
	if (ok)
		t = analysis_compute(pane.analysis, &ask, pane.args, &err);
	CHECK_THAT(t && check_holds(&t->check), "%s: %s %s %s", f->name, analysis, words, err.text);
	return t;
}

/* Numbers of nested arrays one after the other, null as NaN; returns how many there are. */
static size_t flatten(const struct json_value *v, float *out, size_t n)
{
	double x = NAN;

	if (json_is(v, JSON_ARRAY)) {
		for (size_t i = 0; i < json_count(v); i++)
			n = flatten(json_at(v, i), out, n);
		return n;
	}
	json_double(v, &x);
	if (out)
		out[n] = (float)x;
	return n + 1;
}

/* What cannot be must be the same; the rest is compared. */
static void compare(const struct fixture *f, const struct table *t, const struct json_value *expected, const char *what)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n, n = flatten(expected, NULL, 0);
	float *value = calloc(cells + n, sizeof *value), *actual = calloc(cells + n, sizeof *actual);
	int unlike = 0;

	flatten(expected, value, 0);
	if (CHECK_THAT(n == cells, "%s: %s has %zu cells of %zu", f->name, what, cells, n)) {
		for (size_t i = 0; i < n; i++) {
			unlike += isnan(value[i]) != isnan(t->value[i]);
			actual[i] = isnan(value[i]) ? 0 : t->value[i];
			value[i] = isnan(value[i]) ? 0 : value[i];
		}
		CHECK_THAT(unlike == 0, "%s: %s: the same cells are empty", f->name, what);
		CHECK_NEAR(actual, value, n, tolerance, "%s: %s", f->name, what);
	}
	free(value);
	free(actual);
}

static void compare_ids(const struct fixture *f, const struct table *t, const struct json_value *expected, const char *what)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n, n = flatten(expected, NULL, 0), same = 0;
	float *id = calloc(n + 1, sizeof *id);

	flatten(expected, id, 0);
	for (size_t i = 0; i < n && n == cells; i++)
		same += t->id[i] == (int32_t)id[i];
	CHECK_THAT(n && same == n, "%s: %s: %zu of %zu words", f->name, what, same, n);
	free(id);
}

static const char *spec_of(const struct fixture *f)
{
	return json_text(json_get(json_get(f->root, "metric"), "spec"));
}

static void test_logit_lens(const struct fixture *f)
{
	static const char *const sites[] = { "resid_post", "resid_pre", "resid_mid", "attn_out", "mlp_out" };
	static const struct {
		const char *words, *values, *ids;
	} shows[] = {
		{ "show=probability", "probability", "ids" },	    { "show=logit", "logit", "ids" },
		{ "show=probability rank=3", "probability_rank_3", "ids_rank_3" },
		{ "show=target", "target_probability", "ids" },	    { "show=rank", "target_rank", "ids" },
		{ "show=entropy", "entropy_nats", "ids" },	    { "show=kl", "kl_nats", "ids" },
	};

	for (size_t s = 0; s < sizeof sites / sizeof *sites; s++) {
		const struct json_value *expected = json_get(json_get(f->root, "logit-lens"), sites[s]);

		if (!expected)	/* parallel layers have no resid_mid */
			continue;
		for (size_t i = 0; i < sizeof shows / sizeof *shows; i++) {
			char words[100];
			struct table *t;

			snprintf(words, sizeof words, "site=%s %s", sites[s], shows[i].words);
			if (!(t = compute(f, "logit-lens", spec_of(f), words)))
				continue;
			compare(f, t, json_get(expected, shows[i].values), words);
			compare_ids(f, t, json_get(expected, shows[i].ids), words);
			table_unref(t);
		}
	}
}

/* A member of the fixture against the table with these words, by its path of keys. */
static void test_one(const struct fixture *f, const char *analysis, const char *key, const char *words)
{
	const struct json_value *expected = json_get(json_get(f->root, analysis), key);
	struct table *t = expected ? compute(f, analysis, spec_of(f), words) : NULL;

	if (t)
		compare(f, t, expected, words);
	table_unref(t);
}

static void test_plain(const struct fixture *f)
{
	static const struct {
		const char *analysis, *key, *words;
	} cases[] = {
		{ "residual-norms", "resid_post", "site=resid_post" },
		{ "residual-norms", "resid_pre", "site=resid_pre" },
		{ "residual-norms", "resid_mid", "site=resid_mid" },
		{ "residual-norms", "attn_out", "site=attn_out" },
		{ "residual-norms", "mlp_out", "site=mlp_out" },
		{ "attention-overview", "entropy_bits", "show=entropy" },
		{ "attention-overview", "first", "show=first" },
		{ "attention-overview", "previous", "show=previous" },
		{ "ablation-sweep", "zero all", "op=zero at=all" },
		{ "ablation-sweep", "zero last", "op=zero at=last" },
		{ "ablation-sweep", "mean all", "op=mean at=all" },
		{ "ablation-sweep", "mean last", "op=mean at=last" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		test_one(f, cases[i].analysis, cases[i].key, cases[i].words);
}

static void test_attention(const struct fixture *f)
{
	const struct json_value *about = json_get(f->root, "attention");
	static const char *const shows[] = { "weight", "value" };
	int64_t layer = -1, head = -1;

	json_int(json_get(about, "layer"), &layer);
	json_int(json_get(about, "head"), &head);
	for (int i = 0; i < 2; i++) {
		char words[100];

		snprintf(words, sizeof words, "layer=%d head=%d show=%s", (int)layer, (int)head, shows[i]);
		test_one(f, "attention", shows[i], words);
	}
}

/* The rows by name, in the order of the file. */
static void compare_rows(const struct fixture *f, const struct table *t, const struct json_value *expected, const char *what)
{
	float *actual = calloc((size_t)t->rows.n, sizeof *actual), *value = calloc((size_t)t->rows.n, sizeof *value);
	int known = 0;

	for (int i = 0; i < t->rows.n; i++) {
		double x;

		known += json_double(json_get(expected, t->rows.label[i]), &x);
		value[i] = known ? (float)x : NAN;
		actual[i] = t->value[i];
	}
	CHECK_THAT(known == t->rows.n && json_count(expected) == (size_t)known, "%s: %s: the same rows", f->name, what);
	CHECK_NEAR(actual, value, t->rows.n, tolerance, "%s: %s", f->name, what);
	free(actual);
	free(value);
}

static void test_attribution(const struct fixture *f)
{
	const struct json_value *cases = json_get(f->root, "direct-attribution");

	CHECK(json_count(cases) >= 4);
	for (size_t i = 0; i < json_count(cases); i++) {
		const struct json_value *one = json_at(cases, i);
		const char *metric = json_text(json_get(one, "metric"));
		char words[40];
		double value = 0;
		int64_t position = -1;
		struct table *t;

		json_double(json_get(one, "value"), &value);
		json_int(json_get(one, "position"), &position);
		snprintf(words, sizeof words, "position=%d", (int)position);
		if ((t = compute(f, "direct-attribution", metric, words))) {
			compare_rows(f, t, json_get(one, "rows"), metric);
			CHECK_THAT(fabs(t->check.expected - value) <= tolerance * fmax(1, fabs(value)), "%s: %s is %g", f->name, metric, value);
		}
		table_unref(t);
		if ((t = compute(f, "head-attribution", metric, words)))
			compare(f, t, json_get(one, "heads"), metric);
		table_unref(t);
	}
}

static void test_fixture(struct fixture *f, const char *path)
{
	if (open_fixture(f, path)) {
		test_logit_lens(f);
		test_plain(f);
		test_attention(f);
		test_attribution(f);
	}
	run_unref(f->run);
	model_free(f->model);
	json_free(f->doc);
}

int main(void)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	int fixtures = 0;

	while (dir && (entry = readdir(dir))) {
		struct fixture f = { .name = entry->d_name };
		char *path = file_join(FOLDER, entry->d_name);

		if (strstr(entry->d_name, ".json") && ++fixtures)
			test_fixture(&f, path);
		free(path);
	}
	if (dir)
		closedir(dir);
	CHECK_THAT(fixtures > 0, "%d files of tables", fixtures);
	return tap_done();
}
