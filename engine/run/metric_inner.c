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
	return metric_table[m->kind]->of_rows(m, rows);
}

enum site metric_site(const struct metric *m)
{
	enum site site = m->place.site;

	return site == SITE_SCORES || site == SITE_PATTERN ? SITE_Q : site == SITE_RESULT ? SITE_Z : site;
}

size_t metric_channels(const struct metric_rows *rows)
{
	return (size_t)rows->run->model->config.D;
}

double metric_dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* ---- values ---- */

double metric_log_sum_exp(const float *x, int n)
{
	double sum = 0;
	float best = x[0];

	for (int i = 1; i < n; i++)
		best = fmaxf(best, x[i]);
	for (int i = 0; i < n; i++)
		sum += exp((double)(x[i] - best));
	return (double)best + log(sum);
}

double metric_unit_of_rows(const struct metric *m, const struct metric_rows *rows)
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
static void scores_row(const struct metric *m, const struct metric_rows *rows, float *row)
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

/* row[query + 1]: the weights that softmax makes of them. */
static void weights_row(const struct metric *m, const struct metric_rows *rows, float *row)
{
	bool something = false;

	scores_row(m, rows, row);
	for (int j = 0; j <= m->position; j++)
		something = something || row[j] > -INFINITY;
	if (something)
		kernel_softmax(row, (size_t)m->position + 1);
	else /* every key is hidden */
		memset(row, 0, ((size_t)m->position + 1) * sizeof *row);
	row_edits(m, rows, SITE_PATTERN, row);
}

static double at_key(const struct metric *m, const struct metric_rows *rows,
		     void (*make_row)(const struct metric *m, const struct metric_rows *rows, float *row))
{
	float *row = xmalloc(((size_t)m->position + 1) * sizeof *row);
	double value;

	make_row(m, rows, row);
	value = (double)row[m->place.key];
	free(row);
	return value;
}

double metric_score_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	return at_key(m, rows, scores_row);
}

double metric_weight_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	return at_key(m, rows, weights_row);
}

/* ---- where gradients start ---- */

/* Rows of the metric's place, from some position on. */
struct backward_seed metric_seed(const struct metric *m, int from, int n, size_t width, const float *d)
{
	return (struct backward_seed){ .place = m->place, .from = from, .n = n, .width = width, .d = d };
}

const float *metric_number(struct arena *arena, double x)
{
	float *d = arena_alloc(arena, sizeof *d);

	*d = (float)x;
	return d;
}

int metric_unit_seeds(const struct metric *m, const struct metric_rules *rules, struct arena *arena, struct backward_seed *seed)
{
	(void)rules;
	*seed = metric_seed(m, m->position, 1, 1, metric_number(arena, 1));
	return 1;
}
