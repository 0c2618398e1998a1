/* vector_npy.c - see vector_file.h: NumPy's .npy. The header is a Python dictionary as text; three of its keys are looked for. */
#include "engine/run/vector_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/str.h"

enum { LIMIT = 64 << 20 };

/* The numbers in "(576,)", "(1, 576)" or "(8, 576)"; false when more than two of them are not 1. */
static bool read_shape(const char *shape, const char *end, size_t *rows, size_t *cols)
{
	size_t dims[2] = { 1, 1 }, n = 0;

	while (shape < end && *shape != ')') {
		char *after;
		unsigned long long x;

		if (*shape < '0' || *shape > '9') {
			shape++;
			continue;
		}
		x = strtoull(shape, &after, 10);
		if (!x || x > LIMIT || (x > 1 && n == 2))
			return false;
		if (x > 1)
			dims[n++] = (size_t)x;
		shape = after;
	}
	*rows = n == 2 ? dims[0] : 1;
	*cols = n ? dims[n - 1] : 1;
	return true;
}

static float number_at(const char *bytes, size_t i, size_t width)
{
	float x;
	double wide;

	if (width == 4) {
		memcpy(&x, bytes + 4 * i, 4);
		return x;
	}
	memcpy(&wide, bytes + 8 * i, 8);
	return (float)wide;
}

/* Of ": '<f4'" behind the key: 4 or 8; 0 for any other type, a list of fields among them. */
static size_t width_of(const char *p, const char *end)
{
	while (p < end && (*p == ':' || *p == ' '))
		p++;
	return end - p < 5 ? 0 : !memcmp(p, "'<f4'", 5) ? 4 : !memcmp(p, "'<f8'", 5) ? 8 : 0;
}

static float *read_numbers(const char *path, const char *bytes, size_t size, struct arena *arena, size_t *rows, size_t *cols, struct err *err)
{
	const unsigned char *u = (const unsigned char *)bytes;
	size_t header, start, width;
	const char *descr, *shape, *end;
	bool by_column;
	float *out;

	if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) || u[6] < 1 || u[6] > 3) {
		err_set(err, ERR_FILE, "%s: this is not a .npy file", path);
		return NULL;
	}
	header = u[6] == 1 ? u[8] | (size_t)u[9] << 8 : u[8] | (size_t)u[9] << 8 | (size_t)u[10] << 16 | (size_t)u[11] << 24;
	start = (u[6] == 1 ? 10 : 12) + header;
	if (header > size || start > size) {
		err_set(err, ERR_FILE, "%s: the header is longer than the file", path);
		return NULL;
	}
	end = bytes + start;
	descr = memmem(bytes, start, "'descr'", 7);
	shape = memmem(bytes, start, "'shape'", 7);
	width = descr ? width_of(descr + 7, end) : 0;
	if (!width || !shape || !read_shape(shape + 7, end, rows, cols)) {
		err_set(err, ERR_FILE, "%s: expected one or two dimensions of little-endian floats ('<f4' or '<f8')", path);
		return NULL;
	}
	if (*rows * *cols * width != size - start) {
		err_set(err, ERR_FILE, "%s: %zu numbers are announced, but %zu bytes follow", path, *rows * *cols, size - start);
		return NULL;
	}
	by_column = memmem(bytes, start, "'fortran_order': True", 21) != NULL;
	if (!(out = arena_floats(arena, *rows * *cols, err)))
		return NULL;
	for (size_t i = 0; i < *rows; i++)
		for (size_t j = 0; j < *cols; j++)
			out[i * *cols + j] = number_at(bytes + start, by_column ? j * *rows + i : i * *cols + j, width);
	return out;
}

float *vector_npy_read(const char *path, struct arena *arena, size_t *rows, size_t *cols, struct err *err)
{
	size_t size;
	char *bytes = file_read(path, LIMIT, &size, err);
	float *out = bytes ? read_numbers(path, bytes, size, arena, rows, cols, err) : NULL;

	free(bytes);
	return out;
}

bool vector_npy_write(const char *path, const float *vector, size_t n, struct err *err)
{
	enum { HEADER = 128 };	/* what stands before the numbers, padded with spaces to a multiple of 64 */
	char head[HEADER + 1];
	struct str out;
	bool ok;

	snprintf(head, sizeof head, "\x93NUMPY\x01%c%c%c{'descr': '<f4', 'fortran_order': False, 'shape': (%zu,), }", 0, HEADER - 10, 0, n);
	str_init(&out);
	str_add_n(&out, head, 10);
	str_addf(&out, "%-*s\n", HEADER - 11, head + 10);
	str_add_n(&out, (const char *)vector, n * sizeof *vector);
	ok = file_write(path, out.s, out.n, err);
	str_done(&out);
	return ok;
}
