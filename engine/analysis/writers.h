/*
 * writers.h - one block's write to the stream, split into those who made it: heads and the tokens that they read, neurons.
 *
 *   attention   p = direction ⊙ gain · scale of a norm after it · multiplier       head h: z_h · u_h,  u = W_O p   [H, K]
 *               source j of head h: A_ij (v_j · u_h);  Σ_j = z_h · u_h             bias: b_O · p, and that norm's own
 *   MLP         the same p of its own norm                                         neuron n: a_n u_n,  u = W_out p   [F]
 *   mixture     its experts, whose writes are made again                           expert e: w_e y_e · direction     [X + 1]
 *
 * The scale of a norm after the block is the one of its real, summed output. One product with each matrix serves all of its inputs:
 * no cell needs a vector of D. What edits put in the place of a write is a part of its own, worked out by applying them again to
 * what they were given.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_WRITERS_H
#define LMSCOPE_ENGINE_ANALYSIS_WRITERS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/run/run.h"

enum block { BLOCK_ATTN, BLOCK_MLP };

struct writers {
	const struct run *run;
	enum block block;
	int layer, position;
	const float *direction; /* [D] what the metric reads of the stream there */
	float *read;		/* [D] what it reads of the matrix product, before a norm and the multiplier: p */
	float *in;		/* [H, K] or [F] what it reads of each input of the matrix: u */
	double bias;		/* what b_O or b_out, and the bias of a norm after the block, write */
	struct arena *scratch;
};

/*
 * Whether the block writes any bias that can be told: of a run of the stream alone, the scale of a norm after the MLP cannot be
 * known.
 */
bool writers_biased(const struct run *run, enum block block, int layer);
/* `read` and `bias` alone. False: ERR_MEMORY. */
bool writers_read(struct writers *w, const struct run *run, enum block block, int layer, int position, const float *direction,
		  struct arena *scratch, struct err *err);
/* `in` of n of them that have been read, side by side; the run has all of its sites. */
bool writers_open(struct writers *const *w, int n, struct err *err);

double writers_head(const struct writers *w, int head);		   /* all that the head writes */
double writers_source(const struct writers *w, int head, int key); /* of it, what it read at one position */
double writers_neuron(const struct writers *w, int neuron);
double writers_expert(const struct writers *w, int expert); /* of a mixture; number X: the shared expert */
/* Edits on the head's z or its write act there, and what they add to what it read. */
bool writers_head_edited(const struct writers *w, int head);
double writers_head_edits(const struct writers *w, int head);
/* The same of edits on attn_out or mlp_out and what the block wrote. */
bool writers_edited(const struct writers *w);
double writers_edits(const struct writers *w);

/* What the edits at a site of the stream change of the row x[D] that they were given, along `direction`; 0 where none acts. */
bool stream_edited(const struct run *r, enum site site, int layer, int position);
double stream_edits(const struct run *r, enum site site, int layer, int position, const float *x, const float *direction,
		    struct arena *scratch);

#endif
