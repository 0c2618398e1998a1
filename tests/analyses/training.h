/*
 * training.h - a technique that trains, asked through a session: stopped after so many steps of its work, and asked again.
 */
#ifndef LMSCOPE_TESTS_ANALYSES_TRAINING_H
#define LMSCOPE_TESTS_ANALYSES_TRAINING_H

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/session/session.h"
#include "tests/tap.h"

enum { TRAINING_WORDS = 8 };

struct training_question {
	struct session *s;
	struct job job;
	struct task task;
	int left; /* steps of work until it is stopped; 0: never */
};

static __attribute__((unused)) void training_count_down(void *context)
{
	struct training_question *q = context;

	if (q->left && !--q->left)
		atomic_store(&q->task.stop, true);
	atomic_store(&q->task.call, true);
}

static __attribute__((unused)) void training_begin(struct training_question *q, const char *model)
{
	*q = (struct training_question){ .s = session_new() };
	job_init(&q->job);
	job_set(&q->job.model, model);
	job_set(&q->job.prompt, "the cat");
	q->job.panes = 1;
}

static __attribute__((unused)) void training_end(struct training_question *q)
{
	job_done(&q->job);
	session_free(q->s);
}

/* Stopped after so many steps of work (0: not). */
static __attribute__((unused)) struct table *training_ask(struct training_question *q, const char *technique,
							  const char *const words[TRAINING_WORDS], int stop, struct err *err)
{
	*err = (struct err){ 0 };
	q->task = (struct task){ .called = training_count_down, .called_context = q };
	q->left = stop;
	atomic_store(&q->task.call, true);
	job_pane_init(&q->job.pane[0], analysis_find(technique));
	for (int i = 0; i < TRAINING_WORDS && words[i]; i++)
		if (!job_pane_set(&q->job.pane[0], words[i], err))
			return NULL;
	return session_prepare(q->s, &q->job, NULL, NULL, err) ? session_answer(q->s, 0, &q->task, NULL, err) : NULL;
}

static __attribute__((unused)) bool training_same_files(const char *a, const char *b)
{
	struct err err = { 0 };
	size_t n = 0, m = 0;
	char *x = file_read(a, 1 << 26, &n, &err), *y = file_read(b, 1 << 26, &m, &err);
	bool same = x && y && n == m && !memcmp(x, y, n);

	free(x);
	free(y);
	return same;
}

#endif
