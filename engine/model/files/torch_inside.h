/* torch_inside.h - what torch_zip.c and torch_rebuild.c share: the types of PyTorch, and how a tensor is put together. */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_TORCH_INSIDE_H
#define LMSCOPE_ENGINE_MODEL_FILES_TORCH_INSIDE_H

#include "engine/base/archive.h"
#include "engine/base/arena.h"
#include "engine/base/names.h"
#include "engine/model/files/pickle.h"
#include "engine/model/files/torch_zip.h"
#include "engine/numbers/element.h"

struct torch_type {
	const char *name;
	int dtype; /* of dtype.h; -1: `element` reads it */
	struct element element;
};

/* The bytes of one member data/KEY, which several tensors may view. */
struct torch_storage {
	const struct torch_type *type; /* NULL: untyped, each view says what it is */
	const unsigned char *bytes;    /* [n] */
	size_t n;
};

/* What is at hand while a pickle is read. */
struct torch_reading {
	const struct archive *archive;
	const char *prefix; /* of member names: "archive" */
	struct arena *arena;
	struct names keys;	       /* of storages */
	struct pickle_value **storage; /* [keys.n] */
	size_t capacity;
};

/* The names that tensors need; a value that is a tensor is an OBJECT whose name torch_is_tensor() knows. */
struct pickle_rules torch_rules(struct torch_reading *r);
void torch_reading_done(struct torch_reading *r);
/* NULL when it is something else. */
const struct torch_tensor *torch_value_tensor(const struct pickle_value *v);

#endif
