/* pane.h - one technique's pane: its frame, title and table. */
#ifndef LMSCOPE_TUI_PANES_PANE_H
#define LMSCOPE_TUI_PANES_PANE_H

#include "tui/app/app.h"
#include "tui/app/binding.h"

/* What the view needs to draw, to move in and to be clicked: the same for all three. */
void pane_view(const struct app *app, int pane, const struct answer_shown *answer, struct view *view);

#endif
