/* names.c - see names.h. Open addressing with linear steps, at most half full. */
#include "engine/base/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/base/arena.h"

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
	x = (x ^ x >> 29) * 0x9FB21C651E98DF25u;
	return x ^ x >> 32;
}

static uint64_t hash(const struct names *names, const char *s, size_t n)
{
	uint64_t h = names->seed ^ n, word;

	for (; n >= sizeof word; n -= sizeof word, s += sizeof word) {
		memcpy(&word, s, sizeof word);
		h = mix(h ^ word);
	}
	word = 0;
	if (n)
		memcpy(&word, s, n);
	return mix(h ^ word);
}

/* Where the name is, or the free slot where it belongs. */
static uint32_t *place(const struct names *names, const char *s, size_t n)
{
	size_t i = (size_t)hash(names, s, n);

	for (;; i++) {
		uint32_t *slot = &names->slot[i & (names->slots - 1)];
		const struct name *there = *slot ? &names->name[*slot - 1] : NULL;

		if (!there || (there->n == n && (!n || !memcmp(there->s, s, n))))
			return slot;
	}
}

static void grow(struct names *names)
{
	if (!names->slots && getrandom(&names->seed, sizeof names->seed, GRND_NONBLOCK) < 0)
		names->seed = (uintptr_t)names;
	names->slots = names->slots ? 2 * names->slots : 32;
	free(names->slot);
	names->slot = xcalloc(names->slots, sizeof *names->slot);
	names->name = xrealloc(names->name, names->slots / 2 * sizeof *names->name);
	for (size_t i = 0; i < names->n; i++)
		*place(names, names->name[i].s, names->name[i].n) = (uint32_t)(i + 1);
}

bool names_add(struct names *names, const char *s, size_t n)
{
	uint32_t *slot;

	if (names->n == names->slots / 2)
		grow(names);
	slot = place(names, s, n);
	if (*slot)
		return false;
	assert(names->n < UINT32_MAX);
	names->name[names->n++] = (struct name){ s, n };
	*slot = (uint32_t)names->n;
	return true;
}

int64_t names_find(const struct names *names, const char *s, size_t n)
{
	return names->slots ? (int64_t)*place(names, s, n) - 1 : -1;
}

void names_done(struct names *names)
{
	free(names->name);
	free(names->slot);
	*names = (struct names){ 0 };
}
