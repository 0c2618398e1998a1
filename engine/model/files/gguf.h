/*
 * gguf.h - a GGUF file (v2, v3; one file or the parts of a split one), mapped: metadata and tensors.
 *
 * Everything in the header is checked against the file's size before it is used; a file that lies gives one sentence.
 * A tensor of a type that lmscope does not read is refused by name when the file is opened; integer tensors are left out.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_GGUF_H
#define LMSCOPE_ENGINE_MODEL_FILES_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/numbers/tensor.h"

struct gguf;

/* Of a split model, any part: all of them are opened, NAME-00001-of-0000N.gguf beside it. */
struct gguf *gguf_open(const char *path, struct err *err);
void gguf_free(struct gguf *g);
const char *gguf_path(const struct gguf *g);
size_t gguf_file_bytes(const struct gguf *g); /* mapped, all parts */

size_t gguf_tensors(const struct gguf *g);
const struct tensor *gguf_tensor(const struct gguf *g, size_t i);
/* NULL when there is none of that name. */
const struct tensor *gguf_find(const struct gguf *g, const char *name);

/* Metadata by key. false (out untouched) when absent or of another kind. Integers of any width and sign that fit;
 * a bool counts as 0 or 1. */
bool gguf_has(const struct gguf *g, const char *key);
bool gguf_int(const struct gguf *g, const char *key, int64_t *out);
bool gguf_double(const struct gguf *g, const char *key, double *out); /* integers count */
bool gguf_bool(const struct gguf *g, const char *key, bool *out);
/* Bytes in the mapping, not NUL-terminated. */
bool gguf_string(const struct gguf *g, const char *key, const char **s, size_t *n);

/* Arrays. The count; 0 when absent or not an array. */
size_t gguf_array(const struct gguf *g, const char *key);
/* Element i; integers and floats convert as above. Strings are indexed on first use, so this is constant time. */
bool gguf_array_int(const struct gguf *g, const char *key, size_t i, int64_t *out);
bool gguf_array_double(const struct gguf *g, const char *key, size_t i, double *out);
bool gguf_array_string(const struct gguf *g, const char *key, size_t i, const char **s, size_t *n);

#endif
