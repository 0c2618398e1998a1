/*
 * token_parts.h - the stream as a sum of what came from each input token, carried through whole layers (DecompX, Modarressi et al.
 * 2023): vectors x_{i←j}, no norms between layers and no rollout.
 *
 *   attention   patterns as the run has them, values of vectors
 *   norms       the scale of the whole, of a layer norm each part's own mean
 *   MLP         activation act(z)/z · part; a gated product is shared half and half, ½ (a_j u + a u_j): the Shapley value of a
 *               product, our own choice (the paper has none)
 *   bias        everything that the model adds whatever the prompt, and what edits put there: a part of its own, no token's
 *
 * Σ_j x_{i←j} + bias_i = resid_post_i. At the start x_{j←j} is what enters layer 0 at j, learned position included. Parts of
 * different sources never meet, so that one source after the other is carried up, a few at a time: not the triangle of all pairs,
 * but rows of one pass are in memory. Each source j costs T - j rows through the layers' products: n/2 passes in all.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_TOKEN_PARTS_H
#define LMSCOPE_ENGINE_ANALYSIS_TOKEN_PARTS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/run/run.h"

/*
 * Called for the bias (source -1) and then for the sources in order: x[T - from, D] are its parts at the positions from … T-1 of
 * the stream that leaves `layer`.
 */
typedef void token_parts_done(void *context, int source, int from, const float *x);

/* ERR_MEMORY, ERR_CANCELLED. */
bool token_parts(const struct run *run, int layer, token_parts_done *done, void *context, struct arena *scratch, struct task *task,
		 struct err *err);

/* Passes through the model that it takes. */
int token_parts_runs(const struct config *c, int T, int layer);

#endif
