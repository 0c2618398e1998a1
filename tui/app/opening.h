/*
 * opening.h - opening and closing the rows of a tree: what is open is the technique's argument `open`, so that undo, presets, the
 * cache and the command line know it.
 */
#ifndef LMSCOPE_TUI_APP_OPENING_H
#define LMSCOPE_TUI_APP_OPENING_H

#include "tui/app/binding.h"

/*
 * Whether a key to the right (left) opens (closes) that row of the focused pane's answer, which is drawn as a tree; then it is
 * done.
 */
bool opening_step(struct app *app, const struct answer_shown *answer, int row, bool open);

#endif
