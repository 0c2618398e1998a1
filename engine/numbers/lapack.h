/*
 * lapack.h - matrices taken apart, in double precision, by OpenBLAS' LAPACK, which is loaded when it is first asked for. From any
 * thread.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_LAPACK_H
#define LMSCOPE_ENGINE_NUMBERS_LAPACK_H

#include <stdbool.h>

#include "engine/base/err.h"

/*
 * Of a symmetric a[n, n] its eigenvalues, w[n] from the least to the greatest; row i of a becomes the eigenvector of w[i], of
 * length 1. ERR_FILE: no library; ERR_MEMORY; ERR_ARGUMENT: it does not converge, as where a number is NaN.
 */
bool lapack_symmetric(double *a, int n, double *w, struct err *err);
/* The singular values of a[m, n], which is lost, the greatest first: s[the lesser of m, n]. Errors as above. */
bool lapack_singular_values(double *a, int m, int n, double *s, struct err *err);

#endif
