/* basis_file.c - see basis_file.h. */
#include "engine/run/basis_file.h"

#include <math.h>

bool basis_normalise(float *x, size_t n)
{
	double length = 0;

	for (size_t i = 0; i < n; i++)
		length += (double)x[i] * (double)x[i];
	if (!(length > 0 && isfinite(length)))
		return false;
	for (size_t i = 0; i < n; i++)
		x[i] = (float)((double)x[i] / sqrt(length));
	return true;
}

/* [rows, cols] -> [cols, rows] */
static float *turn(const float *x, size_t rows, size_t cols, struct arena *arena, struct err *err)
{
	float *turned = arena_floats(arena, rows * cols, err);

	for (size_t i = 0; turned && i < rows; i++)
		for (size_t j = 0; j < cols; j++)
			turned[j * rows + i] = x[i * cols + j];
	return turned;
}

static bool is_orthonormal(const float *x, size_t k, size_t d, const char *what, const char *written, struct err *err)
{
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j <= i; j++) {
			double dot = 0;

			for (size_t c = 0; c < d; c++)
				dot += (double)x[i * d + c] * (double)x[j * d + c];
			if (!(fabs(dot - (i == j)) < 1e-3))
				return err_set(err, ERR_ARGUMENT,
					       "%s: the basis in %s is not orthonormal: vector %zu times vector %zu is %.4g", what,
					       written, i, j, dot);
		}
	return true;
}

static bool is_direction(float *x, size_t d, const char *what, const char *written, struct err *err)
{
	return basis_normalise(x, d) || err_set(err, ERR_ARGUMENT, "%s: the vector in %s has no direction", what, written);
}

/* What is in the file, as rows. */
static float *read_rows(struct assets *assets, const char *written, int layer, size_t d, struct arena *arena, size_t *rows,
			const char *what, struct err *err)
{
	size_t cols;
	float *x = vector_rows_read(assets, &asset_basis, written, layer, arena, rows, &cols, err);

	if (x && *rows == d && cols < d) {
		x = turn(x, *rows, cols, arena, err);
		*rows = cols;
		cols = d;
	}
	if (!x || (cols == d && *rows <= d))
		return x;
	err_set(err, ERR_ARGUMENT, "%s: the basis in %s is %zu × %zu, expected at most %zu vectors of %zu numbers", what, written,
		*rows, cols, d, d);
	return NULL;
}

float *basis_read(struct assets *assets, const char *written, int layer, size_t d, struct arena *arena, int *k, const char *what,
		  struct err *err)
{
	size_t rows;
	float *x = read_rows(assets, written, layer, d, arena, &rows, what, err);

	*k = x ? (int)rows : 0;
	return x && (rows == 1 ? is_direction(x, d, what, written, err) : is_orthonormal(x, rows, d, what, written, err)) ? x
															  : NULL;
}

/* clang-format off */
const struct asset_kind asset_basis = {
	.name = "basis",
	.help = "orthonormal vectors, as rows or as columns",
	.endings = VECTOR_ENDINGS,
	.open = vectors_open,
	.free = vectors_free,
};
/* clang-format on */
