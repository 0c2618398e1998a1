/* logit_diff.c - see metric.h: the logit of one token minus another's. */
#include "engine/run/metric_inner.h"

#include <string.h>

#include "engine/run/reading.h"

static double logit_diff_value(const struct metric *m, const float *x, const float *unedited, int V)
{
	(void)unedited, (void)V;
	return (double)x[m->target[0]] - (double)x[m->target[1]];
}

static void logit_diff_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d)
{
	(void)x, (void)unedited;
	memset(d, 0, (size_t)V * sizeof *d);
	d[m->target[1]] -= 1;
	d[m->target[0]] += 1;
}

/* clang-format off */
const struct metric_info metric_kind_logit_diff = {
	.word = "logit_diff",
	.arguments = "TOKEN TOKEN",
	.takes = TAKES_TOKENS,
	.site = SITE_NONE,
	.unit = "logit",
	.help = "the logit of one token minus another's: logit_diff \" Mary\" \" John\"",
	.of_logits = logit_diff_value,
	.slope = logit_diff_slope,
	.read = read_logits,
	.one_norm = true,
};
/* clang-format on */
