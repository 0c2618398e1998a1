/*
 * tables.h - a technique against tests/fixtures/tables: the same tables, worked out by tests/reference/make_tables.py in double
 * precision from PyTorch's activations of the tiny models.
 */
#ifndef LMSCOPE_TESTS_ANALYSES_TABLES_H
#define LMSCOPE_TESTS_ANALYSES_TABLES_H

#include <dirent.h>
#include <stdlib.h>

#include "engine/analysis/analysis.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/session/job.h"
#include "engine/model/model.h"
#include "tests/numbers/ids.h"
#include "tests/tap.h"

static const double tables_tolerance = 1e-4;

struct tables {
	const char *name;
	struct json *doc;
	const struct json_value *root;
	struct model *model;
	struct run *run;
};

static bool tables_open(struct tables *f, const char *path)
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
static __attribute__((unused)) struct table *tables_compute(const struct tables *f, const char *analysis, const char *spec,
							    const char *words)
{
	struct job_pane pane;
	struct metric metric;
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .metric = &metric };
	struct err err = { 0 };
	struct gradient *g = NULL;
	struct table *t = NULL;
	char copy[100], *rest = copy, *word;
	bool ok = metric_resolve(spec, f->run, &metric, NULL, &err);

	job_pane_init(&pane, analysis_find(analysis));
	snprintf(copy, sizeof copy, "%s", words);
	while (ok && (word = strsep(&rest, " ")))
		ok = job_pane_set(&pane, word, &err);
	if (ok && (pane.analysis->needs & NEEDS_GRADIENT))
		ask.gradient = g = gradient_new(f->run, &metric, f->run, 0, NULL, &err);
	if (ok)
		t = analysis_compute(pane.analysis, &ask, pane.args, &err);
	gradient_unref(g);
	CHECK_THAT(t && check_holds(&t->check), "%s: %s %s %s", f->name, analysis, words, err.text);
	return t;
}

/* Numbers of nested arrays one after the other, null as NaN; returns how many there are. */
static __attribute__((unused)) size_t tables_numbers(const struct json_value *v, float *out, size_t n)
{
	double x = NAN;

	if (json_is(v, JSON_ARRAY)) {
		for (size_t i = 0; i < json_count(v); i++)
			n = tables_numbers(json_at(v, i), out, n);
		return n;
	}
	json_double(v, &x);
	if (out)
		out[n] = (float)x;
	return n + 1;
}

/* What cannot be must be the same; the rest is compared. */
static __attribute__((unused)) void tables_compare(const struct tables *f, const struct table *t, const struct json_value *expected,
						   const char *what)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n, n = tables_numbers(expected, NULL, 0);
	float *value = calloc(cells + n, sizeof *value), *actual = calloc(cells + n, sizeof *actual);
	int unlike = 0;

	tables_numbers(expected, value, 0);
	if (CHECK_THAT(n == cells, "%s: %s has %zu cells of %zu", f->name, what, cells, n)) {
		for (size_t i = 0; i < n; i++) {
			unlike += isnan(value[i]) != isnan(t->value[i]);
			actual[i] = isnan(value[i]) ? 0 : t->value[i];
			value[i] = isnan(value[i]) ? 0 : value[i];
		}
		CHECK_THAT(unlike == 0, "%s: %s: the same cells are empty", f->name, what);
		CHECK_NEAR(actual, value, n, tables_tolerance, "%s: %s", f->name, what);
	}
	free(value);
	free(actual);
}

static __attribute__((unused)) const char *tables_metric(const struct tables *f)
{
	return json_text(json_get(json_get(f->root, "metric"), "spec"));
}

/* A member of the fixture against the table with these words, by its path of keys. */
static __attribute__((unused)) void tables_test(const struct tables *f, const char *analysis, const char *key, const char *words)
{
	const struct json_value *expected = json_get(json_get(f->root, analysis), key);
	struct table *t = expected ? tables_compute(f, analysis, tables_metric(f), words) : NULL;

	if (t)
		tables_compare(f, t, expected, words);
	table_unref(t);
}

typedef void tables_check(const struct tables *f);

/* The check on each file of a folder. */
static void tables_each_in(const char *folder, tables_check *check)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int files = 0;

	while (dir && (entry = readdir(dir))) {
		struct tables f = { .name = entry->d_name };
		char *path = file_join(folder, entry->d_name);

		if (strstr(entry->d_name, ".json") && ++files) {
			if (tables_open(&f, path))
				check(&f);
			run_unref(f.run);
			model_free(f.model);
			json_free(f.doc);
		}
		free(path);
	}
	if (dir)
		closedir(dir);
	CHECK_THAT(files > 0, "%d files of tables in %s", files, folder);
}

static __attribute__((unused)) void tables_each(tables_check *check)
{
	tables_each_in("tests/fixtures/tables", check);
}

#endif
