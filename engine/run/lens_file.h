/*
 * lens_file.h - a lens: one affine map for each layer, from what enters it to what the final norm and the unembedding read.
 *
 *     h ← h + h Wᵀ + b        or, with metadata `residual: no`,  h ← h Wᵀ + b          W[D, D], b[D]; of the stream before layer l
 *
 * Files of ours (.safetensors: weight.L, bias.L; metadata `lmscope: lens`), and folders of the tuned-lens project (Belrose et al.
 * 2023): config.json and params.pt, whose tensors are L.weight and L.bias. Either may leave out all biases; ours may leave out
 * layers, and says in its metadata of what kind it is (train_tuned_lens.c). An attention lens has a map for each head, of what that
 * head writes: weight.L.H, bias.L.H, metadata `heads`.
 *
 * A Jacobian lens (asset_jacobian) is one without biases: h Jᵀ of the stream that leaves layer l, J.L[D, D] in a file of ours
 * (metadata `lmscope: jacobian`; fit_jacobian_lens.c makes it) as in the published .pt files. It may leave out layers, and has
 * none of the last.
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
	int heads; /* maps of a layer, one for each head; 0: one, of the stream */
	int ahead; /* tokens after the next one that it foresees */
	bool jacobian;
	bool residual;
	struct tensor *weight, *bias;	     /* [maps] as the file has them, no data: it has none; bias NULL: there are none */
	struct matrix **W;		     /* [maps], NULL: there is none; all NULL in one that is only saved */
	float **b;			     /* [maps] */
	const struct safetensors_note *note; /* [notes] metadata of a file of ours */
	int notes;
	struct tensor *more; /* [mores] what else is to be saved */
	int mores;
	struct weights *file; /* that the tensors are in */
	struct arena *arena;
};

/* How many maps a file of this kind may have; which one is a layer's (head -1) or one of its heads'; whether it has that. */
int lens_maps(const struct lens *lens);
int lens_map_of(const struct lens *lens, int layer, int head);
bool lens_has(const struct lens *lens, int map);
/* y[n, D] of h[n, D], of the stream before the layer, or what the head writes. y and h are apart. */
void lens_apply(const struct lens *lens, int map, const float *h, int n, float *y);
/* What a file of ours says of itself; NULL: nothing. */
const char *lens_says(const struct lens *lens, const char *key);
/* For metadata `model`: its name, sizes, and a number that the bytes of its unembedding give. From `arena`. */
const char *lens_model(const struct model *m, struct arena *arena);

#endif
