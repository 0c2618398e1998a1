/* spectrum.c - see spectrum.h. */
#include "engine/analysis/spectrum.h"

#include <math.h>
#include <string.h>

#include "engine/analysis/weight_rows.h"
#include "engine/numbers/dense.h"
#include "engine/numbers/lapack.h"
#include "engine/numbers/pool.h"

enum { ROWS = 512, CHANNELS = 64 }; /* rows together; channels of a chunk */

struct spectrum_work {
	const struct spectrum_source *source;
	size_t D;
	int n;		  /* rows that are there */
	float *rows;	  /* [ROWS, D] */
	struct dense all; /* [ROWS, D] the same */
	float *part;	  /* [D, D] their products */
	double *gram;	  /* [D, D] the sum over all rows */
};

static void multiply(void *context, int chunk)
{
	const struct spectrum_work *w = context;
	const size_t from = (size_t)chunk * CHANNELS;
	const int n = (int)(w->D - from < CHANNELS ? w->D - from : CHANNELS);

	dense_apply_turned(&w->all, 0, w->n, (int)w->D, w->rows + from, w->D, n, w->part + from * w->D, w->D, false);
	for (size_t i = from * w->D; i < (from + (size_t)n) * w->D; i++)
		w->gram[i] += (double)w->part[i];
}

static bool add_all(struct spectrum_work *w, struct task *task, struct err *err)
{
	const int n = w->source->n;

	for (int from = 0; from < n; from += ROWS) {
		if (!task_going(task, err))
			return false;
		w->n = n - from < ROWS ? n - from : ROWS;
		w->source->read(w->source->context, from, w->n, w->rows);
		dense_set_rows(&w->all, 0, w->n, w->rows, w->D);
		pool_run(((int)w->D + CHANNELS - 1) / CHANNELS, multiply, w);
	}
	return true;
}

/* From the least first to the greatest first, and from squares to what they are of. */
static void turn_round(struct spectrum *s, size_t D, double *row)
{
	for (size_t i = 0; i < D / 2; i++) {
		double *a = s->vector + i * D, *b = s->vector + (D - 1 - i) * D, sigma = s->sigma[i];

		memcpy(row, a, D * sizeof *row);
		memcpy(a, b, D * sizeof *row);
		memcpy(b, row, D * sizeof *row);
		s->sigma[i] = s->sigma[D - 1 - i];
		s->sigma[D - 1 - i] = sigma;
	}
	for (size_t i = 0; i < D; i++)
		s->sigma[i] = sqrt(fmax(s->sigma[i], 0));
}

bool spectrum_of(const struct spectrum_source *source, struct spectrum *s, struct arena *arena, struct task *task, struct err *err)
{
	const size_t D = (size_t)source->D;
	struct spectrum_work w = { .source = source, .D = D };
	bool ok = (w.rows = arena_floats(arena, ROWS * D, err)) && (w.part = arena_floats(arena, D * D, err)) &&
		  (w.gram = arena_array(arena, D * D, sizeof *w.gram, err)) &&
		  (s->sigma = arena_array(arena, D, sizeof *s->sigma, err));

	if (!ok)
		return false;
	dense_init(&w.all, ROWS, (int)D);
	ok = add_all(&w, task, err);
	dense_done(&w.all);
	s->vector = w.gram;
	if (!ok || !lapack_symmetric(s->vector, (int)D, s->sigma, err))
		return false;
	turn_round(s, D, arena_alloc(arena, D * sizeof(double)));
	return true;
}

/* As a stream before the final norm meets them. */
static void read_unembedding(const void *context, int from, int count, float *rows)
{
	const struct model *m = context;

	for (int i = 0; i < count; i++) {
		matrix_output(m->W_U, from + i, rows + (size_t)i * (size_t)m->config.D);
		weight_fold(m, &m->ln_final, false, rows + (size_t)i * (size_t)m->config.D);
	}
}

bool spectrum_of_unembedding(const struct model *m, struct spectrum *s, struct arena *arena, struct task *task, struct err *err)
{
	const struct spectrum_source source = { m->config.V, m->config.D, read_unembedding, m };

	return spectrum_of(&source, s, arena, task, err);
}
