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
#include "engine/run/asset.h"

#define VECTOR_ENDINGS ".npy .npz .safetensors .pt .pth .bin .gguf"

/* float[*n] of the file that somebody wrote, for that layer; from `arena`. NULL on error. */
float *vector_read(struct assets *assets, const char *written, int layer, struct arena *arena, size_t *n, struct err *err);

/* The same for several vectors, of a file of that kind (asset_vectors, asset_basis): float[*rows, *cols]. */
float *vector_rows_read(struct assets *assets, const struct asset_kind *kind, const char *written, int layer, struct arena *arena,
			size_t *rows, size_t *cols, struct err *err);
/* What is open, for rows of assets.def. */
void *vectors_open(const char *path, struct err *err);
void vectors_free(void *content);

/* vector[L, D], of which layers from … to are written, in the form that the name's ending says: .npy takes one layer alone. */
bool vector_write(const char *path, const struct model *m, const float *vector, int from, int to, struct err *err);

/* ---- the forms ---- */

/* What is asked of an open file; the path is for sentences. */
struct vector_place {
	const char *path, *name; /* name NULL: of the layer, or the only one */
	int layer;
};

struct vector_form {
	bool has_names; /* FILE:NAME says which tensor is meant */
	void *(*open)(const char *path, struct err *err);
	void (*close)(void *file);
	float *(*read)(const void *file, const struct vector_place *at, struct arena *arena, size_t *rows, size_t *cols,
		       struct err *err);
};
extern const struct vector_form vector_npy, vector_npz, vector_torch;

/* A .npy file that is in memory. */
float *vector_npy_parse(const char *path, const char *bytes, size_t size, struct arena *arena, size_t *rows, size_t *cols,
			struct err *err);
bool vector_npy_write(const char *path, const float *vector, size_t n, struct err *err);

/* A file that has several tensors, by name. */
struct vector_names {
	const void *file;
	size_t n;
	const char *(*name)(const void *file, size_t i);
};
/* Which of them is meant; false with a sentence when none is. */
bool vector_choose(const struct vector_place *at, const struct vector_names *names, size_t *chosen, struct err *err);

#endif
