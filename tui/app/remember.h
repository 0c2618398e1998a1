/*
 * remember.h - when the document is to be kept: soon after its last change, and not much later while it keeps changing.
 *
 * Keeping is the loop's (REQUEST_KEEP): see sessions.h.
 */
#ifndef LMSCOPE_TUI_APP_REMEMBER_H
#define LMSCOPE_TUI_APP_REMEMBER_H

#include "tui/app/app.h"

/* The document may have changed. */
void remember_change(struct app *app);
/* Asks for keeping when it is time. Returns in how many milliseconds it will be; -1: nothing has changed. */
int remember_tick(struct app *app);
/* The document has changes that were not kept yet; also those that the model's arrival made, without a key. */
bool remember_waits(struct app *app);
/* The document has been written as it is now. */
void remember_kept(struct app *app);

#endif
