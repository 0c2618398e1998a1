/*
 * attention.h - softmax(q kᵀ) v, one head at a time: the one path by which every run, resumed run and sweep attends.
 */
#ifndef LMSCOPE_ENGINE_RUN_ATTENTION_H
#define LMSCOPE_ENGINE_RUN_ATTENTION_H

#include "engine/run/forward.h"

/*
 * The pattern and z of every head and variant of a pass, in parallel. `s` has q for the rows of the pass, which start at first_row,
 * and k and v there too, T - key0 rows for each variant; keys and values of positions below key0 come from the pass's past. Edits
 * on the pattern are applied. A query's row has the same bits wherever the pass begins and whatever is beside it.
 */
void attention_run(const struct pass *p, int layer, const struct layer_sites *s, int first_row);

/* Scores of one query with keys 0 … n-1, scaled and capped, as softmax gets them; -INFINITY where the query may not look. q[K], and
 * k[n, K] whose rows are ldk apart. */
void attention_scores(const struct config *c, int layer, int head, int query, const float *q, const float *k, size_t ldk, int n,
		      float *out);

/* What a position adds to a score (ALiBi), after the cap; 0 in families without. */
float attention_bias(const struct config *c, int layer, int head, int key);

#endif
