/*
 * places.h - places to find again: bookmarks (`b` and a letter, `'` and the letter), and notes on cells (`c`). They are the
 * document's.
 */
#ifndef LMSCOPE_TUI_APP_PLACES_H
#define LMSCOPE_TUI_APP_PLACES_H

#include "tui/app/app.h"

/* The key that `b` or `'` waited for. */
void places_key(struct app *app, const struct key *key);
/* On the cell under the cursor; "" removes it. */
void places_set_note(struct app *app, const char *text);
/* The note on that cell of the pane's table; NULL: it has none. */
const char *places_note(const struct app *app, int pane, const struct table *t, int row, int col);
void places_draw_notes(const struct app *app, struct canvas *c, int pane, const struct view *view);
/* "2 notes", of those on the technique that the pane shows; nothing where there are none. */
void places_count_notes(const struct app *app, int pane, struct str *out);

#endif
