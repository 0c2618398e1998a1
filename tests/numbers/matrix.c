/*
 * matrix.c - products with packed weights: right against plain double loops, for every set of kernels, type of weights,
 * shape and tail; and equal bit for bit however the work is cut.
 */
#include "engine/numbers/blas.h"
#include "engine/numbers/cpu.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/matrix.h"
#include "engine/numbers/pool.h"
#include "engine/numbers/quant.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- Made-up tensors and rows --- */

static uint32_t seed = 1;

static uint32_t random_bits(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static float uniform(void)
{
	return (float)random_bits() / (float)(1 << 23) - 1;
}

static float *random_floats(size_t n)
{
	float *x = xmalloc(n * sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = uniform();
	return x;
}

/* Halves of moderate size at the places where a block keeps its scales; any bits elsewhere. */
static void random_block(enum dtype type, unsigned char *block)
{
	static const int halves[DTYPE_COUNT][2] = {
		/* place + 1, 0: none */
		[DTYPE_Q4_0] = { 1 },	 [DTYPE_Q4_1] = { 1, 3 },   [DTYPE_Q5_0] = { 1 },   [DTYPE_Q5_1] = { 1, 3 },
		[DTYPE_Q8_0] = { 1 },	 [DTYPE_Q2_K] = { 81, 83 }, [DTYPE_Q3_K] = { 109 }, [DTYPE_Q4_K] = { 1, 3 },
		[DTYPE_Q5_K] = { 1, 3 }, [DTYPE_Q6_K] = { 209 },    [DTYPE_IQ4_NL] = { 1 }, [DTYPE_IQ4_XS] = { 1 },
	};
	const int bytes = dtype_table[type].bytes;

	for (int i = 0; i < bytes; i++)
		block[i] = (unsigned char)random_bits();
	for (int i = 0; i < 2; i++)
		if (halves[type][i])
			/* 2^-7 … 2^-6, either sign */
			block[halves[type][i]] = (unsigned char)((random_bits() & 0x83) | 0x20);
	if (type == DTYPE_MXFP4)
		block[0] = (unsigned char)(119 + random_bits() % 4);
	if (type == DTYPE_F16)
		block[1] = (unsigned char)((block[1] & 0x83) | 0x38);
	if (type == DTYPE_BF16)
		block[1] = (unsigned char)((block[1] & 0x80) | 0x3F);
	if (type == DTYPE_F8_E4M3)
		block[0] = (unsigned char)((block[0] & 0x87) | 0x30);
	if (type == DTYPE_F8_E5M2)
		block[0] = (unsigned char)((block[0] & 0x83) | 0x38);
	if (type == DTYPE_F32)
		memcpy(block, &(float){ uniform() }, 4);
	if (type == DTYPE_F64)
		memcpy(block, &(double){ (double)uniform() }, 8);
}

/* The data begin at an odd address, as they may in a file. */
static struct tensor make_tensor(enum dtype type, int rows, int columns)
{
	struct tensor t = { .name = "made up", .type = type, .dims = 2, .shape = { rows, columns } };
	unsigned char *data;

	t.bytes = (size_t)rows * dtype_bytes(type, (size_t)columns);
	data = (unsigned char *)xmalloc(t.bytes + 1) + 1;
	for (size_t i = 0; i < t.bytes; i += (size_t)dtype_table[type].bytes)
		random_block(type, data + i);
	t.data = data;
	return t;
}

static void free_tensor(struct tensor *t)
{
	free((void *)(uintptr_t)(t->data - 1));
}

/* W[in, out] of a source, by the plainest way. */
static float *plain_weights(const struct matrix_source *s)
{
	size_t columns = tensor_columns(s->tensor);
	float *all = xmalloc(tensor_count(s->tensor) * sizeof *all), *w = xmalloc((size_t)(s->in * s->out) * sizeof *w);

	tensor_expand(s->tensor, all);
	for (int i = 0; i < s->in; i++) {
		for (int j = 0; j < s->out; j++) {
			size_t o = (size_t)(s->pick ? s->pick[j] : s->first + j);

			w[i * s->out + j] = s->in_out ? all[(size_t)i * columns + o] : all[o * columns + (size_t)i];
		}
	}
	free(all);
	return w;
}

/* y[n, out] = x[n, in] w[in, out], or back: x is [n, out] and y [n, in]. */
static void plain_product(const float *w, int in, int out, const float *x, int n, float *y, bool back)
{
	for (int r = 0; r < n; r++) {
		for (int j = 0; j < (back ? in : out); j++) {
			double sum = 0;

			for (int i = 0; i < (back ? out : in); i++)
				sum += (double)x[r * (back ? out : in) + i] * (double)(back ? w[j * out + i] : w[i * out + j]);
			y[r * (back ? in : out) + j] = (float)sum;
		}
	}
}

/* The largest difference beside the largest of b, which is taken as no less than `least`. */
static double gap_beside(const float *a, const float *b, size_t n, double least)
{
	double worst = 0, scale = least;

	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)a[i] - (double)b[i]);

		if (!(d <= worst))
			worst = d;
		scale = fmax(scale, fabs((double)b[i]));
	}
	return worst / scale;
}

