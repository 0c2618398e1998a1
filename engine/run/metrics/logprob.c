/* logprob.c - see metric.h: the log probability of a token. */
#include "engine/run/metric_inner.h"

#include <math.h>

static double logprob_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	(void)unedited;
	return (double)x[m->target[0]] - metric_log_sum_exp(x, V);
}

static void logprob_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	double lse = metric_log_sum_exp(x, V);

	(void)unedited;
	for (int i = 0; i < V; i++)
		d[i] = (float)-exp((double)x[i] - lse);
	d[m->target[0]] += 1;
}

/* clang-format off */
const struct metric_info metric_kind_logprob = {
	.word = "logprob",
	.arguments = "TOKEN",
	.takes = TAKES_TOKEN,
	.site = SITE_NONE,
	.unit = "nats",
	.help = "the log probability of a token: logprob \" Paris\"",
	.instead = "logit",
	.of_logits = logprob_value,
	.slope = logprob_slope,
};
/* clang-format on */
