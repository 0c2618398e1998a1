/* limits.c - see limits.h. */
#include "engine/numbers/limits.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/numbers/gemm.h"
#include "engine/numbers/pool.h"

enum { TRIES = 7, PIECES = 16, PIECE = 16 * 1024 * 1024, ROUNDS = 200 * 1000 };

/* Where results go that nobody needs, so that the loops are not left out. */
static atomic_uint_fast64_t sink;

double limits_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void multiply_add(void *context, int chunk)
{
	(void)context;
	(void)chunk;
	atomic_fetch_add(&sink, (uint_fast64_t)gemm_here()->busy(ROUNDS));
}

static void read_piece(void *context, int chunk)
{
	const uint64_t *words = (const uint64_t *)context + (size_t)chunk * (PIECE / sizeof *words);
	uint64_t sums[16] = { 0 };

	for (size_t i = 0; i < PIECE / sizeof *words; i += 16)
		for (size_t j = 0; j < 16; j++)
			sums[j] += words[i + j];
	for (int j = 0; j < 16; j++)
		atomic_fetch_add(&sink, sums[j]);
}

/* The shortest of some tries, in seconds. */
static double shortest(void (*work)(void *context, int chunk), void *context)
{
	double best = 1e30;

	for (int i = 0; i < TRIES; i++) {
		double start = limits_clock(), took;

		pool_run(PIECES, work, context);
		took = limits_clock() - start;
		if (took < best)
			best = took;
	}
	return best;
}

double limits_flops(void)
{
	return (double)PIECES * ROUNDS * gemm_here()->busy_flops / shortest(multiply_add, NULL);
}

double limits_bandwidth(void)
{
	void *memory = malloc((size_t)PIECES * PIECE);
	double rate;

	if (!memory)
		return 0;
	memset(memory, 1, (size_t)PIECES * PIECE);
	rate = (double)PIECES * PIECE / shortest(read_piece, memory);
	free(memory);
	return rate;
}
