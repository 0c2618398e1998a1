/*
 * dataset.h - one technique over a file of prompts: the mean of its tables, with the standard error of each cell.
 *
 * Each prompt is a question of its own: its text, its foil, and, unless the job has a metric, the logit of its answer (minus that
 * of its wrong answer). What is done can be kept in a file, one line a prompt, so that work that was interrupted resumes where it
 * stopped and gives the same bits.
 */
#ifndef LMSCOPE_ENGINE_SESSION_DATASET_H
#define LMSCOPE_ENGINE_SESSION_DATASET_H

#include "engine/base/prompts.h"
#include "engine/session/session.h"

struct dataset {
	const char *path; /* of the prompts */
	int n;
	const char *metric;	/* as shown: the job's, or "logit_diff of answer and wrong" */
	double value, unedited; /* the metric's means */
};

/* How far it is; called after each prompt. */
typedef void dataset_progress(void *context, int done, int n);

/*
 * The averaged table of the job's pane; counted. `keep` (may be NULL) is the file that holds what is done; one that was made for
 * another question is refused. ERR_ARGUMENT names the line of a prompt that cannot be asked, or whose table has another shape.
 */
struct table *dataset_answer(struct session *s, const struct job *job, int pane, const char *path, const char *keep,
			     struct dataset *out, struct arena *arena, dataset_progress *progress, void *context, struct task *task,
			     struct notes *notes, struct err *err);

#endif
