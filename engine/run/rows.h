/* rows.h - the rows of a pass in one layer, and what is done with each by itself: for the parts of the forward pass. */
#ifndef LMSCOPE_ENGINE_RUN_ROWS_H
#define LMSCOPE_ENGINE_RUN_ROWS_H

#include "engine/numbers/kernels.h"
#include "engine/run/forward.h"

struct rows {
	const struct pass *p;
	int l, n;
	const struct layer *layer;
	const struct layer_sites *s; /* from the pass's first row on */
	void (*work)(const struct rows *r, int row);
};

int rows_count(const struct pass *p);
/* The variant that a row belongs to, and its position. */
int rows_variant(const struct pass *p, int row);
int rows_position(const struct rows *r, int row);

/* All rows of layer l, in the pool. */
void rows_each(const struct pass *p, int l, const struct layer_sites *s, void (*work)(const struct rows *r, int row));
/* A site in struct pass.touched, which is of the layer that is computed. */
static inline uint32_t rows_bit(enum site site)
{
	return (uint32_t)1 << site;
}

/* Has any variant edits at the site? */
bool rows_edited(const struct pass *p, enum site site);
/* Whether a row's variant has edits at any of these sites. */
bool rows_touches(const struct rows *r, int row, uint32_t sites);
/* Applies the edits at a site to one row, in the order in which they were written. */
void rows_apply_edits(const struct rows *r, int row, enum site site, float *x);
/* The same, where there are some. */
void rows_touch(const struct rows *r, int row, enum site site, float *x);
/* y = one of the layer's norms of x, its edits kept to; where one serves attention and MLP, edits are at the first. */
void rows_normalise(const struct rows *r, int row, enum site site, const float *x, float *y, float *scale);

static inline void rows_add_bias(float *x, const float *b, size_t n)
{
	if (b)
		kernel_add(x, b, x, n);
}

static inline void rows_multiply(float *x, size_t n, float by)
{
	for (size_t i = 0; by != 1 && i < n; i++)
		x[i] *= by;
}

#endif