static double gap(const float *a, const float *b, size_t n)
{
	return gap_beside(a, b, n, 1e-30);
}

static bool same(const float *a, const float *b, size_t n)
{
	return !memcmp(a, b, n * sizeof *a);
}

/* --- Against plain loops --- */

/*
 * How large an output of so many terms usually is, for where the few that there are nearly cancel: what rounding does is in
 * proportion to the terms, not to their sum.
 */
static double usual_size(const float *w, int in, int out, const float *x, int n, bool back)
{
	const int terms = back ? out : in, outputs = back ? in : out;
	double most = 0;

	for (int r = 0; r < n; r++)
		for (int j = 0; j < outputs; j++) {
			double sum = 0;

			for (int i = 0; i < terms; i++)
				sum += fabs((double)x[r * terms + i] * (double)(back ? w[j * out + i] : w[i * out + j]));
			most = fmax(most, sum);
		}
	return most / sqrt(terms);
}

/* Both directions for n rows; returns the larger gap. */
static double check_product(const struct matrix *w, const float *weights, int n)
{
	const int in = matrix_in(w), out = matrix_out(w);
	float *x = random_floats((size_t)(n * in)), *d = random_floats((size_t)(n * out));
	float *y = random_floats((size_t)(n * out)), *g = random_floats((size_t)(n * in));
	float *expected = xmalloc((size_t)(n * (in > out ? in : out)) * sizeof *expected);
	double forward, back, least;

	matrix_apply(w, x, (size_t)in, n, y, (size_t)out);
	plain_product(weights, in, out, x, n, expected, false);
	forward = gap_beside(y, expected, (size_t)(n * out), usual_size(weights, in, out, x, n, false));
	matrix_apply_back(w, d, (size_t)out, n, g, (size_t)in);
	plain_product(weights, in, out, d, n, expected, true);
	least = usual_size(weights, in, out, d, n, true);
	back = gap_beside(g, expected, (size_t)(n * in), least);
	for (int i = 0; i < n; i++)
		matrix_apply_back_here(w, d + i * out, g + i * in);
	back = fmax(back, gap_beside(g, expected, (size_t)(n * in), least));
	free(x);
	free(d);
	free(y);
	free(g);
	free(expected);
	return fmax(forward, back);
}

