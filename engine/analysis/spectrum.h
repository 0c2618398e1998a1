/*
 * spectrum.h - singular vectors in the stream of a matrix of many rows [n, D]: directions by how loudly the rows hear them.
 *
 * From the [D, D] products of its columns, summed in double precision; nothing of [n, n] is made.
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

/* n rows of D numbers, read in blocks: rows[count, D] from … on. */
struct spectrum_source {
	int n, D;
	void (*read)(const void *context, int from, int count, float *rows);
	const void *context;
};

/* Memory from `arena`. Errors as lapack.h has them, ERR_CANCELLED. */
bool spectrum_of(const struct spectrum_source *source, struct spectrum *s, struct arena *arena, struct task *task, struct err *err);
/*
 * Of the unembedding with the final norm's gain folded into it, and centred where that norm takes means away: then one direction,
 * the mean, is not heard at all. Cancedda 2024.
 */
bool spectrum_of_unembedding(const struct model *m, struct spectrum *s, struct arena *arena, struct task *task, struct err *err);

#endif
