/* bounds.h - the smaller and the larger of two whole numbers. */
#ifndef LMSCOPE_ENGINE_BASE_BOUNDS_H
#define LMSCOPE_ENGINE_BASE_BOUNDS_H

static inline int least(int a, int b)
{
	return a < b ? a : b;
}

static inline int most(int a, int b)
{
	return a > b ? a : b;
}

#endif
