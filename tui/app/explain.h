/* explain.h - x, when answers come: a cell that was asked for before its number was there, and a number that is not its cell's. */
#ifndef LMSCOPE_TUI_APP_EXPLAIN_H
#define LMSCOPE_TUI_APP_EXPLAIN_H

#include "engine/analysis/explain.h"
#include "tui/app/app.h"

/* A snapshot came. */
void explain_look(struct app *app);
/* What x does with the focused pane's cell. False with a sentence: nothing; or it is not known yet (*waits). */
bool explain_focused(const struct app *app, struct explained *out, bool *waits, struct err *err);
/* That becomes the metric, and the present one a step of the way. */
void explain_take(struct app *app, const struct explained *e);

#endif
