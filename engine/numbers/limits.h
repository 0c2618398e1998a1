/*
 * limits.h - what this machine can do at most, measured: the yardsticks for every speed that is reported.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_LIMITS_H
#define LMSCOPE_ENGINE_NUMBERS_LIMITS_H

/* Floating-point operations a second of the pool's threads together, multiply-adds in registers alone; the best of a few tries. */
double limits_flops(void);

/*
 * Bytes a second that the pool's threads together read from memory (not from caches); the best of a few tries. 0: not enough
 * memory.
 */
double limits_bandwidth(void);

/* Seconds on a clock that only goes forward. */
double limits_clock(void);

#endif
