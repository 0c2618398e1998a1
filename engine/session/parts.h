/*
 * parts.h - a file of the results for single prompts, of which a mean is made: for work that is interrupted, and for work that is
 * shared out to several machines.
 *
 * A line of JSON that says for what it was made, then one for each prompt, in the file's order. A line that was being written when
 * the work stopped has no end, and does not count.
 */
#ifndef LMSCOPE_ENGINE_SESSION_PARTS_H
#define LMSCOPE_ENGINE_SESSION_PARTS_H

#include <stdint.h>

#include "engine/base/err.h"
#include "engine/session/mean.h"

/* What the parts are of. */
struct parts_of {
	char *question;	   /* as the command line or a preset asks it */
	char *model;	   /* what tells its weights from those of others */
	uint64_t prompts;  /* file_hash() of the file of prompts */
	int shard, shards; /* prompts shard, shard + shards, … of it, from 0 */
};
void parts_of_done(struct parts_of *of);

struct parts_file;

/* To resume: made when it is not there, and refused (ERR_ARGUMENT) when it is of something else. */
struct parts_file *parts_resume(const char *path, const struct parts_of *of, struct err *err);
/* To be read only; `of` receives what it is of. */
struct parts_file *parts_read(const char *path, struct parts_of *of, struct err *err);
void parts_close(struct parts_file *p); /* NULL is fine */
const char *parts_path(const struct parts_file *p);

/* The part of prompt i, its numbers borrowed until the next call; *there false: this one and those after it are not done yet. */
bool parts_next(struct parts_file *p, int i, struct part *part, bool *there, struct err *err);
/* Adds it, and waits until it is on the disk. */
bool parts_add(struct parts_file *p, int i, const struct part *part, struct err *err);

#endif
