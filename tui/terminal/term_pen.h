/*
 * term_pen.h - what the terminal can do, as bytes: go somewhere, change the ink, erase, repeat. Each in its shortest form for where
 * the terminal's cursor is and which ink it has, which is remembered here. With term.c and term_keys.c the only files that know
 * ncurses; of it this one uses terminfo alone.
 */
#ifndef LMSCOPE_TUI_TERMINAL_TERM_PEN_H
#define LMSCOPE_TUI_TERMINAL_TERM_PEN_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "tui/draw/canvas.h"
#include "tui/draw/theme.h"

/* Reads terminfo's entry, which is open. */
void pen_start(enum depth depth);
/* Reads terminfo's entry of that name; false: there is none. */
bool pen_open(const char *terminal);
/* It can put text anywhere. Asked before pen_start(). */
bool pen_can_go(void);
/* Nothing is known of the terminal's ink and place. */
void pen_forget(void);

/* A capability by its name in terminfo, without its padding; nothing where the terminal has none. */
void pen_add(struct str *out, const char *name);
/* The screen is blank, in the terminal's own colours. */
void pen_clear(struct str *out);
/* Where it is; x < 0: not known. */
void pen_place(int *x, int *y);
/* The cursor is there. */
void pen_go(struct str *out, int x, int y);
/* What pen_go would take, for who knows another way; PEN_FAR: the pen does not know where it is, or it is in another row. */
enum { PEN_FAR = 1000 };
int pen_distance(int x, int y, int *from);

/* What is written next has this ink. */
void pen_ink(struct str *out, struct ink ink);
/* The ink that it has now; false: not known. */
bool pen_has(struct ink *ink);
/* `text` was appended by the caller: so many columns on. */
void pen_moved(int cells, int width);
/* Where the cursor is is not known any more. */
void pen_lost(void);

/* Whether erasing leaves what blanks in this ink would. */
bool pen_erases(struct ink ink);
void pen_erase_line(struct str *out); /* to its end */
/* n cells from here on, without moving; false: the terminal cannot, or it takes more bytes than blanks. */
bool pen_erase(struct str *out, int n);
/* The glyph just written, n times more; false: the terminal cannot, or it takes more bytes than to write it. */
bool pen_repeat(struct str *out, int n, size_t bytes);
/* Writing into the last cell of all would scroll. */
bool pen_scrolls(void);

#endif
