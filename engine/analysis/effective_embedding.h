/*
 * effective_embedding.h - what a token is to the layers above the first: its embedding and what layer 0's MLP writes on it alone.
 *
 * In many models the first MLP acts on single tokens more than on what attention brings, and is in truth a part of the embedding
 * (McDougall et al. 2023, Gould et al. 2023). By layer 0 itself with its attention writing nothing, so that each family's scaling,
 * norms, gates, experts and parallel blocks are as they run; of learned positions there is none.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_EFFECTIVE_EMBEDDING_H
#define LMSCOPE_ENGINE_ANALYSIS_EFFECTIVE_EMBEDDING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/model/model.h"

/* x[n, D] of n tokens. ERR_MEMORY, ERR_CANCELLED. */
bool effective_embedding(const struct model *m, const int32_t *tokens, int n, float *x, struct arena *scratch, struct task *task,
			 struct err *err);

#endif
