/*
 * plain.h - what a technique's numbers mean, worked out a second time in the plainest way: whole rows of logits, one run per
 * ablation, sums written as the papers write them. Each test is called for every tiny model, with a job on it and a prompt of five
 * tokens.
 */
#ifndef LMSCOPE_TESTS_ANALYSES_PLAIN_H
#define LMSCOPE_TESTS_ANALYSES_PLAIN_H

#include <dirent.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/run/run.h"
#include "engine/session/session.h"
#include "tests/tap.h"

static struct session *session;
static struct job job;
static const char *model_name;

/* The table of one technique, asked with "key=value" words; the caller unrefs. */
static struct table *answer(const char *analysis, const char *const *words)
{
	struct err err = { 0 };
	struct table *t = NULL;

	job.panes = 1;
	job_pane_init(&job.pane[0], analysis_find(analysis));
	for (int i = 0; words && words[i]; i++)
		if (!CHECK_THAT(job_pane_set(&job.pane[0], words[i], &err), "%s %s", words[i], err.text))
			return NULL;
	if (session_prepare(session, &job, NULL, NULL, &err))
		t = session_answer(session, 0, NULL, NULL, &err);
	if (!t)
		CHECK_THAT(false, "%s: %s answers: %s", model_name, analysis, err.text);
	return t;
}

#define ANSWER(analysis, ...) answer(analysis, (const char *const[]){ __VA_ARGS__, NULL })

typedef void plain_test(void);

/* All tests, up to a NULL, on each tiny model. */
static void plain_each(plain_test *const *tests)
{
	const char *folder = "tests/fixtures/tiny";
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int models = 0;

	while (dir && (entry = readdir(dir))) {
		char *path = file_join(folder, entry->d_name), *config = file_join(path, "config.json");

		model_name = entry->d_name;
		if (entry->d_name[0] != '.' && file_exists(config) && ++models) {
			session = session_new();
			job_init(&job);
			job_set(&job.model, path);
			job_set(&job.prompt, "one two three two one");
			for (int i = 0; tests[i]; i++)
				tests[i]();
			job_done(&job);
			session_free(session);
		}
		free(config);
		free(path);
	}
	if (dir)
		closedir(dir);
	CHECK_THAT(models > 0, "%d tiny models", models);
}

#endif
