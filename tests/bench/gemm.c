/*
 * gemm.c - how fast products with packed weights are, against what the machine can do at most in the same minute.
 *
 *   meson test -C build --benchmark        or   build/tests/bench-gemm [TYPE [THREADS]]        (F32, BF16, Q8_0, Q4_K…)
 *
 * Weights are streamed from memory, not from a cache: several copies take turns. A cell is GF/s and, in brackets, the part of
 * max(weights / bandwidth, operations / peak) that was reached: 1.00 is the speed of light.
 */
#include "engine/numbers/cpu.h"
#include "engine/numbers/limits.h"
#include "engine/numbers/matrix.h"
#include "engine/numbers/pool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 15, STREAM = 300 * 1000 * 1000 };

static const struct measured_shape {
	int in, out;
} shapes[] = {
	{ 768, 2304 }, { 768, 3072 }, { 3072, 768 }, { 768, 50257 }, { 576, 576 },
	{ 576, 960 },  { 576, 3072 }, { 1536, 576 }, { 576, 49152 },
};
static const int rows[] = { 1, 8, 16, 32, 64, 256 };

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_seconds(struct matrix *const *w, int copies, int n, bool back, const float *x, float *y)
{
	const int in = matrix_in(w[0]), out = matrix_out(w[0]);
	double seconds[RUNS];

	for (int i = 0, at = 0; i < RUNS; i++) {
		double start = limits_clock();
		const int many = copies > 8 ? 8 : copies;

		for (int j = 0; j < many; j++, at = (at + 1) % copies)
			if (back)
				matrix_apply_back(w[at], x, (size_t)out, n, y, (size_t)in);
			else
				matrix_apply(w[at], x, (size_t)in, n, y, (size_t)out);
		seconds[i] = (limits_clock() - start) / many;
	}
	qsort(seconds, RUNS, sizeof *seconds, by_size);
	return seconds[RUNS / 2];
}

static void line(const struct measured_shape *s, enum dtype type, bool back, double peak, double bandwidth)
{
	struct tensor t = { .name = "weights", .type = type, .dims = 2, .shape = { s->out, s->in } };
	struct matrix_source source = { .tensor = &t, .in = s->in, .out = s->out };
	const int copies = (int)(STREAM / ((size_t)s->in * (size_t)s->out * 4)) + 1;
	const size_t most = (size_t)(s->in > s->out ? s->in : s->out) * 256;
	struct matrix **w = xcalloc((size_t)copies, sizeof(struct matrix *));
	float *x = xcalloc(most, sizeof *x), *y = xcalloc(most, sizeof *y);
	struct arena *a = arena_new();
	struct err err = { 0 };
	unsigned char *data;

	if (s->in % dtype_table[type].block)
		return;
	t.bytes = (size_t)s->out * dtype_bytes(type, (size_t)s->in);
	t.data = data = xcalloc(t.bytes, 1);
	for (size_t i = 0; i < most; i++)
		x[i] = (float)(i % 7) - 3;
	for (int i = 0; i < copies; i++)
		w[i] = matrix_new(a, &source, &err);
	printf("%4d x %-6d%s", s->in, s->out, back ? "back" : "    ");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const double seconds = median_seconds(w, copies, rows[i], back, x, y);
		const double flops = 2.0 * s->in * s->out * rows[i];
		const double light = fmax((double)matrix_footprint(&source) / bandwidth, flops / peak);

		printf(" %5.0f (%.2f)", flops / seconds / 1e9, light / seconds);
		fflush(stdout);
	}
	printf("\n");
	free(x);
	free(y);
	free(data);
	free(w);
	arena_free(a);
}

int main(int argc, char **argv)
{
	const int type = dtype_find(argc > 1 ? argv[1] : "F32");
	double peak, bandwidth;

	if (type < 0) {
		fprintf(stderr, "gemm: there is no type %s\n", argv[1]);
		return 2;
	}
	pool_threads(argc > 2 ? atoi(argv[2]) : 0);
	peak = limits_flops();
	bandwidth = limits_bandwidth();
	printf("%s, %d threads, %s: peak %.0f GF/s, memory %.1f GB/s\n", cpu_names[cpu_set()], pool_size(), dtype_table[type].name,
	       peak / 1e9, bandwidth / 1e9);
	printf("   in x out   ");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		printf("   %3d rows  ", rows[i]);
	printf("\n");
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		line(&shapes[i], (enum dtype)type, false, peak, bandwidth);
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i += 3)
		line(&shapes[i], (enum dtype)type, true, peak, bandwidth);
	pool_stop();
	return 0;
}
