/*
 * quant.h - quantised blocks taken apart: small integers and, for each group of them, a scale and perhaps an offset.
 *
 * value = scale * (integer - bias) + offset, which is bit for bit what dtype.h's expand gives. Packed weights keep these
 * parts in another order (panel.c), so that they are expanded many at a time while they are multiplied.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_QUANT_H
#define LMSCOPE_ENGINE_NUMBERS_QUANT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/numbers/dtype.h"

enum { QUANT_BLOCK_MAX = 256, QUANT_GROUPS_MAX = 16 };

struct quant {
	int group; /* integers that share a scale; 0: the type is not quantised */
	int bits;  /* 4: integers are 0 … 15; 8: -128 … 127 */
	int bias;
	bool offset;
	/* a block is {half scale; half offset, if there is one} and from this byte on the integers, as panel.c packs them; or 0 */
	int at;
	int fifth; /* … but for a fifth bit of each, 32 of which are in four bytes from this one on; or 0: there is none */
	int less;  /* what integers with a fifth bit are less */
	/* One block of dtype_table[type].block integers; scale and offset have one entry a group. */
	void (*take_apart)(const unsigned char *block, int8_t *q, float *scale, float *offset);
};

/* What the nibbles of n bytes (a multiple of 16) of MXFP4 stand for. */
void quant_mxfp4_values(const unsigned char *both, int n, int8_t *low, int8_t *high);

extern const struct quant quant_table[DTYPE_COUNT];

#endif
