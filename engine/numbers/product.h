/*
 * product.h - a product of a few rows with packed weights, cut into tiles for the processor and chunks for the pool.
 *
 * y[n, outputs] = x[n, depth] B, where B is [depth, outputs] and can be read as column panels. Both directions of a matrix
 * are such products: forward B is W, backward it is W transposed. How a product is cut changes no bit of it (gemm.h).
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_PRODUCT_H
#define LMSCOPE_ENGINE_NUMBERS_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/numbers/panel.h"

enum { PRODUCTS_MAX = 3 }; /* together: queries, keys and values */

struct product {
	/* B's panels as they lie in memory, [panels][limit][16] of this kind, aligned to 16 weights… */
	const void *panels;
	enum gemm_weights kind;
	/* …or, where panels is NULL, how some of them are read (panel.h). */
	const struct panels *weights;
	const float *(*read)(const struct panels *weights, int panel, int number, int from, int count, float *buffer,
			     size_t *stride);
	int align;	    /* read from multiples of this on */
	int wide;	    /* read so many panels together, or 0: as it suits the tiles */
	int from, depth;    /* which part of B's depth; x has only that */
	int limit;	    /* B's whole depth */
	int first, outputs; /* which part of B's columns; y has only that */
	const float *x;
	size_t ldx;
	bool turned; /* x is [depth, n] */
	int n;
	const float *packed; /* x as product_pack left it; or NULL */
	float *y;
	size_t ldy;
	bool more; /* continue from the sums that are in y */
};

/* With the pool's threads. */
void product_run(const struct product *p);
/* Several of the same rows x, and the same part of the depth: at once, which costs less than one after another. */
void product_run_together(const struct product *p, int count);
/*
 * x[n, depth] as products of all of its depth take it, for those that do so many times: packed[n, depth]. With the pool's
 * threads.
 */
void product_pack(const float *x, size_t ldx, int n, int depth, float *packed);
/* In this thread alone: may be called from a chunk of the pool. */
void product_here(const struct product *p);

#endif
