/*
 * refuse.h - a question that cannot be answered does not stay the document's.
 *
 * What the screen can tell by itself is refused before the document changes (refuse_edit, refuse_metric). What only the worker
 * finds is put back when it says so: an edit is switched off, another part is again what was answered last. Either way the sentence
 * is shown, and the line that was typed last is open again for correction (app_say).
 */
#ifndef LMSCOPE_TUI_APP_REFUSE_H
#define LMSCOPE_TUI_APP_REFUSE_H

#include "tui/app/app.h"

/* True with a message when the model and the prompt that are on the screen cannot have it. */
bool refuse_edit(struct app *app, const char *line);
bool refuse_metric(struct app *app, const char *spec);

/* The newest snapshot is of the question that was asked last: remembers what could be answered, puts back what could not. */
void refuse_answered(struct app *app);

/* Prompt or foil was typed, and was `before` when that began: what it was on the way is no question to go back to. */
void refuse_from(struct app *app, enum line_kind line, const char *before);

#endif
