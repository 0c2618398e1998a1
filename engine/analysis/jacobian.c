/* jacobian.c - see jacobian.h. One way back gives a row of every layer's matrix. */
#include "engine/analysis/jacobian.h"

#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/stream_gradient.h"

int jacobian_positions(int T, int first)
{
	return T - 1 - first > 0 ? T - 1 - first : 0;
}

struct jacobian_way {
	const struct run *run;
	const struct jacobian_rows *rows;
	float *row;
};

static void start(void *context, int i, float *x)
{
	const struct jacobian_way *way = context;
	const size_t D = (size_t)way->run->model->config.D;
	float *w = x + (size_t)way->rows->first * D;

	way->rows->direction(way->rows->context, i, w);
	for (int t = 1; t < jacobian_positions(way->run->T, way->rows->first); t++)
		memcpy(w + (size_t)t * D, w, D * sizeof *w);
}

static void take(void *context, int i, int layer, const float *d)
{
	const struct jacobian_way *way = context;
	const size_t D = (size_t)way->run->model->config.D;
	const int n = jacobian_positions(way->run->T, way->rows->first);

	memset(way->row, 0, D * sizeof *way->row);
	for (int t = 0; t < n; t++)
		kernel_axpy(1 / (float)n, d + (size_t)(way->rows->first + t) * D, way->row, D);
	way->rows->take(way->rows->context, i, layer, way->row, d);
}

bool jacobian_make(const struct run *run, const struct jacobian_rows *rows, struct task *task, struct err *err)
{
	struct jacobian_way way = { run, rows, xmalloc((size_t)run->model->config.D * sizeof(float)) };
	const bool ok = stream_gradients(run, &(struct stream_gradients){ rows->n, start, take, &way }, task, err);

	free(way.row);
	return ok;
}
