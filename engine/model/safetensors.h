/*
 * safetensors.h - the weights of a Hugging Face folder: model.safetensors, or the shards that its index.json lists, mapped.
 */
#ifndef LMSCOPE_ENGINE_MODEL_SAFETENSORS_H
#define LMSCOPE_ENGINE_MODEL_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/numbers/tensor.h"

struct safetensors;

/* `path` is a folder or one .safetensors file. */
struct safetensors *safetensors_open(const char *path, struct err *err);
void safetensors_free(struct safetensors *s);
size_t safetensors_file_bytes(const struct safetensors *s);

size_t safetensors_tensors(const struct safetensors *s);
const struct tensor *safetensors_tensor(const struct safetensors *s, size_t i);	/* float types only; integer buffers are left out */
const struct tensor *safetensors_find(const struct safetensors *s, const char *name);

#endif
