/* memory.h - how much memory this process may still take: what the machine has free, or what a cgroup or ulimit allows. */
#ifndef LMSCOPE_ENGINE_BASE_MEMORY_H
#define LMSCOPE_ENGINE_BASE_MEMORY_H

#include <stddef.h>

/* Bytes; SIZE_MAX when the system does not say. LMSCOPE_MEMORY=BYTES is a limit too. */
size_t memory_available(void);
/* What the cgroups still allow, given /sys/fs/cgroup and the text of /proc/self/cgroup; SIZE_MAX: no limit. */
size_t memory_cgroup_left(const char *root, const char *list);

#endif
