/* live_rows.c - see live_rows.h. */
#include "engine/numbers/live_rows.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/big.h"

static bool is_zero(const float *x, int n)
{
	int i = 0;

	while (i < n && x[i] == 0)
		i++;
	return i == n;
}

static int first_zero(const float *x, size_t ldx, int n, int width)
{
	int i = 0;

	while (i < n && !is_zero(x + (size_t)i * ldx, width))
		i++;
	return i;
}

bool live_rows_find(struct live_rows *r, const float *x, size_t ldx, int n, int width, int outputs)
{
	const int first = first_zero(x, ldx, n, width);

	if (first == n)
		return false;
	r->row = xmalloc((size_t)n * sizeof *r->row);
	r->n = 0;
	for (int i = 0; i < n; i++)
		if (i < first || !is_zero(x + (size_t)i * ldx, width))
			r->row[r->n++] = i;
	r->x = xbig((size_t)r->n * (size_t)width * sizeof *r->x);
	r->y = xbig((size_t)r->n * (size_t)outputs * sizeof *r->y);
	for (int i = 0; i < r->n; i++)
		memcpy(r->x + (size_t)i * (size_t)width, x + (size_t)r->row[i] * ldx, (size_t)width * sizeof *x);
	return true;
}

void live_rows_return(struct live_rows *r, float *y, size_t ldy, int n, int outputs)
{
	const size_t bytes = (size_t)outputs * sizeof *y;

	for (int i = 0, next = 0; i < n; i++)
		if (next < r->n && r->row[next] == i)
			memcpy(y + (size_t)i * ldy, r->y + (size_t)next++ * (size_t)outputs, bytes);
		else
			memset(y + (size_t)i * ldy, 0, bytes);
	big_free(r->x);
	big_free(r->y);
	free(r->row);
}
