/* tensor.c - see tensor.h. */
#include "engine/numbers/tensor.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/arena.h"

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

/* Empty ones come before what begins at the same byte. */
static int by_place(const void *a, const void *b)
{
	const struct tensor *const *x = a, *const *y = b;
	uintptr_t p = (uintptr_t)(*x)->data, q = (uintptr_t)(*y)->data;

	return p != q ? (p > q) - (p < q) : ((*x)->bytes > (*y)->bytes) - ((*x)->bytes < (*y)->bytes);
}

bool tensors_apart(const struct tensor *t, size_t n, const struct tensor **a, const struct tensor **b)
{
	const struct tensor **sorted = xmalloc(n * sizeof *sorted);
	bool apart = true;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &t[i];
	qsort(sorted, n, sizeof *sorted, by_place);
	for (size_t i = 1; i < n && apart; i++) {
		*a = sorted[i - 1];
		*b = sorted[i];
		apart = (uintptr_t)(*a)->data + (*a)->bytes <= (uintptr_t)(*b)->data;
	}
	free(sorted);
	return apart;
}

struct tensor tensor_floats(const char *name, const float *x, size_t n)
{
	return (struct tensor){ name, DTYPE_F32, 1, { (int64_t)n }, (const unsigned char *)x, n * sizeof *x };
}

struct tensor tensor_doubles(const char *name, const double *x, size_t n)
{
	return (struct tensor){ name, DTYPE_F64, 1, { (int64_t)n }, (const unsigned char *)x, n * sizeof *x };
}
