/* logit.c - see metric.h: the logit of a token. */
#include "engine/run/metric_inner.h"

#include <string.h>

#include "engine/run/reading.h"

static double logit_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	(void)unedited, (void)V;
	return (double)x[m->target[0]];
}

static void logit_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	(void)x, (void)unedited;
	memset(d, 0, (size_t)V * sizeof *d);
	d[m->target[0]] = 1;
}

/* clang-format off */
const struct metric_info metric_kind_logit = {
	.word = "logit",
	.arguments = "TOKEN",
	.takes = TAKES_TOKEN,
	.site = SITE_NONE,
	.unit = "logit",
	.help = "the logit of a token: logit \" Paris\"",
	.of_logits = logit_value,
	.slope = logit_slope,
	.read = read_logits,
	.one_norm = true,
};
/* clang-format on */
