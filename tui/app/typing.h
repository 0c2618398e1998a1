/*
 * typing.h - the lines that can be typed: prompt, foil, metric, an edit, a search, a preset's name, a command.
 *
 * Each kind is a row: what is before it, whether it acts while it is typed, what Enter does.
 */
#ifndef LMSCOPE_TUI_APP_TYPING_H
#define LMSCOPE_TUI_APP_TYPING_H

#include "tui/app/app.h"

/* Begins a line of that kind with that text. */
void lines_begin(struct app *app, enum line_kind kind, const char *text);
/* The line that was taken, as it was typed. */
void lines_open_again(struct app *app);
/* Typed or pasted text into the line; pasted into the panes it becomes the prompt's. */
void lines_type(struct app *app, const struct key *key);
/* What is before it: "metric", ":", "/". */
const char *lines_label(enum line_kind kind);
/* What one might type, for a line that is empty; NULL: none. */
const char *lines_example(enum line_kind kind);
/* What would be typed after `:` to the same end: "metric"; of the command line itself "". NULL: it has no such word. */
const char *lines_command(enum line_kind kind);
/* The name of its file of history, "prompt"; NULL: it keeps none. */
const char *lines_history(enum line_kind kind);
/* Kinds that name the same file share the history of the first of them. */
enum line_kind lines_history_owner(enum line_kind kind);

/* "edit head 5.1 zero", as it is typed after `:`. */
void run_command(struct app *app, const char *line);

#endif
