/* spectrum.c - see spectrum.h. */
#include "engine/analysis/spectrum.h"

#include <math.h>
#include <string.h>

#include "engine/numbers/dense.h"
#include "engine/numbers/lapack.h"
#include "engine/numbers/pool.h"

enum { TOKENS = 512, CHANNELS = 64 }; /* rows of the unembedding together; channels of a chunk */

struct spectrum_work {
	const struct model *m;
	size_t D;
	int n;		  /* tokens that are there */
	float *rows;	  /* [TOKENS, D] */
	struct dense all; /* [TOKENS, D] the same */
	float *part;	  /* [D, D] their products */
	double *gram;	  /* [D, D] the sum over all tokens */
};

static void centre(float *w, size_t D)
{
	double mean = 0;

	for (size_t i = 0; i < D; i++)
		mean += (double)w[i] / (double)D;
	for (size_t i = 0; i < D; i++)
		w[i] -= (float)mean;
}

/* Rows from … of the unembedding, as a stream before the final norm meets them. */
static void read_rows(struct spectrum_work *w, int from)
{
	const struct norm *norm = &w->m->ln_final;

	for (int i = 0; i < w->n; i++) {
		float *row = w->rows + (size_t)i * w->D;

		matrix_output(w->m->W_U, from + i, row);
		for (size_t k = 0; norm->there && norm->gain && k < w->D; k++)
			row[k] *= norm->gain[k];
		if (norm->there && w->m->config.norm == NORM_LAYER)
			centre(row, w->D);
	}
	dense_set_rows(&w->all, 0, w->n, w->rows, w->D);
}

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
	const int V = w->m->config.V;

	for (int from = 0; from < V; from += TOKENS) {
		if (!task_going(task, err))
			return false;
		w->n = V - from < TOKENS ? V - from : TOKENS;
		read_rows(w, from);
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

bool spectrum_of_unembedding(const struct model *m, struct spectrum *s, struct arena *arena, struct task *task, struct err *err)
{
	const size_t D = (size_t)m->config.D;
	struct spectrum_work w = { .m = m, .D = D };
	bool ok = (w.rows = arena_floats(arena, TOKENS * D, err)) && (w.part = arena_floats(arena, D * D, err)) &&
		  (w.gram = arena_array(arena, D * D, sizeof *w.gram, err)) &&
		  (s->sigma = arena_array(arena, D, sizeof *s->sigma, err));

	if (!ok)
		return false;
	dense_init(&w.all, TOKENS, (int)D);
	ok = add_all(&w, task, err);
	dense_done(&w.all);
	s->vector = w.gram;
	if (!ok || !lapack_symmetric(s->vector, (int)D, s->sigma, err))
		return false;
	turn_round(s, D, arena_alloc(arena, D * sizeof(double)));
	return true;
}
