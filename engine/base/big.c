/*
 * big.c - see big.h. Kept blocks are in a list, the oldest first: the one that fits best is taken, and the oldest go when there is
 * no room. Small ones are the C library's own affair; a block that would take most of the room alone, such as a closed model's
 * weights, is not kept. Nor is more than is in use: a small model's program does not grow by what it might use.
 */
#include "engine/base/big.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__ /* it is to see who uses memory that was freed */
#define KEEP 0
#else
#define KEEP ((size_t)512 * 1024 * 1024)
#endif

enum { HEADER = 64, LIST = 1024, SHARE = 8, SMALL = 64 * 1024, HUGE_PAGE = 2 * 1024 * 1024, LEAST_ROOM = 64 * 1024 * 1024 };

struct header {
	size_t size;  /* of the whole block, header included */
	size_t asked; /* of it: a kept block may be larger than who has it needs */
};

/* What the header says is here too: a walk over the list touches no block. */
struct big_entry {
	struct header *block;
	size_t size;
};

static struct {
	atomic_flag lock; /* held for a walk over the list, never across a system call */
	struct big_entry list[LIST];
	int n;
	size_t bytes, most;
} kept = { .lock = ATOMIC_FLAG_INIT, .most = KEEP };

static atomic_size_t used, most_used;

static void lock(void)
{
	while (atomic_flag_test_and_set_explicit(&kept.lock, memory_order_acquire))
		;
}

static void unlock(void)
{
	atomic_flag_clear_explicit(&kept.lock, memory_order_release);
}

static struct header *remove_kept(int i)
{
	struct big_entry e = kept.list[i];

	kept.n--;
	memmove(&kept.list[i], &kept.list[i + 1], (size_t)(kept.n - i) * sizeof *kept.list);
	kept.bytes -= e.size;
	return e.block;
}

/* The smallest kept block of at least so many bytes that does not waste a third; NULL: none. */
static struct header *find_kept(size_t size)
{
	struct header *found = NULL;
	int best = -1;

	if (size < SMALL)
		return NULL;
	lock();
	for (int i = 0; i < kept.n; i++)
		if (kept.list[i].size >= size && kept.list[i].size - size <= size / 2 &&
		    (best < 0 || kept.list[i].size < kept.list[best].size))
			best = i;
	if (best >= 0)
		found = remove_kept(best);
	unlock();
	return found;
}

static void count(size_t bytes)
{
	size_t now = atomic_fetch_add_explicit(&used, bytes, memory_order_relaxed) + bytes;
	size_t most = atomic_load_explicit(&most_used, memory_order_relaxed);

	while (most < now &&
	       !atomic_compare_exchange_weak_explicit(&most_used, &most, now, memory_order_relaxed, memory_order_relaxed))
		;
}

void *big_take(size_t bytes)
{
	const size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : HEADER;
	struct header *b;
	size_t size;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	size = (bytes + HEADER + HEADER - 1) / HEADER * HEADER;
	b = find_kept(size);
	if (!b) {
		b = aligned_alloc(align, (size + align - 1) / align * align);
		if (!b)
			return NULL;
		b->size = size;
		if (align == HUGE_PAGE)
			madvise(b, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	}
	b->asked = size;
	count(size);
	return (char *)b + HEADER;
}

/* Bytes that may be kept: as many as are in use, and some in any case. */
static size_t room(void)
{
	size_t now = atomic_load_explicit(&used, memory_order_relaxed);

	now = now > LEAST_ROOM ? now : LEAST_ROOM;
	return now < kept.most ? now : kept.most;
}

void big_free(void *p)
{
	struct header *b = p ? (struct header *)(void *)((char *)p - HEADER) : NULL;
	struct header *gone[LIST + 1];
	int n = 0;

	if (!b)
		return;
	atomic_fetch_sub_explicit(&used, b->asked, memory_order_relaxed);
	if (b->size < SMALL) {
		free(b);
		return;
	}
	lock();
	if (b->size <= kept.most / SHARE) {
		while (kept.n == LIST || (kept.n && kept.bytes + b->size > room()))
			gone[n++] = remove_kept(0);
		kept.list[kept.n++] = (struct big_entry){ b, b->size };
		kept.bytes += b->size;
	} else {
		gone[n++] = b;
	}
	unlock();
	while (n)
		free(gone[--n]);
}

void big_keep(size_t most)
{
	struct header *b;

	do {
		b = NULL;
		lock();
		kept.most = most;
		if (kept.bytes > most)
			b = remove_kept(kept.n - 1);
		unlock();
		free(b);
	} while (b);
}

size_t big_used(void)
{
	return atomic_load(&used);
}

size_t big_most(void)
{
	return atomic_load(&most_used);
}

void big_watch(void)
{
	atomic_store(&most_used, atomic_load(&used));
}

size_t big_kept(void)
{
	size_t bytes;

	lock();
	bytes = kept.bytes;
	unlock();
	return bytes;
}
