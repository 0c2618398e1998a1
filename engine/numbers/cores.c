/* cores.c - see cores.h. A container's limit counts: more threads than that are throttled together, for 100 ms at a time. */
#include "engine/numbers/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to two words of a file's first line; returns how many there are. */
static int read_words(const char *path, char words[2][32])
{
	FILE *f = fopen(path, "r");
	int n;

	if (!f)
		return 0;
	n = fscanf(f, "%31s %31s", words[0], words[1]);
	fclose(f);
	return n < 0 ? 0 : n;
}

static int whole_cpus(const char *quota, const char *period)
{
	double q = strtod(quota, NULL), p = strtod(period, NULL); /* "max" and -1 mean no limit */

	if (!(q > 0) || !(p > 0))
		return 0;
	return q / p >= INT_MAX ? 0 : (int)((q + p - 1) / p);
}

/* Version 2: "200000 100000" in cpu.max. */
static int limit_v2(const char *folder)
{
	char path[PATH_MAX + 32], words[2][32];

	snprintf(path, sizeof path, "%s/cpu.max", folder);
	return read_words(path, words) == 2 ? whole_cpus(words[0], words[1]) : 0;
}

/* Version 1: the same two numbers in two files. */
static int limit_v1(const char *folder)
{
	char path[PATH_MAX + 32], quota[2][32], period[2][32];

	snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
	if (!read_words(path, quota))
		return 0;
	snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
	return read_words(path, period) ? whole_cpus(quota[0], period[0]) : 0;
}

/* The tightest limit of the group and the groups above it, up to where they are mounted. */
static int tightest(const char *mount, const char *group, int (*limit)(const char *folder))
{
	char folder[PATH_MAX];
	size_t top = strlen(mount);
	int least = 0;

	if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder)
		return 0;
	for (;;) {
		int n = limit(folder);
		char *slash = strrchr(folder, '/');

		if (n && (!least || n < least))
			least = n;
		if (!slash || (size_t)(slash - folder) < top)
			return least;
		*slash = '\0';
	}
}

static bool has_controller(const char *names, const char *end, const char *wanted)
{
	size_t n = strlen(wanted);

	for (const char *s = names; s + n <= end; s++)
		if ((s == names || s[-1] == ',') && !strncmp(s, wanted, n) && (s[n] == ',' || s + n == end))
			return true;
	return false;
}

/* Lines are "0::/group" (version 2) and "4:cpu,cpuacct:/group" (version 1). */
int cores_cgroup_limit(const char *root, const char *list)
{
	int least = 0;

	for (const char *line = list; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		const char *names = strchr(line, ':');
		const char *group = names ? strchr(names + 1, ':') : NULL;
		char path[PATH_MAX], mount[PATH_MAX];
		int n = 0;

		if (!group)
			break;
		names++;
		snprintf(path, sizeof path, "%.*s", (int)strcspn(group + 1, "\n"), group + 1);
		if (group == names) {
			n = tightest(root, path, limit_v2);
		} else if (has_controller(names, group, "cpu")) {
			snprintf(mount, sizeof mount, "%s/cpu", root);
			n = tightest(mount, path, limit_v1);
		}
		if (n && (!least || n < least))
			least = n;
	}
	return least;
}

int cores_allowed(void)
{
	char list[4096];
	FILE *f = fopen("/proc/self/cgroup", "r");
	cpu_set_t set;
	int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	int limit = 0;

	if (f) {
		list[fread(list, 1, sizeof list - 1, f)] = '\0';
		fclose(f);
		limit = cores_cgroup_limit("/sys/fs/cgroup", list);
	}
	if (limit && limit < cores)
		cores = limit;
	return cores < 1 ? 1 : cores;
}
