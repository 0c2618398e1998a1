/*
 * attention_back.h - the way back through attention: from what each head wrote to its weights, queries, keys and values.
 */
#ifndef LMSCOPE_ENGINE_RUN_ATTENTION_BACK_H
#define LMSCOPE_ENGINE_RUN_ATTENTION_BACK_H

#include "engine/run/backward.h"

/*
 * z[rows, H, K] is the gradient at layer l's z before edits there. s->pattern and s->q receive theirs, b->head_k and b->head_v
 * [rows, H, K] what each head gives to its keys and values. With the pool's threads.
 */
void attention_back(const struct backward *b, int l, const float *z, struct layer_sites *s);

#endif
