/*
 * vector_file.h - vectors of the residual stream in files: NumPy's .npy and .npz, safetensors, what torch.save writes (.pt, .pth,
 * .bin), and llama.cpp's control vectors (GGUF).
 *
 *     love.npy   love.safetensors:happy   love.safetensors   params.npz:W_dec   lens.pt:3.bias   control.gguf
 *
 * A .npy file is one vector, or rows of them: floats of 16, 32 or 64 bits or whole numbers, of either byte order, in one or two
 * dimensions (others of size 1 are fine). Of a file with several tensors, the one named after the colon, or direction.LAYER, or the
 * only one. A control vector has direction.1 … direction.L-1, each added to the stream that leaves that layer (counted from 0: the
 * first layer has none). A relative path that is not there may be a file of the program's own, which its presets name:
 * presets/steering.npy.
 */
#ifndef LMSCOPE_ENGINE_RUN_VECTOR_FILE_H
#define LMSCOPE_ENGINE_RUN_VECTOR_FILE_H

#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/model/model.h"

/* float[*n] from `arena`, of the layer that it is for; NULL on error. */
float *vector_read(const char *spec, int layer, struct arena *arena, size_t *n, struct err *err);

/* The same for several vectors, such as a basis: float[*rows, *cols]. */
float *vector_rows_read(const char *spec, int layer, struct arena *arena, size_t *rows, size_t *cols, struct err *err);

/* vector[L, D], of which layers from … to are written, in the form that the name's ending says: .npy takes one layer alone. */
bool vector_write(const char *path, const struct model *m, const float *vector, int from, int to, struct err *err);

/* ---- the forms that have a file of their own ---- */

float *vector_npy_read(const char *path, struct arena *arena, size_t *rows, size_t *cols, struct err *err);
/* The same of a .npy file that is in memory. */
float *vector_npy_parse(const char *path, const char *bytes, size_t size, struct arena *arena, size_t *rows, size_t *cols,
			struct err *err);
bool vector_npy_write(const char *path, const float *vector, size_t n, struct err *err);

/* `name` is NULL where the specification has none. */
float *vector_npz_read(const char *path, const char *name, int layer, struct arena *arena, size_t *rows, size_t *cols,
		       struct err *err);
float *vector_torch_read(const char *path, const char *name, int layer, struct arena *arena, size_t *rows, size_t *cols,
			 struct err *err);

/* A file that has several tensors, by name. */
struct vector_names {
	const void *file;
	size_t n;
	const char *(*name)(const void *file, size_t i);
};
/* Which of them is meant; false with a sentence when none is. */
bool vector_choose(const char *path, const struct vector_names *names, const char *name, int layer, size_t *chosen,
		   struct err *err);

#endif
