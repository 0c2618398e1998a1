/*
 * sheet.h - a whole table as the coloured cells of a terminal, for `cat`: title and question, then as the view draws it,
 * unscrolled.
 */
#ifndef LMSCOPE_TUI_FIGURE_SHEET_H
#define LMSCOPE_TUI_FIGURE_SHEET_H

#include "engine/export/export.h"
#include "tui/draw/theme.h"

void sheet_ans(const struct answer *a, const struct theme *theme, struct str *out);
/* The same without colours, in a theme that has none. */
void sheet_text(const struct answer *a, const struct theme *theme, struct str *out);

#endif
