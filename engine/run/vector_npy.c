/* vector_npy.c - see vector_file.h: NumPy's .npy. The header is a Python dictionary as text; three of its keys are looked for. */
#include "engine/run/vector_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/numbers/element.h"

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

/* Of ": '<f4'" after the key. False for any other type, a list of fields among them; *shown[n] is what is there. */
static bool read_form(const char *p, const char *end, struct element *form, const char **shown, size_t *n)
{
	static const char *const known[] = { "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1" };
	const char *close;

	while (p < end && (*p == ':' || *p == ' '))
		p++;
	*shown = p;
	if (p == end || *p != '\'' || !(close = memchr(p + 1, '\'', (size_t)(end - p - 1)))) {
		*n = (size_t)(end - p) < 20 ? (size_t)(end - p) : 20;
		return false;
	}
	*n = (size_t)(close + 1 - p);
	if (*n != 5 || !strchr("<>|=", p[1]))
		return false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!memcmp(known[i], p + 2, 2)) {
			*form = (struct element){ p[2], (size_t)(p[3] - '0'), p[1] == '>' };
			return true;
		}
	return false;
}

/* A type that is none of those, by what numpy.save writes for it. */
static bool refuse_form(const char *path, const char *shown, size_t n, struct err *err)
{
	struct str type;

	str_init(&type);
	if (n && *shown == '[') {
		str_add(&type, "a type that is a list of fields");
	} else {
		str_add(&type, "NumPy's type ");
		utf8_safe(&type, shown, n < 20 ? n : 20, false);
	}
	err_set(err, ERR_FILE,
		"%s: its numbers are of %s%s; lmscope reads floats (f2, f4, f8), whole numbers and truth values: "
		"save it with .astype('float32')",
		path, type.s,
		strstr(type.s, "V2")   ? ", as bfloat16 is saved"
		: strstr(type.s, "|O") ? ", Python objects"
				       : "");
	str_done(&type);
	return false;
}

/* Where the numbers begin; 0 with a sentence when the beginning is not that of a .npy file. */
static size_t find_start(const char *path, const char *bytes, size_t size, struct err *err)
{
	const unsigned char *u = (const unsigned char *)bytes;
	size_t header, start;

	if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) || u[6] < 1 || u[6] > 3) {
		err_set(err, ERR_FILE, "%s: this is not a .npy file", path);
		return 0;
	}
	header = u[6] == 1 ? u[8] | (size_t)u[9] << 8 : u[8] | (size_t)u[9] << 8 | (size_t)u[10] << 16 | (size_t)u[11] << 24;
	start = (u[6] == 1 ? 10 : 12) + header;
	if (header <= size && start <= size)
		return start;
	err_set(err, ERR_FILE, "%s: the header is longer than the file", path);
	return 0;
}

float *vector_npy_parse(const char *path, const char *bytes, size_t size, struct arena *arena, size_t *rows, size_t *cols,
			struct err *err)
{
	size_t start = find_start(path, bytes, size, err), n;
	const char *descr, *shape, *end = bytes + start, *shown;
	struct element form;
	bool by_column;
	float *out;

	if (!start)
		return NULL;
	descr = memmem(bytes, start, "'descr'", 7);
	shape = memmem(bytes, start, "'shape'", 7);
	if (!descr || !shape || !read_shape(shape + 7, end, rows, cols)) {
		err_set(err, ERR_FILE, "%s: expected one or two dimensions of numbers (others of size 1 are fine)", path);
		return NULL;
	}
	if (!read_form(descr + 7, end, &form, &shown, &n)) {
		refuse_form(path, shown, n, err);
		return NULL;
	}
	if (*rows * *cols * form.width != size - start) {
		err_set(err, ERR_FILE, "%s: %zu numbers are announced, but %zu bytes follow", path, *rows * *cols, size - start);
		return NULL;
	}
	by_column = memmem(bytes, start, "'fortran_order': True", 21) != NULL;
	if (!(out = arena_floats(arena, *rows * *cols, err)))
		return NULL;
	for (size_t i = 0; i < *rows; i++)
		for (size_t j = 0; j < *cols; j++)
			out[i * *cols + j] = element_float(bytes + start, by_column ? j * *rows + i : i * *cols + j, &form);
	return out;
}

struct npy {
	char *bytes;
	size_t size;
};

static void *open_npy(const char *path, struct err *err)
{
	struct npy *file = xcalloc(1, sizeof *file);

	if ((file->bytes = file_read(path, LIMIT, &file->size, err)))
		return file;
	free(file);
	return NULL;
}

static void close_npy(void *file)
{
	free(((struct npy *)file)->bytes);
	free(file);
}

static float *read_npy(const void *file, const struct vector_place *at, struct arena *arena, size_t *rows, size_t *cols,
		       struct err *err)
{
	const struct npy *npy = file;

	return vector_npy_parse(at->path, npy->bytes, npy->size, arena, rows, cols, err);
}

const struct vector_form vector_npy = { false, open_npy, close_npy, read_npy };

bool vector_npy_write(const char *path, const float *vector, size_t n, struct err *err)
{
	enum { HEADER = 128 }; /* what is before the numbers, padded with spaces to a multiple of 64 */
	char head[HEADER + 1];
	struct str out;
	bool ok;

	snprintf(head, sizeof head, "\x93NUMPY\x01%c%c%c{'descr': '<f4', 'fortran_order': False, 'shape': (%zu,), }", 0,
		 HEADER - 10, 0, n);
	str_init(&out);
	str_add_n(&out, head, 10);
	str_addf(&out, "%-*s\n", HEADER - 11, head + 10);
	str_add_n(&out, (const char *)vector, n * sizeof *vector);
	ok = file_write(path, out.s, out.n, err);
	str_done(&out);
	return ok;
}
