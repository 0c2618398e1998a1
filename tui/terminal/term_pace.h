/*
 * term_pace.h - how far the terminal is with what it was sent: a question after each frame, and when its answer came. For term.c.
 *
 * It tells wherever the bytes lie meanwhile: a slow line is not given more than it carries, and what it shows is never old.
 */
#ifndef LMSCOPE_TUI_TERMINAL_TERM_PACE_H
#define LMSCOPE_TUI_TERMINAL_TERM_PACE_H

#include <stdbool.h>

/* The kind of terminal (TERM), before it is asked for the first time. */
void pace_start(const char *name);
/* What is to be sent after a frame, and pace_asked() called then; NULL: this kind of terminal is asked nothing. */
const char *pace_question(void);
/* Behind a frame that changed so many cells. */
void pace_asked(int cells);

/* As term_behind() and term_slow(). */
int pace_behind(void);
bool pace_slow(void);
/*
 * Answers are still to come, which a shell would find in its line, beside those that somebody else has read. Fine in a signal
 * handler.
 */
bool pace_to_come(unsigned read);

#endif
