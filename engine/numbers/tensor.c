/* tensor.c - see tensor.h. */
#include "engine/numbers/tensor.h"

#include <assert.h>

size_t tensor_count(const struct tensor *t)
{
	size_t count = 1;

	for (int i = 0; i < t->dims; i++)
		count *= (size_t)t->shape[i];
	return count;
}

size_t tensor_columns(const struct tensor *t)
{
	return t->dims ? (size_t)t->shape[t->dims - 1] : 1;
}

size_t tensor_rows(const struct tensor *t)
{
	size_t rows = 1;

	for (int i = 0; i < t->dims - 1; i++)
		rows *= (size_t)t->shape[i];
	return rows;
}

void tensor_row(const struct tensor *t, size_t row, float *out)
{
	size_t columns = tensor_columns(t);

	assert(row < tensor_rows(t));
	dtype_table[t->type].expand(t->data + row * dtype_bytes(t->type, columns), out, columns);
}

void tensor_expand(const struct tensor *t, float *out)
{
	dtype_table[t->type].expand(t->data, out, tensor_count(t));
}
