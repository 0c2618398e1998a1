/*
 * log.h - the session's questions, each with the number that answered it: `:log` lists them and leads back to each.
 *
 * A question is in it once, as soon as it is answered whole. Moving the cursor asks nothing new; what is typed or chosen counts
 * when the line is taken or the list is closed. Each is written beside the session as it happens (sessions.h), a line of JSON
 * (log_file.c).
 */
#ifndef LMSCOPE_TUI_APP_LOG_H
#define LMSCOPE_TUI_APP_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/str.h"
#include "engine/preset/preset.h"

struct app;

struct log_entry {
	long long at;	   /* seconds of the calendar's clock; 0: not written yet */
	char *what;	   /* "edit head 23.3 zero": what is other than in the question before */
	char *number;	   /* "6.12 → 3.08"; "": there was none */
	char *edit;	   /* the edit that it switched on, as in the job; NULL: none */
	char *metric;	   /* that it was asked under; NULL: none */
	double value;	   /* of that metric */
	double seconds;	   /* that the answer took */
	int pane;	   /* that had the keys */
	struct preset doc; /* as it was, without bookmarks and notes */
	size_t bytes;	   /* of its line */
};

enum { LOG_MOST = 300, LOG_BYTES = 1 << 20 }; /* the oldest go when there are more, or when their lines are longer */

struct question_log {
	struct log_entry *entry; /* [n] oldest first */
	int n;
	int unwritten; /* of these, the last so many are not in the file */
	bool merged;   /* others came before those of the file: it has to be written whole */
	size_t bytes;  /* of all their lines */
	bool any;
	struct preset seen; /* `any`: the document when it was last looked at */
};

/* What is on the screen may be a question that is answered now. */
void log_look(struct app *app);
void log_done(struct question_log *log);
/* Earlier entries, which are in the file already; takes them. Those that it has are left out. */
void log_merge(struct question_log *log, struct log_entry *entry, int n);
void log_entry_done(struct log_entry *entry);
/* An entry for the end of the list; takes it. The oldest go where it gets too much. */
void log_push(struct question_log *log, struct log_entry *entry);

/* ---- log_file.c ---- */
void log_print(const struct log_entry *entry, struct str *out); /* a line, with its end */
/* All lines that can be read; others are left out. Heap; returns the count. */
int log_read(const char *bytes, size_t n, struct log_entry **entries);

#endif
