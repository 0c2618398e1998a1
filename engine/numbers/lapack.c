/* lapack.c - see lapack.h. LAPACK counts by columns: its matrices are the transposes of ours. */
#include "engine/numbers/lapack.h"

#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/numbers/blas.h"

typedef void dsyevd(const char *vectors, const char *half, const int *n, double *a, const int *lda, double *w, double *work,
		    const int *lwork, int *iwork, const int *liwork, int *info);
typedef void dgesdd(const char *vectors, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
		    const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info);

static bool outcome(int info, const char *what, struct err *err)
{
	return !info ||
	       err_set(err, ERR_ARGUMENT, "%s of the matrix cannot be found: it may have numbers that are not finite", what);
}

bool lapack_symmetric(double *a, int n, double *w, struct err *err)
{
	dsyevd *solve;
	double length, *work;
	int info = 0, most, whole = -1, *more;

	if (!blas_function("dsyevd_", (void **)&solve, err))
		return false;
	solve("V", "U", &n, a, &n, w, &length, &whole, &most, &whole, &info); /* how much room it wants */
	whole = (int)length;
	work = xmalloc((size_t)whole * sizeof *work);
	more = xmalloc((size_t)most * sizeof *more);
	solve("V", "U", &n, a, &n, w, work, &whole, more, &most, &info);
	free(work);
	free(more);
	return outcome(info, "the eigenvalues", err);
}

bool lapack_singular_values(double *a, int m, int n, double *s, struct err *err)
{
	dgesdd *solve;
	double length, none, *work;
	int info = 0, whole = -1, one = 1, *more;

	if (!blas_function("dgesdd_", (void **)&solve, err))
		return false;
	more = xmalloc(8 * (size_t)(m < n ? m : n) * sizeof *more);
	solve("N", &n, &m, a, &n, s, &none, &one, &none, &one, &length, &whole, more, &info);
	whole = (int)length;
	work = xmalloc((size_t)whole * sizeof *work);
	solve("N", &n, &m, a, &n, s, &none, &one, &none, &one, work, &whole, more, &info);
	free(work);
	free(more);
	return outcome(info, "the singular values", err);
}
