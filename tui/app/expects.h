/*
 * expects.h - a preset that was opened says what it shows; where that is no longer so, a message says what is there instead.
 *
 * Once, for the question as it was opened: what the user changes then is no fault of the preset.
 */
#ifndef LMSCOPE_TUI_APP_EXPECTS_H
#define LMSCOPE_TUI_APP_EXPECTS_H

#include "tui/app/app.h"

/* The document was settled: it asks another question than before, or the same. */
void expects_asking(struct app *app, bool other);
/* Answers to the newest question came. */
void expects_answered(struct app *app);

#endif
