/*
 * gguf_inside.h - what gguf.c (files, tensors) and gguf_keys.c (metadata) share; for nobody else.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_GGUF_INSIDE_H
#define LMSCOPE_ENGINE_MODEL_FILES_GGUF_INSIDE_H

#include "engine/base/arena.h"
#include "engine/base/cursor.h"
#include "engine/base/file.h"
#include "engine/base/names.h"
#include "engine/model/files/gguf.h"

/* A value stays where it is in the mapping; it has been walked over once, so that every length in it is known to be right. */
struct gguf_key {
	uint32_t kind, element;	      /* element: of an array */
	uint64_t count;		      /* of an array; bytes of a string */
	const unsigned char *value;   /* first byte of the number, the string's text, the array's elements */
	const unsigned char **string; /* [count] where each string of an array begins; made when first asked for */
};

struct gguf_part {
	char *path;
	struct mapping map;
	struct names names;
	struct gguf_key *key; /* [names.n] */
};

struct gguf {
	struct gguf_part *part; /* [parts]; the metadata is that of the first */
	size_t parts;
	struct arena *arena; /* tensor names */
	struct names names;
	struct tensor *tensor; /* [names.n] */
};

/* Reads `count` keys. The cursor is after them then. */
bool gguf_read_keys(struct gguf_part *part, struct cursor *c, uint64_t count, struct err *err);
bool gguf_part_int(const struct gguf_part *part, const char *key, int64_t *out);
bool gguf_part_has(const struct gguf_part *part, const char *key);
void gguf_free_keys(struct gguf_part *part);

#endif
