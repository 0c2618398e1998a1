/* metric_inner.c - see metric_inner.h. */
#include "engine/run/metric_inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/kernels.h"
#include "engine/run/attention.h"
#include "engine/run/norms.h"
#include "engine/run/result.h"

struct metric_vector *metric_vector_new(int from, int n, size_t width)
{
	struct metric_vector *v = xcalloc(1, sizeof *v);

	atomic_init(&v->refs, 1);
	v->from = from;
	v->n = n;
	v->width = width;
	v->row = xcalloc((size_t)n * width, sizeof *v->row);
	return v;
}

/* ---- rows ---- */

static const float *row_of_run(const struct metric_rows *rows, enum site site, int position)
{
	return run_at(rows->run, site, rows->layer, position);
}

double metric_of_run(const struct metric *m, const struct run *r)
{
	struct metric_rows rows = { r, r->edit_list, r->edits, m->place.layer, row_of_run, NULL };

	return metric_of_rows(m, &rows);
}

double metric_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	return metric_table[m->kind].of_rows(m, rows);
}

enum site metric_site(const struct metric *m)
{
	enum site site = m->place.site;

	return site == SITE_SCORES || site == SITE_PATTERN ? SITE_Q : site == SITE_RESULT ? SITE_Z : site;
}

static size_t channels(const struct metric_rows *rows)
{
	return (size_t)rows->run->model->config.D;
}

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* ---- values ---- */

double neuron_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	return (double)rows->at(rows, m->place.site, m->position)[m->place.unit];
}

static void row_edits(const struct metric *m, const struct metric_rows *rows, enum site site, float *row)
{
	for (int e = 0; e < rows->edits; e++)
		if (edit_hits(rows->edit[e], site, m->place.layer) && edit_covers(rows->edit[e], m->position))
			edit_apply_pattern(rows->edit[e], m->place.unit, m->position, row);
}

/* row[query + 1]: a head's scores of the metric's query. */
static void scores(const struct metric *m, const struct metric_rows *rows, float *row)
{
	const struct config *c = &rows->run->model->config;
	const size_t K = (size_t)c->K, group = (size_t)config_kv_head(c, m->place.unit) * K, n = (size_t)m->position + 1;
	const float *q = rows->at(rows, SITE_Q, m->position) + (size_t)m->place.unit * K;
	float *keys = xmalloc(n * K * sizeof *keys);

	for (size_t j = 0; j < n; j++)
		memcpy(keys + j * K, rows->at(rows, SITE_K, (int)j) + group, K * sizeof *keys);
	attention_scores(c, m->place.layer, m->place.unit, m->position, q, keys, K, (int)n, row);
	free(keys);
	row_edits(m, rows, SITE_SCORES, row);
}

static void weights(const struct metric *m, const struct metric_rows *rows, float *row)
{
	bool something = false;

	scores(m, rows, row);
	for (int j = 0; j <= m->position; j++)
		something = something || row[j] > -INFINITY;
	if (something)
		kernel_softmax(row, (size_t)m->position + 1);
	else /* every key is hidden */
		memset(row, 0, ((size_t)m->position + 1) * sizeof *row);
	row_edits(m, rows, SITE_PATTERN, row);
}

double scores_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	float *row = xmalloc(((size_t)m->position + 1) * sizeof *row);
	double value;

	scores(m, rows, row);
	value = (double)row[m->place.key];
	free(row);
	return value;
}

double pattern_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	float *row = xmalloc(((size_t)m->position + 1) * sizeof *row);
	double value;

	weights(m, rows, row);
	value = (double)row[m->place.key];
	free(row);
	return value;
}

double norm_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	const float *x = rows->at(rows, m->place.site, m->position);

	return sqrt(dot(x, x, channels(rows)));
}

double along_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	return dot(rows->at(rows, m->place.site, m->position), m->vector->row, channels(rows));
}

double lens_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	const struct model *model = rows->run->model;
	const struct norm_place place = { model, rows->edit, rows->edits, SITE_LN_FINAL, model->config.L };
	float *y = xmalloc(channels(rows) * sizeof *y), logit;

	norms_apply(&place, m->position, rows->at(rows, m->place.site, m->position), y, NULL);
	model_unembed_some(model, y, 1, m->target[0], 1, &logit, 1);
	free(y);
	return (double)logit;
}

/*
 * What a head writes at a position, the scale after attention frozen: with z after the edits on its result, and what they add
 * beyond z.
 */
