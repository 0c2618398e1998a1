/*
 * exponential.h - functions of one number that compilers make vectors of: plain C without branches or calls.
 *
 * They are inlined into loops (kernels.c) that are compiled for one instruction set or another. No product and sum are fused, so
 * that each set computes the same bits. Included by kernels.c alone.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_EXPONENTIAL_H
#define LMSCOPE_ENGINE_NUMBERS_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

/* The loop that follows works on each number alone: no element that it reads is written for another, even in place. */
#ifdef __clang__
#define EACH_ALONE _Pragma("clang loop vectorize(assume_safety)")
#else
#define EACH_ALONE _Pragma("GCC ivdep")
#endif
#define INLINE static inline __attribute__((always_inline, unused))

INLINE uint32_t bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

INLINE float float_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

/* yes ? a : b, with masks: a branch would keep the compiler from making vectors. */
INLINE float choose(int yes, float a, float b)
{
	const uint32_t mask = 0u - (uint32_t)yes;

	return float_of((bits_of(a) & mask) | (bits_of(b) & ~mask));
}

/*
 * e^x within 2e-7 of its value: x = n ln 2 + r, |r| <= ln 2 / 2, and a polynomial in r (the coefficients of Cephes' expf,
 * S. Moshier). Less than e^-87.3 is 0, more than e^88.3 is that; NaN stays NaN.
 */
INLINE float exponential(float x)
{
	const float low = choose(x < -87.33f, -87.33f, x), y = choose(low > 88.37f, 88.37f, low);
	const float shifted = y * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: no bits are left for a fraction */
	const float n = shifted - 12582912.0f, r = (y - n * 0.693359375f) - n * -2.12194440e-4f;
	float p = 1.9875691500e-4f;

	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = (p * (r * r) + r) + 1.0f;
	p *= float_of((bits_of(shifted) + 127) << 23); /* 2^n: n is in the last bits of the shifted sum */
	return choose(x < -87.33f, 0, p);
}

/*
 * The normal distribution's tail, the probability of more than a >= 0: e^(-a^2/2) times a polynomial in 1 / (1 + 0.3 a), fitted
 * to a <= 14 with a relative error of 4e-9; beyond that the exponential is 0.
 */
INLINE float normal_tail(float a)
{
	const float t = 1.0f / (a * 0.3f + 1.0f);
	float p = -0.0206136515f;

	p = p * t + 0.112380206f;
	p = p * t - 0.228077806f;
	p = p * t + 0.191595213f;
	p = p * t - 0.0792583589f;
	p = p * t + 0.0960635912f;
	p = p * t + 0.0784236538f;
	p = p * t + 0.110227719f;
	p = p * t + 0.119572796f;
	p = p * t + 0.119686636f;
	return p * t * exponential(a * a * -0.5f);
}

#endif
