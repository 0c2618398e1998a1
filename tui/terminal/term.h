/*
 * term.h - the terminal: a canvas out, keys in. With term_keys.h and term_pen.h the only files that know ncurses: its terminfo.
 *
 * There is one terminal, so these are plain functions. Install signal handlers (SIGINT, SIGTERM, SIGTSTP, SIGHUP …) before
 * term_start. The keyboard is raw: Ctrl-C and Ctrl-Z come as keys. Output never
 * waits for the terminal: what it does not take is sent by term_flush() when it does.
 */
#ifndef LMSCOPE_TUI_TERMINAL_TERM_H
#define LMSCOPE_TUI_TERMINAL_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "tui/draw/canvas.h"
#include "tui/draw/theme.h"
#include "tui/terminal/key.h"

struct term_wish {
	bool ascii; /* --ascii: even where the locale is UTF-8 */
	bool no_mouse;
};

/*
 * Takes the terminal: alternate screen, mouse, bracketed paste. Needs setlocale(LC_CTYPE, "") before. `what` receives what a
 * theme must be opened for: colours (NO_COLOR counts; COLORTERM and terminfo's RGB), UTF-8 or not. Fails where stdin or stdout
 * is no terminal, or TERM is unknown: nothing has been written then.
 */
bool term_start(struct term_wish wish, struct theme_for *what, struct err *err);
/* Gives it back as it was. Fine when not started, and twice. */
void term_stop(void);

void term_size(int *w, int *h);
/* Shows the canvas: only what differs from the last one is sent. */
void term_show(const struct canvas *given);
/* Milliseconds until the next draw while the terminal lags; 0: draw now. A key may come before. */
int term_behind(void);
/* A frame took much longer than the way there and back: what is typed would wait for the next one. */
bool term_slow(void);
/* Shows the row with the cursor alone, at once, whatever is under way: what is typed. */
void term_show_line(const struct canvas *given);
/* Forgets what is on the screen: the next term_show sends everything (Ctrl-L). */
void term_repaint(void);

/* The descriptor to wait for (POLLOUT) before term_flush(); -1: all that was to be sent is sent. */
int term_out_fd(void);
void term_flush(void);

int term_fd(void); /* readable when a key may be there */
/* The next key; false when there is none now. Never waits. */
bool term_key(struct key *key);
/* Something has come that is no whole key: in how many milliseconds to ask again in any case; -1: nothing has. */
int term_due(void);
/* The terminal that this one is taken for, since this machine does not know TERM's; NULL: it does. */
const char *term_instead(void);

/*
 * Gives the terminal back, stops the process group as Ctrl-Z does, and takes the terminal again after fg. Repaint follows.
 * False: the system stopped nothing, since no shell could resume it.
 */
bool term_suspend(void);

/*
 * To the clipboard of the person's own machine (OSC 52; through tmux where TMUX is set), without control characters. At most
 * 74,000 bytes; false: more.
 */
bool term_copy(const char *bytes, size_t n);

/* For handlers of crashes: leaves the alternate screen, shows the cursor, mouse and paste off, modes as they were. Only write() and
 * tcsetattr(), with strings that term_start prepared. Fine when not started. */
void term_restore_raw(void);

#endif
