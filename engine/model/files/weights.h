/*
 * weights.h - tensors by name, in whatever a person has them: a .safetensors file, a file of torch.save, or a Hugging Face folder
 * with one of either or with the shards that an index lists. Mapped; nothing in a file is run.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_WEIGHTS_H
#define LMSCOPE_ENGINE_MODEL_FILES_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/numbers/tensor.h"

struct weights;

/* `path` is a folder or one file; what it holds tells the format. A folder's safetensors are taken before its pytorch_model.bin. */
struct weights *weights_open(const char *path, struct err *err);
void weights_free(struct weights *w); /* NULL is fine */
size_t weights_file_bytes(const struct weights *w);

size_t weights_tensors(const struct weights *w);
const struct tensor *weights_tensor(const struct weights *w, size_t i); /* float types only; integer buffers are left out */
const struct tensor *weights_find(const struct weights *w, const char *name);
/* What a .safetensors file says of itself under that key; NULL: nothing. Text from a file: it may hold anything but a NUL. */
const char *weights_metadata(const struct weights *w, const char *key);

#endif
