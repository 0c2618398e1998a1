/*
 * spread.h - keeps the threads of one job apart: each on a CPU of its own, wherever there are that many.
 *
 * A scheduler may leave two threads of a job on one CPU for seconds while another CPU does little, above all where one of them has
 * a lower priority. Each thread therefore notes where it is before every chunk. A helper that meets the caller, or a helper with a
 * lower number, leaves that CPU; one that is woken does not begin on its caller's.
 *
 * Only helpers are moved, and only within the CPUs that the caller may use (taskset, cpuset): the caller's own mask never
 * changes. Where it has fewer CPUs than the job has threads, nobody is moved. Linux alone; elsewhere nothing is done.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_SPREAD_H
#define LMSCOPE_ENGINE_NUMBERS_SPREAD_H

/* This thread has a job for so many threads, itself included; it is number 0 until another one begins a job. */
void spread_begin(int threads);
/* Thread `me` is about to do a chunk. A helper comes back from this on another CPU, if it met one of those before it. */
void spread_note(int me);
/* Helper `me` begins, is about to sleep, and is about to end. */
void spread_enter(int me);
void spread_rest(int me);
void spread_leave(int me);
/* The caller is about to wake those of helpers 1 … n that sleep. */
void spread_wake(int n);

#endif
