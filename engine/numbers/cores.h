/* cores.h - how many threads this process may run at once. */
#ifndef LMSCOPE_ENGINE_NUMBERS_CORES_H
#define LMSCOPE_ENGINE_NUMBERS_CORES_H

/* At least 1: the CPUs of the affinity mask, or fewer where the cgroup (version 1 or 2) has a CPU limit. */
int cores_allowed(void);

/* The limit that a cgroup's files state, rounded up to whole CPUs; 0: none. `root` is where cgroups are mounted and `list`
 * the text of /proc/self/cgroup: apart, so that a test can make its own. */
int cores_cgroup_limit(const char *root, const char *list);

#endif
