/*
 * matrix.h - a weight matrix W[in, out], made ready for y = x W.
 *
 * It is built from a tensor of a checkpoint in whatever type and orientation that has, and knows the fastest way to apply
 * itself to 1 … 1000 rows. The layout inside (column panels) is nobody else's business. Immutable once made.
 *
 * Legend: n rows, `in` inputs, `out` outputs. Row-major: x[n, in], y[n, out]; ldx and ldy are the distances in floats
 * between rows, so that x and y may be parts of wider arrays.
 *
 * A row's result does not depend on n, on which rows are beside it, or on threads: equal bit for bit, within one kernel
 * set. LMSCOPE_GEMM=openblas sends everything through OpenBLAS, which does not promise that, and is no faster with AVX2 or more:
 * `lmscope bench` measures both.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_MATRIX_H
#define LMSCOPE_ENGINE_NUMBERS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/numbers/tensor.h"

/* Where the weights come from: outputs first … first+out-1 of the tensor, or pick[0 … out-1] of them. */
struct matrix_source {
	const struct tensor *tensor; /* outlives the matrix: it may be read lazily */
	bool in_out;		     /* stored [in, out] (Conv1D) rather than [out, in] */
	int in, out;		     /* as the matrix is to be */
	int first;
	const int32_t *pick; /* [out] or NULL; copied. Splits fused q/k/v, undoes permuted rotary rows */
	bool in_place;	     /* keep no copy of the weights, as under matrix_low_memory() */
	bool blas;	     /* products through OpenBLAS, as under LMSCOPE_GEMM=openblas */
};

struct matrix; /* lives in the arena that it was made in */

/* Once, before other threads run: loads what LMSCOPE_GEMM asks for. False: it is not on this machine. */
bool matrix_start(struct err *err);

/* Checks the tensor's shape against the source (the sentence names the tensor and both shapes) and packs it. NULL on error. */
struct matrix *matrix_new(struct arena *arena, const struct matrix_source *source, struct err *err);
/* Whether matrices made from now on keep no copy of their weights but read the file's mapping at each use: slower, and small. */
void matrix_low_memory(bool on);
/* Bytes of private memory that matrix_new takes for such a source; for estimates before anything is loaded. */
size_t matrix_footprint(const struct matrix_source *source);

/* Bytes of the weights as the file has them: what a product that keeps no copy must read. */
double matrix_stored_bytes(const struct matrix *w);

int matrix_in(const struct matrix *w);
int matrix_out(const struct matrix *w);

/* y[n, out] = x[n, in] W. */
void matrix_apply(const struct matrix *w, const float *x, size_t ldx, int n, float *y, size_t ldy);
/* The same for up to three matrices with as many inputs, at once: y[i] is x w[i]. */
void matrix_apply_each(const struct matrix *const *w, int count, const float *x, size_t ldx, int n, float *const *y);
/* The same with only the inputs from … from+count-1, which is what a head writes: x[n, count]; y[n, out] = x W[from…]. */
void matrix_apply_inputs(const struct matrix *w, int from, int count, const float *x, size_t ldx, int n, float *y, size_t ldy);
/* The same with only the outputs from … from+count-1: y[n, count]. Equal bits to the whole product's columns. */
void matrix_apply_outputs(const struct matrix *w, int from, int count, const float *x, size_t ldx, int n, float *y, size_t ldy);
/* x[n, in], and room for the same in the order that products take: packed[n, in]. */
struct matrix_rows {
	const float *x;
	int n;
	float *packed;
};
/* Fills `packed`, once for many products with parts of W. */
void matrix_pack_rows(const struct matrix *w, const struct matrix_rows *rows);
/* Some outputs of such rows in this thread alone: may be called from a chunk of the pool. */
void matrix_apply_outputs_here(const struct matrix *w, int from, int count, const struct matrix_rows *rows, float *y, size_t ldy);
/* g[n, in] = d[n, out] Wᵀ: what a gradient at the output is at the input. */
void matrix_apply_back(const struct matrix *w, const float *d, size_t ldd, int n, float *g, size_t ldg);
/* The same of one row d[out], in this thread alone: may be called from a chunk of the pool. */
void matrix_apply_back_here(const struct matrix *w, const float *d, float *g);
/* The same for so many outputs that a sum in single precision would lose digits: in parts, which are added in double. */
void matrix_apply_back_long(const struct matrix *w, const float *d, size_t ldd, int n, float *g, size_t ldg);

/* The weights of one output, w[in] (a column of W: the unembedding vector of a token), and of one input, w[out] (a row of
 * W: what a neuron writes). Exactly the values that matrix_apply uses. */
void matrix_output(const struct matrix *w, int j, float *weights);
void matrix_input(const struct matrix *w, int i, float *weights);

#endif
