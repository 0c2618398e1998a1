/*
 * gemm_watched.c - the innermost loops under sanitizers. Checking each vector that a tile reads makes it forty times as slow and
 * tells nothing that its first and last do not: so the sets of instructions are built without sanitizers (meson.build), and what a
 * call reads and writes is looked at here, whole ranges at once, before the set's own function runs. Built in for sanitizers only.
 */
#ifdef GEMM_WATCHED
#include "engine/numbers/gemm.h"

#include <stdlib.h>

#include "engine/numbers/cpu.h"

#ifdef GEMM_WATCHED_THREADS
/* What the compiler calls for memcpy(). */
void __tsan_read_range(const void *at, unsigned long bytes);
void __tsan_write_range(void *at, unsigned long bytes);

/* Threads take turns over whole blocks, so that both ends tell as much about their order as what is between them. */
enum { END = 64 };

static void watch_read(const void *at, size_t bytes)
{
	const size_t end = bytes < END ? bytes : END;

	__tsan_read_range(at, end);
	__tsan_read_range((const char *)at + bytes - end, end);
}

static void watch_written(void *at, size_t bytes)
{
	const size_t end = bytes < END ? bytes : END;

	__tsan_write_range(at, end);
	__tsan_write_range((char *)at + bytes - end, end);
}
#else
#include <sanitizer/asan_interface.h>

/* Touching the first byte that may not be touched makes the report. */
static void watch_read(const void *at, size_t bytes)
{
	const volatile char *bad = bytes ? __asan_region_is_poisoned((void *)(uintptr_t)at, bytes) : NULL;

	if (bad) {
		(void)*bad;
		abort();
	}
}

static void watch_written(void *at, size_t bytes)
{
	watch_read(at, bytes);
}
#endif

static const struct gemm *real(void)
{
	return gemm_of(cpu_set());
}

static size_t bytes_of(enum gemm_weights kind)
{
	return kind == WEIGHTS_F32 ? sizeof(float) : sizeof(uint16_t);
}

static void tile(const struct gemm_tile *t)
{
	const size_t bytes = bytes_of(t->kind);
	const int first = __builtin_ctzll(t->columns), end = 64 - __builtin_clzll(t->columns);

	watch_read(t->a, t->depth * (size_t)t->rows * sizeof *t->a);
	for (int p = 0; p < t->panels; p++)
		watch_read((const char *)t->b + (size_t)p * t->stride * bytes, t->depth * PANEL * bytes);
	for (int r = 0; r < t->rows; r++)
		watch_written(t->y + (size_t)r * t->ldy + first, (size_t)(end - first) * sizeof *t->y);
	real()->tile(t);
}

static void back(const struct gemm_back *t)
{
	const size_t bytes = bytes_of(t->kind), rows = t->panels ? (size_t)t->panels * PANEL : PANEL / 2;

	for (size_t k = 0; k < t->depth; k += PANEL)
		watch_read((const char *)t->w + k / PANEL * t->apart * bytes, (size_t)t->inputs * PANEL * bytes);
	for (int p = 0; p < (t->panels ? t->panels : 1); p++)
		watch_read(t->d + (size_t)p * t->stride, ((t->depth - 1) * PANEL + (t->panels ? PANEL : rows)) * sizeof *t->d);
	for (int i = 0; i < t->inputs; i++)
		watch_written(t->g + (size_t)i * t->ldg, rows * sizeof *t->g);
	real()->back(t);
}

static void transpose(const float *src, size_t lds, int rows, int columns, float *dst, size_t ldd)
{
	for (int r = 0; r < rows; r++)
		watch_read(src + (size_t)r * lds, (size_t)columns * sizeof *src);
	for (int c = 0; c < columns; c++)
		watch_written(dst + (size_t)c * ldd, (size_t)rows * sizeof *dst);
	real()->transpose(src, lds, rows, columns, dst, ldd);
}

static void expand_bf16(const uint16_t *src, float *dst, size_t n)
{
	watch_read(src, n * sizeof *src);
	watch_written(dst, n * sizeof *dst);
	real()->expand_bf16(src, dst, n);
}

static void expand_f16(const uint16_t *src, float *dst, size_t n)
{
	watch_read(src, n * sizeof *src);
	watch_written(dst, n * sizeof *dst);
	real()->expand_f16(src, dst, n);
}

/* What both expansions have beside their bytes. */
static void watch_scales(const float *scale, const float *offset, int group, float *dst)
{
	watch_read(scale, PANEL * sizeof *scale);
	if (offset)
		watch_read(offset, PANEL * sizeof *offset);
	watch_written(dst, (size_t)group * PANEL * sizeof *dst);
}

static void expand_bytes(const int8_t *q, const float *scale, const float *offset, int group, float *dst)
{
	watch_read(q, (size_t)group * PANEL);
	watch_scales(scale, offset, group, dst);
	real()->expand_bytes(q, scale, offset, group, dst);
}

static void expand_nibbles(const uint8_t *q, int bias, const float *scale, const float *offset, int group, float *dst)
{
	watch_read(q, (size_t)group / 2 * PANEL);
	watch_scales(scale, offset, group, dst);
	real()->expand_nibbles(q, bias, scale, offset, group, dst);
}

static struct gemm watched[CPU_SETS];

/* Before main(): no thread asks yet. */
__attribute__((constructor)) static void make(void)
{
	for (enum cpu_set set = 0; set < CPU_SETS; set++) {
		const struct gemm *g = gemm_of(set);

		if (!g)
			continue;
		watched[set] = *g;
		watched[set].tile = tile;
		watched[set].back = back;
		watched[set].transpose = transpose;
		watched[set].expand_bf16 = expand_bf16;
		watched[set].expand_f16 = expand_f16;
		watched[set].expand_bytes = expand_bytes;
		watched[set].expand_nibbles = expand_nibbles;
	}
}

const struct gemm *gemm_here(void)
{
	return &watched[cpu_set()];
}
#else
typedef int lmscope_not_watched; /* a file may not be empty */
#endif
