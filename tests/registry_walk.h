/*
 * registry_walk.h - every technique with every choice of every argument, the others at their defaults. Included once per test executable.
 */
#ifndef LMSCOPE_TESTS_REGISTRY_WALK_H
#define LMSCOPE_TESTS_REGISTRY_WALK_H

#include "engine/session.h"
#include "tests/scratch.h"
#include "tests/tap.h"
#include "tests/unit_file.h"

struct walk {
	struct session *session;
	struct job job;
	const char *samples;
	char what[100];		/* "logit-lens show=kl" */
};

static struct table *answer(struct walk *w)
{
	struct err err = { 0 };
	struct table *t = NULL;

	unit_file_arguments(&w->job, &session_model(w->session)->config, w->samples);
	if (session_prepare(w->session, &w->job, NULL, NULL, &err))
		t = session_answer(w->session, 0, NULL, NULL, &err);
	CHECK_THAT(t != NULL, "%s answers %s", w->what, err.text);
	return t;
}

/* Every choice of every argument, the others at their defaults. */
static void walk_choices(struct walk *w, const struct analysis *a, void (*check)(struct walk *w))
{
	struct job_pane *pane = &w->job.pane[0];

	snprintf(w->what, sizeof w->what, "%s", a->name);
	job_pane_init(pane, a);
	check(w);
	for (const struct param *p = a->params; p && p->name; p++)
		for (int v = 1; p->kind == PARAM_CHOICE && v < param_choices(p); v++) {
			job_pane_init(pane, a);
			pane->args[p - a->params] = value_number(p->choices[v].value);
			snprintf(w->what, sizeof w->what, "%s %s=%s", a->name, p->name, p->choices[v].word);
			check(w);
		}
}

#endif
