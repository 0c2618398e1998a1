/*
 * signals.h - which signals a thread in the background takes: none but those that tell of its own crash.
 *
 * Whoever watches the terminal wants the others. A crash must reach its handler from every thread, since the handler gives the
 * terminal back: the kernel kills a program at once whose thread has blocked the crash's signal.
 */
#ifndef LMSCOPE_ENGINE_BASE_SIGNALS_H
#define LMSCOPE_ENGINE_BASE_SIGNALS_H

#include <signal.h>

/* Around the start of a thread, which inherits the mask: blocks, and puts back what was before. */
void signals_block(sigset_t *before);
void signals_restore(const sigset_t *before);

#endif
