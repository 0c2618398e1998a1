/* metric_logits.c - metrics of the logits, from one row of them: values and gradients. */
#include <math.h>
#include <string.h>

#include "engine/run/metric_inner.h"

static double log_sum_exp(const float *x, int n)
{
	double sum = 0;
	float best = x[0];

	for (int i = 1; i < n; i++)
		best = fmaxf(best, x[i]);
	for (int i = 0; i < n; i++)
		sum += exp((double)(x[i] - best));
	return (double)best + log(sum);
}

double logit_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	(void)unedited, (void)V;
	return (double)x[m->target[0]];
}

double logit_diff_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	(void)unedited, (void)V;
	return (double)x[m->target[0]] - (double)x[m->target[1]];
}

double logprob_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	(void)unedited;
	return (double)x[m->target[0]] - log_sum_exp(x, V);
}

double entropy_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	double lse = log_sum_exp(x, V), sum = 0;

	(void)m, (void)unedited;
	for (int i = 0; i < V; i++)
		sum += exp((double)x[i] - lse) * (lse - (double)x[i]);
	return sum;
}

double kl_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	double lse = log_sum_exp(x, V), lse_unedited = log_sum_exp(unedited, V), sum = 0;

	(void)m;
	for (int i = 0; i < V; i++) {
		double log_p = (double)unedited[i] - lse_unedited;

		sum += exp(log_p) * (log_p - ((double)x[i] - lse));
	}
	return sum;
}

/* ---- gradients ---- */

void logit_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	(void)x, (void)unedited;
	memset(d, 0, (size_t)V * sizeof *d);
	if (m->target[1] >= 0)
		d[m->target[1]] -= 1;
	d[m->target[0]] += 1;
}

void logprob_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	double lse = log_sum_exp(x, V);

	(void)unedited;
	for (int i = 0; i < V; i++)
		d[i] = (float)-exp((double)x[i] - lse);
	d[m->target[0]] += 1;
}

void entropy_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	double lse = log_sum_exp(x, V), entropy = entropy_value(m, x, unedited, V);

	for (int i = 0; i < V; i++)
		d[i] = (float)(exp((double)x[i] - lse) * (lse - (double)x[i] - entropy));
}

void kl_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	double lse = log_sum_exp(x, V), lse_unedited = log_sum_exp(unedited, V);

	(void)m;
	for (int i = 0; i < V; i++)
		d[i] = (float)(exp((double)x[i] - lse) - exp((double)unedited[i] - lse_unedited));
}
