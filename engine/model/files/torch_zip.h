/*
 * torch_zip.h - the tensors of a file that torch.save wrote: .pt, .pth, pytorch_model.bin. Mapped; nothing in the file is run.
 *
 * It is a zip file: data.pkl says what there is (pickle.h), data/0, data/1, … are the bytes. Tensors are views of those, with
 * strides, and several may share one. A tensor's name is its way through the dictionaries and lists, joined by dots
 * ("layers.3.bias"; a number for an entry of a list); a file that is one tensor has the name "tensor".
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_TORCH_ZIP_H
#define LMSCOPE_ENGINE_MODEL_FILES_TORCH_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/numbers/dtype.h"

enum { TORCH_DIMS = 8 };

struct torch_type;

struct torch_tensor {
	const char *name;
	const struct torch_type *type;
	int dims; /* 0 … TORCH_DIMS */
	int64_t shape[TORCH_DIMS];
	int64_t stride[TORCH_DIMS]; /* in elements, from 0 up */
	const unsigned char *data;  /* of the first element, in the mapping; may be unaligned */
	size_t count;		    /* elements */
};

struct torch_zip;

struct torch_zip *torch_zip_open(const char *path, struct err *err);
void torch_zip_free(struct torch_zip *z); /* NULL is fine */

size_t torch_zip_tensors(const struct torch_zip *z);
const struct torch_tensor *torch_zip_tensor(const struct torch_zip *z, size_t i);
const struct torch_tensor *torch_zip_find(const struct torch_zip *z, const char *name); /* NULL when there is none of that name */

const char *torch_tensor_type(const struct torch_tensor *t); /* "float32" */
/* Whether the elements follow one another in the order of the shape. */
bool torch_tensor_is_contiguous(const struct torch_tensor *t);
/* All elements as floats, in the order of the shape: out[count]. */
void torch_tensor_expand(const struct torch_tensor *t, float *out);
/* Bytes of an element; all elements as they are, in the order of the shape: out[count * width]. */
size_t torch_tensor_width(const struct torch_tensor *t);
void torch_tensor_gather(const struct torch_tensor *t, unsigned char *out);
/* The type among those of weights; false: whole numbers or truth values. */
bool torch_tensor_dtype(const struct torch_tensor *t, enum dtype *type);

#endif
