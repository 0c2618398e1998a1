/* pattern.c - see metric.h: a head's attention weight on one key. */
#include "engine/run/metric_inner.h"

/* clang-format off */
const struct metric_info metric_kind_pattern = {
	.word = "pattern",
	.arguments = "L.H @QUERY<KEY",
	.takes = TAKES_WEIGHT,
	.site = SITE_PATTERN,
	.unit = "weight",
	.help = "a head's attention weight on one key: pattern 2.1 @13<7",
	.instead = "scores",
	.of_rows = metric_weight_of_rows,
	.seeds = metric_unit_seeds,
};
/* clang-format on */
