/*
 * tensor.h - a named array in a mapped file: what a checkpoint is made of. Never owns its bytes.
 *
 * Shapes are row-major, the contiguous dimension last, as Hugging Face prints them: a linear layer is [out, in] in Hugging
 * Face files and in GGUF (whose own order of dimensions is reversed by the reader); GPT-2's Conv1D is [in, out].
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_TENSOR_H
#define LMSCOPE_ENGINE_NUMBERS_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/numbers/dtype.h"

struct tensor {
	const char *name;
	enum dtype type;
	int dims; /* 0 … 4 */
	int64_t shape[4];
	const unsigned char *data; /* [bytes], in the mapping; may be unaligned */
	size_t bytes;
};

/* Elements; the reader has checked that it does not overflow. */
size_t tensor_count(const struct tensor *t);
/* Of a matrix seen as rows: elements of the last dimension, and how many rows there are. */
size_t tensor_columns(const struct tensor *t);
size_t tensor_rows(const struct tensor *t);
/* Expands one row to out[tensor_columns]. Rows of quantised tensors start at block boundaries. */
void tensor_row(const struct tensor *t, size_t row, float *out);
/* Expands everything to out[tensor_count]. */
void tensor_expand(const struct tensor *t, float *out);

/* A row of numbers in memory as a tensor, which borrows them: for files that are written. */
struct tensor tensor_floats(const char *name, const float *x, size_t n);
struct tensor tensor_doubles(const char *name, const double *x, size_t n);

/* False when two of the tensors share bytes: those are named. */
bool tensors_apart(const struct tensor *t, size_t n, const struct tensor **a, const struct tensor **b);

#endif
