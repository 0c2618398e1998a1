/* copy.h - what goes to the clipboard: the cell, row, column or table under the cursor, in a form that is safe to paste. */
#ifndef LMSCOPE_TUI_APP_COPY_H
#define LMSCOPE_TUI_APP_COPY_H

#include "tui/app/app.h"

/* The command line that prints the pane of that question. */
void copy_command(struct app *app, const struct job *job, const struct job_pane *pane);

#endif
