/* dtype.c - every number format, bit for bit, against what other programs say their blocks mean; rows of tensors. */
#include "engine/base/file.h"
#include "engine/numbers/dtype.h"
#include "engine/numbers/tensor.h"
#include "tests/tap.h"

#include <stdlib.h>

static char *fixture(const char *name, const char *suffix, size_t *n)
{
	char path[200];
	struct err err = { 0 };
	char *bytes;

	snprintf(path, sizeof path, "tests/fixtures/quant_vectors/%s.%s", name, suffix);
	bytes = file_read(path, 1 << 20, n, &err);
	CHECK_THAT(bytes != NULL, "%s is there", path);
	return bytes;
}

static void test_vectors(enum dtype type)
{
	const struct dtype_info *info = &dtype_table[type];
	size_t raw_n = 0, expected_n = 0, count, differ = 0;
	char *raw = fixture(info->name, "bin", &raw_n), *expected = fixture(info->name, "f32", &expected_n);
	float *got;
	char *odd;

	if (!raw || !expected)
		return;
	count = expected_n / sizeof(float);
	CHECK_THAT(count > 0 && dtype_bytes(type, count) == raw_n, "%s: %zu elements are %zu bytes", info->name, count, raw_n);
	got = malloc(expected_n);
	odd = malloc(raw_n + 1);
	memcpy(odd + 1, raw, raw_n); /* blocks in a file are at any address */
	info->expand(odd + 1, got, count);
	for (size_t i = 0; i < count; i++)
		differ += memcmp(got + i, expected + i * sizeof(float), sizeof(float)) != 0;
	CHECK_THAT(differ == 0, "%s: equal bit for bit (%zu of %zu differ)", info->name, differ, count);
	free(raw);
	free(expected);
	free(got);
	free(odd);
}

/* All halves, against arithmetic: (-1)^s 2^(e-15) (1 + m/1024). */
static void test_half(void)
{
	int wrong = 0;

	for (int h = 0; h < 65536; h++) {
		int e = h >> 10 & 31, m = h & 1023;
		double x = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
		float y = dtype_half((uint16_t)h);

		if (e == 31)
			wrong += m ? !isnan(y) : !isinf(y);
		else
			wrong += (double)y != (h & 0x8000 ? -x : x) || !signbit(y) != !(h & 0x8000);
	}
	CHECK_THAT(wrong == 0, "all halves (%d wrong)", wrong);
}

static void test_names(void)
{
	CHECK(dtype_find("q4_k") == DTYPE_Q4_K && dtype_find("BF16") == DTYPE_BF16 && dtype_find("IQ2_XS") == -1);
	for (int i = 0; i < DTYPE_COUNT; i++)
		CHECK_THAT(dtype_find(dtype_table[i].name) == i, "%s", dtype_table[i].name);
	CHECK(dtype_bytes(DTYPE_Q6_K, 512) == 420 && dtype_bytes(DTYPE_F64, 3) == 24);
}

static void test_tensor(void)
{
	static const double values[6] = { 1, 2, 3, 4, 5, 1e300 };
	struct tensor t = {
		.name = "t", .type = DTYPE_F64, .dims = 2, .shape = { 2, 3 }, .data = (const void *)values, .bytes = sizeof values
	};
	struct tensor scalar = { .name = "s", .type = DTYPE_F64, .data = (const void *)values, .bytes = 8 };
	float out[6] = { 0 };

	CHECK(tensor_count(&t) == 6 && tensor_columns(&t) == 3 && tensor_rows(&t) == 2);
	tensor_row(&t, 1, out);
	CHECK(out[0] == 4 && out[1] == 5 && isinf(out[2]));
	tensor_expand(&t, out);
	CHECK(out[0] == 1 && out[4] == 5);
	t = (struct tensor){ .type = DTYPE_F64, .dims = 3, .shape = { 1, 2, 3 }, .data = (const void *)values };
	CHECK(tensor_rows(&t) == 2 && tensor_columns(&t) == 3);
	CHECK(tensor_count(&scalar) == 1 && tensor_rows(&scalar) == 1 && tensor_columns(&scalar) == 1);
	tensor_expand(&scalar, out + 5);
	CHECK(out[5] == 1);
}

int main(void)
{
	for (int i = 0; i < DTYPE_COUNT; i++)
		if (i != DTYPE_F32 && i != DTYPE_F64) /* those are tested with the tensor */
			test_vectors((enum dtype)i);
	test_half();
	test_names();
	test_tensor();
	return tap_done();
}
