/*
 * sources.h - what attention brings to a position from each token: vectors of the stream, by source.
 *
 *   T_ij = Σ_h A^h_ij f_h(x_j)            f_h(x_j) = (N(x_j) W_V + b_V) W_O, through the norm after attention with its scale at i
 *   Σ_j T_ij + b_O's share = attn_out_i
 *
 * Kobayashi et al. 2021. No vector per query, key and head is ever kept: f is [T, H, D] of one layer, and a part is made, looked at
 * and forgotten.
 *
 * Edits on what heads or attention write are affine, and a sum is taken apart by their linear half: `scale` scales each part, what
 * is put in a value's place belongs to no token.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_SOURCES_H
#define LMSCOPE_ENGINE_ANALYSIS_SOURCES_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/run/run.h"

/* out[T, ld], rows of D: f of one head at the positions 0 … T-1, but for the scale of a norm after attention. */
void source_writes(const struct run *run, int layer, int head, int T, float *out, size_t ld);

/* Σ|x|. */
float source_length(const float *x, size_t D);
/* ALTI (Ferrando et al. 2022): what `part`, `by` times, is worth to a sum x[D] of that length; below 0 where it points away. */
float source_worth(const float *x, float length, const float *part, float by, size_t D);

struct sources {
	const struct run *run;
	int layer, T;
	float *write; /* [T, H, D] f */
	bool *edited; /* [T] edits act on what is written there: parts take a product of their own */
	struct arena *scratch;
};

bool sources_open(struct sources *s, const struct run *run, int T, struct arena *scratch, struct err *err);
/* That layer's f. */
void sources_read(struct sources *s, int layer);
/* out[D] = T_ij; with the stream, x_i is in the part of its own position: then all parts and the bias are resid_mid. From a chunk
 * only where the query is not edited. */
void sources_part(const struct sources *s, int query, int key, bool stream, float *out);

/* x = L x of the affine edits x → L x + o at a site: [width of the site]. */
void part_edits(const struct run *run, enum site site, int layer, int position, float *x);
/* The same of what edits on heads' writes add beyond z (result.h): out[D] += L z. `z` [H, K]. */
void part_extra(const struct run *run, int layer, int position, const float *z, float *out);

#endif
