/*
 * noise.h - random numbers without a state: each is a function of its seed and place, so that any part of them can be made
 * alone.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_NOISE_H
#define LMSCOPE_ENGINE_NUMBERS_NOISE_H

#include <stdint.h>

/* A number of the standard normal distribution. */
double noise_normal(uint64_t seed, uint64_t row, uint64_t column);
/* One that is as likely to be anywhere from 0 to just below 1. */
double noise_uniform(uint64_t seed, uint64_t row, uint64_t column);

#endif
