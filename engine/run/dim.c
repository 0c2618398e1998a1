/* dim.c - see dim.h. */
#include "engine/run/dim.h"

#include <string.h>

#include "engine/model/config.h"

static const struct {
	const char *word, *step;
} table[DIM_COUNT] = {
#define DIM(id, word, step) [DIM_##id] = { word, step },
#include "engine/run/dim.def"
#undef DIM
};

const char *dim_word(enum dim dim)
{
	return table[dim].word;
}

const char *dim_step(enum dim dim)
{
	return table[dim].step;
}

int dim_extent(const struct config *c, int T, enum dim dim)
{
	switch (dim) {
	case DIM_LAYER:
		return c->L;
	case DIM_HEAD:
		return c->H;
	case DIM_KV_HEAD:
		return c->G;
	case DIM_POSITION:
	case DIM_KEY:
		return T;
	case DIM_CHANNEL:
		return c->D;
	case DIM_HEAD_CHANNEL:
		return c->K;
	case DIM_NEURON:
		return c->dense;
	case DIM_EXPERT:
		return c->experts.X;
	case DIM_TOKEN:
		return c->V;
	default:
		return 0;
	}
}

enum dim dim_find(const char *word)
{
	enum dim dim = DIM_NONE;

	while (dim < DIM_COUNT && strcmp(table[dim].word, word))
		dim++;
	return dim;
}