static void test_shapes(enum cpu_set set)
{
	static const int sizes[] = { 1, 2, 15, 16, 17, 31, 33, 48, 64, 65, 130 };
	enum { SIZES = sizeof sizes / sizeof *sizes };
	double worst = 0;

	for (int i = 0; i < SIZES * SIZES * 2; i++) {
		struct arena *a = arena_new();
		struct err err = { 0 };
		int in = sizes[i % SIZES], out = sizes[i / SIZES % SIZES];
		bool in_out = i / (SIZES * SIZES);
		struct tensor t = make_tensor(DTYPE_F32, in_out ? in : out, in_out ? out : in);
		struct matrix_source source = { .tensor = &t, .in_out = in_out, .in = in, .out = out };
		struct matrix *w = matrix_new(a, &source, &err);
		float *weights = plain_weights(&source);

		for (int n = 1; n <= 34; n += 1 + (i % 3))
			worst = fmax(worst, check_product(w, weights, n));
		worst = fmax(worst, check_product(w, weights, 61));
		free(weights);
		free_tensor(&t);
		arena_free(a);
	}
	CHECK_THAT(worst < 3e-6, "%s: all shapes and tails, both directions and orientations: %.2g", cpu_names[set], worst);
}

/* One long product, where blocks of the depth, the pool and many tiles are at work. */
static void test_large(enum cpu_set set)
{
	enum { IN = 1500, OUT = 700 };
	struct arena *a = arena_new();
	struct err err = { 0 };
	struct tensor t = make_tensor(DTYPE_F32, OUT, IN);
	struct matrix_source source = { .tensor = &t, .in = IN, .out = OUT };
	struct matrix *w = matrix_new(a, &source, &err);
	float *weights = plain_weights(&source);
	double worst = fmax(check_product(w, weights, 1), check_product(w, weights, 90));

	CHECK_THAT(worst < 5e-6, "%s: a large product: %.2g", cpu_names[set], worst);
	free(weights);
	free_tensor(&t);
	arena_free(a);
}

/* Every type, packed and read from the mapping: the values are exactly the tensor's, and products are right. */
static void test_types(enum cpu_set set, bool low_memory)
{
	for (enum dtype type = 0; type < DTYPE_COUNT; type++) {
		enum { OUT = 37, PICKED = 21 };
		struct arena *a = arena_new();
		struct err err = { 0 };
		const int in = dtype_table[type].block == 1 ? 70 : 2 * dtype_table[type].block;
		struct tensor t = make_tensor(type, OUT, in);
		int32_t pick[PICKED];
		struct matrix_source source = { .tensor = &t, .in = in, .out = PICKED, .pick = pick };
		float *weights, *row = xmalloc((size_t)in * sizeof *row);
		struct matrix *w;
		bool exact = true;
		double worst = 0;

		for (int j = 0; j < PICKED; j++)
			pick[j] = (j * 16 + 3) % OUT;
		weights = plain_weights(&source);
		matrix_low_memory(low_memory);
		w = matrix_new(a, &source, &err);
		matrix_low_memory(false);
		memset(pick, 0, sizeof pick); /* it was copied */
		for (int j = 0; j < PICKED; j++) {
			matrix_output(w, j, row);
			for (int i = 0; i < in; i++)
				exact = exact && row[i] == weights[i * PICKED + j];
		}
		for (int i = 0; i < in; i++) {
			matrix_input(w, i, row);
			for (int j = 0; j < PICKED; j++)
				exact = exact && row[j] == weights[i * PICKED + j];
		}
		for (int n = 1; n <= 40; n = n * 2 + 1)
			worst = fmax(worst, check_product(w, weights, n));
		CHECK_THAT(exact && worst < 2e-6, "%s: %s%s: exact values, products within %.2g", cpu_names[set],
			   dtype_table[type].name, low_memory ? " from the mapping" : "", worst);
		free(row);
		free(weights);
		free_tensor(&t);
		arena_free(a);
	}
}

