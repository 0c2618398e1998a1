/* matrix.c - see matrix.h. */
#include "engine/numbers/matrix.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/pool.h"

struct matrix {
	int in, out;
	const float *weights;	/* [in, out] */
};

/* Of output j, the place in the tensor. */
static int source_output(const struct matrix_source *source, int j)
{
	return source->pick ? source->pick[j] : source->first + j;
}

static bool source_check(const struct matrix_source *s, struct err *err)
{
	const struct tensor *t = s->tensor;
	int64_t inputs, outputs;

	if (t->dims != 2)
		return err_set(err, ERR_FILE, "%s has %d dimensions, not the 2 of a matrix", t->name, t->dims);
	inputs = t->shape[s->in_out ? 0 : 1];
	outputs = t->shape[s->in_out ? 1 : 0];
	if (inputs != s->in)
		return err_set(err, ERR_FILE, "%s is [%lld, %lld]: it takes %lld inputs, and the model needs %d", t->name,
			       (long long)t->shape[0], (long long)t->shape[1], (long long)inputs, s->in);
	for (int j = 0; j < s->out; j++)
		if (source_output(s, j) < 0 || source_output(s, j) >= outputs)
			return err_set(err, ERR_FILE, "%s is [%lld, %lld]: it has %lld outputs, and the model needs number %d",
				       t->name, (long long)t->shape[0], (long long)t->shape[1], (long long)outputs,
				       source_output(s, j));
	return true;
}

struct matrix *matrix_new(struct arena *arena, const struct matrix_source *source, struct err *err)
{
	const struct tensor *t = source->tensor;
	struct matrix *w;
	float *weights, *row;

	if (!source_check(source, err))
		return NULL;
	weights = arena_floats(arena, (size_t)source->in * (size_t)source->out, err);
	if (!weights)
		return NULL;
	w = arena_alloc(arena, sizeof *w);
	w->in = source->in;
	w->out = source->out;
	w->weights = weights;
	row = xmalloc(tensor_columns(t) * sizeof *row);
	for (int r = 0; r < (source->in_out ? source->in : source->out); r++) {
		tensor_row(t, (size_t)(source->in_out ? r : source_output(source, r)), row);
		for (int c = 0; c < (source->in_out ? source->out : source->in); c++)
			if (source->in_out)
				weights[(size_t)r * (size_t)w->out + (size_t)c] = row[source_output(source, c)];
			else
				weights[(size_t)c * (size_t)w->out + (size_t)r] = row[c];
	}
	free(row);
	return w;
}

size_t matrix_footprint(const struct matrix_source *source)
{
	return (size_t)source->in * (size_t)source->out * sizeof(float) + sizeof(struct matrix);
}

int matrix_in(const struct matrix *w)
{
	return w->in;
}

int matrix_out(const struct matrix *w)
{
	return w->out;
}

struct product {
	const struct matrix *w;
	int from, count, first, outputs;
	const float *x;
	size_t ldx;
	float *y;
	size_t ldy;
};

static void product_row(void *context, int r)
{
	const struct product *p = context;
	const float *x = p->x + (size_t)r * p->ldx;
	float *y = p->y + (size_t)r * p->ldy;

	memset(y, 0, (size_t)p->outputs * sizeof *y);
	for (int i = 0; i < p->count; i++) {
		const float *weights = p->w->weights + (size_t)(p->from + i) * (size_t)p->w->out + p->first;

		for (int j = 0; j < p->outputs; j++)
			y[j] += x[i] * weights[j];
	}
}

void matrix_apply(const struct matrix *w, const float *x, size_t ldx, int n, float *y, size_t ldy)
{
	pool_run(n, product_row, &(struct product){ w, 0, w->in, 0, w->out, x, ldx, y, ldy });
}

void matrix_apply_inputs(const struct matrix *w, int from, int count, const float *x, size_t ldx, int n, float *y, size_t ldy)
{
	assert(from >= 0 && count >= 0 && from + count <= w->in);
	pool_run(n, product_row, &(struct product){ w, from, count, 0, w->out, x, ldx, y, ldy });
}

void matrix_apply_outputs(const struct matrix *w, int from, int count, const float *x, size_t ldx, int n, float *y, size_t ldy)
{
	assert(from >= 0 && count >= 0 && from + count <= w->out);
	pool_run(n, product_row, &(struct product){ w, 0, w->in, from, count, x, ldx, y, ldy });
}

static void back_row(void *context, int r)
{
	const struct product *p = context;
	const float *d = p->x + (size_t)r * p->ldx;
	float *g = p->y + (size_t)r * p->ldy;

	for (int i = 0; i < p->w->in; i++) {
		const float *weights = p->w->weights + (size_t)i * (size_t)p->w->out;
		float sum = 0;

		for (int j = 0; j < p->w->out; j++)
			sum += d[j] * weights[j];
		g[i] = sum;
	}
}

void matrix_apply_back(const struct matrix *w, const float *d, size_t ldd, int n, float *g, size_t ldg)
{
	pool_run(n, back_row, &(struct product){ w, 0, w->in, 0, w->out, d, ldd, g, ldg });
}

void matrix_output(const struct matrix *w, int j, float *weights)
{
	assert(j >= 0 && j < w->out);
	for (int i = 0; i < w->in; i++)
		weights[i] = w->weights[(size_t)i * (size_t)w->out + (size_t)j];
}

void matrix_input(const struct matrix *w, int i, float *weights)
{
	assert(i >= 0 && i < w->in);
	memcpy(weights, w->weights + (size_t)i * (size_t)w->out, (size_t)w->out * sizeof *weights);
}
