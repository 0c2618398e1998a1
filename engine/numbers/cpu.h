/*
 * cpu.h - which set of kernels runs here: chosen once, by what the processor can do.
 *
 * The program is compiled for any processor of its kind; faster sets are functions compiled for newer instructions.
 * LMSCOPE_CPU=avx512, avx2 or generic asks for one; a set that the processor does not have is never used.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_CPU_H
#define LMSCOPE_ENGINE_NUMBERS_CPU_H

#include <stdbool.h>

/* For functions that are compiled for AVX2 beside any processor, where they are chosen by cpu_set(). */
#if defined(__x86_64__)
#define FOR_AVX2 __attribute__((target("avx2")))
#else
#define FOR_AVX2
#endif

enum cpu_set { CPU_GENERIC, CPU_AVX2, CPU_AVX512, CPU_SETS };

extern const char *const cpu_names[CPU_SETS];

/* The set in use. */
enum cpu_set cpu_set(void);
/* Uses another from now on, between computations; false (and no change) when the processor does not have it. */
bool cpu_use(enum cpu_set set);

#endif