/* As many terms as a vocabulary has, which nearly cancel: the slope of an entropy. */
static void test_long_sums(void)
{
	enum { IN = 40, OUT = 200003, N = 3 };
	struct arena *a = arena_new();
	struct err err = { 0 };
	struct tensor t = make_tensor(DTYPE_F32, OUT, IN);
	struct matrix_source source = { .tensor = &t, .in = IN, .out = OUT };
	float *weights, *d = random_floats(N * OUT), g[N * IN], expected[N * IN];
	struct matrix *w;

	for (size_t i = 0; i < (size_t)OUT * IN; i++) { /* what all weights have in common, like the mean of an unembedding */
		float x;

		memcpy(&x, t.data + i * sizeof x, sizeof x);
		x += 3;
		memcpy((unsigned char *)(uintptr_t)t.data + i * sizeof x, &x, sizeof x);
	}
	w = matrix_new(a, &source, &err);
	for (int r = 0; r < N; r++) {
		double mean = 0;

		for (int i = 0; i < OUT; i++)
			mean += (double)d[r * OUT + i] / OUT;
		for (int i = 0; i < OUT; i++)
			d[r * OUT + i] -= (float)mean;
	}
	weights = plain_weights(&source);
	plain_product(weights, IN, OUT, d, N, expected, true);
	matrix_apply_back_long(w, d, OUT, N, g, IN);
	CHECK_THAT(gap(g, expected, N * IN) < 6e-6, "%s: a sum of %d terms that cancel: %.2g", cpu_names[cpu_set()], OUT,
		   gap(g, expected, N * IN));
	matrix_apply_back(w, d, OUT, N, g, IN);
	printf("# in single precision: %.2g\n", gap(g, expected, N * IN));
	free(weights);
	free(d);
	free_tensor(&t);
	arena_free(a);
}

/* --- The same bits, however it is cut --- */

static void test_bits(enum cpu_set set, enum dtype type, bool low_memory)
{
	enum { IN = 1280, OUT = 203, N = 70 };
	struct arena *a = arena_new();
	struct err err = { 0 };
	struct tensor t = make_tensor(type, OUT, IN);
	struct matrix_source source = { .tensor = &t, .in = IN, .out = OUT };
	float *x = random_floats(N * (IN + 5)), *d = random_floats(N * OUT);
	float *all = random_floats(N * OUT), *part = random_floats(N * OUT), *one = random_floats(N * IN),
	      *back = random_floats(N * IN);
	struct matrix *w;
	bool rows = true, columns = true, threads = true, backward = true;

	matrix_low_memory(low_memory);
	w = matrix_new(a, &source, &err);
	matrix_low_memory(false);
	pool_threads(3);
	matrix_apply(w, x, IN + 5, N, all, OUT);
	matrix_apply_back(w, d, OUT, N, back, IN);
	for (int n = 1; n <= 34; n++) { /* n rows from some place on */
		int row = n * 7 % (N - n);

		matrix_apply(w, x + row * (IN + 5), IN + 5, n, part, OUT);
		rows = rows && same(part, all + row * OUT, (size_t)n * OUT);
		if (n > 6 && n % 5 != 1)
			continue;
		matrix_apply_back(w, d + row * OUT, OUT, n, one, IN);
		backward = backward && same(one, back + row * IN, (size_t)n * IN);
	}
	CHECK_THAT(rows, "%s %s: a row's bits do not depend on the rows beside it", cpu_names[set], dtype_table[type].name);
	CHECK_THAT(backward, "%s %s: nor do they backwards", cpu_names[set], dtype_table[type].name);
	for (int from = 0; from < OUT; from += 13) {
		int count = (from * 5 + 1) % (OUT - from) + 1, n = 1 + from % 17;

		for (int i = 0; i < N * OUT; i++)
			part[i] = 123;
		matrix_apply_outputs(w, from, count, x, IN + 5, n, part + 3, OUT);
		for (int r = 0; r < n; r++)
			columns = columns && same(part + 3 + r * OUT, all + r * OUT + from, (size_t)count) &&
				  part[2 + r * OUT] == 123 && (count + 3 >= OUT || part[3 + r * OUT + count] == 123);
	}
	CHECK_THAT(columns, "%s %s: some outputs are the whole product's, and nothing beside them is touched", cpu_names[set],
		   dtype_table[type].name);
	for (int n = 1; n <= 2; n++) {
		pool_threads(n);
		matrix_apply(w, x, IN + 5, N, part, OUT);
		matrix_apply_back(w, d, OUT, N, one, IN);
		threads = threads && same(part, all, N * OUT) && same(one, back, N * IN);
	}
	CHECK_THAT(threads, "%s %s: nor on the number of threads", cpu_names[set], dtype_table[type].name);
	free(x);
	free(d);
	free(all);
	free(part);
	free(one);
	free(back);
	free_tensor(&t);
	arena_free(a);
}

