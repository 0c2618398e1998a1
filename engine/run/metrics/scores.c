/* scores.c - see metric.h: a head's score of one key, before softmax. */
#include "engine/run/metric_inner.h"
#include "engine/run/reading.h"

/* clang-format off */
const struct metric_info metric_kind_scores = {
	.word = "scores",
	.arguments = "L.H @QUERY<KEY",
	.takes = TAKES_WEIGHT,
	.site = SITE_SCORES,
	.unit = "score",
	.help = "a head's score of one key, before softmax: scores 2.1 @13<7",
	.of_rows = metric_score_of_rows,
	.seeds = metric_unit_seeds,
	.read = read_scores,
};
/* clang-format on */
