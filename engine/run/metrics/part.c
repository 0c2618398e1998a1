/* part.c - see metric.h: what a component gives to another metric directly. */
#include "engine/run/metric_inner.h"

#include <stdlib.h>
#include <string.h>

#include "engine/run/reading.h"
#include "engine/run/result.h"

/*
 * What a head writes at a position, the scale after attention frozen: with z after the edits on its result, and what they add
 * beyond z.
 */
static void head_write(const struct metric *m, const struct metric_rows *rows, int position, float scale, float *out)
{
	const struct config *c = &rows->run->model->config;
	const size_t HK = (size_t)(c->H * c->K);
	const float *z = rows->at(rows, SITE_Z, position);
	const struct attention_at place = { rows->run->model, m->place.layer, position, z, scale };
	float *used = xmalloc(HK * sizeof *used);

	memcpy(used, z, HK * sizeof *used);
	for (int e = 0; e < rows->edits; e++)
		if (edit_hits(rows->edit[e], SITE_RESULT, m->place.layer) && edit_covers(rows->edit[e], position))
			edit_apply(rows->edit[e], c, SITE_RESULT, position, used);
	result_write(&place, m->place.unit, used + m->place.unit * c->K, out);
	result_extra(&place, rows->edit, rows->edits, m->place.unit, out);
	free(used);
}

static double part_of_head(const struct metric *m, const struct metric_rows *rows)
{
	const struct metric_vector *v = m->vector;
	float *write = xmalloc(v->width * sizeof *write);
	double sum = 0;

	for (int i = 0; i < v->n; i++) {
		head_write(m, rows, v->from + i, v->scale[i], write);
		sum += metric_dot(write, v->row + (size_t)i * v->width, v->width);
	}
	free(write);
	return sum;
}

/* What a query's head reads at one key: the value there, along what is wanted of it. */
static double value_along(const struct metric *m, const float *v, const struct config *c)
{
	return metric_dot(v + config_kv_head(c, m->place.unit) * c->K, m->vector->row, m->vector->width);
}

static double part_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	const struct metric_vector *v = m->vector;
	double sum = v->constant;

	if (m->place.site == SITE_RESULT)
		return part_of_head(m, rows);
	if (m->place.site == SITE_PATTERN)
		return metric_weight_of_rows(m, rows) *
		       value_along(m, rows->at(rows, SITE_V, m->place.key), &rows->run->model->config);
	for (int i = 0; i < v->n; i++) {
		const float *x = rows->at(rows, m->place.site, v->from + i) + (m->place.unit > 0 ? m->place.unit : 0);

		sum += metric_dot(x, v->row + (size_t)i * v->width, v->width);
	}
	return sum;
}

/* A weight times a value: through both, but where weights are constants. */
static int source_seeds(const struct metric *m, const struct metric_rules *rules, struct arena *arena, struct backward_seed *seed)
{
	const struct run *run = rules->run;
	const struct config *c = &run->model->config;
	const struct metric_vector *v = m->vector;
	const bool both = !(rules->frozen & FROZEN_PATTERNS);
	const double share = both && (rules->frozen & HALVED_PRODUCTS) ? 0.5 : 1;
	const double weight = (double)run_pattern(run, m->place.layer, m->place.unit, m->position)[m->place.key];
	float *d = arena_alloc(arena, v->width * sizeof *d);

	for (size_t i = 0; i < v->width; i++)
		d[i] = (float)((double)v->row[i] * weight * share);
	seed[0] = metric_seed(m, m->place.key, 1, v->width, d);
	seed[0].place = place_at(SITE_V, m->place.layer, config_kv_head(c, m->place.unit), m->place.key);
	if (both)
		seed[1] = metric_seed(m, m->position, 1, 1,
				      metric_number(arena,
						    share * value_along(m, run_at(run, SITE_V, m->place.layer, m->place.key), c)));
	return both ? 2 : 1;
}

static const float *no_row(const struct metric_rows *rows, enum site site, int position)
{
	(void)site, (void)position;
	return rows->more;
}

/* What edits on a head's write put there whatever the head does. */
static double given_by_edits(const struct metric *m, const struct run *run, struct arena *arena)
{
	const struct config *c = &run->model->config;
	const float *nothing = arena_alloc(arena, (size_t)(c->H * c->K) * sizeof *nothing);
	const struct metric_rows rows = { run, run->edit_list, run->edits, m->place.layer, no_row, nothing };

	return part_of_head(m, &rows);
}

static int part_seeds(const struct metric *m, const struct metric_rules *rules, struct arena *arena, struct backward_seed *seed)
{
	const struct metric_vector *v = m->vector;

	if (m->place.site == SITE_PATTERN)
		return source_seeds(m, rules, arena, seed);
	if (rules->lost && m->place.site == SITE_RESULT)
		rules->lost->edits += given_by_edits(m, rules->run, arena);
	else if (rules->lost)
		rules->lost->bias += v->constant;
	*seed = metric_seed(m, v->from, v->n, v->width, v->row);
	seed->scale = v->scale;
	return 1;
}

/* clang-format off */
const struct metric_info metric_kind_part = {
	.word = "part",
	.arguments = "PLACE of METRIC",
	.takes = TAKES_PART,
	.site = SITE_NONE,
	.unit = "part",
	.help = "what a component gives to another metric directly: part head 2.1 of logit \" Paris\"",
	.of_rows = part_of_rows,
	.seeds = part_seeds,
	.read = read_part,
};
/* clang-format on */
