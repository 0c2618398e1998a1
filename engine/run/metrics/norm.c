/* norm.c - see metric.h: the length of the stream, or of a write. */
#include "engine/run/metric_inner.h"

#include <math.h>

#include "engine/run/reading.h"

static double norm_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	const float *x = rows->at(rows, m->place.site, m->position);

	return sqrt(metric_dot(x, x, metric_channels(rows)));
}

static int norm_seeds(const struct metric *m, const struct metric_rules *rules, struct arena *arena, struct backward_seed *seed)
{
	const float *x = run_at(rules->run, m->place.site, m->place.layer, m->position);
	const size_t D = (size_t)rules->run->model->config.D;
	const double length = sqrt(metric_dot(x, x, D));
	float *d = arena_alloc(arena, D * sizeof *d);

	for (size_t i = 0; length > 0 && i < D; i++)
		d[i] = (float)((double)x[i] / length);
	*seed = metric_seed(m, m->position, 1, D, d);
	return 1;
}

/* clang-format off */
const struct metric_info metric_kind_norm = {
	.word = "norm",
	.arguments = "SITE L",
	.takes = TAKES_STREAM,
	.site = SITE_NONE,
	.unit = "L2 norm",
	.help = "the length of the stream, or of a write: norm resid_post 3",
	.of_rows = norm_of_rows,
	.seeds = norm_seeds,
	.read = read_row,
};
/* clang-format on */
