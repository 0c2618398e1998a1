/*
 * wrap.h - a line that is being typed, in rows of so many columns: where its cursor is, what each row shows, what a click means.
 *
 * Rows break between clusters, as in a shell: the text keeps its spaces, and the cursor has a column of its own at the end.
 */
#ifndef LMSCOPE_TUI_DRAW_WRAP_H
#define LMSCOPE_TUI_DRAW_WRAP_H

#include "tui/app/input.h"

struct wrapped {
	int rows;     /* at least 1 */
	int row, col; /* of the cursor */
};

struct wrapped wrap_cursor(const struct input *in, int columns);
/* Appends what a row shows, safe for a terminal. */
void wrap_row(const struct input *in, int columns, int row, struct str *out);
/* The byte before which the cursor goes when that cell is clicked: always a cluster's edge. */
size_t wrap_hit(const struct input *in, int columns, int row, int col);

#endif
