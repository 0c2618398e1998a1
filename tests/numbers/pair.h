/*
 * pair.h - a model with a prompt, a foil and a metric, as the fixtures of interventions have them, and tables of techniques on
 * them.
 */
#ifndef LMSCOPE_TESTS_NUMBERS_PAIR_H
#define LMSCOPE_TESTS_NUMBERS_PAIR_H

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/session/job.h"
#include "engine/analysis/analysis.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/model.h"
#include "tests/tap.h"

struct pair {
	const char *name;
	struct json *doc;
	const struct json_value *root;
	struct model *model;
	struct run *run, *foil;
	struct metric metric;
	double m_run, m_foil;
};

static inline struct run *pair_run(const struct pair *f, const char *member, struct err *err)
{
	const struct json_value *v = json_get(f->root, member);
	int32_t ids[64];
	struct run_order order = { .model = f->model, .tokens = ids, .T = (int)json_count(v) };

	for (int i = 0; i < order.T && i < 64; i++) {
		int64_t id = -1;

		json_int(json_at(v, (size_t)i), &id);
		ids[i] = (int32_t)id;
	}
	return run_new(&order, NULL, err);
}

static inline bool pair_open(struct pair *f, const char *path)
{
	struct err err = { 0 };
	char folder[300];

	if (!CHECK_THAT(!!(f->doc = json_open(path, 0, &err)), "%s %s", path, err.text))
		return false;
	f->root = json_root(f->doc);
	snprintf(folder, sizeof folder, "tests/fixtures/%s", json_text(json_get(f->root, "model")));
	f->model = model_open(folder, NULL, NULL, &err);
	if (!CHECK_THAT(!!f->model, "%s opens %s", f->name, err.text))
		return false;
	f->run = pair_run(f, "ids", &err);
	f->foil = pair_run(f, "foil_ids", &err);
	json_double(json_get(f->root, "prompt"), &f->m_run);
	json_double(json_get(f->root, "foil"), &f->m_foil);
	return CHECK_THAT(f->run && f->foil &&
				  metric_resolve(json_text(json_get(f->root, "metric")), f->run, &f->metric, NULL, &err),
			  "%s runs %s", f->name, err.text);
}

/* The prompt's run with edits, which read that foil. */
static inline struct run *pair_edited(const struct pair *f, const struct run *foil, const char *const *lines, int n,
				      struct err *err)
{
	struct run_order order = { .model = f->model,
				   .tokens = f->run->tokens,
				   .T = f->run->T,
				   .edits = lines,
				   .edit_count = n,
				   .unedited = f->run,
				   .foil = foil };

	return run_new(&order, NULL, err);
}

static inline void pair_close(struct pair *f)
{
	run_unref(f->run);
	run_unref(f->foil);
	model_free(f->model);
	json_free(f->doc);
}

/* The table of a technique with "key=value" words; NULL with *err. */
static inline struct table *pair_ask(const struct pair *f, const struct run *foil, const char *analysis, const char *words,
				     struct err *err)
{
	struct job_pane pane;
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .foil = foil, .metric = &f->metric };
	char copy[400], *rest = copy, *word;
	struct gradient *gradient = NULL;
	struct table *t;

	job_pane_init(&pane, analysis_find(analysis));
	snprintf(copy, sizeof copy, "%s", words);
	while (*words && (word = strsep(&rest, " ")))
		if (!CHECK_THAT(job_pane_set(&pane, word, err), "%s has %s %s", analysis, word, err->text))
			return NULL;
	if ((pane.analysis->needs & NEEDS_GRADIENT) && !(gradient = gradient_new(f->run, &f->metric, f->run, 0, NULL, err)))
		return NULL;
	ask.gradient = gradient;
	t = analysis_compute(pane.analysis, &ask, pane.args, err);
	gradient_unref(gradient);
	return t;
}

static inline struct table *pair_table(const struct pair *f, const char *analysis, const char *words)
{
	struct err err = { 0 };
	struct table *t = pair_ask(f, f->foil, analysis, words, &err);

	CHECK_THAT(t && check_holds(&t->check), "%s: %s %s %s", f->name, analysis, words, err.text);
	return t;
}

/* Numbers of nested arrays one after the other, null as NaN; returns how many there are. */
static inline size_t pair_numbers(const struct json_value *v, float *out, size_t n)
{
	double x = NAN;

	if (json_kind(v) != JSON_ARRAY) {
		json_double(v, &x);
		out[n] = (float)x;
		return n + 1;
	}
	for (size_t i = 0; i < json_count(v); i++)
		n = pair_numbers(json_at(v, i), out, n);
	return n;
}

typedef void pair_check(const struct pair *f);

/* All checks, up to a NULL, on each fixture NAME.json of a folder: at least so many. */
static inline void pair_each(const char *folder, int least, pair_check *const *check)
{
	DIR *dir = opendir(folder);
	int models = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		struct pair f = { .name = e->d_name };
		size_t n = strlen(e->d_name);
		char *path = file_join(folder, e->d_name);

		if (n > 5 && !strcmp(e->d_name + n - 5, ".json")) {
			models++;
			for (int i = 0; (i || pair_open(&f, path)) && check[i]; i++)
				check[i](&f);
			pair_close(&f);
		}
		free(path);
	}
	if (dir)
		closedir(dir);
	CHECK_THAT(models >= least, "%d models were compared", models);
}

#endif
