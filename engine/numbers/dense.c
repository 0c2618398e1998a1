/* dense.c - see dense.h. */
#include "engine/numbers/dense.h"

#include <string.h>

#include "engine/base/big.h"
#include "engine/base/bounds.h"
#include "engine/numbers/blas.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/product.h"

enum { SHORT = 64 }; /* a column that is put in a row without asking for memory */

static size_t panel_floats(const struct dense *b)
{
	return (size_t)b->depth * PANEL;
}

void dense_init(struct dense *b, int depth, int columns)
{
	const int panels = (columns + PANEL - 1) / PANEL;

	b->depth = depth;
	b->columns = columns;
	b->blas = blas_wanted();
	b->panels = xbig((size_t)panels * panel_floats(b) * sizeof *b->panels);
	if (columns % PANEL) /* columns that are not there are computed too */
		memset(b->panels + (size_t)(panels - 1) * panel_floats(b), 0, panel_floats(b) * sizeof *b->panels);
}

void dense_done(struct dense *b)
{
	big_free(b->panels);
}

void dense_set_columns(struct dense *b, int first, int count, const float *rows, size_t ld)
{
	const struct gemm *g = gemm_here();

	for (int some, end = first + count; first < end; first += some, rows += (size_t)some * ld) {
		float *panel = b->panels + (size_t)(first / PANEL) * panel_floats(b) + first % PANEL;

		some = least(PANEL - first % PANEL, end - first);
		for (int k = 0; k < b->depth; k += PANEL)
			g->transpose(rows + k, ld, some, least(PANEL, b->depth - k), panel + k * PANEL, PANEL);
	}
}

void dense_set_rows(struct dense *b, int first, int count, const float *rows, size_t ld)
{
	for (int c = 0; c < b->columns; c += PANEL) {
		float *panel = b->panels + (size_t)(c / PANEL) * panel_floats(b) + (size_t)first * PANEL;
		const size_t width = (size_t)least(PANEL, b->columns - c) * sizeof *panel;

		for (int k = 0; k < count; k++)
			if (width == PANEL * sizeof *panel) /* of a size that is known, it is no call */
				memcpy(panel + k * PANEL, rows + (size_t)k * ld + c, PANEL * sizeof *panel);
			else
				memcpy(panel + k * PANEL, rows + (size_t)k * ld + c, width);
	}
}

/* One row is packed as it is, and needs no cutting. */
static void apply_row(const struct dense *b, int from, int depth, int columns, const float *x, float *y, bool more)
{
	const struct gemm *g = gemm_here();
	const int panels = (columns + PANEL - 1) / PANEL;

	for (int p = 0, number; p < panels; p += number) {
		struct gemm_tile t = { .rows = 1,
				       .kind = WEIGHTS_F32,
				       .depth = (size_t)depth,
				       .a = x,
				       .b = b->panels + (size_t)p * panel_floats(b) + (size_t)from * PANEL,
				       .stride = panel_floats(b),
				       .y = y + p * PANEL,
				       .more = more };
		int left = columns - p * PANEL;

		for (number = g->shapes->panels; number > panels - p; number /= 2)
			;
		t.panels = number;
		t.soon = t.b;
		t.columns = ~(uint64_t)0 >> (64 - least(left, number * PANEL));
		g->tile(&t);
	}
}

/* The same with x[depth] ldx floats apart. */
static void apply_column(const struct dense *b, int from, int depth, int columns, const float *x, size_t ldx, float *y, bool more)
{
	float row[SHORT];

	for (int k = 0; k < depth; k++)
		row[k] = x[(size_t)k * ldx];
	apply_row(b, from, depth, columns, row, y, more);
}

static void apply(const struct dense *b, bool turned, int from, int depth, int columns, const float *x, size_t ldx, int n, float *y,
		  size_t ldy, bool more)
{
	for (int c = 0; b->blas && c < columns; c += PANEL)
		blas_gemm(turned, false, n, least(PANEL, columns - c), depth, x, ldx,
			  b->panels + (size_t)(c / PANEL) * panel_floats(b) + (size_t)from * PANEL, PANEL, y + c, ldy, more);
	if (!b->blas && n == 1 && !turned)
		apply_row(b, from, depth, columns, x, y, more);
	else if (!b->blas && n == 1 && depth <= SHORT)
		apply_column(b, from, depth, columns, x, ldx, y, more);
	else if (!b->blas)
		product_here(&(struct product){ .panels = b->panels,
						.align = 1,
						.from = from,
						.depth = depth,
						.limit = b->depth,
						.outputs = columns,
						.x = x,
						.ldx = ldx,
						.turned = turned,
						.n = n,
						.y = y,
						.ldy = ldy,
						.more = more });
}

void dense_apply(const struct dense *b, int from, int depth, int columns, const float *x, size_t ldx, int n, float *y, size_t ldy,
		 bool more)
{
	apply(b, false, from, depth, columns, x, ldx, n, y, ldy, more);
}

void dense_apply_turned(const struct dense *b, int from, int depth, int columns, const float *x, size_t ldx, int n, float *y,
			size_t ldy, bool more)
{
	apply(b, true, from, depth, columns, x, ldx, n, y, ldy, more);
}
