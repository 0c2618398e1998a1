/* expert_rows.c - see expert_rows.h. */
#include "engine/run/expert_rows.h"

#include <stdlib.h>

#include "engine/base/arena.h"

struct expert_rows *expert_rows_new(const struct config *c, const float *chosen, int n)
{
	const int X = c->experts.X, k = c->experts.chosen, all = n * k;
	struct expert_rows *r = xmalloc(sizeof *r);
	int *next = xcalloc((size_t)X + 1, sizeof *next);

	r->start = xcalloc((size_t)X + 1, sizeof *r->start);
	r->entry = xcalloc((size_t)all + 1, sizeof *r->entry);
	for (int i = 0; i < all; i++)
		if (chosen[i] >= 0)
			r->start[(int)chosen[i] + 1]++;
	for (int x = 0; x < X; x++) {
		r->start[x + 1] += r->start[x];
		next[x] = r->start[x];
	}
	for (int i = 0; i < all; i++)
		if (chosen[i] >= 0)
			r->entry[next[(int)chosen[i]]++] = (struct expert_row){ i / k, i % k };
	free(next);
	return r;
}

void expert_rows_free(struct expert_rows *r)
{
	free(r->start);
	free(r->entry);
	free(r);
}

int expert_rows_most(const struct expert_rows *r, const struct config *c)
{
	int most = 0;

	for (int x = 0; x < c->experts.X; x++)
		most = r->start[x + 1] - r->start[x] > most ? r->start[x + 1] - r->start[x] : most;
	return most < EXPERT_ROWS ? most : EXPERT_ROWS;
}
