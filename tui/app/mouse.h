/* mouse.h - clicks and the wheel: the cell, pane or line under them. */
#ifndef LMSCOPE_TUI_APP_MOUSE_H
#define LMSCOPE_TUI_APP_MOUSE_H

#include "tui/app/app.h"

void mouse_event(struct app *app, const struct key *key);

#endif
