/* intern.c - see intern.h: a hash table with chains, which only grows. */
#include "engine/base/intern.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/base/arena.h"

enum { BUCKETS = 1024 };

struct interned {
	struct interned *next;
	size_t n;
	char text[];
};

static struct {
	atomic_flag busy;
	struct interned *bucket[BUCKETS];
} table = { .busy = ATOMIC_FLAG_INIT };

/* FNV-1a. */
static size_t hash(const char *text, size_t n)
{
	size_t h = 14695981039346656037u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * 1099511628211u;
	return h % BUCKETS;
}

static struct interned *find(const struct interned *from, const char *text, size_t n)
{
	for (; from; from = from->next)
		if (from->n == n && !memcmp(from->text, text, n))
			return (struct interned *)from;
	return NULL;
}

static struct interned *add(struct interned **bucket, const char *text, size_t n)
{
	struct interned *t = xmalloc(sizeof *t + n + 1);

	t->next = *bucket;
	t->n = n;
	memcpy(t->text, text, n);
	t->text[n] = '\0';
	return *bucket = t;
}

const char *intern(const char *text)
{
	const size_t n = text ? strlen(text) : 0;
	struct interned **bucket, *t;

	if (!text)
		return NULL;
	bucket = &table.bucket[hash(text, n)];
	while (atomic_flag_test_and_set(&table.busy)) /* for as long as a look takes: nobody sleeps here */
		;
	t = find(*bucket, text, n);
	t = t ? t : add(bucket, text, n);
	atomic_flag_clear(&table.busy);
	return t->text;
}
