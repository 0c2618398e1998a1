/* gemm_avx512.c - see gemm.h: 32 registers of 16 floats. */
/* UNROLL before a loop is more than clang-format can read. */
/* clang-format off */
#if defined(__x86_64__)
#include "engine/numbers/gemm.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")))
#define INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

/* Sixteen weights as floats. */
AVX512 static INLINE __m512 weights_at(const enum gemm_weights kind, const char *b)
{
	if (kind == WEIGHTS_F32)
		return _mm512_load_ps(b);
	if (kind == WEIGHTS_F16)
		return _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)b));
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)b)), 16));
}

/* Inlined with constant rows, panels and kind, so that sum[] is rows * panels registers. */
AVX512 static INLINE void tile_of(const int rows, const int panels, const enum gemm_weights kind, const struct gemm_tile *t)
{
	const size_t line = kind == WEIGHTS_F32 ? 64 : 32;	/* bytes of sixteen weights */
	__m512 sum[28];
	const float *a = t->a;
	const char *b = t->b;
	const size_t stride = t->stride / PANEL * line, ldy = t->ldy;
	const uint64_t columns = t->columns;
	const ptrdiff_t pace = t->pace;
	const char *soon = t->soon;
	float *const y = t->y;

	UNROLL for (int r = 0; r < rows; r++)
		UNROLL for (int p = 0; p < panels; p++)
			sum[r * panels + p] = !t->more ? _mm512_setzero_ps() :
				_mm512_maskz_loadu_ps((__mmask16)(columns >> (PANEL * p)),
						      y + (size_t)r * ldy + PANEL * p);
	for (size_t k = t->depth; k; k--, a += rows, b += line, soon += pace) {
		__m512 w[PANELS_MAX];

		UNROLL for (int p = 0; p < panels; p++) {
			w[p] = weights_at(kind, b + (size_t)p * stride);
			_mm_prefetch(soon + (size_t)p * stride, _MM_HINT_T0);
		}
		UNROLL for (int r = 0; r < rows; r++) {
			const __m512 x = _mm512_set1_ps(a[r]);

			UNROLL for (int p = 0; p < panels; p++)
				sum[r * panels + p] = _mm512_fmadd_ps(x, w[p], sum[r * panels + p]);
		}
	}
	UNROLL for (int r = 0; r < rows; r++)
		UNROLL for (int p = 0; p < panels; p++)
			_mm512_mask_storeu_ps(y + (size_t)r * ldy + PANEL * p,
					      (__mmask16)(columns >> (PANEL * p)), sum[r * panels + p]);
}

#define ROWS_1_TO_6(X, p, kind) X(1, p, kind) X(2, p, kind) X(3, p, kind) X(4, p, kind) X(5, p, kind) X(6, p, kind)
#define ROWS_1_TO_14(X, p, kind) ROWS_1_TO_6(X, p, kind) X(7, p, kind) X(8, p, kind) X(9, p, kind) X(10, p, kind) \
	X(11, p, kind) X(12, p, kind) X(13, p, kind) X(14, p, kind)
#define ROWS_1_TO_28(X, p, kind) ROWS_1_TO_14(X, p, kind) X(15, p, kind) X(16, p, kind) X(17, p, kind) X(18, p, kind) \
	X(19, p, kind) X(20, p, kind) X(21, p, kind) X(22, p, kind) X(23, p, kind) X(24, p, kind) X(25, p, kind) \
	X(26, p, kind) X(27, p, kind) X(28, p, kind)
#define TILES(X, kind) ROWS_1_TO_28(X, 1, kind) ROWS_1_TO_14(X, 2, kind) ROWS_1_TO_6(X, 4, kind)
#define ALL_TILES(X) TILES(X, F32) TILES(X, BF16) TILES(X, F16)

#define TILE(rows, panels, kind) \
	AVX512 static void tile_##rows##x##panels##_##kind(const struct gemm_tile *t) { tile_of(rows, panels, WEIGHTS_##kind, t); }
ALL_TILES(TILE)

static void tile(const struct gemm_tile *t)
{
#define ENTRY(rows, panels, kind) [WEIGHTS_##kind][panels][rows] = tile_##rows##x##panels##_##kind,
	static void (*const tiles[WEIGHTS_KINDS][PANELS_MAX + 1][29])(const struct gemm_tile *) = { ALL_TILES(ENTRY) };

	tiles[t->kind][t->panels][t->rows](t);
}

