/*
 * big.h - memory for large arrays that come and go with every answer: a run's layers, scratch.
 *
 * A fresh page costs the system about as much as filling it ten times, and a run takes thousands of them. So blocks that are
 * given back are kept for the next who asks, up to a limit and no more than are in use; large ones are in huge pages where the
 * system has them. From any thread.
 */
#ifndef LMSCOPE_ENGINE_BASE_BIG_H
#define LMSCOPE_ENGINE_BASE_BIG_H

#include <stddef.h>

/* Not zeroed, aligned to 64 bytes; NULL when there is no memory. */
void *big_take(size_t bytes);
/* The same for scratch that is small enough to be had: aborts rather than return NULL. */
void *xbig(size_t bytes);
void big_free(void *p); /* NULL is fine */

/* Bytes that may be kept from now on; what is more goes back to the system at once. */
void big_keep(size_t most);
/* Bytes that are kept now and used by nobody. */
size_t big_kept(void);
/* Bytes that are in use now, as they were asked for, and the most that were since big_watch(). */
size_t big_used(void);
size_t big_most(void);
void big_watch(void);

#endif
