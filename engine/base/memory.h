/* memory.h - how much memory this process may still take: what the machine has free, or what the cgroup allows. */
#ifndef LMSCOPE_ENGINE_BASE_MEMORY_H
#define LMSCOPE_ENGINE_BASE_MEMORY_H

#include <stddef.h>

/* Bytes; SIZE_MAX when the system does not say. */
size_t memory_available(void);

#endif
