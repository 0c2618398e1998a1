/*
 * depends.c - what an answer depends on is what its technique says: with every argument's every word, an answer that is kept when
 * the metric or the foil changes is the one that a fresh session gives, and one that depends on them is computed again.
 */
#include <string.h>

#include "engine/session/session.h"
#include "engine/session/worker.h"
#include "tests/scratch.h"
#include "tests/tap.h"
#include "tests/unit_file.h"

#include <poll.h>
#include <stdlib.h>

#define MODEL "tests/fixtures/tiny/llama-grouped"
#define PROMPT "one two three two one"

struct depends_question {
	const char *metric, *foil;
};
static const struct depends_question before = { "logit \"a\"", "one two two two one" };
static const struct depends_question changes[] = { { "logprob \"b\" @1", "one two two two one" },
						   { "logit \"a\"", "two two three two one" } };
static const unsigned changed[] = { ON_METRIC, ON_FOIL };

static struct table *ask(struct session *s, struct job *job, const struct depends_question *q)
{
	struct err err = { 0 };
	struct table *t = NULL;

	job_set(&job->metric, q->metric);
	job_set(&job->foil, q->foil);
	if (session_prepare(s, job, NULL, NULL, &err))
		t = session_answer(s, 0, NULL, NULL, &err);
	return t;
}

static bool same_cells(const struct table *a, const struct table *b)
{
	size_t cells = (size_t)a->rows.n * (size_t)a->cols.n;

	return a->rows.n == b->rows.n && a->cols.n == b->cols.n && !memcmp(a->value, b->value, cells * sizeof *a->value) &&
	       !strcmp(a->title, b->title);
}

/* An argument that is the metric's own position where it is not given. */
static bool looks_where_the_metric_does(const struct job_pane *pane)
{
	bool looks = false;

	for (int i = 0; i < param_count(pane->analysis->params); i++)
		looks = looks || (pane->analysis->params[i].at_metric && !pane->given[i]);
	return looks;
}

static void check_change(struct session *kept, struct job *job, int change, const char *variant)
{
	unsigned on = analysis_on(job->pane[0].analysis, job->pane[0].args);
	struct session *fresh = session_new();
	struct table *was = ask(kept, job, &before), *is = ask(kept, job, &changes[change]),
		     *anew = ask(fresh, job, &changes[change]);

	if (changed[change] == ON_METRIC && looks_where_the_metric_does(&job->pane[0]))
		on |= ON_METRIC;
	if (was && is && anew) {
		CHECK_THAT((was == is) == !(on & changed[change]), "%s: %s when the %s changes", variant,
			   was == is ? "kept" : "computed again", changed[change] == ON_METRIC ? "metric" : "foil");
		CHECK_THAT(same_cells(is, anew), "%s: as a fresh session answers", variant);
	}
	table_unref(was);
	table_unref(is);
	table_unref(anew);
	session_free(fresh);
}

static void walk(struct session *s, struct job *job, const char *samples)
{
	const struct analysis *a = job->pane[0].analysis;
	char variant[100];

	for (const struct param *p = a->params; p && p->name; p++)
		for (const struct choice *c = p->choices; c && c->word; c++) {
			struct err err = { 0 };

			job_pane_init(&job->pane[0], a);
			job->pane[0].args[p - a->params] = value_number(c->value);
			if (session_prepare(s, job, NULL, NULL, &err))
				unit_file_arguments(job, &session_model(s)->config, samples);
			snprintf(variant, sizeof variant, "%s %s=%s", a->name, p->name, c->word);
			for (int i = 0; i < 2; i++)
				check_change(s, job, i, variant);
		}
}

/* On the worker's side: the panes that do not show the metric are not even marked. */
static const struct snapshot *settled(struct worker *w, unsigned serial)
{
	struct pollfd news = { .fd = worker_fd(w), .events = POLLIN };
	const struct snapshot *s = worker_look(w);

	while (s->serial != serial || s->state != WORK_IDLE) {
		if (poll(&news, 1, 60000) <= 0)
			return NULL;
		s = worker_look(w);
	}
	return s;
}

static void test_worker(void)
{
	static const char *const panes[] = { "attention", "residual-norms", "logit-lens", "head-attribution" };
	struct err err = { 0 };
	struct worker *w = worker_new(&err);
	struct table *was[4] = { NULL };
	const struct snapshot *s;
	struct job job;

	job_init(&job);
	job_set(&job.model, MODEL);
	job_set(&job.prompt, PROMPT);
	job_set(&job.metric, before.metric);
	for (int i = 0; i < 4; i++)
		job_pane_init(&job.pane[job.panes++], analysis_find(panes[i]));
	s = settled(w, worker_ask(w, &job));
	for (int i = 0; s && i < 4; i++)
		was[i] = table_ref(s->pane[i].table);
	job_set(&job.metric, changes[0].metric);
	s = settled(w, worker_ask(w, &job));
	for (int i = 0; s && i < 4; i++)
		CHECK_THAT((s->pane[i].table == was[i]) == (i < 3), "%s is %s", panes[i],
			   i < 3 ? "left alone by a new metric" : "asked again");
	CHECK_THAT(!!s, "both jobs are answered");
	for (int i = 0; i < 4; i++)
		table_unref(was[i]);
	job_done(&job);
	worker_free(w);
}

int main(void)
{
	static const char others[] = "one two two two one\nb a b a b\n";
	char *samples = scratch_file("samples.txt", others, sizeof others - 1);
	struct session *s = session_new();
	struct job job;

	job_init(&job);
	job_set(&job.model, MODEL);
	job_set(&job.prompt, PROMPT);
	job_set(&job.foil, before.foil);
	job.panes = 1;
	for (int i = 0; analysis_list[i]; i++) {
		if (analysis_list[i]->needs & NEEDS_EXPERTS)
			continue; /* this model has none */
		job_pane_init(&job.pane[0], analysis_list[i]);
		walk(s, &job, samples);
	}
	job_done(&job);
	session_free(s);
	test_worker();
	free(samples);
	scratch_done();
	return tap_done();
}
