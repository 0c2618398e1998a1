/*
 * arena.h - memory with one owner and one end.
 *
 * An arena hands out memory that is freed all at once. Four lifetimes use it: model, run, scratch (one analysis), table.
 * Memory is zeroed and aligned to 64 bytes, so that vector kernels may load from it. Small requests (arena_alloc) abort
 * when the machine has no memory left; large ones (arena_floats) fail with a sentence.
 */
#ifndef LMSCOPE_ENGINE_BASE_ARENA_H
#define LMSCOPE_ENGINE_BASE_ARENA_H

#include <stddef.h>

#include "engine/base/err.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */

/* Never NULL: aborts when there is no memory. For labels, small structs and the like. */
void *arena_alloc(struct arena *a, size_t bytes);
char *arena_strdup(struct arena *a, const char *s);	       /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n); /* n bytes and a NUL; s may hold NULs */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Large arrays: NULL with ERR_MEMORY when they cannot be had or the size overflows. Zeroed. */
void *arena_array(struct arena *a, size_t count, size_t size, struct err *err);
float *arena_floats(struct arena *a, size_t count, struct err *err);
/* The same, not zeroed: for weights, which many threads fill at once. */
void *arena_raw(struct arena *a, size_t count, size_t size, struct err *err);

/* Bytes handed out so far. */
size_t arena_bytes(const struct arena *a);

/* Forgets everything handed out since the mark, and frees what only that needed: scratch within a loop. */
struct arena_mark {
	void *block;
	size_t used, bytes;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

/* For memory that is not in an arena. They abort rather than return NULL. */
void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s);

/* What they do then, for what a library could not have either. */
_Noreturn void no_memory_left(size_t bytes);
/* Called then on whatever thread it is, in place of aborting: does not return. Set once, at the start. */
void on_no_memory(void (*what)(size_t bytes));

#endif
