/* gemm_generic.c - see gemm.h: portable C, and the choice among the sets. */
#include "engine/numbers/gemm.h"

#include <string.h>

#include "engine/numbers/cpu.h"
#include "engine/numbers/dtype.h"

enum { ROWS = 2, QUADS = PANEL / 4 }; /* 8 sums, 4 weights and an input fit the 16 registers of SSE2 and are few for NEON */

typedef float quad __attribute__((vector_size(16)));

static quad load(const float *p)
{
	quad q;

	memcpy(&q, p, sizeof q);
	return q;
}

/* Rows that are not there are computed from row 0 and not stored. */
static void tile(const struct gemm_tile *t)
{
	float sums[ROWS][PANEL];
	quad sum[ROWS][QUADS];
	const float *a = t->a, *b = t->b; /* floats only */
	int other = t->rows - 1;	  /* 0 or 1 */

	memset(sums, 0, sizeof sums);
	for (int r = 0; t->more && r < t->rows; r++)
		for (int c = 0; c < PANEL; c++)
			if (t->columns >> c & 1)
				sums[r][c] = t->y[(size_t)r * t->ldy + (size_t)c];
	memcpy(sum, sums, sizeof sum);
	for (size_t k = 0; k < t->depth; k++, a += t->rows, b += PANEL) {
		quad w[QUADS] = { load(b), load(b + 4), load(b + 8), load(b + 12) };

		for (int q = 0; q < QUADS; q++) {
			sum[0][q] += a[0] * w[q];
			sum[1][q] += a[other] * w[q];
		}
	}
	memcpy(sums, sum, sizeof sums);
	for (int r = 0; r < t->rows; r++)
		for (int c = 0; c < PANEL; c++)
			if (t->columns >> c & 1)
				t->y[(size_t)r * t->ldy + (size_t)c] = sums[r][c];
}

static void back(const struct gemm_back *t)
{
	const float *w = t->w, *d = t->d;
	quad sum[ROWS][QUADS];
	const size_t other = t->inputs > 1 ? PANEL : 0;

	for (int q = 0; q < QUADS; q++)
		for (int i = 0; i < ROWS; i++)
			sum[i][q] = t->more && i < t->inputs ? load(t->g + (size_t)i * t->ldg + 4 * q) : (quad){ 0 };
	for (size_t left = t->depth, some; left; left -= some, w += t->apart) {
		some = left < PANEL ? left : PANEL;
		for (size_t k = 0; k < some; k++, d += PANEL)
			for (int q = 0; q < QUADS; q++) {
				sum[0][q] += w[k] * load(d + 4 * q);
				sum[1][q] += w[other + k] * load(d + 4 * q);
			}
	}
	for (int i = 0; i < t->inputs; i++)
		memcpy(t->g + (size_t)i * t->ldg, sum[i], sizeof sum[i]);
}

static void transpose(const float *src, size_t lds, int rows, int columns, float *dst, size_t ldd)
{
	for (int c = 0; c < columns; c++)
		for (int r = 0; r < rows; r++)
			dst[(size_t)c * ldd + (size_t)r] = src[(size_t)r * lds + (size_t)c];
}

static void expand_bf16(const uint16_t *src, float *dst, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits = (uint32_t)src[i] << 16;

		memcpy(&dst[i], &bits, sizeof bits);
	}
}

static void expand_f16(const uint16_t *src, float *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = dtype_half(src[i]);
}

static void expand_bytes(const int8_t *q, const float *scale, const float *offset, int group, float *dst)
{
	for (int k = 0; k < group; k++, q += PANEL, dst += PANEL)
		for (int c = 0; c < PANEL; c++)
			dst[c] = scale[c] * (float)q[c] + (offset ? offset[c] : 0);
}

static void expand_nibbles(const uint8_t *q, int bias, const float *scale, const float *offset, int group, float *dst)
{
	float *low = dst, *high = dst + group / 2 * PANEL;

	for (int i = 0; i < group / 2 * PANEL; i++) {
		int c = i % PANEL;

		low[i] = scale[c] * (float)((q[i] & 15) - bias) + (offset ? offset[c] : 0);
		high[i] = scale[c] * (float)((q[i] >> 4) - bias) + (offset ? offset[c] : 0);
	}
}

enum { CHAINS = 10 };

static float busy(size_t rounds)
{
	quad x[CHAINS];
	float sum = 0;

	for (int i = 0; i < CHAINS; i++)
		x[i] = (quad){ (float)i, 1, 2, 3 };
	for (size_t n = 0; n < rounds; n++)
		for (int i = 0; i < CHAINS; i++)
			x[i] = x[i] * 0.5f + 0.5f;
	for (int i = 0; i < CHAINS; i++)
		sum += x[i][0];
	return sum;
}

const struct gemm gemm_generic = {
	.shapes = { { 1, ROWS } },
	.bulk = { 1, ROWS },
	.back_inputs = { 0, ROWS, 0 },
	GEMM_FUNCTIONS,
	.busy_flops = CHAINS * 4 * 2,
};

const struct gemm *gemm_of(enum cpu_set set)
{
	static const struct gemm *const sets[CPU_SETS] = {
		[CPU_GENERIC] = &gemm_generic,
#if defined(__x86_64__)
		[CPU_AVX2] = &gemm_avx2,
		[CPU_AVX512] = &gemm_avx512,
#endif
	};

	return sets[set];
}

#ifndef GEMM_WATCHED /* otherwise gemm_watched.c has it */
const struct gemm *gemm_here(void)
{
	return gemm_of(cpu_set());
}
#endif
