/*
 * checkpoint.h - an opened Hugging Face folder or GGUF file, seen alike: its settings by name and its tensors by name.
 *
 * Only headers are read; weights stay mapped.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_CHECKPOINT_H
#define LMSCOPE_ENGINE_MODEL_FILES_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/json.h"
#include "engine/model/files/gguf.h"
#include "engine/model/files/weights.h"
#include "engine/numbers/tensor.h"

struct checkpoint {
	char *path;
	struct gguf *gguf; /* one of the two */
	struct weights *weights;
	struct json *config; /* config.json of a folder */
};

bool checkpoint_open(const char *path, struct checkpoint *c, struct err *err);
void checkpoint_close(struct checkpoint *c);

/* NULL when there is none of that name. */
const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name);
size_t checkpoint_tensors(const struct checkpoint *c);
const struct tensor *checkpoint_tensor(const struct checkpoint *c, size_t i);
size_t checkpoint_bytes(const struct checkpoint *c);

#endif
