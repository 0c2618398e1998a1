/*
 * rank_correlation.h - how alike two lists order the same things: 1 the same order, -1 the opposite one, 0 no relation.
 *
 *   Spearman's ρ: the correlation of the ranks, where equal values share the mean of their ranks          (Spearman 1904)
 *   Kendall's τ-b: (pairs in the same order − pairs in opposite ones) / √((n₀ − n₁)(n₀ − n₂))              (Kendall 1945)
 *                  n₀ = n (n − 1) / 2 pairs, of which n₁ are equal in the one list, n₂ in the other
 *
 * NaN where a list is all one value, or has fewer than two.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_RANK_CORRELATION_H
#define LMSCOPE_ENGINE_ANALYSIS_RANK_CORRELATION_H

double rank_spearman(const double *a, const double *b, int n); /* [n] each, finite */
double rank_kendall(const double *a, const double *b, int n);

#endif
