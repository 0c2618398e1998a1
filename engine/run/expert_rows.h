/* expert_rows.h - which rows go to which expert, for products of many rows with one expert's weights. */
#ifndef LMSCOPE_ENGINE_RUN_EXPERT_ROWS_H
#define LMSCOPE_ENGINE_RUN_EXPERT_ROWS_H

#include <stddef.h>

#include "engine/model/config.h"

enum { EXPERT_ROWS = 256 }; /* that are multiplied together: weights in the file are expanded once for so many */

struct expert_rows {
	int *start; /* [X + 1] where an expert's rows begin */
	struct expert_row {
		int row, slot; /* the row, and of its choices the one that this expert is */
	} * entry;	       /* in the order of their rows */
};

/* chosen[n, e->chosen] as in layer.h. */
struct expert_rows *expert_rows_new(const struct config *c, const float *chosen, int n);
void expert_rows_free(struct expert_rows *r);
/* The most rows that are multiplied together. */
int expert_rows_most(const struct expert_rows *r, const struct config *c);

/* Where the neurons of an entry are in rows of mlp_pre, mlp_up and mlp_post. */
static inline size_t expert_neurons(const struct expert_rows *r, const struct config *c, int entry)
{
	return (size_t)r->entry[entry].row * (size_t)c->F + (size_t)r->entry[entry].slot * (size_t)c->experts.F;
}

#endif
