/*
 * pool.h - the threads that share one computation (a pthread door). There is one pool in the process: two would fight.
 *
 * A job is cut into chunks that threads take from a counter, since cores are unequal on shared machines. The caller works
 * too. Helpers spin briefly for the next job and then sleep; they run at a lower scheduling priority than the screen and
 * have all signals blocked. Which thread does a chunk must not change its result.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_POOL_H
#define LMSCOPE_ENGINE_NUMBERS_POOL_H

/* Threads to use from now on, the caller included; 0: what the affinity mask and the cgroup's CPU limit allow. Call it
 * between jobs. */
void pool_threads(int n);
int pool_size(void);

/*
 * Calls work(context, chunk) once for every chunk in 0 … chunks-1, from any thread, and returns when all are done. Not reentrant: a
 * chunk may not start another job, nor call what may be interrupted (asserted; chunk.h). With one thread it is a plain loop.
 */
void pool_run(int chunks, void (*work)(void *context, int chunk), void *context);

/* Joins the helpers: before exit, and so that leak checkers see nothing. */
void pool_stop(void);

#endif
