/*
 * basis_file.h - orthonormal vectors in a file (vector_file.h): a subspace.
 */
#ifndef LMSCOPE_ENGINE_RUN_BASIS_FILE_H
#define LMSCOPE_ENGINE_RUN_BASIS_FILE_H

#include "engine/run/vector_file.h"

/*
 * The basis that somebody wrote, of vectors of d numbers for that layer: float[*k, d] from `arena`, *k <= d. They are rows, or the
 * columns of a matrix of d rows. One alone is a direction, whatever its length. `what` begins sentences. NULL on error.
 */
float *basis_read(struct assets *assets, const char *written, int layer, size_t d, struct arena *arena, int *k, const char *what,
		  struct err *err);

/* x[n] to length 1; false when it has no direction. */
bool basis_normalise(float *x, size_t n);

#endif
