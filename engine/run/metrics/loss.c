/*
 * loss.c - see metric.h: the mean loss over the prompt's own tokens. It is no number of one row of logits: metric_value() knows
 * it.
 */
#include "engine/run/metric_inner.h"

/* clang-format off */
const struct metric_info metric_kind_loss = {
	.word = "loss",
	.arguments = "",
	.takes = TAKES_NOTHING,
	.site = SITE_NONE,
	.unit = "nats",
	.own_tokens = true,
	.help = "mean negative log-likelihood of the prompt's own tokens",
	.instead = "logit",
};
/* clang-format on */
