/* along.c - see metric.h: the stream, or a write, along a direction of length 1. */
#include "engine/run/metric_inner.h"

#include "engine/run/reading.h"

static double along_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	return metric_dot(rows->at(rows, m->place.site, m->position), m->vector->row, metric_channels(rows));
}

static int along_seeds(const struct metric *m, const struct metric_rules *rules, struct arena *arena, struct backward_seed *seed)
{
	(void)rules, (void)arena;
	*seed = metric_seed(m, m->position, 1, m->vector->width, m->vector->row);
	return 1;
}

/* clang-format off */
const struct metric_info metric_kind_along = {
	.word = "along",
	.arguments = "FILE SITE L",
	.takes = TAKES_FILE_STREAM,
	.site = SITE_NONE,
	.unit = "along",
	.help = "the stream, or a write, along a direction of length 1: along love.npy resid_post 3",
	.of_rows = along_of_rows,
	.seeds = along_seeds,
	.read = read_row,
};
/* clang-format on */
