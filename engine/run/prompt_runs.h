/*
 * prompt_runs.h - cached runs of a file's prompts, for edits that use their mean or another prompt's activations.
 *
 * They are the content of an asset (asset.h), so that an edit which is switched off and on again costs nothing: what was made is
 * found again for as long as the file stays as it was. One run for each prompt, whatever the number of edits; a mean keeps every
 * site of every layer. The prompts begin with a beginning-of-sequence token where the prompt that is edited does. Not thread-safe.
 */
#ifndef LMSCOPE_ENGINE_RUN_PROMPT_RUNS_H
#define LMSCOPE_ENGINE_RUN_PROMPT_RUNS_H

#include "engine/base/task.h"
#include "engine/run/asset.h"
#include "engine/run/run.h"

/* The prompt that is edited, and its model, which outlives the asset. */
struct prompt_question {
	const struct model *model;
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

/* `file` is open as asset_prompts. Borrowed from it; NULL on error. */
const struct prompt_mean *prompt_runs_mean(const struct asset *file, const struct prompt_question *q, struct err *err);

/* The mean at each position, over those prompts that have T tokens: a run to be read from, kept in `reads`. */
const struct run *prompt_runs_same(const struct asset *file, const struct prompt_question *q, struct run_set *reads,
				   struct err *err);

/* The prompt on a line of the file; line 0: one with T tokens that is not the prompt itself, drawn by the seed. Kept in `reads`. */
const struct run *prompt_runs_other(const struct asset *file, const struct prompt_question *q, int line, unsigned seed,
				    struct run_set *reads, struct err *err);

#endif
