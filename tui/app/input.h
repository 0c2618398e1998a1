/*
 * input.h - a line being typed: UTF-8 in grapheme clusters, a cursor between two of them, a history to walk through.
 *
 * It knows no keys and no screen: actions call the verbs, the panes draw what input_window() cuts out. The text may hold any
 * bytes (a prompt from the command line may); a byte that is not UTF-8 counts as a cluster of its own.
 */
#ifndef LMSCOPE_TUI_APP_INPUT_H
#define LMSCOPE_TUI_APP_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/str.h"

/* Lines typed before, oldest first; shared by the inputs of one kind. */
struct input_history {
	char **line;
	int n;
	size_t bytes;
};
enum { HISTORY_MOST = 500, HISTORY_BYTES = 1 << 20 }; /* of more the oldest go; the newest stays in any case */

void history_add(struct input_history *h, const char *line); /* an equal line moves to the end; "" is not kept */
void history_cut(struct input_history *h, int most);	     /* the oldest go */
void history_done(struct input_history *h);
/* One line each, newline and backslash escaped; reading takes what printing made. */
void history_print(const struct input_history *h, struct str *out);
void history_read(struct input_history *h, const char *bytes, size_t n);

struct input_past {
	char *text;
	size_t at;
};
enum { KILLS = 8, PASTS_MOST = 200, PAST_BYTES = 2 << 20 };

struct input {
	struct str text;
	size_t at;		       /* the cursor is before this byte: 0 … text.n, always at a cluster's edge */
	struct input_history *history; /* borrowed; NULL: none */
	int recalled;		       /* which line of the history is shown; history->n: the one being typed */
	char *typed;		       /* what was typed before walking back, or is looked for */
	struct input_past *past;       /* [pasts] the line before each change, oldest first */
	int pasts;
	size_t past_bytes;
	char *killed[KILLS]; /* what was killed last, the newest first; stays from line to line */
	int yanked;	     /* which of them input_yank put in */
	size_t yank_from;    /* and where: [yank_from, at) */
	enum input_did { DID_OTHER, DID_TYPE, DID_KILL, DID_YANK, DID_SEARCH } did; /* last */
};

void input_init(struct input *in);
void input_done(struct input *in);
/* Starts with this text and the cursor at its end. */
void input_start(struct input *in, const char *text, struct input_history *history);

void input_insert(struct input *in, const char *bytes, size_t n);
/* Each returns whether anything changed. */
bool input_left(struct input *in);
bool input_right(struct input *in);
bool input_word_left(struct input *in);
bool input_word_right(struct input *in);
bool input_home(struct input *in);
bool input_end(struct input *in);
bool input_backspace(struct input *in);
bool input_delete(struct input *in);
bool input_kill_word_right(struct input *in); /* to the end of the word after the cursor */
bool input_yank(struct input *in);	      /* what was killed last; kills in a row are one */
bool input_yank_older(struct input *in);      /* after that: what was killed before, in its place */
bool input_undo(struct input *in);	      /* the last change of this line */
bool input_swap(struct input *in);	      /* the characters around the cursor, and on */
bool input_upper(struct input *in);	      /* to the end of the word */
bool input_lower(struct input *in);
bool input_capital(struct input *in);
/* the line of the history before that holds what was typed; again: before that one */
bool input_find_older(struct input *in);
bool input_kill_word(struct input *in); /* the word before the cursor */
bool input_kill_left(struct input *in);
bool input_kill_right(struct input *in);
bool input_older(struct input *in);
bool input_newer(struct input *in);
/* Puts text in place of the bytes [from, at): completion. */
void input_replace(struct input *in, size_t from, const char *text);

/*
 * The part to show in `columns`, safe for a terminal, with the cursor inside. Spaces stay spaces. *caret is its column in the
 * part; *left and *right say whether text is cut off there.
 */
void input_window(const struct input *in, int columns, struct str *out, int *caret, bool *left, bool *right);
/* The same for text that is not being typed: its beginning, with "…" when it is longer. Returns the columns used. */
int text_window(const char *text, size_t n, int columns, struct str *out);

#endif
