/*
 * element.h - one number of a plain array, as NumPy and PyTorch write it: floats, whole numbers, truth values.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_ELEMENT_H
#define LMSCOPE_ENGINE_NUMBERS_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

struct element {
	char kind;    /* 'f' float, 'i' signed, 'u' unsigned, 'b' truth */
	size_t width; /* bytes */
	bool big;     /* the highest byte first */
};

/* The i-th of the numbers at `bytes`, which may be unaligned; rounded to the nearest float. */
float element_float(const void *bytes, size_t i, const struct element *e);

#endif
