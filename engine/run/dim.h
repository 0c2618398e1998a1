/* dim.h - the dimensions of dim.def as an enum, with their words. */
#ifndef LMSCOPE_ENGINE_RUN_DIM_H
#define LMSCOPE_ENGINE_RUN_DIM_H

struct config;

enum dim {
#define DIM(id, word, step) DIM_##id,
#include "engine/run/dim.def"
#undef DIM
	DIM_COUNT,
};

const char *dim_word(enum dim dim); /* "layer" */
const char *dim_step(enum dim dim); /* "layer", "KV head": for people */
/* How many there are along it in a model of these sizes and a prompt of T tokens: L, H, T … 0 where that says nothing. */
int dim_extent(const struct config *c, int T, enum dim dim);
enum dim dim_find(const char *word); /* DIM_COUNT when there is none */

#endif
