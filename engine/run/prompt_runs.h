/*
 * prompt_runs.h - cached runs of a file's prompts, for edits that use their mean or another prompt's activations.
 *
 * Shared by the runs that are made of one another, so that an edit which is switched off and on again costs nothing: what was made
 * is found again for as long as the file stays as it was. One run for each prompt, whatever the number of edits; a mean keeps every
 * site of every layer. The prompts begin with a beginning-of-sequence token where the prompt that is edited does. Not thread-safe.
 */
#ifndef LMSCOPE_ENGINE_RUN_PROMPT_RUNS_H
#define LMSCOPE_ENGINE_RUN_PROMPT_RUNS_H

#include "engine/base/task.h"
#include "engine/run/run.h"

struct prompt_runs;

/* The model must outlive it. */
struct prompt_runs *prompt_runs_new(const struct model *m);
struct prompt_runs *prompt_runs_ref(struct prompt_runs *p);
void prompt_runs_unref(struct prompt_runs *p); /* NULL is fine */

/* The file, and the prompt that is edited. */
struct prompt_question {
	const char *path;
	const int32_t *tokens; /* [T] */
	int T;
	struct task *task;
};

/* Over all positions of all prompts. */
struct prompt_mean {
	const struct run *run; /* of one position, whose sites are the means; it has no pattern */
	const float *pattern;  /* [L, H, keys] mean weight of each key over all queries */
	int keys;	       /* of the longest prompt */
};

/* Borrowed until the next call; NULL on error. */
const struct prompt_mean *prompt_runs_mean(struct prompt_runs *p, const struct prompt_question *q, struct err *err);

/* The mean at each position, over those prompts that have T tokens: a run to be read from, kept in `reads`. */
const struct run *prompt_runs_same(struct prompt_runs *p, const struct prompt_question *q, struct run_set *reads, struct err *err);

/* The prompt on a line of the file; line 0: one with T tokens that is not the prompt itself, drawn by the seed. Kept in `reads`. */
const struct run *prompt_runs_other(struct prompt_runs *p, const struct prompt_question *q, int line, unsigned seed,
				    struct run_set *reads, struct err *err);

#endif
