/*
 * dense.h - products of activations with activations, which attention is made of; in one thread, inside a chunk of the pool.
 *
 * y[n, columns] = x[n, depth] B. B is filled part by part from rows that are anywhere, and then serves many products. Every output
 * is one chain of multiply-adds over ascending depth: it depends on no row beside it, and may continue an earlier product.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_DENSE_H
#define LMSCOPE_ENGINE_NUMBERS_DENSE_H

#include <stdbool.h>
#include <stddef.h>

struct dense {
	int depth, columns;
	float *panels; /* [columns / 16][depth][16] */
	bool blas;     /* products go through OpenBLAS, which promises less: see matrix.h */
};

void dense_init(struct dense *b, int depth, int columns);
void dense_done(struct dense *b);

/* Columns first … first+count-1 of B are rows[count, depth]: keys. */
void dense_set_columns(struct dense *b, int first, int count, const float *rows, size_t ld);
/* Depths first … first+count-1 of B are rows[count, columns]: values. */
void dense_set_rows(struct dense *b, int first, int count, const float *rows, size_t ld);

/* With the first `columns` columns of B and its depths from … from+depth-1 alone: y[n, columns] = x[n, depth] B, or more of it. */
void dense_apply(const struct dense *b, int from, int depth, int columns, const float *x, size_t ldx, int n, float *y, size_t ldy,
		 bool more);

/* The same with x[depth, n]: y = xᵀ B. */
void dense_apply_turned(const struct dense *b, int from, int depth, int columns, const float *x, size_t ldx, int n, float *y,
			size_t ldy, bool more);

#endif
