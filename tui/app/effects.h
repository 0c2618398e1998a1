/* effects.h - what the app asks of the world: files, themes, the clipboard. Results go back to it as messages or calls. */
#ifndef LMSCOPE_TUI_APP_EFFECTS_H
#define LMSCOPE_TUI_APP_EFFECTS_H

#include "tui/app/app.h"

/* Opens the theme of that name (NULL: the built-in one) in place of *theme and gives it to the app; says what was wrong. */
void outside_theme(struct app *app, struct theme **theme, struct theme_for what, const char *name);
void outside_lists(struct app *app);
void outside_models(struct app *app);	/* their names */
void outside_opened(const char *model); /* the path of one: it is among the first of the list from now on */
void outside_look(struct app *app);	/* and what is known of the next ones, for some milliseconds */
/* The way of x, kept in a file; the way of a file, gone again. `text` may begin with "!": then a file is replaced. */
void outside_circuit(struct app *app, const char *text);
void outside_follow(struct app *app, const char *text);
void outside_save(struct app *app, const char *name);
void outside_open(struct app *app, const char *name);
void outside_tour(struct app *app, const char *number); /* a step of the tour */
void outside_copy(struct app *app, const char *text);
/*
 * "[!] [screen] FILE [theme=NAME]": the pane with the keys, or the screen at that size, in the way that the file's extension
 * says.
 */
void outside_export(struct app *app, int w, int h, const char *text);

/*
 * Whether a file may be written: a link is followed, so that it stays one, and *path is where it leads; only what is a file may be
 * replaced, and only where `overwrite` says so. The sentence names the command whose ! does.
 */
bool outside_may_write(char **path, bool overwrite, const char *command, struct err *err);

/* Lines typed in earlier sessions; and those of this one for later. */
void outside_read_history(struct app *app);
void outside_write_history(struct app *app);

/* What is on the screen is kept, in case the program ends. At the next start it is offered. */
void outside_keep(struct app *app, struct own_session *own);
void outside_offer(struct app *app);
void outside_sessions(struct app *app);
/*
 * The one of that file takes the screen, and its questions are in the log; NULL: the one that ended last, which is from now on
 * this one.
 */
void outside_recover(struct app *app, struct own_session *own, const char *path);
/* What was answered since is written beside the session. */
void outside_log(struct app *app, struct own_session *own);

#endif
