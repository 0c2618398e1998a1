/* arena.c - see arena.h. A list of blocks, the newest first; a large request gets a block of its own. */
#include "engine/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/base/inject.h"

/* Blocks begin small and double: there are hundreds of tables, and most hold a few thousand bytes. */
enum { ALIGN = 64, FIRST_BLOCK = 4 * 1024, BLOCK = 256 * 1024 };

struct arena_block {
	struct arena_block *below;
	size_t size, used; /* of what follows the header */
};

struct arena {
	struct arena_block *top;
	size_t bytes;
	size_t next; /* how large the next block will be */
};

static void (*leave)(size_t bytes);

void on_no_memory(void (*what)(size_t bytes))
{
	leave = what;
}

void no_memory_left(size_t bytes)
{
	if (leave)
		leave(bytes);
	fprintf(stderr, "lmscope: out of memory (%zu bytes)\n", bytes);
	abort();
}

void *xbig(size_t bytes)
{
	void *p = inject_no_memory() ? NULL : big_take(bytes);

	if (!p)
		no_memory_left(bytes);
	return p;
}

void *xmalloc(size_t bytes)
{
	void *p = inject_no_memory() ? NULL : malloc(bytes ? bytes : 1);

	if (!p)
		no_memory_left(bytes);
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	void *p = inject_no_memory() ? NULL : calloc(count ? count : 1, size ? size : 1);

	if (!p)
		no_memory_left(count * size);
	return p;
}

void *xrealloc(void *p, size_t bytes)
{
	void *q = inject_no_memory() ? NULL : realloc(p, bytes ? bytes : 1);

	if (!q)
		no_memory_left(bytes);
	return q;
}

char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}

struct arena *arena_new(void)
{
	struct arena *a = xcalloc(1, sizeof *a);

	a->next = FIRST_BLOCK;
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct arena_block *b = a->top, *below; b; b = below) {
		below = b->below;
		big_free(b);
	}
	free(a);
}

static char *block_data(struct arena_block *b)
{
	return (char *)b + ALIGN; /* the header takes one aligned unit */
}

/* Not zeroed; NULL when there is no memory. */
static void *take_raw(struct arena *a, size_t bytes)
{
	size_t need;
	struct arena_block *b = a->top;
	char *p;

	_Static_assert(sizeof(struct arena_block) <= ALIGN, "the header fits before the data");
	if (bytes > SIZE_MAX - 4 * ALIGN)
		return NULL;
	need = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (!need)
		need = ALIGN;
	if (!b || b->size - b->used < need) {
		size_t size = need > a->next / 4 ? need : a->next;

		b = inject_no_memory() ? NULL : big_take(ALIGN + size);
		if (!b)
			return NULL;
		a->next = a->next < BLOCK ? 2 * a->next : BLOCK;
		b->size = size;
		b->used = 0;
		b->below = a->top;
		a->top = b;
	}
	p = block_data(b) + b->used;
	b->used += need;
	a->bytes += need;
	return p;
}

static void *take(struct arena *a, size_t bytes)
{
	void *p = take_raw(a, bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	void *p = take(a, bytes);

	if (!p)
		no_memory_left(bytes);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap, again;
	int n;
	char *s;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	s = arena_alloc(a, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, format, again);
	va_end(again);
	return s;
}

void *arena_raw(struct arena *a, size_t count, size_t size, struct err *err)
{
	void *p = NULL;

	if (!size || count <= SIZE_MAX / size)
		p = take_raw(a, count * size);
	if (!p)
		err_set(err, ERR_MEMORY, "%.1f MB of memory could not be had", (double)count * (double)size / 1e6);
	return p;
}

void *arena_array(struct arena *a, size_t count, size_t size, struct err *err)
{
	void *p = arena_raw(a, count, size, err);

	return p ? memset(p, 0, count * size) : NULL;
}

float *arena_floats(struct arena *a, size_t count, struct err *err)
{
	return arena_array(a, count, sizeof(float), err);
}

size_t arena_bytes(const struct arena *a)
{
	return a->bytes;
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){ a->top, a->top ? a->top->used : 0, a->bytes };
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
	while (a->top != mark.block) {
		struct arena_block *below = a->top->below;

		big_free(a->top);
		a->top = below;
	}
	if (a->top)
		a->top->used = mark.used;
	a->bytes = mark.bytes;
}