/* Rows of a gradient that are zero are left out, wherever they are: they are zero after, even of a weight that is infinite. */
static void test_zero_rows(enum cpu_set set)
{
	enum { IN = 100, OUT = 70, N = 40 };
	struct arena *a = arena_new();
	struct err err = { 0 };
	struct tensor t = make_tensor(DTYPE_F32, OUT, IN);
	struct matrix_source source = { .tensor = &t, .in = IN, .out = OUT };
	struct matrix *w = matrix_new(a, &source, &err), *infinite;
	float *d = random_floats(N * OUT), *all = random_floats(N * IN), *some = random_floats(N * IN), inf = INFINITY;
	bool same_rows = true, zeros = true;

	memcpy((unsigned char *)(uintptr_t)t.data, &inf, sizeof inf);
	infinite = matrix_new(a, &source, &err);
	for (int each = 1; each <= N; each += each < 8 ? 1 : 8) { /* every so many rows have something */
		const int n = N - each % 3;

		matrix_apply_back(w, d, OUT, N, all, IN);
		for (int r = 0; r < n; r++)
			if (r % each)
				memset(d + r * OUT, 0, OUT * sizeof *d);
		matrix_apply_back(w, d, OUT, n, some, IN);
		for (int r = 0; r < n; r += each)
			same_rows = same_rows && same(some + r * IN, all + r * IN, IN);
		matrix_apply_back(infinite, d, OUT, n, some, IN);
		for (int i = 0; i < n * IN; i++)
			zeros = zeros && (i / IN % each == 0 || (some[i] == 0 && !signbit(some[i])));
		free(d);
		d = random_floats(N * OUT);
	}
	memset(d, 0, N * OUT * sizeof *d);
	matrix_apply_back(infinite, d, OUT, N, some, IN);
	for (int i = 0; i < N * IN; i++)
		zeros = zeros && some[i] == 0;
	CHECK_THAT(same_rows, "%s: a row's bits backwards do not depend on which of the others are zero", cpu_names[set]);
	CHECK_THAT(zeros, "%s: rows that are zero are left out", cpu_names[set]);
	free(d);
	free(all);
	free(some);
	free_tensor(&t);
	arena_free(a);
}

/* Some inputs: each part is right, and (but through OpenBLAS) the same whatever n. */
static void test_inputs(enum cpu_set set, enum dtype type, bool openblas)
{
	enum { IN = 512, OUT = 50, N = 20 };
	struct arena *a = arena_new();
	struct err err = { 0 };
	struct tensor t = make_tensor(type, OUT, IN);
	struct matrix_source source = { .tensor = &t, .in = IN, .out = OUT };
	struct matrix *w = matrix_new(a, &source, &err);
	float *x = random_floats(N * IN), *weights = plain_weights(&source), y[N * OUT], expected[N * OUT], one[OUT];
	double worst = 0;
	bool equal = true;

	for (int from = 0; from < IN; from += 37) {
		int count = 1 + (from * 3) % (IN - from);

		matrix_apply_inputs(w, from, count, x, IN, N, y, OUT);
		for (int r = 0; r < N; r++)
			plain_product(weights + from * OUT, count, OUT, x + r * IN, 1, expected + r * OUT, false);
		worst = fmax(worst, gap(y, expected, N * OUT));
		matrix_apply_inputs(w, from, count, x + IN, IN, 1, one, OUT);
		equal = equal && (openblas || same(one, y + OUT, OUT));
	}
	matrix_apply_inputs(w, 3, 0, x, IN, N, y, OUT);
	for (int i = 0; i < N * OUT; i++)
		equal = equal && y[i] == 0;
	CHECK_THAT(worst < 2e-6 && equal, "%s %s: parts of the inputs: %.2g", cpu_names[set], dtype_table[type].name, worst);
	free(x);
	free(weights);
	free_tensor(&t);
	arena_free(a);
}

