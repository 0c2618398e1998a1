/* mixing.c - see mixing.h. */
#include "engine/analysis/mixing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/value_zeroing.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/norms.h"

void mixing_normalise(float *row, int n, int own)
{
	double sum = 0;

	for (int j = 0; j < n; j++)
		sum += (double)row[j];
	for (int j = 0; j < n; j++)
		row[j] = sum > 0 ? (float)((double)row[j] / sum) : (float)(j == own);
}

static float *row_of(const struct mixing *m, int query)
{
	return m->share + (size_t)query * (size_t)m->T;
}

static bool with_stream(const struct mixing *m)
{
	return m->method == MIXING_ALTI || m->method == MIXING_GLOBENC;
}

/* ---- the weights themselves ---- */

static void mean_of_heads(struct mixing *m, int layer)
{
	const struct config *c = &m->run->model->config;

	for (int i = 0; i < m->T; i++)
		for (int h = 0; h < c->H; h++)
			kernel_axpy(1.0f / (float)c->H, run_pattern(m->run, layer, h, i), row_of(m, i), (size_t)i + 1);
}

/* ---- parts ---- */

struct weighing {
	const struct mixing *m;
	float *length; /* [T] of ALTI: of each sum */
};

/* What a part[D] weighs. */
static float weigh(const struct weighing *w, int query, const float *part)
{
	const struct sources *s = &w->m->sources;
	size_t D = (size_t)s->run->model->config.D;

	if (w->m->method != MIXING_ALTI)
		return kernel_norm2(part, D);
	return fmaxf(0, source_worth(run_at(s->run, SITE_RESID_MID, s->layer, query), w->length[query], part, 1, D));
}

/* G[H, H] of one key. */
static void gram(const struct sources *s, int key, float *G)
{
	size_t D = (size_t)s->run->model->config.D, H = (size_t)s->run->model->config.H;
	const float *f = s->write + (size_t)key * H * D;

	for (size_t h = 0; h < H; h++)
		for (size_t g = 0; g <= h; g++)
			G[h * H + g] = G[g * H + h] = kernel_dot(f + h * D, f + g * D, D);
}

/* ‖Σ_h A_ij f_h(x_j)‖ */
static float norm_by_gram(const struct sources *s, int query, int key, const float *G)
{
	const int H = s->run->model->config.H;
	const float *scale = s->run->layer[s->layer]->post_scale;
	double sum = 0;

	for (int h = 0; h < H; h++) {
		double a = (double)run_pattern(s->run, s->layer, h, query)[key];

		for (int g = 0; a != 0 && g < H; g++)
			sum += a * (double)run_pattern(s->run, s->layer, g, query)[key] * (double)G[h * H + g];
	}
	return (float)sqrt(fmax(sum, 0)) * (scale ? scale[query] : 1);
}

/* A chunk is a key: what it writes stays near. */
static void weigh_key(void *context, int key)
{
	const struct weighing *w = context;
	const struct sources *s = &w->m->sources;
	size_t D = (size_t)s->run->model->config.D, H = (size_t)s->run->model->config.H;
	bool grams = w->m->method != MIXING_ALTI && (size_t)(s->T - key) > H;
	float *part = xmalloc((D + H * H) * sizeof *part), *G = part + D;

	if (grams)
		gram(s, key, G);
	for (int i = key; i < s->T; i++) {
		if (s->edited[i])
			continue;
		if (grams && i != key) {
			row_of(w->m, i)[key] = norm_by_gram(s, i, key, G);
			continue;
		}
		sources_part(s, i, key, with_stream(w->m), part);
		row_of(w->m, i)[key] = weigh(w, i, part);
	}
	free(part);
}

/* Here, and not in a chunk, since such parts take a product of their own. */
static void weigh_edited(const struct weighing *w)
{
	const struct sources *s = &w->m->sources;
	float *part = xmalloc((size_t)s->run->model->config.D * sizeof *part);

	for (int i = 0; i < s->T; i++)
		for (int j = 0; s->edited[i] && j <= i; j++) {
			sources_part(s, i, j, with_stream(w->m), part);
			row_of(w->m, i)[j] = weigh(w, i, part);
		}
	free(part);
}

static void weigh_parts(struct mixing *m, int layer)
{
	size_t D = (size_t)m->run->model->config.D;
	struct weighing w = { m, xmalloc((size_t)m->T * sizeof(float)) };

	sources_read(&m->sources, layer);
	for (int i = 0; i < m->T; i++)
		w.length[i] = source_length(run_at(m->run, SITE_RESID_MID, layer, i), D);
	pool_run(m->T, weigh_key, &w);
	weigh_edited(&w);
	free(w.length);
}

/* ---- a layer ---- */

static bool takes_sources(enum mixing_method method)
{
	return method != MIXING_ATTENTION && method != MIXING_VALUE_ZEROING;
}

bool mixing_open(struct mixing *m, const struct run *run, enum mixing_method method, int T, struct arena *scratch,
		 struct task *task, struct err *err)
{
	*m = (struct mixing){ .run = run, .method = method, .T = T, .scratch = scratch, .task = task };
	if (takes_sources(method) && !norms_off_stream(&run->model->config, err))
		return false;
	if (takes_sources(method) && !sources_open(&m->sources, run, T, scratch, err))
		return false;
	return (m->share = arena_floats(scratch, (size_t)T * (size_t)T, err));
}

bool mixing_layer(struct mixing *m, int layer, struct err *err)
{
	memset(m->share, 0, (size_t)m->T * (size_t)m->T * sizeof *m->share);
	if (m->method == MIXING_VALUE_ZEROING)
		return value_zeroing(m, layer, err);
	if (m->method == MIXING_ATTENTION)
		mean_of_heads(m, layer);
	else
		weigh_parts(m, layer);
	for (int i = 0; i < m->T; i++)
		mixing_normalise(row_of(m, i), i + 1, i);
	return task_going(m->task, err);
}

int mixing_runs(const struct config *c, enum mixing_method method, int T, int layers)
{
	return method == MIXING_VALUE_ZEROING ? ((T + 1) * layers + 2 * c->L - 1) / (2 * c->L) : 0;
}

/* ---- books ---- */

bool mixing_has_books(const struct mixing *m)
{
	for (int i = 0; takes_sources(m->method) && i < m->T; i++)
		if (m->sources.edited[i])
			return false;
	return takes_sources(m->method);
}

double mixing_books(const struct mixing *m)
{
	const struct sources *s = &m->sources;
	size_t D = (size_t)m->run->model->config.D;
	float *part = xmalloc(2 * D * sizeof *part), *sum = part + D;
	double worst = 0;

	for (int i = 0; i < m->T; i++) {
		const float *whole = run_at(m->run, SITE_RESID_MID, s->layer, i);
		double off;

		run_attention_bias(m->run, s->layer, i, sum);
		for (int j = 0; j <= i; j++) {
			sources_part(s, i, j, true, part);
			kernel_add(sum, part, sum, D);
		}
		kernel_axpy(-1, whole, sum, D);
		off = (double)kernel_norm2(sum, D) / (double)fmaxf(kernel_norm2(whole, D), 1e-30f);
		if (!(off <= worst))
			worst = off;
	}
	free(part);
	return worst;
}
