/* blas.c - see blas.h. The only file that includes cblas.h; of the library it has a name and some functions. */
#include "engine/numbers/blas.h"

#include <assert.h>
#include <cblas.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libopenblas.so.0"

static __typeof__(&cblas_sgemm) sgemm; /* NULL: not loaded */

bool blas_wanted(void)
{
	const char *wish = getenv("LMSCOPE_GEMM");

	return wish && !strcmp(wish, "openblas");
}

void blas_prepare(void)
{
	/* Its threads start as it is loaded, and spin beside ours even when idle; later they can only be told to rest. */
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

bool blas_function(const char *name, void **function, struct err *err)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); /* the same one each time */

	if (!library)
		return err_set(err, ERR_FILE, "OpenBLAS cannot be loaded (%s)", dlerror());
	*function = dlsym(library, name);
	return *function || err_set(err, ERR_FILE, "%s has no function %s", LIBRARY, name);
}

bool blas_load(struct err *err)
{
	blas_prepare();
	return sgemm || blas_function("cblas_sgemm", (void **)&sgemm, err);
}

void blas_gemm(bool a_transposed, bool b_transposed, int m, int n, int k, const float *a, size_t lda, const float *b, size_t ldb,
	       float *c, size_t ldc, bool more)
{
	assert(sgemm && lda <= INT_MAX && ldb <= INT_MAX && ldc <= INT_MAX);
	if (m <= 0 || n <= 0)
		return;
	sgemm(CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans, b_transposed ? CblasTrans : CblasNoTrans, m, n, k, 1.0f, a,
	      (int)lda, b, (int)ldb, more ? 1.0f : 0.0f, c, (int)ldc);
}
