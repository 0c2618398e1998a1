/* cpu.c - see cpu.h. */
#include "engine/numbers/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char *const cpu_names[CPU_SETS] = { "generic", "avx2", "avx512" };

static atomic_int chosen = -1;

/* Whether the processor can run this set. */
static bool has(enum cpu_set set)
{
	switch (set) {
	case CPU_GENERIC:
		return true;
#if defined(__x86_64__)
	case CPU_AVX2:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); /* both together: F16C is there as well */
	case CPU_AVX512:
		return has(CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#endif
	default:
		return false;
	}
}

/* The best, or what the environment asks for where that can be. */
static enum cpu_set decide(void)
{
	const char *wish = getenv("LMSCOPE_CPU");
	enum cpu_set best = CPU_GENERIC;

	for (enum cpu_set set = CPU_GENERIC; set < CPU_SETS; set++) {
		if (!has(set))
			continue;
		if (wish && !strcmp(wish, cpu_names[set]))
			return set;
		best = set;
	}
	return best;
}

enum cpu_set cpu_set(void)
{
	int set = atomic_load_explicit(&chosen, memory_order_relaxed);

	if (set < 0) {
		set = (int)decide();
		atomic_store_explicit(&chosen, set, memory_order_relaxed);
	}
	return (enum cpu_set)set;
}

bool cpu_use(enum cpu_set set)
{
	if (!has(set))
		return false;
	atomic_store(&chosen, (int)set);
	return true;
}