/* --- The rest --- */

static void test_footprint(void)
{
	enum { IN = 1024, OUT = 1000 };

	for (enum dtype type = 0; type < DTYPE_COUNT; type++) {
		struct arena *a = arena_new();
		struct err err = { 0 };
		struct tensor t = make_tensor(type, OUT, IN);
		struct matrix_source source = { .tensor = &t, .in = IN, .out = OUT };
		const size_t floats = sizeof(float[IN][OUT]), said = matrix_footprint(&source);
		size_t took;

		matrix_new(a, &source, &err);
		took = arena_bytes(a);
		CHECK_THAT(took >= said && took < said + 1024, "%s: takes the %zu bytes that were announced (%zu)",
			   dtype_table[type].name, said, took);
		if (quant_table[type].group)
			CHECK_THAT(took <= floats / 2, "%s: at most half of its floats (%.2f)", dtype_table[type].name,
				   (double)took / (double)floats);
		matrix_low_memory(true);
		CHECK(matrix_footprint(&source) < 1024);
		matrix_low_memory(false);
		free_tensor(&t);
		arena_free(a);
	}
}

static void test_errors(void)
{
	struct arena *a = arena_new();
	struct tensor t = make_tensor(DTYPE_F32, 8, 6), flat = t, blocks = make_tensor(DTYPE_Q8_0, 32, 32);
	struct matrix_source good = { .tensor = &t, .in = 6, .out = 8 }, bad = good;
	struct err err = { 0 };
	int32_t pick[] = { 0, 8 };

	CHECK(matrix_new(a, &good, &err) && err.kind == ERR_NONE);
	bad.in = 7;
	CHECK(!matrix_new(a, &bad, &err) && err.kind == ERR_FILE);
	CHECK_TEXT(err.text, "made up is [8, 6]: it takes 6 inputs, and the model needs 7");
	bad = good;
	bad.first = 1;
	CHECK(!matrix_new(a, &bad, &err));
	CHECK_TEXT(err.text, "made up is [8, 6]: it has 8 outputs, and the model needs number 8");
	bad = good;
	bad.pick = pick;
	bad.out = 2;
	CHECK(!matrix_new(a, &bad, &err));
	bad = good;
	flat.dims = 1;
	bad.tensor = &flat;
	CHECK(!matrix_new(a, &bad, &err));
	CHECK(!matrix_new(a, &(struct matrix_source){ .tensor = &blocks, .in_out = true, .in = 32, .out = 32 }, &err));
	free_tensor(&t);
	free_tensor(&blocks);
	arena_free(a);
}

/* The transpositions and expansions of a set are those of the plain one. */
static void test_parts(enum cpu_set set)
{
	const struct gemm *g = gemm_here(), *plain = gemm_of(CPU_GENERIC);
	float *src = random_floats(16 * 20), *offset = random_floats(16), a[32 * 16], b[32 * 16];
	uint16_t halves[256];
	int8_t bytes[32 * 16];
	bool good = true;

	for (int rows = 1; rows <= 16; rows++) {
		for (int columns = 1; columns <= 16; columns++) {
			memset(a, 0, sizeof a);
			memset(b, 0, sizeof b);
			g->transpose(src, 20, rows, columns, a, 18);
			plain->transpose(src, 20, rows, columns, b, 18);
			good = good && same(a, b, 32 * 16);
		}
	}
	CHECK_THAT(good, "%s: transpositions", cpu_names[set]);
	good = true;
	for (int i = 0; i < 65536; i += 256) {
		for (int j = 0; j < 256; j++)
			halves[j] = (uint16_t)(i + j);
		g->expand_bf16(halves, a, 256);
		plain->expand_bf16(halves, b, 256);
		good = good && same(a, b, 256);
		g->expand_f16(halves, a, 256);
		plain->expand_f16(halves, b, 256);
		for (int j = 0; j < 256; j++)
			good = good && (a[j] == b[j] || (isnan(a[j]) && isnan(b[j])));
	}
	CHECK_THAT(good, "%s: all halves", cpu_names[set]);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (int8_t)random_bits();
	good = true;
	for (int group = 16; group <= 32; group += 16) {
		for (int with = 0; with < 2; with++) {
			g->expand_bytes(bytes, src, with ? offset : NULL, group, a);
			plain->expand_bytes(bytes, src, with ? offset : NULL, group, b);
			good = good && same(a, b, (size_t)group * 16);
			g->expand_nibbles((const uint8_t *)bytes, 8 * with, src, with ? offset : NULL, group, a);
			plain->expand_nibbles((const uint8_t *)bytes, 8 * with, src, with ? offset : NULL, group, b);
			good = good && same(a, b, (size_t)group * 16);
		}
	}
	CHECK_THAT(good, "%s: integers with scales", cpu_names[set]);
	free(src);
	free(offset);
}

