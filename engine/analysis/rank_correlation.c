/* rank_correlation.c - see rank_correlation.h. Prompts are short: ranks are counted pair by pair. */
#include "engine/analysis/rank_correlation.h"

#include <math.h>

/* Twice the rank less n + 1, so that ranks are whole numbers around 0. */
static int centred_rank(const double *x, int n, int i)
{
	int rank = 0;

	for (int k = 0; k < n; k++)
		rank += (x[k] < x[i]) - (x[k] > x[i]);
	return rank;
}

double rank_spearman(const double *a, const double *b, int n)
{
	double ab = 0, aa = 0, bb = 0;

	for (int i = 0; i < n; i++) {
		const double ra = centred_rank(a, n, i), rb = centred_rank(b, n, i);

		ab += ra * rb;
		aa += ra * ra;
		bb += rb * rb;
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}

double rank_kendall(const double *a, const double *b, int n)
{
	double agree = 0, in_a = 0, in_b = 0;

	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++) {
			const int sa = (a[i] > a[k]) - (a[i] < a[k]), sb = (b[i] > b[k]) - (b[i] < b[k]);

			agree += sa * sb;
			in_a += sa * sa;
			in_b += sb * sb;
		}
	return in_a > 0 && in_b > 0 ? agree / sqrt(in_a * in_b) : NAN;
}
