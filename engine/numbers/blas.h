/*
 * blas.h - general matrix products, row-major f32 (the OpenBLAS door). One thread: the pool does the rest.
 *
 * The program's products do without it: it is loaded for those who ask to compare (LMSCOPE_GEMM=openblas, `bench`), and for what
 * takes matrices apart (lapack.h), since loading it alone takes memory.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_BLAS_H
#define LMSCOPE_ENGINE_NUMBERS_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

/* LMSCOPE_GEMM=openblas: every product is to be one of OpenBLAS'. */
bool blas_wanted(void);

/* Before other threads run: it sets an environment variable. */
void blas_prepare(void);
/* Before the first product, and before other threads run. False: it is not on this machine. */
bool blas_load(struct err *err);
/* One of the library's functions by its name. */
bool blas_function(const char *name, void **function, struct err *err);

/*
 * c[m, n] = a[m, k] b[k, n]; with the flags a is stored [k, m], b is stored [n, k]. `more` adds to what c has. Asserts that it
 * is loaded.
 */
void blas_gemm(bool a_transposed, bool b_transposed, int m, int n, int k, const float *a, size_t lda, const float *b, size_t ldb,
	       float *c, size_t ldc, bool more);

#endif