/* Does a tile that reads `more` floats than there are end the process? */
static bool ends(size_t more)
{
	const size_t depth = 24;
	float *a = random_floats(depth), *b = aligned_alloc(64, depth * PANEL * sizeof *b), y[PANEL];
	int status = 0;
	pid_t child;

	memset(b, 0, depth * PANEL * sizeof *b);
	child = fork();
	if (!child) {
		const struct gemm_tile t = { .rows = 1,
					     .panels = 1,
					     .depth = depth + more,
					     .a = a,
					     .b = b,
					     .stride = depth * PANEL,
					     .soon = (const char *)b,
					     .y = y,
					     .ldy = PANEL,
					     .columns = 0xFFFF };

		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		gemm_here()->tile(&t);
		_exit(0);
	}
	waitpid(child, &status, 0);
	free(a);
	free(b);
	return status != 0;
}

/* The innermost loops are built without sanitizers: gemm_watched.c has to see what they would have seen. */
static void test_watched(enum cpu_set set)
{
#ifdef __SANITIZE_ADDRESS__
	CHECK_THAT(!ends(0) && ends(1), "%s: a tile that reads too far is seen", cpu_names[set]);
#else
	(void)set;
	(void)ends;
#endif
}

static void test_openblas(void)
{
	struct err err = { 0 };

	if (!CHECK_THAT(blas_load(&err), "OpenBLAS is loaded %s", err.text))
		return;
	setenv("LMSCOPE_GEMM", "openblas", 1);
	test_large(cpu_set());
	test_inputs(cpu_set(), DTYPE_F32, true);
	test_types(cpu_set(), false);
	test_types(cpu_set(), true);
	matrix_low_memory(true);
	test_large(cpu_set());
	test_inputs(cpu_set(), DTYPE_F32, true);
	test_inputs(cpu_set(), DTYPE_Q6_K, true);
	matrix_low_memory(false);
	unsetenv("LMSCOPE_GEMM");
}

int main(void)
{
	unsetenv("LMSCOPE_GEMM");
	for (enum cpu_set set = 0; set < CPU_SETS; set++) {
		if (!cpu_use(set)) {
			tap_skip("%s: this processor does not have it", cpu_names[set]);
			continue;
		}
		pool_threads(2);
		test_watched(set);
		test_parts(set);
		test_shapes(set);
		test_large(set);
		test_zero_rows(set);
		test_types(set, false);
		test_types(set, true);
		test_bits(set, DTYPE_F32, false);
		test_bits(set, DTYPE_BF16, false);
		test_bits(set, DTYPE_Q8_0, false);
		test_bits(set, DTYPE_Q6_K, false);
		test_bits(set, DTYPE_Q4_K, true);
		test_bits(set, DTYPE_MXFP4, true);
		test_inputs(set, DTYPE_F32, false);
		test_inputs(set, DTYPE_Q4_K, false);
	}
	test_footprint();
	test_errors();
	test_long_sums();
	test_openblas();
	pool_stop();
	return tap_done();
}
