/* memory.c - see memory.h. */
#include "engine/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The number in a one-line file such as memory.max ("max" counts as none). */
static size_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long x;
	int got;

	if (!f)
		return SIZE_MAX;
	got = fscanf(f, "%llu", &x);
	fclose(f);
	return got == 1 ? (size_t)x : SIZE_MAX;
}

static size_t machine(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kilobytes;
	size_t found = SIZE_MAX;
	char line[128];

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
			found = (size_t)kilobytes * 1024;
	if (f)
		fclose(f);
	return found;
}

size_t memory_available(void)
{
	static const char *const pairs[][2] = {
		{ "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current" },
		{ "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes" },
	};
	size_t least = machine();

	for (size_t i = 0; i < 2; i++) {
		size_t limit = read_number(pairs[i][0]), used = read_number(pairs[i][1]);

		if (limit != SIZE_MAX && used != SIZE_MAX && limit > used && limit - used < least)
			least = limit - used;
	}
	return least;
}
