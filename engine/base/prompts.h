/*
 * prompts.h - a file of prompts: text, one a line; JSON lines with "prompt" and, where there are, "foil", "answer" and "wrong"; or one
 * JSON list of such objects or of texts.
 *
 * A file is JSON lines when its first line that is not empty begins with a brace, and a list when it is one as a whole. Empty lines are
 * left out.
 */
#ifndef LMSCOPE_ENGINE_BASE_PROMPTS_H
#define LMSCOPE_ENGINE_BASE_PROMPTS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct prompt {
	const char *text, *foil, *answer, *wrong;	/* UTF-8; NULL where there is none, but for the text */
	const char *counted;				/* "line" of the file, or "entry" of the list … */
	int line;					/* … and its number, from 1 */
};

/* The prompts of a file, at least one, from `arena`; NULL on error, which names file and line. */
struct prompt *prompts_read(const char *path, struct arena *arena, int *n, struct err *err);

#endif
