/*
 * live_rows.h - rows of a product, without those that are zero: where many are, as in the gradient of one position's logit, they
 * would be multiplied for nothing.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_LIVE_ROWS_H
#define LMSCOPE_ENGINE_NUMBERS_LIVE_ROWS_H

#include <stdbool.h>
#include <stddef.h>

struct live_rows {
	int n;
	int *row; /* [n] their numbers, ascending */
	float *x; /* [n, width] what is in them */
	float *y; /* [n, outputs] room for what becomes of them */
};

/* Finds those of x[n, width] that have a number other than zero (NaN is one). False: all have, and nothing was taken. */
bool live_rows_find(struct live_rows *r, const float *x, size_t ldx, int n, int width, int outputs);
/* r->y to their places in y[n, outputs], zeros to all others; frees what was taken. */
void live_rows_return(struct live_rows *r, float *y, size_t ldy, int n, int outputs);

#endif
