/* follow.h - the cursor in a tree stays on its row when rows open and close, come in another order, or are another run's. */
#ifndef LMSCOPE_TUI_APP_FOLLOW_H
#define LMSCOPE_TUI_APP_FOLLOW_H

#include "tui/app/app.h"

/* A snapshot came. */
void follow_look(struct app *app);
/* The cursor is where it is to be in the next answer: there it stays, whatever row is there. */
void follow_rest(struct app *app);
void follow_done(struct app *app);

#endif
