/*
 * lens_map.h - what lenses share: rows of the stream, one for each layer and position, read as predictions of the next token.
 *
 *   x[rows, T, D] -- final norm, its scale taken at that row --> -- W_U, logit scale, cap --> logits[rows, T, V]
 *
 * A cell's word is the token of the chosen rank; its value is what `show` says. What a lens does to the stream before it is its
 * own.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_LENS_MAP_H
#define LMSCOPE_ENGINE_ANALYSIS_LENS_MAP_H

#include "engine/analysis/analysis.h"

/* Two arguments of every lens. */
extern const struct choice lens_shown[];
/* clang-format off */
#define LENS_SHOW { "show", PARAM_CHOICE, .choices = lens_shown, .help = "what a cell's number is" }
#define LENS_RANK { "rank", PARAM_INT, .lo = 1, .hi = 50, .start = 1, .help = "which word: 1 is the likeliest" }
/* clang-format on */

struct lens_map {
	const char *technique, *object; /* of the title; object NULL: none */
	int rows;
	int cols, position;  /* so many parts at that position; cols 0: the positions of the prompt */
	bool layers;	     /* rows are layers in their order, which show=agree asks for */
	bool ends_in_output; /* the last row is what the model itself reads */
	int show, rank;	     /* the two arguments */
	/* x[n, D] of a row at n positions, or of n parts, from `from` on. */
	void (*take)(const struct ask *ask, const void *context, int row, int from, int n, float *x);
	/* There is nothing to read in a cell, which stays empty. NULL: there is everywhere. */
	bool (*nothing)(const struct ask *ask, const void *context, int row, int col);
	const void *context;
};

/* A cell is a logit of its word, or compares with the model's own prediction, as `show` is set. */
bool lens_shows_logit(int show);
bool lens_shows_kl(int show);
/* The table, its row axis and, where they are no positions, its columns left to the technique. NULL on error. */
struct table *lens_map(const struct ask *ask, const struct lens_map *map,
		       void (*axis)(struct table *t, const struct ask *ask, const void *context), struct err *err);

#endif
