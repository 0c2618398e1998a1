/*
 * inject.h - faults on purpose, for tests: slow work, memory that is not there, a disk that is full, a death in the middle of a
 * save.
 *
 * Only lmscope-inject, which tests start, is built with LMSCOPE_INJECT; in the program itself all of this compiles to nothing. It
 * reads
 *
 *   LMSCOPE_SLOW=MS            every step of long work takes so many milliseconds more
 *   LMSCOPE_FAULT="alloc N"    the N-th allocation fails
 *   LMSCOPE_FAULT="short N"    the N-th write to a file writes half of what it was given
 *   LMSCOPE_FAULT="full N"     from the N-th operation on a saved file on (opening, writing, renaming…) the disk is full
 *   LMSCOPE_FAULT="kill N"     SIGKILL in the N-th operation; a write has then written half
 *
 * What is compiled with it is listed in the top meson.build: a file that calls one of these belongs there.
 */
#ifndef LMSCOPE_ENGINE_BASE_INJECT_H
#define LMSCOPE_ENGINE_BASE_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef LMSCOPE_INJECT

/* A step of long work: call it where work asks whether to continue. May be called on any thread, within a chunk of the pool too. */
void inject_slow(void);
/* True: this allocation is to fail. */
bool inject_no_memory(void);
/* Before an operation on a file that is saved. True: it is to fail, and errno says why. */
bool inject_file_fault(void);
/* write(), as often as not whole. */
ssize_t inject_write(int fd, const void *bytes, size_t n);

#else

static inline void inject_slow(void)
{
}
static inline bool inject_no_memory(void)
{
	return false;
}
static inline bool inject_file_fault(void)
{
	return false;
}
static inline ssize_t inject_write(int fd, const void *bytes, size_t n)
{
	return write(fd, bytes, n);
}

#endif
#endif
