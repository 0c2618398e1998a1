/* entropy.c - see metric.h: the entropy of the prediction. */
#include "engine/run/metric_inner.h"

#include <math.h>

static double entropy_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	double lse = metric_log_sum_exp(x, V), sum = 0;

	(void)m, (void)unedited;
	for (int i = 0; i < V; i++)
		sum += exp((double)x[i] - lse) * (lse - (double)x[i]);
	return sum;
}

static void entropy_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	double lse = metric_log_sum_exp(x, V), entropy = entropy_value(m, x, unedited, V);

	for (int i = 0; i < V; i++)
		d[i] = (float)(exp((double)x[i] - lse) * (lse - (double)x[i] - entropy));
}

/* clang-format off */
const struct metric_info metric_kind_entropy = {
	.word = "entropy",
	.arguments = "",
	.takes = TAKES_NOTHING,
	.site = SITE_NONE,
	.unit = "nats",
	.help = "entropy of the prediction",
	.instead = "logit",
	.of_logits = entropy_value,
	.slope = entropy_slope,
};
/* clang-format on */
