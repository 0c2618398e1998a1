/* inject.c - see inject.h. Part of lmscope-inject alone. */
#include "engine/base/inject.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void inject_slow(void)
{
	static atomic_long ms = -1; /* -1: not asked for yet */
	long wait = atomic_load_explicit(&ms, memory_order_relaxed);

	if (wait < 0) {
		const char *wish = getenv("LMSCOPE_SLOW");

		wait = wish ? strtol(wish, NULL, 10) : 0;
		atomic_store_explicit(&ms, wait, memory_order_relaxed);
	}
	if (wait > 0)
		nanosleep(&(struct timespec){ wait / 1000, wait % 1000 * 1000000 }, NULL);
}

/* The N of a fault that is wished for; 0: it is not. */
static long wished(const char *fault)
{
	const char *wish = getenv("LMSCOPE_FAULT");
	size_t n = strlen(fault);

	return wish && !strncmp(wish, fault, n) && wish[n] == ' ' ? strtol(wish + n, NULL, 10) : 0;
}

bool inject_no_memory(void)
{
	static atomic_long at = -1, count;
	long n = atomic_load_explicit(&at, memory_order_relaxed);

	if (n < 0) {
		n = wished("alloc");
		atomic_store_explicit(&at, n, memory_order_relaxed);
	}
	return n && atomic_fetch_add(&count, 1) + 1 == n;
}

enum fault { FAULT_NONE, FAULT_SHORT, FAULT_FULL, FAULT_KILL };

/* What befalls this operation. */
static enum fault next_operation(bool is_write)
{
	static atomic_long operations, writes;
	long n = atomic_fetch_add(&operations, 1) + 1, w = is_write ? atomic_fetch_add(&writes, 1) + 1 : 0;

	if (wished("kill") && n == wished("kill"))
		return FAULT_KILL;
	if (wished("full") && n >= wished("full"))
		return FAULT_FULL;
	return w && w == wished("short") ? FAULT_SHORT : FAULT_NONE;
}

static bool is_full(void)
{
	errno = ENOSPC;
	return true;
}

bool inject_file_fault(void)
{
	enum fault fault = next_operation(false);

	if (fault == FAULT_KILL)
		raise(SIGKILL);
	return fault == FAULT_FULL && is_full();
}

ssize_t inject_write(int fd, const void *bytes, size_t n)
{
	enum fault fault = next_operation(true);

	if (fault == FAULT_FULL && is_full())
		return -1;
	if (fault != FAULT_NONE)
		n = (n + 1) / 2;
	n = (size_t)write(fd, bytes, n);
	if (fault == FAULT_KILL)
		raise(SIGKILL);
	return (ssize_t)n;
}
