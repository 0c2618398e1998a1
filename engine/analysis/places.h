/*
 * places.h - maps of what can be edited: the same rows and columns for activation patching, its estimate, and ablation.
 *
 *   site                                    rows × columns
 *   resid_…, attn_out, mlp_out              layer × position
 *   head, z, q, pattern; kv, k, v           layer × head; layer × KV head: at all positions, or at one
 *   head_position                           head × position, in one layer
 *   neuron                                  layer × block of neurons: at all positions, or at one
 *   parts                                   layer × {attention, MLP}: at all positions, or at one
 *
 * A technique begins its arguments with PLACE_PARAMS, and the places of all cells follow from them.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_PLACES_H
#define LMSCOPE_ENGINE_ANALYSIS_PLACES_H

#include "engine/analysis/cause.h"

enum { PLACE_SITE, PLACE_AT, PLACE_POSITION, PLACE_LAYER, PLACE_BLOCK, PLACE_PARAM_COUNT };

/* sites: the words above, the default first; what: "what is patched" */
#define PLACE_PARAMS(sites, what)                                                                                                      \
	[PLACE_SITE] = { "site", .choices = sites, .help = what ": the stream and writes to it by position, heads and neurons by layer" },  \
	[PLACE_AT] = { "at", .choices = "all|last|position", .help = "of heads, neurons and parts: at which positions" },                   \
	[PLACE_POSITION] = { "position", DIM_POSITION, .start = -1, .held = true, .help = "which one, for at=position" },                                 \
	[PLACE_LAYER] = { "layer", DIM_LAYER, .start = -1, .held = true, .help = "which one, for site=head_position" },                                   \
	[PLACE_BLOCK] = { "block", .lo = 1, .hi = 65536, .start = 64, .help = "of neurons: how many in a column" }

enum place_shape { PLACE_BY_POSITION, PLACE_BY_UNIT, PLACE_HEAD_BY_POSITION, PLACE_BY_PART };

struct places {
	const struct ask *ask;
	const char *word;		/* as an edit names it: "head", "neuron", "resid_pre" */
	enum site site;			/* SITE_RESULT for heads; of parts, attn_out */
	enum place_shape shape;
	int rows, cols;
	int at;				/* the position, or -1: all; not for maps by position */
	int layer, block;
};

struct places places_of(const struct ask *ask, const struct param *params);

/* One cell: units from … to of a site in a layer (-1: the whole row), at one position or (-1) all. */
struct place {
	enum site site;
	int layer, from, to, position;
};
struct place places_at(const struct places *p, int cell);
/* The cell's edit: "head 5.1 @3 " and the op. */
void places_edit(const struct places *p, struct cause *c, int cell, int variant, const char *op);
/* " at position 3", or nothing. */
const char *places_when(const struct places *p);
/* Axes, what the cells are of, look. */
void places_describe(const struct places *p, struct table *t);

#endif
