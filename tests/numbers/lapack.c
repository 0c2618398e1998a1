/* lapack.c - eigenvalues and singular values of matrices whose own are known, and of one with a number that is none. */
#include "engine/numbers/lapack.h"

#include <math.h>

#include "tests/tap.h"

enum { N = 3 };

static void test_symmetric(void)
{
	const double whole[N * N] = { 4, 1, 0, 1, 3, 1, 0, 1, 2 }; /* 3 and 3 ± √3 */
	double a[N * N], w[N];
	struct err err = { 0 };

	for (int i = 0; i < N * N; i++)
		a[i] = whole[i];
	if (!CHECK_THAT(lapack_symmetric(a, N, w, &err), "it is solved %s", err.text))
		return;
	CHECK_THAT(fabs(w[0] - (3 - sqrt(3))) < 1e-12 && fabs(w[1] - 3) < 1e-12 && fabs(w[2] - (3 + sqrt(3))) < 1e-12,
		   "the eigenvalues are %g %g %g", w[0], w[1], w[2]);
	for (int v = 0; v < N; v++)
		for (int i = 0; i < N; i++) {
			double sum = 0;

			for (int j = 0; j < N; j++)
				sum += whole[i * N + j] * a[v * N + j];
			CHECK_THAT(fabs(sum - w[v] * a[v * N + i]) < 1e-12, "row %d is an eigenvector", v);
		}
	a[4] = (double)NAN;
	CHECK_THAT(!lapack_symmetric(a, N, w, &err) && err.kind == ERR_ARGUMENT, "one with NaN is refused: %s", err.text);
}

static void test_singular(void)
{
	double wide[2 * N] = { 3, 0, 0, 0, 0, -2 }, tall[2 * N] = { 3, 0, 0, 0, 0, -2 }, s[2];
	struct err err = { 0 };

	CHECK_THAT(lapack_singular_values(wide, 2, N, s, &err) && fabs(s[0] - 3) < 1e-12 && fabs(s[1] - 2) < 1e-12, "%g %g %s",
		   s[0], s[1], err.text);
	/* rows (3, 0), (0, 0), (0, −2) */
	CHECK_THAT(lapack_singular_values(tall, N, 2, s, &err) && fabs(s[0] - 3) < 1e-12 && fabs(s[1] - 2) < 1e-12, "%g %g %s",
		   s[0], s[1], err.text);
}

int main(void)
{
	test_symmetric();
	test_singular();
	return tap_done();
}
