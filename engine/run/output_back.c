/* output_back.c - see output_back.h. */
#include "engine/run/output_back.h"

#include <string.h>

#include "engine/run/backward.h"
#include "engine/run/norms.h"

enum { ROWS = 16 }; /* of the vocabulary at a time */

struct room {
	float *y;	   /* [ROWS, D] normalised rows, then the gradient there */
	float *logits, *d; /* [ROWS, V] */
	float *unedited;   /* [V] or NULL */
};

/* Rows that are looked at: each run's, one after the other's. */
struct looks {
	const struct output_back *o;
	const struct room *room;
	int from, each; /* the first position; positions of a run */
	bool few;	/* one or two columns are all that the metric reads */
};

/* The one row of logits that number i is about, and how it counts. */
struct look {
	const struct run *run;
	int position, row; /* row: of all runs' streams */
	struct metric metric;
	double factor;
};

/* The loss is that of each next token: minus the mean of their log probabilities. */
static struct look look_of(const struct looks *s, int i)
{
	const struct output_back *o = s->o;
	const int number = i / s->each, position = s->from + i % s->each;
	const struct run *run = o->run[number];
	struct look look = { run, position, number * run->T + position, *o->metric, 1 };

	if (o->metric->kind == METRIC_LOSS) {
		look.factor = -1.0 / s->each;
		look.metric = (struct metric){ .kind = METRIC_LOGPROB, .target = { run->tokens[position + 1], -1 } };
	}
	return look;
}

/* Logits of the rows i … i+n-1: all, or those that the metric reads, the others 0. */
static bool logits_of(const struct looks *s, int i, int n, struct task *task, struct err *err)
{
	const struct model *m = s->o->run[0]->model;
	const size_t D = (size_t)m->config.D, V = (size_t)m->config.V;
	const int32_t *target = s->o->metric->target;

	for (int k = 0; k < n; k++) {
		struct look look = look_of(s, i + k);

		if (look.run->last_logits && look.position == look.run->T - 1)
			memcpy(s->room->logits + (size_t)k * V, look.run->last_logits, V * sizeof *s->room->logits);
		else
			run_ln_final(look.run, look.position, s->room->y + (size_t)k * D);
	}
	if (s->o->run[0]->last_logits && s->from == s->o->run[0]->T - 1)
		return task_going(task, err);
	if (!s->few)
		return model_unembed(m, s->room->y, n, s->room->logits), task_going(task, err);
	memset(s->room->logits, 0, (size_t)n * V * sizeof *s->room->logits);
	for (int k = 0; k < 2 && target[k] >= 0; k++)
		model_unembed_some(m, s->room->y, n, target[k], 1, s->room->logits + target[k], V);
	return task_going(task, err);
}

/* The logits that the metric reads are the only ones that are known, and have slopes. */
static void lose_curvature(const struct looks *s, const struct look *look, const float *logits, const float *d)
{
	const int V = look->run->model->config.V;
	double linear = 0;

	if (!s->o->lost)
		return;
	for (int j = 0; j < V; j++)
		linear += (double)logits[j] * (double)d[j];
	s->o->lost->softmax += look->factor * metric_of_logits(&look->metric, logits, s->room->unedited, V) - linear;
}

static void slopes_of(const struct looks *s, int i, int n, float *x)
{
	const struct run *first = s->o->run[0];
	const struct model *m = first->model;
	const struct edited_norm place = { m, first->edit_list, first->edits, SITE_LN_FINAL, m->config.L };
	const size_t D = (size_t)m->config.D, V = (size_t)m->config.V;

	for (int k = 0; k < n; k++) {
		struct look look = look_of(s, i + k);
		float *d = s->room->d + (size_t)k * V;

		metric_slope_of_logits(&look.metric, s->room->logits + (size_t)k * V, s->room->unedited, m->config.V, d);
		for (size_t j = 0; look.factor != 1 && j < V; j++)
			d[j] *= (float)look.factor;
		lose_curvature(s, &look, s->room->logits + (size_t)k * V, d);
	}
	model_unembed_back(m, s->room->logits, n, (s->o->frozen & CHORDS) != 0, s->room->d, s->room->y);
	lost_bias(s->o->lost, m->b_U, s->room->d, (size_t)n, V);
	for (int k = 0; k < n; k++) {
		struct look look = look_of(s, i + k);

		if (s->o->lost)
			s->o->lost->bias += norms_bias_share(&place, s->room->y + (size_t)k * D);
		norms_back(&place, look.position, run_at(look.run, SITE_RESID_POST, m->config.L - 1, look.position),
			   (s->o->frozen & FROZEN_NORMS) != 0, s->room->y + (size_t)k * D, x + (size_t)look.row * D);
	}
}

static bool some(const struct looks *s, int i, int n, float *x, double *value, struct task *task, struct err *err)
{
	const int V = s->o->run[0]->model->config.V;

	if (!logits_of(s, i, n, task, err))
		return false;
	for (int k = 0; k < n; k++) {
		struct look look = look_of(s, i + k);

		value[(i + k) / s->each] +=
			look.factor * metric_of_logits(&look.metric, s->room->logits + (size_t)k * (size_t)V, s->room->unedited, V);
	}
	if (x)
		slopes_of(s, i, n, x);
	return true;
}

static bool all(const struct looks *s, float *x, double *value, struct task *task, struct err *err)
{
	const int rows = s->o->runs * s->each;

	memset(value, 0, (size_t)s->o->runs * sizeof *value);
	for (int i = 0; i < rows; i += ROWS)
		if (!some(s, i, rows - i < ROWS ? rows - i : ROWS, x, value, task, err))
			return false;
	return true;
}

static bool make_room(const struct output_back *o, int rows, struct arena *arena, struct room *r, struct task *task,
		      struct err *err)
{
	const size_t n = (size_t)(rows < ROWS ? rows : ROWS), V = (size_t)o->run[0]->model->config.V;

	r->y = arena_floats(arena, n * (size_t)o->run[0]->model->config.D, err);
	r->logits = arena_floats(arena, n * V, err);
	r->d = arena_floats(arena, n * V, err);
	if (!r->y || !r->logits || !r->d)
		return false;
	if (!metric_table[o->metric->kind]->reads_unedited)
		return true;
	r->unedited = arena_floats(arena, V, err);
	return r->unedited && run_logits(o->unedited, o->metric->position, 1, r->unedited, task, err);
}

bool output_back(const struct output_back *o, float *x, double *value, struct task *task, struct err *err)
{
	const bool loss = o->metric->kind == METRIC_LOSS;
	const bool few = o->metric->kind == METRIC_LOGIT || o->metric->kind == METRIC_LOGIT_DIFF;
	struct arena *arena = arena_new();
	struct room room = { 0 };
	const struct looks looks = { o, &room, loss ? 0 : o->metric->position, loss ? o->run[0]->T - 1 : 1, few };
	const bool ok = make_room(o, o->runs * looks.each, arena, &room, task, err) && all(&looks, x, value, task, err);

	arena_free(arena);
	return ok;
}
