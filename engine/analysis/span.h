/*
 * span.h - where a value lies on its ramp: the range of a table's colours. The screen and exported figures go by the same one.
 *
 *   SCALE_SEQUENTIAL    0 at the neutral value, 1 at the value that is farthest from it
 *   SCALE_DIVERGING     0.5 at the neutral value, 0 and 1 as far below it as above
 *   SCALE_PROBABILITY   0 … 1 as they are
 *   SCALE_RANK          0 at the neutral rank, 1 at rank 1, the same step for the same factor
 *
 * The finding is what should be seen first, so at most one cell in five is in the ramp's brighter half. Where more would be, the
 * value at half the ramp's strength is not the one half way, but farther: at `knee` of the way. On either side of it steps are
 * even, and the legend names it.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_SPAN_H
#define LMSCOPE_ENGINE_ANALYSIS_SPAN_H

#include <stdbool.h>

#include "engine/analysis/table.h"

struct span {
	float lo, hi;  /* the values at the ramp's ends; lo is the smaller one */
	float neutral; /* NaN: none */
	enum scale scale;
	float knee; /* how far of the way from neutral to the end half the strength is: 0.5, or more */
	bool any;   /* there are values at all */
};

/*
 * The range of a table's own values; with `ground`, the same table without the edits, that one's range, so that colours mean what
 * they did before an edit. (Of a diverging one its width: what is neutral may have moved.) `ground` may be NULL, or of another
 * shape, and is left out then. `sink_in`: the first token counts too where the table leaves it out.
 */
bool span_same_shape(const struct table *a, const struct table *b);
struct span span_of(const struct table *t, const struct table *ground, bool sink_in);
/* Sets the knee for a picture in which one cell is the strongest of rows × columns of the table. */
void span_pool(struct span *s, const struct table *t, int rows, int cols);

/* 0 … 1; beyond the range it is the nearer end. NaN for NaN. */
float span_at(const struct span *s, float x);
/* How far from neutral, 0 … 1: what counts where one of several values must speak for all. */
float span_strength(const struct span *s, float x);
/* The other way: the value at a place of the ramp. */
float span_value(const struct span *s, float at);
/*
 * The value whose colour a cell has: its own; but a first token that the range leaves out is no finding, and has at most a colour
 * of the ramp's darker half.
 */
float span_paint(const struct span *s, const struct table *t, bool sink_in, int row, int col);
/* So near to the neutral value that it is drawn as nothing: within this part of the range. */
#define SPAN_QUIET 0.025f
bool span_is_quiet(const struct span *s, float x);
/* Beyond the range, which was another table's. */
bool span_is_beyond(const struct span *s, float x);

#endif
