/*
 * gemm.h - the innermost loops of matrix products, once per instruction set: gemm_avx512.c, gemm_avx2.c, gemm_generic.c.
 *
 * Weights are in column panels [depth][16]: for each input the weights of 16 neighbouring outputs. A tile multiplies a few
 * rows by one, two or four panels with all its sums in registers. Each output is one chain of (fused, where there is FMA)
 * multiply-adds over ascending depth, whatever the tile's shape; and a chain that was put down in y continues there with
 * `more`. So the way in which a product is cut into tiles never changes a bit of it.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_GEMM_H
#define LMSCOPE_ENGINE_NUMBERS_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/numbers/cpu.h"

enum { PANEL = 16, PANELS_MAX = 4 };

/* How the weights of a tile lie in memory. */
enum gemm_weights { WEIGHTS_F32, WEIGHTS_BF16, WEIGHTS_F16, WEIGHTS_KINDS };

struct gemm_tile {
	int rows, panels;
	enum gemm_weights kind;
	size_t depth;
	const float *a; /* [depth][rows] */
	const void *b;	/* [panels][depth][16], panels `stride` weights apart; aligned to 16 weights */
	size_t stride;
	/* weights to ask for meanwhile, in each panel from here on, `pace` bytes further with each input: */
	const char *soon;
	ptrdiff_t pace; /* no address is too far */
	float *y;	/* [rows][16 * panels], rows `ldy` floats apart */
	size_t ldy;
	uint64_t columns; /* bit 16 p + c: column c of panel p is written (and read); the rest of y may not exist */
	bool more;	  /* continue from what is in y */
};

/*
 * A tile of a product by transposed weights, g = d Wᵀ: the sums of some of W's inputs, for sixteen rows of d in each vector, so
 * that the weights are taken one by one where they lie. Each sum is one chain over W's outputs as above; what a tile is given and
 * makes is turned: rows are side by side. BF16 and F16 become floats on the way, a panel's sixteen outputs at a time: that costs
 * nothing beside the multiply-adds, since other parts of the processor do it.
 */
struct gemm_back {
	int inputs;
	int panels;   /* of sixteen rows of d; 0: eight rows */
	size_t depth; /* outputs of W: the first is the first of a panel */
	enum gemm_weights kind;
	const void *w; /* [depth / 16][inputs][16], panels `apart` weights apart; aligned to 16 weights */
	size_t apart;
	const char *soon; /* weights to ask for meanwhile: those of each input, and as far further on as panels are apart */
	const float *d;	  /* [panels][depth][16], panels `stride` floats apart; aligned to 16 floats */
	size_t stride;
	float *g; /* [inputs][16 * panels], inputs `ldg` floats apart; aligned as d is */
	size_t ldg;
	bool more; /* continue from what is in g */
};

enum { BACK_PANELS = 2 };

/* A tile of so many panels takes this many rows. */
struct gemm_shape {
	int panels, rows;
};

struct gemm {
	struct gemm_shape shapes[4]; /* for a single tile: the first with enough rows; ends with {0, 0} */
	struct gemm_shape bulk;	     /* for more rows than any of them */
	void (*tile)(const struct gemm_tile *t);
	int back_inputs[BACK_PANELS + 1]; /* of a tile of so many panels of rows; 0: there is none such */
	void (*back)(const struct gemm_back *t);
	bool halves; /* tile and back take BF16 and F16 too */

	/* dst[c][r] = src[r][c] for up to 16 x 16 floats; the distances between rows are in floats. */
	void (*transpose)(const float *src, size_t lds, int rows, int columns, float *dst, size_t ldd);

	/* Packed weights to floats. n is a multiple of 16. */
	void (*expand_bf16)(const uint16_t *src, float *dst, size_t n);
	void (*expand_f16)(const uint16_t *src, float *dst, size_t n);
	/*
	 * dst[group][16] = scale[16] * q + offset[16] (or nothing when NULL), rounded after each step. Bytes are q[group][16].
	 * Nibbles are q[group / 2][16]: the low ones are the first half of the group; `bias` is taken away from each.
	 */
	void (*expand_bytes)(const int8_t *q, const float *scale, const float *offset, int group, float *dst);
	void (*expand_nibbles)(const uint8_t *q, int bias, const float *scale, const float *offset, int group, float *dst);

	/* As many multiply-adds as the processor can do: busy_flops operations a round. The yardstick of limits.c. */
	float (*busy)(size_t rounds);
	int busy_flops;
};

/* Each set's file calls its functions as the fields are called. */
/* clang-format off */
#define GEMM_FUNCTIONS .tile = tile, .back = back, .transpose = transpose, .expand_bf16 = expand_bf16, .expand_f16 = expand_f16, \
	.expand_bytes = expand_bytes, .expand_nibbles = expand_nibbles, .busy = busy
/* clang-format on */

extern const struct gemm gemm_generic, gemm_avx2, gemm_avx512;

/* Of a set of instructions; NULL where the processor's family has no such set. */
const struct gemm *gemm_of(enum cpu_set set);
/* The one for cpu_set(); under sanitizers its functions look at what they are given first (gemm_watched.c). */
const struct gemm *gemm_here(void);

#endif
