/*
 * blas.h - general matrix products and factorisations, row-major f32 (the OpenBLAS door). One thread: the pool does the rest.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_BLAS_H
#define LMSCOPE_ENGINE_NUMBERS_BLAS_H

#include <stdbool.h>
#include <stddef.h>

/* LMSCOPE_GEMM=openblas: every product is to be one of OpenBLAS'. */
bool blas_wanted(void);

/* c[m, n] = a[m, k] b[k, n]; with the flags a is stored [k, m], b is stored [n, k]. `more` adds to what c has. */
void blas_gemm(bool a_transposed, bool b_transposed, int m, int n, int k, const float *a, size_t lda, const float *b, size_t ldb,
	       float *c, size_t ldc, bool more);

#endif
