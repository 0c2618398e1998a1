/*
 * sessions.h - what is on the screen is in a file as soon as it has changed, so that nothing loses it: a crash, SIGKILL, a lost
 * line, C-c.
 *
 *     ~/.local/state/lmscope/sessions/20261130-102301-4711.yaml	the document, by atomic rename
 *                                     20261130-102301-4711.lock	locked while its program lives, whatever ends it
 *                                     20261130-102301-4711.log	its questions and their numbers (log.h), one by one
 *
 * Each program has a file of its own. One whose lock nobody holds is offered by the next program (:recover, :sessions).
 */
#ifndef LMSCOPE_TUI_APP_SESSIONS_H
#define LMSCOPE_TUI_APP_SESSIONS_H

#include "engine/preset/preset.h"
#include "tui/app/log.h"

/* This program's; zeroed: it has none yet. */
struct own_session {
	char *name; /* the path without its ending; NULL: none yet */
	int lock;
	size_t logged; /* bytes of its log */
};
/* Makes the file when there is none. */
bool session_keep(struct own_session *s, const struct preset *doc, struct err *err);
/* Adds the entries that are not in its log yet; a log that has grown far over what is kept is written whole again. */
bool session_log(struct own_session *s, struct question_log *log, struct err *err);
/* The program ends as its user wanted: the file stays, and says so; or (worthless) goes. */
void session_end(struct own_session *s, bool worthless);

/* One that has ended. */
struct session_entry {
	char *path;
	char *what;	   /* "30 Nov 10:23 · The capital of France is · 2 edits"; NULL: not looked at */
	long long changed; /* seconds of the calendar's clock */
	bool left;	   /* its user wanted it to end */
	int questions;	   /* in its log; session_describe counts */
};
enum { SESSIONS_MOST = 20 }; /* older ones are removed */
/* The newest first; heap, freed with sessions_free. Returns the count. */
int sessions_ended(struct session_entry **list);
void sessions_free(struct session_entry *list, int n);
void session_describe(struct session_entry *s); /* fills `what` */
/* The entries of its log; heap. Returns the count. */
int session_questions(const struct session_entry *s, struct log_entry **entries);
void session_forget(const struct session_entry *s); /* it is another's now */

#endif
