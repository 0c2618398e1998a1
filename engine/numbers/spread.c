/*
 * spread.c - see spread.h.
 *
 * Reading the own CPU costs nanoseconds (glibc asks no kernel for it) and the table is written only when a thread has moved; the
 * caller's mask is read when somebody has to leave, so that one that is changed from outside counts at once.
 *
 * A helper's narrowed mask stays as it is while it sleeps: it is computed again before it matters, and each change would cost two
 * calls of the kernel for every pause between products.
 */
#include "engine/numbers/spread.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

enum { MOST = 256, NOWHERE = 0 }; /* threads; those after them stay where the system puts them */

/* CPUs are their numbers plus one, so that what was never written is NOWHERE. */
static struct {
	atomic_int threads;
	atomic_int thread[MOST]; /* their ids; 0: there is none */
	atomic_int at[MOST];
	atomic_int avoids[MOST]; /* the caller's CPU when this helper's mask was made */
} spread;

static bool is_one(int me)
{
	return me >= 0 && me < MOST;
}

static int here(void)
{
	return sched_getcpu() + 1; /* it is -1 where the system does not tell: NOWHERE */
}

/* Takes it off the CPUs of those before it, where the caller's mask has others. The calls may fail, and then it stays. */
static void step_aside(int me)
{
	cpu_set_t set;

	if (sched_getaffinity(atomic_load(&spread.thread[0]), sizeof set, &set) || CPU_COUNT(&set) < atomic_load(&spread.threads))
		return;
	for (int i = 0; i < me; i++)
		if (atomic_load(&spread.at[i]) != NOWHERE)
			CPU_CLR((size_t)atomic_load(&spread.at[i]) - 1, &set);
	if (CPU_COUNT(&set) && sched_setaffinity(atomic_load(&spread.thread[me]), sizeof set, &set) == 0)
		atomic_store(&spread.avoids[me], atomic_load(&spread.at[0]));
}

static bool meets(int me, int cpu)
{
	for (int i = 0; i < me; i++)
		if (atomic_load_explicit(&spread.at[i], memory_order_relaxed) == cpu)
			return true;
	return false;
}

static void write_at(int me, int cpu)
{
	if (atomic_load_explicit(&spread.at[me], memory_order_relaxed) != cpu)
		atomic_store(&spread.at[me], cpu);
}

void spread_begin(int threads)
{
	atomic_store(&spread.threads, threads);
	atomic_store(&spread.thread[0], gettid());
	write_at(0, here());
}

/* One that shares the caller's CPU may have to wait for it before it can note that: so the caller sends it away. */
static void send_away(int cpu)
{
	const int n = atomic_load_explicit(&spread.threads, memory_order_relaxed);

	for (int i = 1; i < n && i < MOST; i++)
		if (atomic_load_explicit(&spread.at[i], memory_order_relaxed) == cpu && atomic_load(&spread.avoids[i]) != cpu)
			step_aside(i);
}

void spread_note(int me)
{
	int cpu = here();

	if (!is_one(me) || cpu == NOWHERE)
		return;
	if (me && meets(me, cpu)) {
		step_aside(me);
		cpu = here();
	}
	write_at(me, cpu);
	if (!me)
		send_away(cpu);
}

void spread_enter(int me)
{
	if (is_one(me))
		atomic_store(&spread.thread[me], gettid());
}

void spread_rest(int me)
{
	if (is_one(me))
		write_at(me, NOWHERE);
}

void spread_leave(int me)
{
	if (!is_one(me))
		return;
	atomic_store(&spread.thread[me], 0);
	atomic_store(&spread.avoids[me], NOWHERE);
	write_at(me, NOWHERE);
}

static bool sleeps(int me)
{
	return atomic_load(&spread.thread[me]) && atomic_load(&spread.at[me]) == NOWHERE;
}

void spread_wake(int n)
{
	const int caller = atomic_load(&spread.at[0]);

	for (int i = 1; i <= n && i < MOST; i++)
		if (sleeps(i) && atomic_load(&spread.avoids[i]) != caller)
			step_aside(i);
}
