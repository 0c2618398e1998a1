/*
 * matrix.c - see matrix.h. Weights are in panels (panel.h); with LMSCOPE_GEMM=openblas as plain floats instead, where they are
 * kept.
 */
#include "engine/numbers/matrix.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/blas.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/live_rows.h"
#include "engine/numbers/panel.h"
#include "engine/numbers/pool.h"
#include "engine/numbers/product.h"
#include "engine/numbers/product_back.h"
#include "engine/numbers/quant.h"

struct matrix {
	int in, out;
	struct panels panels;
	bool blas;    /* products go through OpenBLAS … */
	float *plain; /* … from [out, in]; NULL: from the panels, as they are expanded */
};

enum { PANELS_AHEAD = 6 }; /* how far the panels are fetched ahead, where they are read across */

static atomic_bool low_memory;

bool matrix_start(struct err *err)
{
	blas_prepare();
	return !blas_wanted() || blas_load(err);
}

void matrix_low_memory(bool on)
{
	atomic_store(&low_memory, on);
}

/* --- Making --- */

static bool source_check(const struct matrix_source *s, struct err *err)
{
	const struct tensor *t = s->tensor;
	const long long rows = t->shape[0], columns = t->shape[1];
	const long long inputs = s->in_out ? rows : columns, outputs = s->in_out ? columns : rows;

	if (t->dims != 2)
		return err_set(err, ERR_FILE, "%s has %d dimensions, not the 2 of a matrix", t->name, t->dims);
	if (inputs != s->in)
		return err_set(err, ERR_FILE, "%s is [%lld, %lld]: it takes %lld inputs, and the model needs %d", t->name, rows,
			       columns, inputs, s->in);
	for (int j = 0; j < s->out; j++) {
		int number = s->pick ? s->pick[j] : s->first + j;

		if (number < 0 || number >= outputs)
			return err_set(err, ERR_FILE, "%s is [%lld, %lld]: it has %lld outputs, and the model needs number %d",
				       t->name, rows, columns, outputs, number);
	}
	if (s->in_out && dtype_table[t->type].block > 1)
		return err_set(err, ERR_FILE, "%s is %s and stored [in, out]; lmscope reads quantised matrices only as [out, in]",
			       t->name, dtype_table[t->type].name);
	return true;
}

/* One panel of outputs to rows of plain floats. */
static void unpack_panel(void *context, int panel)
{
	struct matrix *w = context;
	_Alignas(64) float buffer[256 * PANEL];

	for (int k = 0; k < w->in; k += 256) {
		int count = w->in - k < 256 ? w->in - k : 256;
		size_t stride;
		const float *b = panels_read(&w->panels, panel, 1, k, count, buffer, &stride);

		for (int c = 0; c < PANEL && panel * PANEL + c < w->out; c++)
			for (int i = 0; i < count; i++)
				w->plain[(size_t)(panel * PANEL + c) * (size_t)w->in + (size_t)(k + i)] = b[i * PANEL + c];
	}
}

static bool keeps_nothing(const struct matrix_source *source)
{
	return source->in_place || atomic_load(&low_memory);
}

static bool by_blas(const struct matrix_source *source)
{
	return source->blas || blas_wanted();
}

struct matrix *matrix_new(struct arena *arena, const struct matrix_source *source, struct err *err)
{
	struct matrix *w = arena_alloc(arena, sizeof *w);

	w->in = source->in;
	w->out = source->out;
	w->blas = by_blas(source);
	if (!source_check(source, err))
		return NULL;
	if (!w->blas || keeps_nothing(source))
		return panels_make(&w->panels, arena, source, keeps_nothing(source), err) ? w : NULL;
	if (!panels_make(&w->panels, arena, source, true, err))
		return NULL;
	w->plain = arena_raw(arena, (size_t)w->in * (size_t)w->out, sizeof *w->plain, err);
	if (!w->plain)
		return NULL;
	pool_run(w->panels.count, unpack_panel, w);
	return w;
}

