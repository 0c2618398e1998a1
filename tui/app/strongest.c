/* strongest.c - see strongest.h. */
#include "tui/app/strongest.h"

#include <math.h>
#include <stdlib.h>

#include "engine/analysis/span.h"
#include "engine/base/arena.h"

struct found {
	int cell;
	float strength, size; /* on the ramp; and of the value itself, where the ramp ends */
};

static int stronger_first(const void *a, const void *b)
{
	const struct found *one = a, *other = b;

	if (one->strength != other->strength)
		return one->strength > other->strength ? -1 : 1;
	if (one->size != other->size)
		return one->size > other->size ? -1 : 1;
	return one->cell - other->cell;
}

/* Of a column that has its own unit: ranks count from 1 down, anything else by its size. */
static float strength_in_column(const struct table *t, int col, float x)
{
	const char *unit = t->unit ? t->unit[col] : NULL;

	return unit && unit[0] == 'r' && unit[1] == 'a' && unit[2] == 'n' && unit[3] == 'k' && !unit[4] ? 1 / fmaxf(x, 1)
													: fabsf(x);
}

static int collect(const struct table *t, bool skip_first, int column, struct found *found)
{
	const bool apart = t->units > 1;
	const struct span span = span_of(t, NULL, !skip_first);
	int n = 0;

	for (int row = 0; row < t->rows.n; row++)
		for (int col = 0; col < t->cols.n; col++) {
			const int cell = (int)table_cell(t, row, col);
			const float x = t->value[cell];

			if (!isfinite(x) || !table_in_range(t, skip_first, row, col) || (apart && col != column) ||
			    table_has_rows_of(t, row))
				continue;
			found[n++] =
				(struct found){ cell, apart ? strength_in_column(t, col, x) : span_strength(&span, x), fabsf(x) };
		}
	return n;
}

int strongest_cells(const struct table *t, bool skip_first, int column, int cell[STRONGEST_MOST])
{
	const size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;
	struct found *found = xmalloc((cells ? cells : 1) * sizeof *found);
	int n = collect(t, skip_first, column, found);

	qsort(found, (size_t)n, sizeof *found, stronger_first);
	n = n < STRONGEST_MOST ? n : STRONGEST_MOST;
	for (int i = 0; i < n; i++)
		cell[i] = found[i].cell;
	free(found);
	return n;
}
