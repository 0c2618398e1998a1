/*
 * prompts.h - a file of prompts: text, one a line; JSON lines with "prompt" (or "text") and, where there are, "foil", "answer",
 * "wrong" and "split"; or one JSON list of such objects or of texts. Other keys are passed over.
 *
 * A file is JSON lines when its first line that is not empty begins with a brace, and a list when it is one as a whole. Empty lines
 * are left out.
 */
#ifndef LMSCOPE_ENGINE_BASE_PROMPTS_H
#define LMSCOPE_ENGINE_BASE_PROMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct prompt {
	const char *text, *foil, *answer, *wrong; /* UTF-8; NULL where there is none, but for the text */
	const char *split;			  /* "train", "test"; NULL: not given */
	const char *counted;			  /* "line" of the file, or "entry" of the list … */
	int line;				  /* … and its number, from 1 */
	uint64_t place;				  /* where it begins: for prompts_go() */
};

struct prompts;

/* One after the other: of lines, however many there are, only one is in memory. */
struct prompts *prompts_open(const char *path, struct err *err);
void prompts_close(struct prompts *p); /* NULL is fine */
/* The next one, its texts from `arena`; with no text at the end. False on error, which names file and line. */
bool prompts_next(struct prompts *p, struct arena *arena, struct prompt *prompt, struct err *err);
/* The next one will be the one of that place and line. */
bool prompts_go(struct prompts *p, uint64_t place, int line, struct err *err);

/* All prompts of a file, at least one, from `arena`; NULL on error, which names file and line. */
struct prompt *prompts_read(const char *path, struct arena *arena, int *n, struct err *err);

#endif