size_t matrix_footprint(const struct matrix_source *source)
{
	bool plain = by_blas(source) && !keeps_nothing(source);
	size_t bytes = sizeof(struct matrix) + panels_footprint(source, plain || keeps_nothing(source));

	return bytes + (plain ? (size_t)source->in * (size_t)source->out * sizeof(float) : 0);
}

double matrix_stored_bytes(const struct matrix *w)
{
	const struct tensor *t = w->panels.source.tensor;

	return (double)t->bytes * ((double)w->in * w->out) / (double)tensor_count(t);
}

int matrix_in(const struct matrix *w)
{
	return w->in;
}

int matrix_out(const struct matrix *w)
{
	return w->out;
}

/* --- OpenBLAS: one call a thread, each for some columns of y --- */

struct blas_job {
	const struct product *p;
	const float *b; /* [outputs, depth] or, backward, [depth, outputs] */
	size_t ldb;
	bool back;
	int columns; /* of a chunk */
};

static void blas_chunk(void *context, int chunk)
{
	const struct blas_job *j = context;
	const struct product *p = j->p;
	const int first = chunk * j->columns, left = p->outputs - first;

	blas_gemm(false, !j->back, p->n, left < j->columns ? left : j->columns, p->depth, p->x, p->ldx,
		  j->b + (size_t)first * (j->back ? 1 : j->ldb), j->ldb, p->y + first, p->ldy, false);
}

static void blas_run(const struct product *p, const float *b, size_t ldb, bool back)
{
	struct blas_job job = { p, b, ldb, back, (p->outputs + pool_size() - 1) / pool_size() };

	if (p->outputs > 0)
		pool_run((p->outputs + job.columns - 1) / job.columns, blas_chunk, &job);
}

/* --- OpenBLAS from weights that are expanded at each use: a few inputs of sixteen outputs at a time --- */

enum { SOME_INPUTS = 256 };

struct expanded {
	const struct matrix *w;
	const struct product *p;
};

/* A panel's columns of y. */
static void expanded_panel(void *context, int panel)
{
	const struct expanded *e = context;
	const struct product *p = e->p;
	const int first = panel * PANEL > p->first ? panel * PANEL : p->first, end = p->first + p->outputs;
	const int columns = (end < (panel + 1) * PANEL ? end : (panel + 1) * PANEL) - first;
	_Alignas(64) float buffer[SOME_INPUTS * PANEL];
	int k = p->from / SOME_INPUTS * SOME_INPUTS;

	do { /* also for a depth of nothing, which makes zeros */
		const int count = e->w->in - k < SOME_INPUTS ? e->w->in - k : SOME_INPUTS, low = k > p->from ? k : p->from;
		const int high = k + count < p->from + p->depth ? k + count : p->from + p->depth;
		size_t stride;
		const float *b = panels_read(&e->w->panels, panel, 1, k, count, buffer, &stride);

		blas_gemm(false, false, p->n, columns, high - low, p->x + (low - p->from), p->ldx,
			  b + (size_t)(low - k) * PANEL + first % PANEL, PANEL, p->y + (first - p->first), p->ldy, low > p->from);
		k += SOME_INPUTS;
	} while (k < p->from + p->depth);
}

static void expanded_from(void *context, int chunk)
{
	const struct expanded *e = context;

	expanded_panel(context, e->p->first / PANEL + chunk);
}

static int expanded_panels(const struct product *p)
{
	return p->outputs > 0 ? (p->first + p->outputs - 1) / PANEL - p->first / PANEL + 1 : 0;
}

/* Backward: some inputs' columns of y, from all outputs. */
static void expanded_inputs(void *context, int chunk)
{
	const struct expanded *e = context;
	const struct product *p = e->p;
	const int k = chunk * SOME_INPUTS, count = p->outputs - k < SOME_INPUTS ? p->outputs - k : SOME_INPUTS;
	_Alignas(64) float buffer[SOME_INPUTS * PANEL];

	for (int j = 0; j < p->depth; j += PANEL) {
		size_t stride;
		const float *b = panels_read(&e->w->panels, j / PANEL, 1, k, count, buffer, &stride);

		blas_gemm(false, true, p->n, count, p->depth - j < PANEL ? p->depth - j : PANEL, p->x + j, p->ldx, b, PANEL,
			  p->y + k, p->ldy, j > 0);
	}
}

