/*
 * task.h - progress and cancelling, handed down to long work.
 *
 * The worker owns the task; the work calls task_step() once a layer (or more often) and stops as soon as it says false.
 * `stop`, `call` and the counters may be read and written from another thread. A NULL task is never cancelled.
 *
 * Work need not be stopped for something more urgent: with `call` set, it pauses at its next step while called() does the urgent
 * work on the same thread, and then continues. That work may be anything, a whole run too. So whatever takes a task that it may
 * change can be interrupted by other work, and must be called where that is allowed: never inside a chunk of a shared job
 * (asserted). A chunk has the task as a const one, of which it can only ask task_stopped().
 */
#ifndef LMSCOPE_ENGINE_BASE_TASK_H
#define LMSCOPE_ENGINE_BASE_TASK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/err.h"

struct task {
	atomic_bool stop, call;
	atomic_int done, total;
	atomic_int runs;		/* forward and backward passes that were begun: variants of a sweep count one each */
	int part_from, part_n, part_of; /* what the work now under way is of the whole; of 0: it is the whole */
	void (*called)(void *context);
	void *called_context;
	/* Called on the thread that works, after each piece of the answer that is finished; NULL: nobody waits for pieces. */
	void (*piece)(void *context);
	void *piece_context;
};

/* Says how far the work is; false with ERR_CANCELLED when it should stop. */
bool task_step(struct task *task, int done, int total, struct err *err);

/*
 * From here on, what task_step() says is about the steps from … from+n-1 of a whole of `of`: for work that is done in several
 * goes. `of` 0: no more.
 */
void task_part(struct task *task, int from, int n, int of);

/* So many more passes through the model begin. */
void task_count_runs(struct task *task, int n);

/* A piece of the answer is finished. */
void task_piece(struct task *task);

/* The same without touching the progress: for inner loops. */
bool task_going(struct task *task, struct err *err);

/* Whether the work should stop; calls nobody. For chunks: whoever started them asks task_going() afterwards. */
bool task_stopped(const struct task *task);

#endif
