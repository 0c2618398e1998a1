/* blas.c - see blas.h. The only file that includes cblas.h. */
#include "engine/numbers/blas.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

bool blas_wanted(void)
{
	const char *wish = getenv("LMSCOPE_GEMM");

	return wish && !strcmp(wish, "openblas");
}

/* Its own threads spin against ours, even when idle: one thread, for good. */
static void use_one_thread(void)
{
	static atomic_bool done;

	if (!atomic_exchange(&done, true))
		openblas_set_num_threads(1);
}

void blas_gemm(bool a_transposed, bool b_transposed, int m, int n, int k, const float *a, size_t lda, const float *b, size_t ldb,
	       float *c, size_t ldc, bool more)
{
	assert(lda <= INT_MAX && ldb <= INT_MAX && ldc <= INT_MAX);
	if (m <= 0 || n <= 0)
		return;
	use_one_thread();
	cblas_sgemm(CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans, b_transposed ? CblasTrans : CblasNoTrans, m, n, k,
		    1.0f, a, (int)lda, b, (int)ldb, more ? 1.0f : 0.0f, c, (int)ldc);
}
