/*
 * term_out.h - bytes to the terminal, without ever waiting for it: what it does not take now is kept and sent when it does.
 *
 * A terminal may take nothing for a long time (a frozen connection, Ctrl-S): the loop must keep answering signals then. So nothing
 * else may write to the screen; term.c draws the next frame only when all of the last one is out.
 */
#ifndef LMSCOPE_TUI_TERMINAL_TERM_OUT_H
#define LMSCOPE_TUI_TERMINAL_TERM_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/str.h"

void out_start(void);
void out_stop(void);

/* What is to be sent is appended here, then out_flush(). */
struct str *out_buffer(void);
/* Sends what the terminal takes at once. True: nothing is left. */
bool out_flush(void);
/* Bytes that the terminal has not taken yet. */
size_t out_pending(void);
/* Readable for POLLOUT when the terminal takes more. */
int out_fd(void);

/*
 * The last words, at most so many milliseconds: what is pending is thrown away, and a sequence that was cut in two with it. Fine in
 * a signal handler.
 */
void out_last(const char *text, size_t n, int ms);

#endif