/* --- Applying --- */

/* W as panels; the next inputs' weights come from memory while these are used. */
static const float *read_forward(const struct panels *weights, int panel, int number, int from, int count, float *buffer,
				 size_t *stride)
{
	const bool end = from + count >= weights->source.in;

	for (int i = 0; i < number; i++)
		panels_prefetch(weights, panel + i + (end ? number : 0), end ? 0 : from + count, count);
	return panels_read(weights, panel, number, from, count, buffer, stride);
}

/* The product's side of the weights. */
static struct product product_of(const struct matrix *w, struct product p)
{
	p.weights = &w->panels;
	p.read = read_forward;
	p.panels = panels_in_place(&w->panels, &p.kind);
	p.align = w->panels.align;
	p.limit = w->in;
	return p;
}

static void apply(const struct matrix *w, struct product p)
{
	if (w->plain) {
		blas_run(&p, w->plain + (size_t)p.first * (size_t)w->in + p.from, (size_t)w->in, false);
		return;
	}
	if (w->blas) {
		pool_run(expanded_panels(&p), expanded_from, &(struct expanded){ w, &p });
		return;
	}
	p = product_of(w, p);
	product_run(&p);
}

void matrix_apply(const struct matrix *w, const float *x, size_t ldx, int n, float *y, size_t ldy)
{
	apply(w, (struct product){ .depth = w->in, .outputs = w->out, .x = x, .ldx = ldx, .n = n, .y = y, .ldy = ldy });
}

void matrix_apply_each(const struct matrix *const *w, int count, const float *x, size_t ldx, int n, float *const *y)
{
	struct product p[PRODUCTS_MAX];
	bool plain = false;

	assert(count <= PRODUCTS_MAX);
	for (int i = 0; i < count; i++) {
		plain |= w[i]->plain != NULL;
		p[i] = product_of(w[i], (struct product){ .depth = w[i]->in,
							  .outputs = w[i]->out,
							  .x = x,
							  .ldx = ldx,
							  .n = n,
							  .y = y[i],
							  .ldy = (size_t)w[i]->out });
	}
	if (!plain)
		product_run_together(p, count);
	for (int i = 0; plain && i < count; i++)
		matrix_apply(w[i], x, ldx, n, y[i], (size_t)w[i]->out);
}

void matrix_apply_inputs(const struct matrix *w, int from, int count, const float *x, size_t ldx, int n, float *y, size_t ldy)
{
	assert(from >= 0 && count >= 0 && from + count <= w->in);
	apply(w,
	      (struct product){ .from = from, .depth = count, .outputs = w->out, .x = x, .ldx = ldx, .n = n, .y = y, .ldy = ldy });
}

void matrix_apply_outputs(const struct matrix *w, int from, int count, const float *x, size_t ldx, int n, float *y, size_t ldy)
{
	assert(from >= 0 && count >= 0 && from + count <= w->out);
	apply(w,
	      (struct product){ .depth = w->in, .first = from, .outputs = count, .x = x, .ldx = ldx, .n = n, .y = y, .ldy = ldy });
}

void matrix_pack_rows(const struct matrix *w, const struct matrix_rows *rows)
{
	if (!w->plain && !w->blas)
		product_pack(rows->x, (size_t)w->in, rows->n, w->in, rows->packed);
}

