/* router.c - see metric.h: how much a mixture asks for an expert. */
#include "engine/run/metric_inner.h"

#include "engine/run/reading.h"

/* clang-format off */
const struct metric_info metric_kind_router = {
	.word = "router",
	.arguments = "L.E",
	.takes = TAKES_UNIT,
	.site = SITE_ROUTER_LOGITS,
	.unit = "logit",
	.help = "how much a mixture's router asks for an expert, before it chooses: router 3.17",
	.of_rows = metric_unit_of_rows,
	.seeds = metric_unit_seeds,
	.read = read_router,
	.one_norm = true,
};
/* clang-format on */
