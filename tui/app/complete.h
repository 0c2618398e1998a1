/* complete.h - what may be at the end of a command line: words of commands, and what their arguments may be. */
#ifndef LMSCOPE_TUI_APP_COMPLETE_H
#define LMSCOPE_TUI_APP_COMPLETE_H

#include "tui/app/app.h"
#include "tui/panes/lists.h"

struct completion {
	struct list list; /* text: what is put in; detail: what it is */
	size_t from;	  /* the byte of the line where it goes */
	bool more;	  /* something may follow: put a space after the only one, unless it is a folder */
};

/* Of a command. Never fails: the list may be empty. */
void completion_make(const struct app *app, const char *line, struct completion *out);
/* Of what is typed in a line of that kind. */
void completion_of_line(const struct app *app, enum line_kind kind, const char *line, struct completion *out);
/* Adds a candidate when it begins as the word that is typed. */
void completion_offer(struct completion *c, const char *typed, const char *text, const char *what);
void completion_done(struct completion *c);

#endif
