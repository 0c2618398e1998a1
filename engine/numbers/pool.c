/*
 * pool.c - see pool.h.
 *
 * One atomic word, the ticket, holds which job it is and how many of its chunks nobody has taken. A thread takes a chunk by
 * exchanging the word for one with a chunk less; from then until it has counted the chunk as finished the job cannot end,
 * so it may read the job's fields. Helpers that come late find no chunk and touch nothing, and the caller never waits
 * for a helper that is still asleep.
 */
#include "engine/numbers/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/chunk.h"
#include "engine/base/polite.h"
#include "engine/base/signals.h"
#include "engine/numbers/cores.h"
#include "engine/numbers/spread.h"

/*
 * The thread that they help (worker.c) goes first, and others' work beside theirs. Not far below it: a process that is ended is
 * there until each of its threads has had a core once more, and at 19 that took seconds on a busy machine.
 */
enum { NICE = 6 };
enum { SPIN_NS = 50 * 1000, STACK = 1024 * 1024 };

static struct {
	pthread_mutex_t callers; /* one job at a time */
	atomic_int wanted;	 /* threads, 0: not decided yet */
	int helpers;		 /* that run */
	pthread_t *thread;	 /* [helpers] */

	_Atomic uint64_t ticket; /* job << 32 | chunks not taken */
	int chunks;
	void (*work)(void *context, int chunk);
	void *context;
	atomic_int unfinished; /* chunks of the job */

	pthread_mutex_t lock; /* for sleeping and waking alone */
	pthread_cond_t news, finished;
	atomic_int sleepers;
	atomic_bool caller_sleeps, stop;
} pool = {
	.callers = PTHREAD_MUTEX_INITIALIZER,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.news = PTHREAD_COND_INITIALIZER,
	.finished = PTHREAD_COND_INITIALIZER,
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Spins until ready() or for a short while. */
static bool spin(bool (*ready)(void))
{
	int64_t end = now_ns() + SPIN_NS;

	do {
		for (int i = 0; i < 64; i++) {
			if (ready())
				return true;
			relax();
		}
	} while (now_ns() < end);
	return ready();
}

static bool has_work(void)
{
	return (uint32_t)atomic_load(&pool.ticket) || atomic_load(&pool.stop);
}

static bool is_finished(void)
{
	return atomic_load(&pool.unfinished) == 0;
}

static void finish_chunk(void)
{
	if (atomic_fetch_sub(&pool.unfinished, 1) == 1 && atomic_load(&pool.caller_sleeps)) {
		pthread_mutex_lock(&pool.lock);
		pthread_cond_signal(&pool.finished);
		pthread_mutex_unlock(&pool.lock);
	}
}

/* Takes chunks until there are none. `me`: 0 the caller, 1 … the helpers. */
static void work_along(int me)
{
	uint64_t ticket = atomic_load(&pool.ticket);

	while ((uint32_t)ticket) {
		if (!atomic_compare_exchange_weak(&pool.ticket, &ticket, ticket - 1))
			continue;
		spread_note(me);
		chunk_enter();
		pool.work(pool.context, pool.chunks - (int)(uint32_t)ticket);
		chunk_leave();
		finish_chunk();
		ticket = atomic_load(&pool.ticket);
	}
}

static void *helper(void *number)
{
	const int me = (int)(intptr_t)number;

	polite_thread(NICE);
	spread_enter(me);
	while (!atomic_load(&pool.stop)) {
		work_along(me);
		if (spin(has_work))
			continue;
		pthread_mutex_lock(&pool.lock);
		spread_rest(me);
		atomic_fetch_add(&pool.sleepers, 1);
		while (!has_work())
			pthread_cond_wait(&pool.news, &pool.lock);
		atomic_fetch_sub(&pool.sleepers, 1);
		pthread_mutex_unlock(&pool.lock);
	}
	spread_leave(me);
	return NULL;
}

static void wake_helpers(void)
{
	if (!atomic_load(&pool.sleepers))
		return;
	pthread_mutex_lock(&pool.lock);
	spread_wake(pool.helpers);
	pthread_cond_broadcast(&pool.news);
	pthread_mutex_unlock(&pool.lock);
}

int pool_size(void)
{
	if (!atomic_load(&pool.wanted))
		atomic_store(&pool.wanted, cores_allowed());
	return atomic_load(&pool.wanted);
}

/* Fewer than wanted, where the system gives no more, is no error: the caller can do it all. */
static void start_helpers(void)
{
	int size = pool_size();
	sigset_t before;
	pthread_attr_t attr;

	if (pool.thread)
		return;
	pool.thread = xcalloc((size_t)size, sizeof *pool.thread);
	signals_block(&before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	while (pool.helpers < size - 1 &&
	       pthread_create(&pool.thread[pool.helpers], &attr, helper, (void *)(intptr_t)(pool.helpers + 1)) == 0)
		pool.helpers++;
	pthread_attr_destroy(&attr);
	signals_restore(&before);
}

static void stop_helpers(void)
{
	atomic_store(&pool.stop, true);
	wake_helpers();
	while (pool.helpers)
		pthread_join(pool.thread[--pool.helpers], NULL);
	atomic_store(&pool.stop, false);
	free(pool.thread);
	pool.thread = NULL;
}

void pool_threads(int n)
{
	assert(!chunk_inside() && n >= 0);
	pthread_mutex_lock(&pool.callers);
	stop_helpers();
	atomic_store(&pool.wanted, n ? n : cores_allowed());
	pthread_mutex_unlock(&pool.callers);
}

static void wait_until_finished(void)
{
	if (spin(is_finished))
		return;
	pthread_mutex_lock(&pool.lock);
	atomic_store(&pool.caller_sleeps, true);
	while (!is_finished())
		pthread_cond_wait(&pool.finished, &pool.lock);
	atomic_store(&pool.caller_sleeps, false);
	pthread_mutex_unlock(&pool.lock);
}

void pool_run(int chunks, void (*work)(void *context, int chunk), void *context)
{
	uint64_t job;

	assert(!chunk_inside() && "a chunk may not start another job");
	if (chunks <= 0)
		return;
	if (chunks == 1) {
		chunk_enter();
		work(context, 0);
		chunk_leave();
		return;
	}
	pthread_mutex_lock(&pool.callers);
	start_helpers();
	spread_begin(pool.helpers + 1);
	pool.chunks = chunks;
	pool.work = work;
	pool.context = context;
	atomic_store(&pool.unfinished, chunks);
	job = (atomic_load(&pool.ticket) >> 32) + 1;
	atomic_store(&pool.ticket, job << 32 | (uint32_t)chunks);
	wake_helpers();
	work_along(0);
	wait_until_finished();
	pthread_mutex_unlock(&pool.callers);
}

void pool_stop(void)
{
	assert(!chunk_inside());
	pthread_mutex_lock(&pool.callers);
	stop_helpers();
	pthread_mutex_unlock(&pool.callers);
}
