/*
 * names.h - the number of a name: a hash from byte strings to 0 … n-1, in the order in which they were added.
 *
 * The bytes are borrowed and may hold NULs. The hash is seeded at random: a file cannot be made so that all its names collide.
 */
#ifndef LMSCOPE_ENGINE_BASE_NAMES_H
#define LMSCOPE_ENGINE_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name {
	const char *s; /* borrowed */
	size_t n;
};

struct names {		   /* zeroed: empty */
	struct name *name; /* [n] */
	size_t n;
	uint32_t *slot; /* [slots], a power of two: number of a name + 1; 0: free */
	size_t slots;
	uint64_t seed;
};

/* False when it was there already; nothing is added then. */
bool names_add(struct names *names, const char *s, size_t n);
/* -1 when it is not there. */
int64_t names_find(const struct names *names, const char *s, size_t n);
void names_done(struct names *names);

#endif
