/* attributions.h - what holds for both techniques that take the metric apart. */
#ifndef LMSCOPE_TESTS_ANALYSES_ATTRIBUTIONS_H
#define LMSCOPE_TESTS_ANALYSES_ATTRIBUTIONS_H

#include <math.h>

#include "tests/analyses/plain.h"
#include "tests/analyses/tables.h"

static int row_of(const struct table *t, const char *label)
{
	for (int i = 0; i < t->rows.n; i++)
		if (!strcmp(t->rows.label[i], label))
			return i;
	return -1;
}

/* A metric somewhere else takes the attribution with it: its sum stays the number that is shown for the metric. */
static void check_at_metric(const char *technique)
{
	struct err err = { 0 };
	struct table *t;
	double value, unedited;

	job_set(&job.metric, "logit #5 @2");
	if ((t = answer(technique, NULL))) {
		CHECK(session_metric_values(session, &value, &unedited, NULL, &err));
		CHECK_THAT(fabs(t->check.expected - value) <= 1e-4 * fmax(1, fabs(value)),
			   "%s: %s explains the metric where it is: %g, %g", model_name, technique, t->check.expected, value);
		CHECK_THAT(!strstr(t->title, "read at"), "%s", t->title);
	}
	table_unref(t);
	if ((t = ANSWER(technique, "position=1"))) {
		CHECK_THAT(fabs(t->check.expected - value) > 1e-3, "a position that is given is another sum");
		CHECK_THAT(strstr(t->title, "heads · read at position 1") || strstr(t->title, "all parts · read at position 1"),
			   "%s", t->title);
	}
	table_unref(t);
	job_set(&job.metric, NULL);
}

/* One of the fixture's attributions: of which metric, at which position, and what it is in all. */
typedef void attribution_check(const struct tables *f, const struct json_value *one, const char *metric, const char *words);

static void attributions_each(const struct tables *f, attribution_check *check)
{
	const struct json_value *cases = json_get(f->root, "direct-attribution");

	CHECK(json_count(cases) >= 4);
	for (size_t i = 0; i < json_count(cases); i++) {
		const struct json_value *one = json_at(cases, i);
		int64_t position = -1;
		char words[40];

		json_int(json_get(one, "position"), &position);
		snprintf(words, sizeof words, "position=%d", (int)position);
		check(f, one, json_text(json_get(one, "metric")), words);
	}
}

#endif
