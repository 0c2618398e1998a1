/* start.c - see start.h. */
#include "tui/app/start.h"

#include <stdlib.h>

void start_welcome(struct preset *doc, struct notes *notes)
{
	char *theme = doc->theme;
	struct preset welcome;
	struct err ignored;

	/* Without the preset there is still a model and a prompt to look at. */
	if (!preset_open("induction", &welcome, notes, &ignored))
		return;
	doc->theme = NULL;
	preset_done(doc);
	*doc = welcome;
	if (theme) {
		job_set(&doc->theme, theme);
		free(theme);
	}
}

void start_document(struct preset *doc)
{
	static const struct {
		const char *analysis;
		int row;
	} panes[] = {
		{ "logit-lens", 0 },
		{ "attention", 0 },
		{ "head-attribution", 1 },
		{ "next-token", 1 },
	};
	struct job *job = &doc->job;

	if (!*job->prompt && !job->panes)
		job_set(&job->prompt, "The capital of France is");
	if (job->panes)
		return;
	for (size_t i = 0; i < sizeof panes / sizeof *panes; i++) {
		const struct analysis *analysis = analysis_find(panes[i].analysis);

		if (!analysis)
			continue;
		job_pane_init(&job->pane[job->panes], analysis);
		doc->row[job->panes++] = panes[i].row;
	}
}
