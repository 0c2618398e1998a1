/*
 * task.h - progress and cancelling, handed down to long work.
 *
 * The worker owns the task; the work calls task_step() once a layer (or more often) and stops as soon as it says false.
 * `stop`, `call` and the counters may be read and written from another thread. A NULL task is never cancelled.
 *
 * Work need not be stopped for something more urgent: with `call` set, it stands still at its next step, on its own thread, while
 * called() does what that is, and goes on afterwards.
 */
#ifndef LMSCOPE_ENGINE_BASE_TASK_H
#define LMSCOPE_ENGINE_BASE_TASK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/err.h"

struct task {
	atomic_bool stop, call;
	atomic_int done, total;
	void (*called)(void *context);
	void *called_context;
	/* Called on the thread that works, after each piece of the answer that is finished; NULL: nobody waits for pieces. */
	void (*piece)(void *context);
	void *piece_context;
};

/* Says how far the work is; false with ERR_CANCELLED when it should stop. */
bool task_step(struct task *task, int done, int total, struct err *err);

/* A piece of the answer is finished. */
void task_piece(struct task *task);

/* Only asks whether to stop, without touching the progress: for inner loops. */
bool task_going(struct task *task, struct err *err);

#endif
