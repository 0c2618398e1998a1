/*
 * parts.h - who made a block's write to the stream, at all positions that a metric reads: the sums of writers.h over them.
 *
 *   head 3.1 = Σ over positions i, keys j ≤ i of A_ij (v_j · u_i)       neuron 3.17 = Σ over positions i of a_i u_i
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_PARTS_H
#define LMSCOPE_ENGINE_ANALYSIS_PARTS_H

#include "engine/analysis/writers.h"
#include "engine/base/task.h"
#include "engine/run/reading.h"

struct parts {
	enum block block;
	int layer;
	double *share;	    /* of each head or neuron; of a mixture, of each expert and last the shared one */
	bool *split;	    /* [H] the heads whose sources are wanted */
	double **source;    /* [H] of those [positions, from the first up to the last that is read]; others NULL */
	double *head_edits; /* [H] what edits on the head add to what it read; NaN: there are none */
	bool edited;	    /* edits are on the block's write: then */
	double bias, edits; /* what its biases write there, and what the edits change */
};

/* Room for them, in `scratch`: all 0. `split` is for the caller to fill. False: ERR_MEMORY. */
bool parts_init(struct parts *p, const struct run *run, enum block block, int layer, const struct reading *read,
		struct arena *scratch, struct err *err);
/* All of n, some products with matrices side by side; the run has all of its sites. */
bool parts_sum(struct parts *const *p, int n, const struct run *run, const struct reading *read, struct arena *scratch,
	       struct task *task, struct err *err);

#endif
