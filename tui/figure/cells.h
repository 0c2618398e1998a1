/* cells.h - a canvas as a picture: an SVG of its cells, or text with the colours that a terminal is told (SGR). */
#ifndef LMSCOPE_TUI_FIGURE_CELLS_H
#define LMSCOPE_TUI_FIGURE_CELLS_H

#include "tui/draw/canvas.h"

/*
 * Columns are in line whatever the viewer's font: each run of text says how wide it is, and blocks and boxes are stretched to
 * meet.
 */
void cells_svg(const struct canvas *c, struct str *out);
/* Lines for `cat`: blank ends of lines are left out, and every line gives the colours back. */
void cells_ans(const struct canvas *c, struct str *out);

#endif
