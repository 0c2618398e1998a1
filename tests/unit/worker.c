/* worker.c - the mailbox: answers arrive whole, the newest job wins, cancelling stops, and leaving does not wait for an answer. */
#include "engine/worker.h"
#include "tests/tap.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODEL "models/demo"
#define PROMPT "Once upon a time there was a little girl"

enum { PATIENCE_MS = 60000 };

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void ask_for(struct job *job, const char *prompt, const char *const *analyses)
{
	job_init(job);
	job_set(&job->model, MODEL);
	job_set(&job->prompt, prompt);
	for (; *analyses; analyses++)
		job_pane_init(&job->pane[job->panes++], analysis_find(*analyses));
}

/* Looks until the worker rests on this job; NULL when it does not in time. `looks` counts the news on the way. */
static const struct snapshot *wait_for(struct worker *w, unsigned serial, int *looks)
{
	struct pollfd news = { .fd = worker_fd(w), .events = POLLIN };
	long end = now() + PATIENCE_MS;
	const struct snapshot *s = worker_look(w);

	while (s->serial != serial || s->state != WORK_IDLE) {
		if (now() > end || poll(&news, 1, PATIENCE_MS) <= 0)
			return NULL;
		s = worker_look(w);
		if (looks)
			++*looks;
	}
	return s;
}

static void test_answers(struct worker *w)
{
	struct job job;
	int looks = 0;
	const struct snapshot *s;

	ask_for(&job, PROMPT, (const char *const[]){ "logit-lens", "attention", "next-token", NULL });
	s = wait_for(w, worker_ask(w, &job), &looks);
	if (CHECK_THAT(s != NULL, "a job is answered")) {
		CHECK(s->panes == 3 && s->pane[0].table && s->pane[1].table && s->pane[2].table);
		CHECK(!s->error && s->has_model && s->has_metric && s->tokens == 10 && !s->pane[2].stale);
		CHECK_TEXT(s->pane[1].question.analysis->name, "attention");
		CHECK_THAT(looks >= 1 && looks <= 12, "with news on the way (%d looks)", looks);
	}
	job_add_edit(&job, "head 1.0 zero");
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->pane[0].table && s->pane[0].before, "an edited answer stands beside the unedited one");
	CHECK_THAT(s && s->metric - s->metric_unedited != 0, "and the metric moved");
	job.edit[0].on = false;
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->metric - s->metric_unedited == 0 && !s->pane[0].before, "the edit switched off leaves no difference at all");
	job_done(&job);
}

/* An error belongs to the job; the answers before it stay. */
static void test_errors(struct worker *w)
{
	struct job job;
	const struct snapshot *s;

	ask_for(&job, PROMPT, (const char *const[]){ "next-token", NULL });
	job_add_edit(&job, "head 77.0 zero");
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->error && strstr(s->error, "77"), "a wrong edit is one sentence: %s", s && s->error ? s->error : "none");
	job_remove_edit(&job, 0);
	job_set(&job.model, "no/such/model");
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->error && s->has_model && s->tokens == 10, "without the model the answers before stay");
	job_done(&job);
}

static void test_newest_wins(struct worker *w)
{
	struct job job;
	unsigned serial = 0;
	const struct snapshot *s;
	char prompt[100];

	for (int i = 0; i < 200; i++) {
		snprintf(prompt, sizeof prompt, "Once upon a time there was%.*s", i % 7 * 4, " big big big big big big big");
		ask_for(&job, prompt, (const char *const[]){ "logit-lens", "ablation-sweep", "next-token", NULL });
		if (i % 2)
			job_add_edit(&job, "head 2.1 zero");
		serial = worker_ask(w, &job);
		if (i % 5 == 0)
			worker_look(w);
		job_done(&job);
	}
	s = wait_for(w, serial, NULL);
	CHECK_THAT(s && s->panes == 3 && s->pane[1].table && !s->pane[1].stale, "of 200 jobs in a burst the last one is answered");
}

