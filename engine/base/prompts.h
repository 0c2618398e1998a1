/*
 * prompts.h - a file of prompts: text, one a line, or JSON lines with "prompt" and, where there are, "foil", "answer" and "wrong".
 *
 * A file is JSON lines when its first line that is not empty begins with a brace. Empty lines are left out.
 */
#ifndef LMSCOPE_ENGINE_BASE_PROMPTS_H
#define LMSCOPE_ENGINE_BASE_PROMPTS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct prompt {
	const char *text, *foil, *answer, *wrong;	/* UTF-8; NULL where there is none, but for the text */
	int line;					/* of the file, from 1 */
};

/* The prompts of a file, at least one, from `arena`; NULL on error, which names file and line. */
struct prompt *prompts_read(const char *path, struct arena *arena, int *n, struct err *err);

#endif