/* Sixteen weights of each input as floats, one input after the other. */
AVX512 static INLINE const float *floats_of(const int inputs, const enum gemm_weights kind, const char *w, float *room)
{
	if (kind == WEIGHTS_F32)
		return (const float *)(const void *)w;
	UNROLL for (int i = 0; i < inputs; i++)
		_mm512_store_ps(room + PANEL * i, weights_at(kind, w + 32 * i));
	return room;
}

/* Inlined with constant inputs, panels and kind, so that sum[] is inputs * panels registers. */
AVX512 static INLINE void back_of(const int inputs, const int panels, const enum gemm_weights kind, const struct gemm_back *t)
{
	const size_t line = kind == WEIGHTS_F32 ? 64 : 32; /* bytes of sixteen weights */
	_Alignas(64) float room[28 * PANEL];
	__m512 sum[28];
	const char *w = t->w, *soon = t->soon;
	const float *d = t->d;
	const size_t stride = t->stride, apart = t->apart / PANEL * line, ldg = t->ldg;
	float *const g = t->g;

	UNROLL for (int i = 0; i < inputs; i++)
		UNROLL for (int p = 0; p < panels; p++)
			sum[i * panels + p] = t->more ? _mm512_load_ps(g + (size_t)i * ldg + PANEL * p) : _mm512_setzero_ps();
	for (size_t left = t->depth, some; left; left -= some, w += apart, soon += apart) {
		const float *at = floats_of(inputs, kind, w, room), *end;

		some = left < PANEL ? left : PANEL;
		UNROLL for (size_t i = 0; i < (size_t)inputs * line; i += 64)
			_mm_prefetch(soon + i, _MM_HINT_T0);
		for (end = at + some; at < end; at++, d += PANEL) {
			__m512 x[BACK_PANELS];

			UNROLL for (int p = 0; p < panels; p++)
				x[p] = _mm512_load_ps(d + (size_t)p * stride);
			UNROLL for (int i = 0; i < inputs; i++) {
				const __m512 one = _mm512_set1_ps(at[PANEL * i]);

				UNROLL for (int p = 0; p < panels; p++)
					sum[i * panels + p] = _mm512_fmadd_ps(one, x[p], sum[i * panels + p]);
			}
		}
	}
	UNROLL for (int i = 0; i < inputs; i++)
		UNROLL for (int p = 0; p < panels; p++)
			_mm512_store_ps(g + (size_t)i * ldg + PANEL * p, sum[i * panels + p]);
}

#define BACKS(X, kind) ROWS_1_TO_28(X, 1, kind) ROWS_1_TO_14(X, 2, kind)
#define ALL_BACKS(X) BACKS(X, F32) BACKS(X, BF16) BACKS(X, F16)
#define BACK(inputs, panels, kind) \
	AVX512 static void back_##inputs##x##panels##_##kind(const struct gemm_back *t) \
	{ back_of(inputs, panels, WEIGHTS_##kind, t); }
ALL_BACKS(BACK)

static void back(const struct gemm_back *t)
{
#define BACK_ENTRY(inputs, panels, kind) [WEIGHTS_##kind][panels][inputs] = back_##inputs##x##panels##_##kind,
	static void (*const backs[WEIGHTS_KINDS][BACK_PANELS + 1][29])(const struct gemm_back *) = { ALL_BACKS(BACK_ENTRY) };

	backs[t->kind][t->panels][t->inputs](t);
}

/* Four rounds of exchanges: of floats, of pairs, of quads, of octets. */
AVX512 static void transpose(const float *src, size_t lds, int rows, int columns, float *dst, size_t ldd)
{
	const __mmask16 read = (__mmask16)((1u << columns) - 1), write = (__mmask16)((1u << rows) - 1);
	__m512 x[16], y[16];

	UNROLL for (int r = 0; r < 16; r++)
		x[r] = _mm512_maskz_loadu_ps(r < rows ? read : 0, src + (size_t)r * lds);
	UNROLL for (int r = 0; r < 16; r += 2) {
		y[r] = _mm512_unpacklo_ps(x[r], x[r + 1]);
		y[r + 1] = _mm512_unpackhi_ps(x[r], x[r + 1]);
	}
	UNROLL for (int r = 0; r < 16; r += 4) {
		UNROLL for (int i = 0; i < 2; i++) {
			const __m512d a = _mm512_castps_pd(y[r + i]), b = _mm512_castps_pd(y[r + i + 2]);

			x[r + 2 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
			x[r + 2 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
		}
	}
	UNROLL for (int r = 0; r < 16; r += 8) {
		UNROLL for (int i = 0; i < 4; i++) {
			y[r + i] = _mm512_shuffle_f32x4(x[r + i], x[r + i + 4], 0x88);
			y[r + i + 4] = _mm512_shuffle_f32x4(x[r + i], x[r + i + 4], 0xDD);
		}
	}
	UNROLL for (int i = 0; i < 8; i++) {
		x[i] = _mm512_shuffle_f32x4(y[i], y[i + 8], 0x88);
		x[i + 8] = _mm512_shuffle_f32x4(y[i], y[i + 8], 0xDD);
	}
	UNROLL for (int c = 0; c < 16; c++)
		if (c < columns)
			_mm512_mask_storeu_ps(dst + (size_t)c * ldd, write, x[c]);
}

AVX512 static void expand_bf16(const uint16_t *src, float *dst, size_t n)
{
	for (size_t i = 0; i < n; i += PANEL) {
		__m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(src + i)));

		_mm512_storeu_ps(dst + i, _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)));
	}
}

