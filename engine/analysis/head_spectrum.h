/*
 * head_spectrum.h - the singular vectors of what a head does from stream to stream, W_V W_O or W_Q W_Kᵀ, without a [D, D].
 *
 * Of M = Aᵀ C with A, C [K, D]: with A Aᵀ = RᵀR, M's right singular vectors are those of R C, and come from its [K, K] products; a
 * left one is where M takes its right one. In double precision. Millidge & Black 2022.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_HEAD_SPECTRUM_H
#define LMSCOPE_ENGINE_ANALYSIS_HEAD_SPECTRUM_H

#include <stdbool.h>

#include "engine/analysis/weight_rows.h"
#include "engine/base/arena.h"
#include "engine/base/err.h"

struct head_spectrum {
	int rank;	/* the lesser of K, D */
	double *sigma;	/* [rank] the greatest first */
	double *reads;	/* [rank, D] left: what is read; of W_Q W_Kᵀ the query's side */
	double *writes; /* [rank, D] right: what is written; the key's side. Zeros where sigma is 0 */
};

/* root[K, K] with rootᵀ root = rows rowsᵀ, of rows[K, D]. Errors as lapack.h has them. */
bool head_root(const float *rows, int K, int D, double *root, struct arena *scratch, struct err *err);
/* keys: of W_Q W_Kᵀ, at offset 0 where positions are rotary; otherwise of W_V W_O. Memory from `arena`. */
bool head_spectrum_of(const struct model *m, int l, int head, bool keys, bool fold, struct head_spectrum *s, struct arena *arena,
		      struct err *err);

#endif
