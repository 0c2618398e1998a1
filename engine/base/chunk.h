/*
 * chunk.h - whether this thread is inside a chunk of a job that several threads share (numbers/pool.h).
 *
 * A chunk computes and nothing else: it starts no other job, and it calls nobody who might (task.h), since the thread that shares
 * out the work waits for it. The pool says where chunks begin and end; what a chunk must not do asserts that it is in none.
 */
#ifndef LMSCOPE_ENGINE_BASE_CHUNK_H
#define LMSCOPE_ENGINE_BASE_CHUNK_H

#include <stdbool.h>

void chunk_enter(void);
void chunk_leave(void);
bool chunk_inside(void);

#endif