AVX512 static void expand_f16(const uint16_t *src, float *dst, size_t n)
{
	for (size_t i = 0; i < n; i += PANEL)
		_mm512_storeu_ps(dst + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(src + i))));
}

/* A product and then a sum, as dtype.h's expand rounds. */
AVX512 static INLINE __m512 scaled(__m512i q, __m512 scale, __m512 offset)
{
	return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(q), scale), offset);
}

AVX512 static void expand_bytes(const int8_t *q, const float *scale, const float *offset, int group, float *dst)
{
	const __m512 s = _mm512_loadu_ps(scale), o = offset ? _mm512_loadu_ps(offset) : _mm512_setzero_ps();

	for (int k = 0; k < group; k++, q += PANEL, dst += PANEL)
		_mm512_storeu_ps(dst, scaled(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)q)), s, o));
}

AVX512 static void expand_nibbles(const uint8_t *q, int bias, const float *scale, const float *offset, int group, float *dst)
{
	const __m512 s = _mm512_loadu_ps(scale), o = offset ? _mm512_loadu_ps(offset) : _mm512_setzero_ps();
	const __m512i low = _mm512_set1_epi32(15), less = _mm512_set1_epi32(bias);

	for (int k = 0; k < group / 2; k++, q += PANEL, dst += PANEL) {
		__m512i both = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)q));
		__m512i high = _mm512_srli_epi32(both, 4);

		_mm512_storeu_ps(dst, scaled(_mm512_sub_epi32(_mm512_and_si512(both, low), less), s, o));
		_mm512_storeu_ps(dst + group / 2 * PANEL, scaled(_mm512_sub_epi32(high, less), s, o));
	}
}

enum { CHAINS = 12 };	/* two a cycle, each waits four cycles for itself: 8 would do */

AVX512 static float busy(size_t rounds)
{
	__m512 x[CHAINS];
	const __m512 half = _mm512_set1_ps(0.5f);

	UNROLL for (int i = 0; i < CHAINS; i++)
		x[i] = _mm512_set1_ps((float)i);
	for (size_t n = 0; n < rounds; n++)
		UNROLL for (int i = 0; i < CHAINS; i++)
			x[i] = _mm512_fmadd_ps(x[i], half, half);
	UNROLL for (int i = 1; i < CHAINS; i++)
		x[0] = _mm512_add_ps(x[0], x[i]);
	return _mm512_reduce_add_ps(x[0]);
}

const struct gemm gemm_avx512 = {
	.shapes = { { 4, 6 }, { 2, 14 }, { 1, 28 } },
	.bulk = { 2, 14 },
	.back_inputs = { 0, 28, 14 },
	GEMM_FUNCTIONS,
	.halves = true,
	.busy_flops = CHAINS * 16 * 2,
};
#else
typedef int lmscope_no_avx512;	/* a file may not be empty */
#endif
