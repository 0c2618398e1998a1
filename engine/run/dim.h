/* dim.h - the dimensions of dim.def as an enum, with their words. */
#ifndef LMSCOPE_ENGINE_RUN_DIM_H
#define LMSCOPE_ENGINE_RUN_DIM_H

enum dim {
#define DIM(id, word, step) DIM_##id,
#include "engine/run/dim.def"
#undef DIM
	DIM_COUNT,
};

const char *dim_word(enum dim dim);	/* "layer" */
const char *dim_step(enum dim dim);	/* "layer", "KV head": for people */
enum dim dim_find(const char *word);	/* DIM_COUNT when there is none */

#endif
