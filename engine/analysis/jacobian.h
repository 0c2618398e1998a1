/*
 * jacobian.h - what a change of the stream in any layer does to the stream that leaves the last one, on the average over positions:
 * rows of the matrices of the Jacobian lens (Gurnee et al. 2026), as TransformerLens defines them.
 *
 *   J_l = mean over t in V of Σ_{t' in V, t' ≥ t} ∂ resid_post[L-1, t'] / ∂ resid_post[l, t]        [D, D], a row for each channel
 *                                                                                                   of the last stream
 * V: the positions from `first` to the last but one. The first positions of a text, which much attention rests on, would outweigh
 * all others.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_JACOBIAN_H
#define LMSCOPE_ENGINE_ANALYSIS_JACOBIAN_H

#include "engine/run/run.h"

enum { JACOBIAN_FIRST = 16 };

/* How many positions of T are in V; 0: a prompt that is too short. */
int jacobian_positions(int T, int first);

struct jacobian_rows {
	int first, n;
	/* w[D], which is zeroed, receives direction i of the last stream. */
	void (*direction)(void *context, int i, float *w);
	/*
	 * row[D] = w J_l, for each layer but the last. d[T, D]: at each position what its mean is taken of, Σ_{t'} ∂⟨w, …⟩/∂ …,
	 * without one over V.
	 */
	void (*take)(void *context, int i, int layer, const float *row, const float *d);
	void *context;
};

/* The run's edits act. ERR_MEMORY, ERR_CANCELLED. */
bool jacobian_make(const struct run *run, const struct jacobian_rows *rows, struct task *task, struct err *err);

#endif
