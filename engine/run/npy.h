/* npy.h - a vector from a NumPy .npy file: little-endian f32 or f64, one dimension (others of size 1 are fine). */
#ifndef LMSCOPE_ENGINE_RUN_NPY_H
#define LMSCOPE_ENGINE_RUN_NPY_H

#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"

/* float[*n] from `arena`; NULL on error. */
float *npy_read(const char *path, struct arena *arena, size_t *n, struct err *err);

#endif