void matrix_apply_outputs_here(const struct matrix *w, int from, int count, const struct matrix_rows *rows, float *y, size_t ldy)
{
	const size_t in = (size_t)w->in;
	struct product p = { .depth = w->in,
			     .first = from,
			     .outputs = count,
			     .x = rows->x,
			     .ldx = in,
			     .n = rows->n,
			     .packed = rows->n > 1 ? rows->packed : NULL,
			     .y = y,
			     .ldy = ldy };

	assert(from >= 0 && count >= 0 && from + count <= w->out);
	if (w->plain) {
		blas_gemm(false, true, rows->n, count, w->in, rows->x, in, w->plain + (size_t)from * in, in, y, ldy, false);
		return;
	}
	if (w->blas) {
		for (int i = 0; i < expanded_panels(&p); i++)
			expanded_from(&(struct expanded){ w, &p }, i);
		return;
	}
	p = product_of(w, p);
	product_here(&p);
}

/* Wᵀ as panels: its columns are W's inputs, and its depth goes over W's outputs, sixteen of which are side by side in W. */
static const float *read_back(const struct panels *weights, int panel, int number, int from, int count, float *buffer,
			      size_t *stride)
{
	const struct gemm *g = gemm_here();
	const int first = panel * PANEL,
		  inputs = weights->source.in - first < number * PANEL ? weights->source.in - first : number * PANEL;
	_Alignas(64) float expanded[QUANT_BLOCK_MAX * PANEL];
	const float *w;

	*stride = (size_t)count * PANEL;
	if (inputs < number * PANEL) /* columns that are not there */
		memset(buffer + (size_t)(number - 1) * *stride, 0, *stride * sizeof *buffer);
	for (int j = 0; j < count; j += PANEL) {
		size_t unused;

		panels_prefetch(weights, (from + j) / PANEL + PANELS_AHEAD, first, inputs);
		w = panels_read(weights, (from + j) / PANEL, 1, first, inputs, expanded, &unused);

		for (int i = 0; i < inputs; i += PANEL)
			g->transpose(w + i * PANEL, PANEL, inputs - i < PANEL ? inputs - i : PANEL,
				     count - j < PANEL ? count - j : PANEL, buffer + (size_t)(i / PANEL) * *stride + j * PANEL,
				     PANEL);
	}
	return buffer;
}

static struct product product_back(const struct matrix *w, const float *d, size_t ldd, int n, float *g, size_t ldg)
{
	const int wide = w->panels.align > 2 * PANEL ? w->panels.align / PANEL : 2;

	return (struct product){
		.weights = &w->panels,
		.read = read_back,
		.align = PANEL,
		.wide = wide,
		.depth = w->out,
		.limit = w->out,
		.outputs = w->in,
		.x = d,
		.ldx = ldd,
		.n = n,
		.y = g,
		.ldy = ldg,
	};
}

/* The weights as they lie; of a few rows, turned. The bits are the same. */
static void run_back_all(const struct product *p)
{
	const struct product_back back = { p->weights, p->from, p->depth, p->x, p->ldx, p->n, p->y, p->ldy };

	if (product_back_suits(p->n))
		product_back_run(&back);
	else
		product_run(p);
}

/*
 * Of rows that are zero nothing arrives, and they are left out: in the last layer a metric at one position starts at one row, and
 * all others of the prompt are zero until its attention.
 */
static void run_back(const struct product *p)
{
	struct live_rows live;
	struct product some = *p;

	if (!live_rows_find(&live, p->x, p->ldx, p->n, p->depth, p->outputs)) {
		run_back_all(p);
		return;
	}
	some.n = live.n;
	some.x = live.x;
	some.ldx = (size_t)p->depth;
	some.y = live.y;
	some.ldy = (size_t)p->outputs;
	if (live.n)
		run_back_all(&some);
	live_rows_return(&live, p->y, p->ldy, p->n, p->outputs);
}

