/*
 * registry_walk.h - every technique with every choice of every argument, the others at their defaults. Included once per test
 * executable.
 */
#ifndef LMSCOPE_TESTS_REGISTRY_WALK_H
#define LMSCOPE_TESTS_REGISTRY_WALK_H

#include "engine/session/session.h"
#include "tests/scratch.h"
#include "tests/tap.h"
#include "tests/unit_file.h"

struct walk {
	struct session *session;
	struct job job;
	char *samples;	/* a file of prompts of as many tokens as the prompt */
	char what[100]; /* "logit-lens show=kl" */
};

/* On a model, with a prompt and a foil of equally many tokens, and the first technique in a pane. */
static __attribute__((unused)) bool walk_open(struct walk *w, const char *model, const char *prompt, const char *foil)
{
	struct str samples;

	str_init(&samples);
	str_addf(&samples, "%s\nb\n", foil);
	*w = (struct walk){ .session = session_new(), .samples = scratch_file("samples.txt", samples.s, samples.n) };
	str_done(&samples);
	job_init(&w->job);
	job_set(&w->job.model, model);
	job_set(&w->job.prompt, prompt);
	job_set(&w->job.foil, foil);
	w->job.panes = 1;
	job_pane_init(&w->job.pane[0], analysis_list[0]);
	return CHECK(session_prepare(w->session, &w->job, NULL, NULL, &(struct err){ 0 }));
}

static __attribute__((unused)) void walk_close(struct walk *w)
{
	job_done(&w->job);
	session_free(w->session);
	free(w->samples);
	scratch_done();
}

static __attribute__((unused)) struct table *answer(struct walk *w)
{
	struct err err = { 0 };
	struct table *t = NULL;

	unit_file_arguments(&w->job, &session_model(w->session)->config, w->samples);
	if (session_prepare(w->session, &w->job, NULL, NULL, &err))
		t = session_answer(w->session, 0, NULL, NULL, &err);
	CHECK_THAT(t != NULL, "%s answers %s", w->what, err.text);
	return t;
}

/* Experts are there in mixtures alone; elsewhere the choice is refused by a sentence (unit/place.c). */
static __attribute__((unused)) bool walk_has(const struct walk *w, const struct param *p, int choice)
{
	return strcmp(p->choices[choice].word, "expert") || session_model(w->session)->config.experts.X;
}

/* Every choice of every argument, the others at their defaults. What is about experts is asked of mixtures alone. */
static void walk_choices(struct walk *w, const struct analysis *a, void (*check)(struct walk *w))
{
	struct job_pane *pane = &w->job.pane[0];

	if ((a->needs & NEEDS_EXPERTS) && !session_model(w->session)->config.experts.X)
		return;
	snprintf(w->what, sizeof w->what, "%s", a->name);
	job_pane_init(pane, a);
	check(w);
	for (const struct param *p = a->params; p && p->name; p++)
		for (int v = 1; p->kind == PARAM_CHOICE && v < param_choices(p); v++) {
			if (!walk_has(w, p, v))
				continue;
			job_pane_init(pane, a);
			pane->args[p - a->params] = value_number(p->choices[v].value);
			snprintf(w->what, sizeof w->what, "%s %s=%s", a->name, p->name, p->choices[v].word);
			check(w);
		}
}

#endif
