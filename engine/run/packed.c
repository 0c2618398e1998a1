/* packed.c - see packed.h. */
#include "engine/run/packed.h"

#include <stdlib.h>

#include "engine/base/arena.h"

struct packed *packed_new(const struct config *c, int room)
{
	struct packed *p = xmalloc(sizeof *p + (size_t)c->G * sizeof *p->head);

	p->groups = c->G;
	p->rows = 0;
	for (int g = 0; g < c->G; g++) {
		dense_init(&p->head[g].keys, c->K, room);
		dense_init(&p->head[g].values, room, c->K);
	}
	return p;
}

void packed_free(struct packed *p)
{
	for (int g = 0; p && g < p->groups; g++) {
		dense_done(&p->head[g].keys);
		dense_done(&p->head[g].values);
	}
	free(p);
}

void packed_put(struct packed *p, const struct config *c, int group, const float *k, const float *v, int at, int n)
{
	const size_t GK = (size_t)(c->G * c->K), from = (size_t)(group * c->K);

	dense_set_columns(&p->head[group].keys, at, n, k + from, GK);
	dense_set_rows(&p->head[group].values, at, n, v + from, GK);
}

void packed_fill(struct packed *p, const struct config *c, int group, const float *k, const float *v, int from, int to)
{
	const size_t GK = (size_t)(c->G * c->K), at = (size_t)from * GK;

	packed_put(p, c, group, k + at, v + at, from, to - from);
}
