/*
 * grid.h - maps of what can be edited: the same rows and columns for activation patching, its estimate, and ablation.
 *
 *   site                                    rows × columns
 *   resid_…, attn_out, mlp_out              layer × position
 *   head, z, q, pattern; kv, k, v           layer × head; layer × KV head: at all positions, or at one
 *   expert                                  layer × expert of a mixture: at all positions, or at one
 *   head_position                           head × position, in one layer
 *   neuron                                  layer × block of neurons: at all positions, or at one
 *   parts                                   layer × {attention, MLP}: at all positions, or at one
 *
 * A technique begins its arguments with GRID_PARAMS, and the places of all cells follow from them.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_GRID_H
#define LMSCOPE_ENGINE_ANALYSIS_GRID_H

#include "engine/analysis/interventions.h"

enum { GRID_SITE, GRID_AT, GRID_POSITION, GRID_LAYER, GRID_BLOCK, GRID_PARAM_COUNT };

/* What the cells of a map are: an argument's list of them begins with the technique's default. */
enum grid_of {
	GRID_OF_RESID_PRE,
	GRID_OF_RESID_MID,
	GRID_OF_RESID_POST,
	GRID_OF_ATTN_OUT,
	GRID_OF_MLP_OUT,
	GRID_OF_HEAD,
	GRID_OF_Z,
	GRID_OF_Q,
	GRID_OF_K,
	GRID_OF_V,
	GRID_OF_PATTERN,
	GRID_OF_KV,
	GRID_OF_NEURON,
	GRID_OF_EXPERT,
	GRID_OF_HEAD_POSITION,
	GRID_OF_PARTS
};
/* clang-format off */
#define GRID_RESID_PRE { "resid_pre", "the stream before each layer, by position", GRID_OF_RESID_PRE }
#define GRID_RESID_MID { "resid_mid", "the stream between attention and MLP, by position", GRID_OF_RESID_MID }
#define GRID_RESID_POST { "resid_post", "the stream after each layer, by position", GRID_OF_RESID_POST }
#define GRID_ATTN_OUT { "attn_out", "what attention writes, by position", GRID_OF_ATTN_OUT }
#define GRID_MLP_OUT { "mlp_out", "what the MLP writes, by position", GRID_OF_MLP_OUT }
#define GRID_HEAD { "head", "what each head writes", GRID_OF_HEAD }
#define GRID_Z { "z", "each head's mixed values", GRID_OF_Z }
#define GRID_Q { "q", "each head's queries", GRID_OF_Q }
#define GRID_K { "k", "each key/value head's keys", GRID_OF_K }
#define GRID_V { "v", "each key/value head's values", GRID_OF_V }
#define GRID_PATTERN { "pattern", "each head's attention weights", GRID_OF_PATTERN }
#define GRID_KV { "kv", "each key/value head's values, for all of its heads", GRID_OF_KV }
#define GRID_NEURON { "neuron", "blocks of neurons", GRID_OF_NEURON }
#define GRID_EXPERT { "expert", "what each expert of a mixture writes", GRID_OF_EXPERT }
#define GRID_HEAD_POSITION { "head_position", "the heads of one layer, by position", GRID_OF_HEAD_POSITION }
#define GRID_PARTS { "parts", "attention against MLP", GRID_OF_PARTS }
/* clang-format on */

extern const struct choice grid_when_words[];
/* sites: a list of the choices above; what: "what is patched" */
/* clang-format off */
#define GRID_PARAMS(sites, what) \
	[GRID_SITE] = { "site", PARAM_CHOICE, .choices = sites, .help = what }, \
	[GRID_AT] = { "at", PARAM_CHOICE, .choices = grid_when_words, \
		      .help = "of heads, neurons, experts and parts: at which positions" }, \
	[GRID_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .pinned = true, \
			    .help = "which one, for at=position" }, \
	[GRID_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .pinned = true, \
			 .help = "which one, for site=head_position" }, \
	[GRID_BLOCK] = { "block", PARAM_INT, .lo = 1, .hi = 65536, .start = 64, .help = "of neurons: how many in a column" }
/* clang-format on */

enum grid_shape { GRID_BY_POSITION, GRID_BY_UNIT, GRID_HEAD_BY_POSITION, GRID_BY_PART };

struct grid {
	const struct ask *ask;
	enum site site; /* SITE_RESULT for heads; of parts, attn_out */
	enum grid_shape shape;
	int rows, cols;
	int at; /* the position, or -1: all; not for maps by position */
	int layer, block;
	int *layers; /* [rows] of maps by unit */
};

/* False, with a sentence, where the model has no such thing. */
bool grid_open(const struct ask *ask, struct grid *out, struct err *err);

/* What cell number `cell` edits. */
struct place grid_place(const struct grid *g, int cell);
/* The edit of a cell, for a variant of a sweep. */
struct edit *grid_edit(const struct grid *g, struct cause *c, int cell, int variant, enum edit_op op);
/* For a technique that intervenes by no sweep: tells each cell its edit; `file` is what interchange reads, otherwise NULL. */
void grid_tell(const struct grid *g, struct table *t, enum edit_op op, const char *file);
/* " at position 3", or nothing. */
const char *grid_when(const struct grid *g);
/* Axes, what the cells are of, look. */
void grid_describe(const struct grid *g, struct table *t);

#endif
