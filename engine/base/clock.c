/* clock.c - see clock.h. */
#include "engine/base/clock.h"

#include <time.h>

double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

long clock_ms(void)
{
	return (long)clock_now();
}
