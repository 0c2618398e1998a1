/*
 * tui.h - the explorer: a loop that waits for keys, the worker and signals, and draws what the app says.
 */
#ifndef LMSCOPE_TUI_APP_TUI_H
#define LMSCOPE_TUI_APP_TUI_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/preset/preset.h"

struct explore {
	const struct preset *preset; /* what to show; panes and prompt are filled in where it has none */
	const struct notes *notes;   /* of reading it: shown on the screen */
	bool ascii, bare;	     /* bare: nothing was asked for, so the first screen says how to begin */
};

/* Runs until the user leaves. False when the screen could not be started: nothing has been written to the terminal then. A signal
 * that ends the program gives the terminal back first and then ends it. */
bool explore(const struct explore *what, struct err *err);

#endif
