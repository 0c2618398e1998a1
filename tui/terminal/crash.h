/*
 * crash.h - what happens when the program itself breaks: the terminal is given back, one sentence is written, and the signal goes
 * on as if nobody had caught it (so that a core file is still made).
 *
 * A file that was cut short while it is mapped comes as SIGBUS: that is no fault of ours, and the sentence names the file. Nor is
 * it when there is no memory left: a sentence, and exit status 1.
 */
#ifndef LMSCOPE_TUI_TERMINAL_CRASH_H
#define LMSCOPE_TUI_TERMINAL_CRASH_H

void crash_catch(void);

#endif
