/* weights_inside.h - what weights.c asks of the formats: each reads one mapped file and lists what is in it. */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_WEIGHTS_INSIDE_H
#define LMSCOPE_ENGINE_MODEL_FILES_WEIGHTS_INSIDE_H

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/model/files/torch_zip.h"
#include "engine/model/files/weights.h"

struct weights_shard {
	char *path;
	const char *file;	 /* its name in the index; NULL: there is none */
	struct mapping map;	 /* of a .safetensors file */
	struct torch_zip *torch; /* of a file of torch.save, which has a mapping of its own */
};

/* One more tensor of the shard; the name is copied. False when there is another of that name. */
bool weights_list(struct weights *w, const struct weights_shard *shard, const struct tensor *t, struct err *err);
/* What the file says of itself; copied. */
void weights_note(struct weights *w, const char *key, const char *value);

/* A .safetensors file: shard->map. */
bool safetensors_read(struct weights *w, const struct weights_shard *shard, struct err *err);
/* A file of torch.save: shard->torch. What does not follow in order there is copied to the arena. */
bool torch_weights_read(struct weights *w, const struct weights_shard *shard, struct arena *arena, struct err *err);

#endif