void matrix_apply_back_long(const struct matrix *w, const float *d, size_t ldd, int n, float *g, size_t ldg)
{
	enum { PART = 2048 };
	const size_t in = (size_t)w->in;
	double *sum;

	if (w->out <= PART || w->plain || w->blas) {
		matrix_apply_back(w, d, ldd, n, g, ldg);
		return;
	}
	sum = xcalloc((size_t)n * in, sizeof *sum);
	for (int from = 0; from < w->out; from += PART) {
		struct product p = product_back(w, d + from, ldd, n, g, ldg);

		p.from = from;
		p.depth = w->out - from < PART ? w->out - from : PART;
		run_back(&p);
		for (int r = 0; r < n; r++)
			for (size_t i = 0; i < in; i++)
				sum[(size_t)r * in + i] += (double)g[(size_t)r * ldg + i];
	}
	for (int r = 0; r < n; r++)
		for (size_t i = 0; i < in; i++)
			g[(size_t)r * ldg + i] = (float)sum[(size_t)r * in + i];
	free(sum);
}

void matrix_apply_back(const struct matrix *w, const float *d, size_t ldd, int n, float *g, size_t ldg)
{
	const struct product p = product_back(w, d, ldd, n, g, ldg);

	if (w->plain)
		blas_run(&p, w->plain, (size_t)w->in, true);
	else if (w->blas)
		pool_run((w->in + SOME_INPUTS - 1) / SOME_INPUTS, expanded_inputs, &(struct expanded){ w, &p });
	else
		run_back(&p);
}

/* Some inputs from k on: sixteen sums each, over all panels, which are added up at the end. */
static void some_back_here(const struct matrix *w, const float *d, int k, float *g)
{
	const int count = w->in - k < SOME_INPUTS ? w->in - k : SOME_INPUTS;
	_Alignas(64) float buffer[SOME_INPUTS * PANEL], sum[SOME_INPUTS * PANEL] = { 0 };

	for (int j = 0; j < w->out; j += PANEL) {
		const int columns = w->out - j < PANEL ? w->out - j : PANEL;
		float some[PANEL] = { 0 };
		size_t stride;

		memcpy(some, d + j, (size_t)columns * sizeof *some);
		panels_prefetch(&w->panels, j / PANEL + 1, k, count);
		kernel_panel_back(panels_read(&w->panels, j / PANEL, 1, k, count, buffer, &stride), some, sum, (size_t)count);
	}
	for (int i = 0; i < count; i++) {
		double all = 0;

		for (int c = 0; c < PANEL; c++)
			all += (double)sum[i * PANEL + c];
		g[i] = (float)all;
	}
}

void matrix_apply_back_here(const struct matrix *w, const float *d, float *g)
{
	const size_t in = (size_t)w->in, out = (size_t)w->out;

	if (w->plain) {
		blas_gemm(false, false, 1, w->in, w->out, d, out, w->plain, in, g, in, false);
		return;
	}
	for (int k = 0; k < w->in; k += SOME_INPUTS) {
		const struct product p = product_back(w, d, out, 1, g, in);

		if (w->blas)
			expanded_inputs(&(struct expanded){ w, &p }, k / SOME_INPUTS);
		else
			some_back_here(w, d, k, g + k);
	}
}

/* --- Looking --- */

void matrix_output(const struct matrix *w, int j, float *weights)
{
	_Alignas(64) float buffer[256 * PANEL];

	assert(j >= 0 && j < w->out);
	for (int k = 0; k < w->in; k += 256) {
		int count = w->in - k < 256 ? w->in - k : 256;
		size_t stride;
		const float *b = panels_read(&w->panels, j / PANEL, 1, k, count, buffer, &stride);

		for (int i = 0; i < count; i++)
			weights[k + i] = b[i * PANEL + j % PANEL];
	}
}

void matrix_input(const struct matrix *w, int i, float *weights)
{
	const int align = w->panels.align, from = i / align * align;
	_Alignas(64) float buffer[QUANT_BLOCK_MAX * PANEL];

	assert(i >= 0 && i < w->in);
	for (int j = 0; j < w->out; j += PANEL) {
		size_t stride;
		const float *b = panels_read(&w->panels, j / PANEL, 1, from, align, buffer, &stride);

		for (int c = 0; c < PANEL && j + c < w->out; c++)
			weights[j + c] = b[(i - from) * PANEL + c];
	}
}
