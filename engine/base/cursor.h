/*
 * cursor.h - stepping through the bytes of a binary file, little endian, never past its end.
 */
#ifndef LMSCOPE_ENGINE_BASE_CURSOR_H
#define LMSCOPE_ENGINE_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are read in the byte order of the file");

struct cursor {
	const unsigned char *p, *end;
};

static inline struct cursor cursor_over(const unsigned char *bytes, size_t n)
{
	return (struct cursor){ bytes, n ? bytes + n : bytes }; /* an empty file is mapped nowhere */
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* The next n bytes; NULL, and no step, when there are not so many. (n may be 0: never NULL then.) */
static inline const unsigned char *cursor_take(struct cursor *c, uint64_t n)
{
	const unsigned char *p = c->p;

	if (n > cursor_left(c))
		return NULL;
	c->p += n;
	return p;
}

static inline bool cursor_u32(struct cursor *c, uint32_t *x)
{
	const unsigned char *p = cursor_take(c, sizeof *x);

	if (p)
		memcpy(x, p, sizeof *x);
	return p != NULL;
}

static inline bool cursor_u64(struct cursor *c, uint64_t *x)
{
	const unsigned char *p = cursor_take(c, sizeof *x);

	if (p)
		memcpy(x, p, sizeof *x);
	return p != NULL;
}

#endif
