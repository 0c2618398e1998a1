/*
 * gradients.h - techniques that read a gradient, measured by runs: a model with a prompt, a metric and its gradient, of six
 * families.
 */
#ifndef LMSCOPE_TESTS_ANALYSES_GRADIENTS_H
#define LMSCOPE_TESTS_ANALYSES_GRADIENTS_H

#include <math.h>
#include <stdlib.h>

#include "engine/model/model.h"
#include "engine/run/run.h"
#include "engine/session/session.h"
#include "tests/tap.h"

struct setting {
	const char *name;
	const struct run *run;
	const struct metric *metric;
};

static double value_of(const struct setting *s, const char *line, const struct run *foil)
{
	struct err err = { 0 };
	struct run_order order = { .model = s->run->model,
				   .tokens = s->run->tokens,
				   .T = s->run->T,
				   .edits = &line,
				   .edit_count = line != NULL,
				   .unedited = s->run,
				   .foil = foil };
	struct run *r = run_new(&order, NULL, &err);
	double value = NAN;

	if (!r || !metric_value(s->metric, r, s->run, &value, NULL, &err))
		CHECK_THAT(false, "%s: %s %s", s->name, line ? line : "no edit", err.text);
	run_unref(r);
	return value;
}

static struct table *gradient_answer(const struct setting *s, const char *name, const struct run *foil, const struct gradient *g,
				     const char *site)
{
	const struct analysis *a = analysis_find(name);
	struct err err = { 0 };
	struct ask ask = {
		.model = s->run->model, .run = s->run, .unedited = s->run, .foil = foil, .metric = s->metric, .gradient = g
	};
	struct job_pane pane;
	struct table *t = NULL;

	job_pane_init(&pane, a);
	if (!site || job_pane_set(&pane, site, &err))
		t = analysis_compute(a, &ask, pane.args, &err);
	if (!t)
		CHECK_THAT(false, "%s: %s answers %s", s->name, name, err.text);
	return t;
}

typedef void gradient_check(const struct setting *s, const struct gradient *g);

static void gradients_of(const char *name, const char *folder, gradient_check *check)
{
	struct session *session = session_new();
	struct err err = { 0 };
	struct job job;

	job_init(&job);
	job_set(&job.model, folder);
	job_set(&job.prompt, "one two three two one");
	if (CHECK_THAT(session_prepare(session, &job, NULL, NULL, &err), "%s %s", name, err.text)) {
		struct setting s = { name, session_run(session), session_metric(session) };
		struct gradient *g = gradient_new(s.run, s.metric, s.run, 0, NULL, &err);

		if (CHECK_THAT(g, "%s has a gradient %s", name, err.text))
			check(&s, g);
		gradient_unref(g);
	}
	job_done(&job);
	session_free(session);
}

static void gradients_each(gradient_check *check)
{
	static const char *const models[] = { "tests/fixtures/tiny/gpt2-tied",	"tests/fixtures/tiny/llama-grouped",
					      "tests/fixtures/families/gemma2", "tests/fixtures/families/gpt_neox",
					      "tests/fixtures/families/bloom",	"tests/fixtures/families/opt" };

	for (size_t i = 0; i < sizeof models / sizeof *models; i++)
		gradients_of(strrchr(models[i], '/') + 1, models[i], check);
}

#endif