static void test_cancel(struct worker *w)
{
	struct job job;
	const struct snapshot *s;
	struct str prompt;
	unsigned serial;
	long start;

	str_init(&prompt);
	for (int i = 0; i < 220; i++)
		str_add(&prompt, " cat");
	ask_for(&job, prompt.s, (const char *const[]){ "ablation-sweep", NULL });
	serial = worker_ask(w, &job);
	while (worker_look(w)->serial != serial)
		;
	start = now();
	worker_cancel(w);
	s = wait_for(w, serial, NULL);
	CHECK_THAT(s && (!s->pane[0].table || s->pane[0].stale), "a cancelled job has no answer");
	CHECK_THAT(now() - start < 20000, "and stops soon (%ld ms)", now() - start);
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->pane[0].table && !s->pane[0].stale, "asked again it is answered");
	job_set(&job.prompt, " dog cat dog cat dog cat dog cat dog cat dog cat dog cat dog cat dog cat dog cat dog");
	worker_ask(w, &job);
	job_done(&job);
	str_done(&prompt);
}

/* A slow table is shown while it is made: cells that were shown stay as they were, and the whole one replaces it. */
static void test_partial(struct worker *w)
{
	struct pollfd news = { .fd = worker_fd(w), .events = POLLIN };
	const struct snapshot *s;
	struct table *seen = NULL, *whole;
	struct job job;
	struct str prompt;
	struct err err = { 0 };
	int partials = 0, most = 0, fell = 0, changed = 0;
	unsigned serial;

	str_init(&prompt);
	for (int i = 0; i < 150; i++)
		str_add(&prompt, " bird");
	ask_for(&job, prompt.s, (const char *const[]){ "causal-tracing", NULL });
	CHECK(job_pane_set(&job.pane[0], "seeds=1", &err));
	serial = worker_ask(w, &job);
	for (;;) {
		int known = 0;

		s = worker_look(w);
		if (s->serial == serial && s->state == WORK_IDLE)
			break;
		if (s->serial != serial || !s->pane[0].table || !s->pane[0].table->unfinished || s->pane[0].table == seen) {
			if (poll(&news, 1, PATIENCE_MS) <= 0)
				break;
			continue;
		}
		table_unref(seen);
		seen = table_ref(s->pane[0].table);
		for (int i = 0; i < seen->rows.n * seen->cols.n; i++)
			known += !isnan(seen->value[i]);
		fell += known < most;
		most = known;
		partials++;
	}
	whole = s->pane[0].table;
	CHECK_THAT(partials >= 1 && most > 0 && !fell, "a slow table is seen growing (%d times, to %d cells)", partials, most);
	if (CHECK_THAT(whole && !whole->unfinished && whole->check.name && seen, "then it comes whole")) {
		for (int i = 0; i < seen->rows.n * seen->cols.n; i++)
			changed += !isnan(seen->value[i]) && memcmp(&seen->value[i], &whole->value[i], sizeof *seen->value);
		CHECK_THAT(!changed, "with the cells that were there already");
		CHECK_TEXT(seen->title, whole->title);
		CHECK_TEXT(seen->analysis, "causal-tracing");
	}
	table_unref(seen);
	job_done(&job);
	str_done(&prompt);
}

static void test_generation(struct worker *w)
{
	struct job job;
	const struct snapshot *s;

	ask_for(&job, PROMPT, (const char *const[]){ "next-token", NULL });
	job.generate = 12;
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->generated_tokens == 12 && !s->generating, "tokens are generated");
	job_done(&job);
}

int main(void)
{
	struct err err = { 0 };
	struct worker *w = worker_new(&err);

	if (CHECK_THAT(w != NULL, "a worker starts %s", err.text)) {
		CHECK(worker_look(w)->state == WORK_IDLE && !worker_look(w)->has_model);
		test_answers(w);
		test_errors(w);
		test_newest_wins(w);
		test_generation(w);
		test_partial(w);
		test_cancel(w);
	}
	worker_free(w);	/* in the middle of a job */
	worker_free(NULL);
	return tap_done();
}
