/* copy.h - what goes to the clipboard: the cell, row, column or table under the cursor, in a form that is safe to paste. */
#ifndef LMSCOPE_TUI_COPY_H
#define LMSCOPE_TUI_COPY_H

#include "tui/app.h"

/* Asks for the copy, and tells what it is and how long: "copied the row layer 3: 5 cells · 38 bytes". */
void copy_text(struct app *app, const struct str *text, const char *what);

#endif
