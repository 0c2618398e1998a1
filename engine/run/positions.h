/*
 * positions.h - sets of positions as people write them, after @ in an edit and as an argument: 4 · -1 · 4..7 · 4.. · 1,3,5..7
 *
 * Negative ones count from the end of the prompt; "4.." reaches to its end, and over what is generated after it.
 */
#ifndef LMSCOPE_ENGINE_RUN_POSITIONS_H
#define LMSCOPE_ENGINE_RUN_POSITIONS_H

#include <stdbool.h>

#include "engine/base/err.h"

struct position_range {
	int from, to; /* as written */
	bool open;    /* "4..": to the end */
};

/* Most ranges that a text may hold: one more than it has commas. */
int positions_room(const char *text);
/* Reads ranges from *s on, *n of them into range[positions_room()], and leaves *s after them. False: what is there is none. */
bool positions_read(const char **s, struct position_range *range, int *n);
/* Where a range is in a prompt of T tokens: from … to. ERR_ARGUMENT begins with `what`. */
bool positions_resolve(const struct position_range *range, int T, int *from, int *to, const char *what, struct err *err);
/* Marks at[T], which is false everywhere before. */
bool positions_mark(const struct position_range *range, int n, int T, bool *at, const char *what, struct err *err);
/* All of a text; T 0: its form alone is checked, and `at` is left alone. ERR_USAGE says what was expected. */
bool positions_parse(const char *text, int T, bool *at, const char *what, struct err *err);

/* A whole number of at most nine digits at *s, and *s after it. */
bool positions_number(const char **s, int *number);

#endif
