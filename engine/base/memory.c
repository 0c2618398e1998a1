/* memory.c - see memory.h. */
#include "engine/base/memory.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The number in a one-line file such as memory.max ("max" counts as none). */
static size_t read_number(const char *folder, const char *name)
{
	char path[PATH_MAX + 64];
	unsigned long long x;
	FILE *f;
	int got;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (!(f = fopen(path, "re")))
		return SIZE_MAX;
	got = fscanf(f, "%llu", &x);
	fclose(f);
	return got == 1 ? (size_t)x : SIZE_MAX;
}

/* The number after a word that begins a line; SIZE_MAX when there is none. */
static size_t read_line(const char *path, const char *word, size_t unit)
{
	FILE *f = fopen(path, "re");
	size_t found = SIZE_MAX, n = strlen(word);
	char line[160];
	unsigned long long x;

	while (f && found == SIZE_MAX && fgets(line, sizeof line, f))
		if (!strncmp(line, word, n) && sscanf(line + n, "%llu", &x) == 1)
			found = (size_t)x * unit;
	if (f)
		fclose(f);
	return found;
}

/* What a group may still take. Pages of files count as used there, but are given back when memory is short. */
static size_t left_in(const char *folder, const char *limit_name, const char *used_name)
{
	size_t limit = read_number(folder, limit_name), used = read_number(folder, used_name);
	char path[PATH_MAX + 64];
	static const char *const files[] = { "inactive_file ", "active_file " };

	if (limit == SIZE_MAX || used == SIZE_MAX)
		return SIZE_MAX;
	snprintf(path, sizeof path, "%s/memory.stat", folder);
	for (int i = 0; i < 2; i++) {
		size_t pages = read_line(path, files[i], 1);

		used -= pages == SIZE_MAX ? 0 : pages < used ? pages : used;
	}
	return limit > used ? limit - used : 0;
}

/* The least of a group and the groups above it, up to where they are mounted. */
static size_t left_above(const char *mount, const char *group, const char *limit_name, const char *used_name)
{
	char folder[PATH_MAX];
	size_t least = SIZE_MAX;

	if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder)
		return SIZE_MAX;
	for (;;) {
		size_t left = left_in(folder, limit_name, used_name);
		char *slash = strrchr(folder, '/');

		least = left < least ? left : least;
		if (!slash || (size_t)(slash - folder) < strlen(mount))
			return least;
		*slash = '\0';
	}
}

size_t memory_cgroup_left(const char *root, const char *list)
{
	size_t least = SIZE_MAX;

	/* lines are "0::/group" (version 2) and "9:memory:/group" (version 1) */
	for (const char *line = list; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		const char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
		char group[PATH_MAX], mount[PATH_MAX];
		size_t left = SIZE_MAX;

		if (!path)
			break;
		snprintf(group, sizeof group, "%.*s", (int)strcspn(path + 1, "\n"), path + 1);
		snprintf(mount, sizeof mount, "%s/memory", root);
		if (path == names + 1)
			left = left_above(root, group, "memory.max", "memory.current");
		else if (path - names == 7 && !strncmp(names, ":memory", 7))
			left = left_above(mount, group, "memory.limit_in_bytes", "memory.usage_in_bytes");
		least = left < least ? left : least;
	}
	return least;
}

/* A limit on the address space (ulimit -v): what is mapped counts. */
static size_t address_space_left(void)
{
	struct rlimit limit;
	size_t used = read_line("/proc/self/status", "VmSize:", 1024);

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY || used == SIZE_MAX)
		return SIZE_MAX;
	return limit.rlim_cur > used ? (size_t)limit.rlim_cur - used : 0;
}

size_t memory_available(void)
{
	const char *wish = getenv("LMSCOPE_MEMORY");
	size_t of[3] = { read_line("/proc/meminfo", "MemAvailable:", 1024), address_space_left(), SIZE_MAX }, least = SIZE_MAX;
	char list[4096] = "";
	FILE *f = fopen("/proc/self/cgroup", "re");

	if (f) {
		list[fread(list, 1, sizeof list - 1, f)] = '\0';
		fclose(f);
		of[2] = memory_cgroup_left("/sys/fs/cgroup", list);
	}
	if (wish)
		least = (size_t)strtoull(wish, NULL, 10);
	for (int i = 0; i < 3; i++)
		least = of[i] < least ? of[i] : least;
	return least;
}
