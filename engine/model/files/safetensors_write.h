/*
 * safetensors_write.h - a .safetensors file of ours: tensors, and texts that say what they are.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_SAFETENSORS_WRITE_H
#define LMSCOPE_ENGINE_MODEL_FILES_SAFETENSORS_WRITE_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/numbers/tensor.h"

struct safetensors_note {
	const char *key, *value;
};

/* Atomic: the file is the old one or the new one, whole. Tensors of float types, in this order. */
bool safetensors_write(const char *path, const struct safetensors_note *note, int notes, const struct tensor *tensor, int tensors,
		       struct err *err);

#endif
