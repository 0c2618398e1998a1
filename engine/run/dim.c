/* dim.c - see dim.h. */
#include "engine/run/dim.h"

#include <string.h>

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

enum dim dim_find(const char *word)
{
	enum dim dim = DIM_NONE;

	while (dim < DIM_COUNT && strcmp(table[dim].word, word))
		dim++;
	return dim;
}
