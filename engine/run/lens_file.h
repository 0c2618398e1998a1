/*
 * lens_file.h - a lens: one affine map for each layer, from what enters it to what the final norm and the unembedding read.
 *
 *     h ← h + h Wᵀ + b        or, with metadata `residual: no`,  h ← h Wᵀ + b          W[D, D], b[D]; of the stream before layer l
 *
 * Files of ours (.safetensors: weight.L, bias.L; metadata `lmscope: lens`), and folders of the tuned-lens project (Belrose et al.
 * 2023): config.json and params.pt, whose tensors are L.weight and L.bias. Either may leave out all biases.
 */
#ifndef LMSCOPE_ENGINE_RUN_LENS_FILE_H
#define LMSCOPE_ENGINE_RUN_LENS_FILE_H

#include "engine/base/arena.h"
#include "engine/model/files/safetensors_write.h"
#include "engine/model/files/weights.h"
#include "engine/numbers/matrix.h"
#include "engine/run/asset.h"

struct lens {
	int L, D;
	bool residual;
	struct tensor *weight, *bias;	     /* [L] as the file has them; bias NULL: there are none */
	struct matrix **W;		     /* [L]; NULL in one that is only saved */
	float **b;			     /* [L] */
	const struct safetensors_note *note; /* [notes] metadata of a file of ours */
	int notes;
	struct tensor *more; /* [mores] what else is to be saved */
	int mores;
	struct weights *file; /* that the tensors are in */
	struct arena *arena;
};

/* y[n, D] of h[n, D], of the stream before the layer. y and h are apart. */
void lens_apply(const struct lens *lens, int layer, const float *h, int n, float *y);
/* What a file of ours says of itself; NULL: nothing. */
const char *lens_says(const struct lens *lens, const char *key);
/* For metadata `model`: its name, sizes, and a number that the bytes of its unembedding give. From `arena`. */
const char *lens_model(const struct model *m, struct arena *arena);

#endif
