/*
 * dtype.h - the number formats that weights come in, and how a row of them expands to float.
 *
 * One row of the table per format. Ids are our own; the GGUF and safetensors readers map theirs by name.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_DTYPE_H
#define LMSCOPE_ENGINE_NUMBERS_DTYPE_H

#include <stddef.h>
#include <stdint.h>

enum dtype {
	DTYPE_F32,
	DTYPE_F16,
	DTYPE_BF16,
	DTYPE_F64,
	DTYPE_F8_E4M3,
	DTYPE_F8_E5M2,
	DTYPE_Q4_0,
	DTYPE_Q4_1,
	DTYPE_Q5_0,
	DTYPE_Q5_1,
	DTYPE_Q8_0,
	DTYPE_Q2_K,
	DTYPE_Q3_K,
	DTYPE_Q4_K,
	DTYPE_Q5_K,
	DTYPE_Q6_K,
	DTYPE_IQ4_NL,
	DTYPE_IQ4_XS,
	DTYPE_MXFP4,
	DTYPE_COUNT,
};

struct dtype_info {
	const char *name; /* "Q4_K" */
	int block, bytes; /* elements and bytes of a block; 1 and the element's size for plain types */
	/* Expands n elements (a multiple of `block`) from src, which may be unaligned. */
	void (*expand)(const void *src, float *dst, size_t n);
};

extern const struct dtype_info dtype_table[DTYPE_COUNT];

/* -1 when there is none of that name (case does not matter). */
/* Half of 2^(e - 127), the scale of a block of MXFP4. */
float dtype_half_power(int e);
int dtype_find(const char *name);
/* Bytes of n elements; n must be a multiple of the block. */
size_t dtype_bytes(enum dtype type, size_t n);
/* IEEE half to float, for single values. */
float dtype_half(uint16_t h);

#endif
