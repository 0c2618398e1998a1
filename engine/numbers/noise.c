/*
 * noise.c - see noise.h. Steele et al.'s SplitMix64 scrambles seed, row and column; Box and Muller make two uniform halves
 * normal.
 */
#include "engine/numbers/noise.h"

#include <math.h>

static uint64_t scramble(uint64_t x)
{
	x += 0x9E3779B97F4A7C15;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
	x = (x ^ x >> 27) * 0x94D049BB133111EB;
	return x ^ x >> 31;
}

static uint64_t bits_of(uint64_t seed, uint64_t row, uint64_t column)
{
	return scramble(scramble(scramble(seed) ^ row) ^ column);
}

double noise_uniform(uint64_t seed, uint64_t row, uint64_t column)
{
	return (double)(bits_of(seed, row, column) >> 11) * 0x1p-53;
}

double noise_normal(uint64_t seed, uint64_t row, uint64_t column)
{
	const double turn = 6.283185307179586, whole = 4294967296.0;
	uint64_t bits = bits_of(seed, row, column);
	double radius = ((double)(bits >> 32) + 0.5) / whole, angle = (double)(bits & 0xFFFFFFFF) / whole;

	return sqrt(-2 * log(radius)) * cos(turn * angle);
}
