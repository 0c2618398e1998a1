/* term_paint.h - the difference between two screens, as bytes for the terminal (term_pen.h). For term.c. */
#ifndef LMSCOPE_TUI_TERMINAL_TERM_PAINT_H
#define LMSCOPE_TUI_TERMINAL_TERM_PAINT_H

#include "engine/base/str.h"
#include "tui/draw/canvas.h"

/*
 * Appends what makes the rows [from, to) of the terminal, where `shown` is, look as `wanted` (of the same size), which `shown` then
 * is there. Returns how many cells changed. What cannot be told apart by eye is left as it is: a blank in another ink on the same
 * background.
 */
int paint_rows(struct str *out, struct canvas *shown, const struct canvas *wanted, int from, int to);

#endif
