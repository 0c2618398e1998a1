/*
 * spectrum.h - the unembedding's right singular vectors: directions of the stream by how loudly the vocabulary hears them.
 *
 * Of W_U with the final norm's gain folded into it, and centred where that norm takes means away: then one direction, the mean, is
 * not heard at all. From the [D, D] products of its columns, in double precision; nothing of [V, V] is made. Cancedda 2024.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_SPECTRUM_H
#define LMSCOPE_ENGINE_ANALYSIS_SPECTRUM_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/model/model.h"

struct spectrum {
	double *sigma;	/* [D] the greatest first */
	double *vector; /* [D, D] a row for each */
};

/* Memory from `arena`. Errors as lapack.h has them, ERR_CANCELLED. */
bool spectrum_of_unembedding(const struct model *m, struct spectrum *s, struct arena *arena, struct task *task, struct err *err);

#endif
