/*
 * panel.h - how a matrix's weights are stored, and how they are read for multiplying.
 *
 * Outputs are taken sixteen at a time: panel p is outputs 16 p … 16 p + 15 as [in][16], zero where there is no such output.
 * What is kept depends on the type in the file: floats, the 16 bits of BF16 and F16, quantised integers with their scales,
 * or nothing at all (low memory: the file's own mapping is read again at each use). All but floats are expanded to floats,
 * some inputs at a time, by whoever multiplies with them.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_PANEL_H
#define LMSCOPE_ENGINE_NUMBERS_PANEL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/matrix.h"

struct panel_format;

struct panels {
	struct matrix_source source; /* its pick is a copy */
	const struct panel_format *format;
	unsigned char *data; /* [count][bytes] */
	int count;
	size_t bytes; /* of one panel */
	int align;    /* inputs are read from multiples of this on */
};

/* Packs in parallel, straight from the mapping; `low_memory`: keeps nothing. `source` has been checked. */
bool panels_make(struct panels *p, struct arena *arena, const struct matrix_source *source, bool low_memory, struct err *err);
/* Bytes that panels_make would take from the arena. */
size_t panels_footprint(const struct matrix_source *source, bool low_memory);

/* The panels as they lie in memory, [count][in][16], if tiles can take them so, and then of which kind they are; or NULL. */
const void *panels_in_place(const struct panels *p, enum gemm_weights *kind);

/*
 * The weights of inputs from … from+count-1 of `number` panels: [number][count][16], `*stride` floats apart, 64-byte aligned.
 * They are in buffer[number * count * 16] when they had to be expanded. `from` is a multiple of align, and so is count
 * unless it reaches the last input.
 */
const float *panels_read(const struct panels *p, int panel, int number, int from, int count, float *buffer, size_t *stride);

/* Says that these weights will be read soon; nothing happens where there are none. */
void panels_prefetch(const struct panels *p, int panel, int from, int count);

#endif
