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

/* The words of `site`: an argument's list begins with the technique's default. */
enum place_word {
	PLACES_RESID_PRE, PLACES_RESID_MID, PLACES_RESID_POST, PLACES_ATTN_OUT, PLACES_MLP_OUT, PLACES_HEAD, PLACES_Z, PLACES_Q, PLACES_K,
	PLACES_V, PLACES_PATTERN, PLACES_KV, PLACES_NEURON, PLACES_HEAD_POSITION, PLACES_PARTS
};
#define PLACE_RESID_PRE { "resid_pre", "the stream before each layer, by position", PLACES_RESID_PRE }
#define PLACE_RESID_MID { "resid_mid", "the stream between attention and MLP, by position", PLACES_RESID_MID }
#define PLACE_RESID_POST { "resid_post", "the stream after each layer, by position", PLACES_RESID_POST }
#define PLACE_ATTN_OUT { "attn_out", "what attention writes, by position", PLACES_ATTN_OUT }
#define PLACE_MLP_OUT { "mlp_out", "what the MLP writes, by position", PLACES_MLP_OUT }
#define PLACE_HEAD { "head", "what each head writes", PLACES_HEAD }
#define PLACE_Z { "z", "each head's mixed values", PLACES_Z }
#define PLACE_Q { "q", "each head's queries", PLACES_Q }
#define PLACE_K { "k", "each key/value head's keys", PLACES_K }
#define PLACE_V { "v", "each key/value head's values", PLACES_V }
#define PLACE_PATTERN { "pattern", "each head's attention weights", PLACES_PATTERN }
#define PLACE_KV { "kv", "each key/value head's values, for all of its heads", PLACES_KV }
#define PLACE_NEURON { "neuron", "blocks of neurons", PLACES_NEURON }
#define PLACE_HEAD_POSITION { "head_position", "the heads of one layer, by position", PLACES_HEAD_POSITION }
#define PLACE_PARTS { "parts", "attention against MLP", PLACES_PARTS }

extern const struct choice places_when_words[];
/* sites: a list of the choices above; what: "what is patched" */
#define PLACE_PARAMS(sites, what)                                                                                                      \
	[PLACE_SITE] = { "site", PARAM_CHOICE, .choices = sites, .help = what },                                                        \
	[PLACE_AT] = { "at", PARAM_CHOICE, .choices = places_when_words, .help = "of heads, neurons and parts: at which positions" },   \
	[PLACE_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .pinned = true, .help = "which one, for at=position" },  \
	[PLACE_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .pinned = true, .help = "which one, for site=head_position" },    \
	[PLACE_BLOCK] = { "block", PARAM_INT, .lo = 1, .hi = 65536, .start = 64, .help = "of neurons: how many in a column" }

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
/* For a technique that intervenes by no sweep: tells each cell that edit. */
void places_tell(const struct places *p, struct table *t, const char *op);
/* " at position 3", or nothing. */
const char *places_when(const struct places *p);
/* Axes, what the cells are of, look. */
void places_describe(const struct places *p, struct table *t);

#endif
