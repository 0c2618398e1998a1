/*
 * figure.h - a table as a figure for a paper or a page: vector graphics with title, axes, legend and a caption that says what was
 * asked.
 *
 *     attention · layer 2 head 2 · weight		title
 *     0 ▒▒▒▒▒▒▒▒▒▒ 1  colour range excludes ‹bos›	legend
 *      query |The | ■
 *            |cat | ■ ■
 *                  The cat   key			tokens in boxes
 *     demo · gpt2 · 4 layers. Prompt “The cat”. …	caption
 *
 * The picture is of the whole table, whatever part of it a screen shows, and has no cursor.
 */
#ifndef LMSCOPE_TUI_FIGURE_FIGURE_H
#define LMSCOPE_TUI_FIGURE_FIGURE_H

#include "engine/export/export.h"
#include "tui/draw/theme.h"

/* The theme that figures take where none is asked for: for paper. */
extern const char figure_theme[];

/* The figure of this answer shows what was before the edits, where that is known. */
bool figure_shows_before(const struct answer *a);
/* The theme should be resolved for DEPTH_TRUE. */
void figure_svg(const struct answer *a, const struct theme *theme, struct str *out);

#endif
