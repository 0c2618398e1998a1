/*
 * npy.c - .npy files in every type that numpy.save writes: the numbers read alike, and what is no number is refused with a
 * sentence.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/run/vector_file.h"
#include "tests/bytes.h"
#include "tests/scratch.h"
#include "tests/tap.h"

/* A file of numbers that are given as their bytes. */
static float *read_file(const char *descr, const char *shape, bool by_column, const void *bytes, size_t n, struct arena *arena,
			size_t *rows, size_t *cols, struct err *err)
{
	struct str file, head;
	char *path;
	float *out;

	str_init(&head);
	str_addf(&head, "{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", descr, by_column ? "True" : "False", shape);
	str_init(&file);
	str_addf(&file, "\x93NUMPY\x01");
	str_add_n(&file, (const char[]){ 0, (char)head.n, 0 }, 3);
	str_add(&file, head.s);
	put(&file, bytes, n);
	path = scratch_file("v.npy", file.s, file.n);
	out = vector_rows_read(NULL, &asset_vectors, path, 0, arena, rows, cols, err);
	free(path);
	str_done(&file);
	str_done(&head);
	return out;
}

/* 1, -2 (or its bits without a sign) and 3 in each type, the lowest byte first and the highest first. */
static void test_types(void)
{
	static const struct {
		const char *type;
		size_t width;
		uint64_t bits[3];
		float second;
	} rows[] = {
		{ "f2", 2, { 0x3C00, 0xC000, 0x4200 }, -2 },
		{ "f4", 4, { 0x3F800000, 0xC0000000, 0x40400000 }, -2 },
		{ "f8", 8, { 0x3FF0000000000000, 0xC000000000000000, 0x4008000000000000 }, -2 },
		{ "i1", 1, { 1, 0xFE, 3 }, -2 },
		{ "i2", 2, { 1, 0xFFFE, 3 }, -2 },
		{ "i4", 4, { 1, 0xFFFFFFFE, 3 }, -2 },
		{ "i8", 8, { 1, 0xFFFFFFFFFFFFFFFE, 3 }, -2 },
		{ "u1", 1, { 1, 0xFE, 3 }, 254 },
		{ "u2", 2, { 1, 0xFFFE, 3 }, 65534 },
		{ "u4", 4, { 1, 0xFFFFFF, 3 }, 16777215 },
		{ "u8", 8, { 1, 0xFFFFFF, 3 }, 16777215 },
	};

	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		struct arena *arena = arena_new();
		struct err err = { 0 };
		bool big = i % 2;
		size_t w = rows[i / 2].width, n, m;
		unsigned char bytes[24];
		char descr[8];
		float *v;

		for (size_t k = 0; k < 3 * w; k++)
			bytes[k] = (unsigned char)(rows[i / 2].bits[k / w] >> 8 * (big ? w - 1 - k % w : k % w));
		snprintf(descr, sizeof descr, "'%c%s'", w == 1 ? '|' : big ? '>' : '<', rows[i / 2].type);
		v = read_file(descr, "(3,)", false, bytes, 3 * w, arena, &n, &m, &err);
		CHECK_THAT(v && n == 1 && m == 3 && v[0] == 1 && v[1] == rows[i / 2].second && v[2] == 3, "%s %s", descr, err.text);
		arena_free(arena);
	}
}

static void test_shapes(void)
{
	static const float by_row[] = { 1, 2, 3, 4, 5, 6 }, by_column[] = { 1, 4, 2, 5, 3, 6 };

	for (int i = 0; i < 2; i++) {
		struct arena *arena = arena_new();
		struct err err = { 0 };
		size_t rows, cols;
		float *v = read_file("'<f4'", "(2, 1, 3)", i, i ? by_column : by_row, sizeof by_row, arena, &rows, &cols, &err);

		CHECK_THAT(v && rows == 2 && cols == 3 && !memcmp(v, by_row, sizeof by_row), "%s %s",
			   i ? "Fortran order" : "C order", err.text);
		arena_free(arena);
	}
}

static void test_refused(void)
{
	static const struct {
		const char *descr, *shape, *says;
	} rows[] = {
		{ "'<c8'", "(3,)", "NumPy's type '<c8'" },
		{ "'|V2'", "(12,)", "'|V2', as bfloat16 is saved" },
		{ "'|O'", "(3,)", "'|O', Python objects" },
		{ "[('a', '<f4')]", "(6,)", "a type that is a list of fields" },
		{ "'<f4'", "(2, 2, 6)", "one or two dimensions" },
		{ "'<f4'", "(7,)", "7 numbers are announced, but 24 bytes follow" },
		{ "'<f4'", "(0,)", "one or two dimensions" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *arena = arena_new();
		struct err err = { 0 };
		size_t n, m;
		float *v = read_file(rows[i].descr, rows[i].shape, false, (const float[6]){ 0 }, 24, arena, &n, &m, &err);

		CHECK_THAT(!v && strstr(err.text, rows[i].says) && strstr(err.text, "v.npy"), "refused: %s", err.text);
		arena_free(arena);
	}
}

int main(void)
{
	test_types();
	test_shapes();
	test_refused();
	scratch_done();
	return tap_done();
}
