/*
 * dataset.h - one question over a file of prompts: the mean of its tables, with the standard error of each cell.
 *
 * The file is read twice: to see that all of it can be read, and to ask each prompt, in its order. One prompt is in memory at a
 * time. What is done may be kept in a file of parts (parts.h), and the work shared out: shard I of N asks each N-th prompt. Parts
 * are always added in the file's order, whoever made them, so that merged shards and resumed work give the bits of a single run.
 */
#ifndef LMSCOPE_ENGINE_SESSION_DATASET_H
#define LMSCOPE_ENGINE_SESSION_DATASET_H

#include "engine/base/notes.h"
#include "engine/base/prompts.h"
#include "engine/base/task.h"
#include "engine/session/mean.h"

/* What a session keeps of such work, or has it kept by; of the command line alone. */
struct dataset_files {
	const char *question; /* in words that tell it from others */
	const char *resume;   /* the file of parts; NULL: nothing is kept */
	int shard, shards;    /* from 0; shards 0: all prompts */
	char *const *merge;   /* [merges] files of parts, one of each shard, from which all is read; 0: none */
	int merges;
};

struct dataset {
	const char *path;  /* of the prompts */
	const char *model; /* what tells its weights from others'; for files of parts */
	const struct dataset_files *files;
	/*
	 * Asks a prompt: its table, counted, with the rows of `like` (NULL: its own), and the metric of the part.
	 */
	struct table *(*ask)(void *context, const struct prompt *prompt, const struct table *like, struct part *part,
			     struct task *task, struct notes *notes, struct err *err);
	/* Is handed the mean so far, counted; NULL: nobody watches. */
	void (*show)(void *context, struct table *so_far);
	const char *metric; /* of the job; NULL: each prompt's own */
	void *context;
};

/*
 * The mean: counted, with t->over. Progress is in prompts. ERR_ARGUMENT names the line of a prompt that cannot be asked, or whose
 * table has another shape.
 */
struct table *dataset_mean(const struct dataset *d, struct task *task, struct notes *notes, struct err *err);

#endif
