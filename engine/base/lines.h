/*
 * lines.h - a text file line by line, however large it is: in memory is one line, and a little ahead of it.
 *
 * A byte order mark and the CR of a CR LF are no part of a line; UTF-16 is refused. Where a line begins in the file is known, so
 * that a reader may come back to it.
 */
#ifndef LMSCOPE_ENGINE_BASE_LINES_H
#define LMSCOPE_ENGINE_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

struct lines;

struct line {
	const char *text; /* [n] and a NUL; it may hold NULs. Borrowed until the next call. NULL: the file has ended */
	size_t n;
	int number;  /* from 1 */
	uint64_t at; /* where it begins, in bytes */
};

struct lines *lines_open(const char *path, struct err *err);
void lines_close(struct lines *l); /* NULL is fine */

/* False on error: the file cannot be read, or the line is longer than 16 MB. */
bool lines_next(struct lines *l, struct line *line, struct err *err);
/* The next line will be the one that begins at a place that was given earlier. */
bool lines_go(struct lines *l, uint64_t at, int number, struct err *err);

#endif