static void head_write(const struct metric *m, const struct metric_rows *rows, int position, float scale, float *out)
{
	const struct config *c = &rows->run->model->config;
	const size_t HK = (size_t)(c->H * c->K);
	const float *z = rows->at(rows, SITE_Z, position);
	const struct result_place place = { rows->run->model, m->place.layer, position, z, scale };
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
		sum += dot(write, v->row + (size_t)i * v->width, v->width);
	}
	free(write);
	return sum;
}

/* What a query's head reads at one key: the value there, along what is wanted of it. */
static double value_along(const struct metric *m, const float *v, const struct config *c)
{
	return dot(v + config_kv_head(c, m->place.unit) * c->K, m->vector->row, m->vector->width);
}

double part_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	const struct metric_vector *v = m->vector;
	double sum = v->constant;

	if (m->place.site == SITE_RESULT)
		return part_of_head(m, rows);
	if (m->place.site == SITE_PATTERN)
		return pattern_of_rows(m, rows) * value_along(m, rows->at(rows, SITE_V, m->place.key), &rows->run->model->config);
	for (int i = 0; i < v->n; i++) {
		const float *x = rows->at(rows, m->place.site, v->from + i) + (m->place.unit > 0 ? m->place.unit : 0);

		sum += dot(x, v->row + (size_t)i * v->width, v->width);
	}
	return sum;
}

/* ---- where gradients start ---- */

/* Rows of the metric's place, from some position on. */
static struct backward_seed seed_at(const struct metric *m, int from, int n, size_t width, const float *d)
{
	return (struct backward_seed){ .place = m->place, .from = from, .n = n, .width = width, .d = d };
}

static const float *number(struct arena *arena, double x)
{
	float *d = arena_alloc(arena, sizeof *d);

	*d = (float)x;
	return d;
}

int neuron_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed)
{
	(void)run, (void)frozen;
	*seed = seed_at(m, m->position, 1, 1, number(arena, 1));
	return 1;
}

int weight_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed)
{
	return neuron_seeds(m, run, frozen, arena, seed);
}

int along_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed)
{
	(void)run, (void)frozen, (void)arena;
	*seed = seed_at(m, m->position, 1, m->vector->width, m->vector->row);
	return 1;
}

int norm_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed)
{
	const float *x = run_at(run, m->place.site, m->place.layer, m->position);
	const size_t D = (size_t)run->model->config.D;
	const double length = sqrt(dot(x, x, D));
	float *d = arena_alloc(arena, D * sizeof *d);

	(void)frozen;
	for (size_t i = 0; length > 0 && i < D; i++)
		d[i] = (float)((double)x[i] / length);
	*seed = seed_at(m, m->position, 1, D, d);
	return 1;
}

int lens_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed)
{
	const struct model *model = run->model;
	const struct config *c = &model->config;
	const struct norm_place place = { model, run->edit_list, run->edits, SITE_LN_FINAL, c->L };
	const size_t D = (size_t)c->D;
	const double capped = c->logit_cap > 0 ? metric_of_run(m, run) / (double)c->logit_cap : 0;
	float *d = arena_alloc(arena, D * sizeof *d);

	matrix_output(model->W_U, m->target[0], d);
	for (size_t i = 0; i < D; i++)
		d[i] *= (float)((1 - capped * capped) * (double)c->logit_scale);
	norms_back(&place, m->position, run_at(run, m->place.site, m->place.layer, m->position), (frozen & FROZEN_NORMS) != 0, d,
		   d);
	*seed = seed_at(m, m->position, 1, D, d);
	return 1;
}

/* A weight times a value: through both. */
static int source_seeds(const struct metric *m, const struct run *run, struct arena *arena, struct backward_seed *seed)
{
	const struct config *c = &run->model->config;
	const struct metric_vector *v = m->vector;
	const double weight = (double)run_pattern(run, m->place.layer, m->place.unit, m->position)[m->place.key];
	float *d = arena_alloc(arena, v->width * sizeof *d);

	seed[0] =
		seed_at(m, m->position, 1, 1, number(arena, value_along(m, run_at(run, SITE_V, m->place.layer, m->place.key), c)));
	for (size_t i = 0; i < v->width; i++)
		d[i] = (float)((double)v->row[i] * weight);
	seed[1] = seed_at(m, m->place.key, 1, v->width, d);
	seed[1].place = place_at(SITE_V, m->place.layer, config_kv_head(c, m->place.unit), m->place.key);
	return 2;
}

int part_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed)
{
	const struct metric_vector *v = m->vector;

	(void)frozen;
	if (m->place.site == SITE_PATTERN)
		return source_seeds(m, run, arena, seed);
	*seed = seed_at(m, v->from, v->n, v->width, v->row);
	seed->scale = v->scale;
	return 1;
}
