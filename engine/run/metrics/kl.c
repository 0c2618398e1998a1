/* kl.c - see metric.h: the divergence of the edited from the unedited prediction. */
#include "engine/run/metric_inner.h"

#include <math.h>

static double kl_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	double lse = metric_log_sum_exp(x, V), lse_unedited = metric_log_sum_exp(unedited, V), sum = 0;

	(void)m;
	for (int i = 0; i < V; i++) {
		double log_p = (double)unedited[i] - lse_unedited;

		sum += exp(log_p) * (log_p - ((double)x[i] - lse));
	}
	return sum;
}

static void kl_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	double lse = metric_log_sum_exp(x, V), lse_unedited = metric_log_sum_exp(unedited, V);

	(void)m;
	for (int i = 0; i < V; i++)
		d[i] = (float)(exp((double)x[i] - lse) - exp((double)unedited[i] - lse_unedited));
}

/* clang-format off */
const struct metric_info metric_kind_kl = {
	.word = "kl",
	.arguments = "",
	.takes = TAKES_NOTHING,
	.site = SITE_NONE,
	.unit = "nats",
	.help = "divergence of the edited from the unedited prediction: KL(unedited || edited)",
	.instead = "logit_diff",
	.of_logits = kl_value,
	.slope = kl_slope,
	.reads_unedited = true,
};
/* clang-format on */
