/* gemm_avx2.c - see gemm.h: 16 registers of 8 floats, so a panel is two registers wide. */
/* UNROLL before a loop is more than clang-format can read. */
/* clang-format off */
#if defined(__x86_64__)
#include "engine/numbers/gemm.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

/* Lanes i of 8 whose bit is set. */
AVX2 static inline __m256i lanes(uint64_t bits)
{
	const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);

	return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)(bits & 255)), each), each);
}

/* Eight weights as floats. */
AVX2 static INLINE __m256 weights_at(const enum gemm_weights kind, const char *b)
{
	if (kind == WEIGHTS_F32)
		return _mm256_load_ps((const float *)(const void *)b);
	if (kind == WEIGHTS_F16)
		return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(const void *)b));
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)(const void *)b)), 16));
}

/* Inlined with constant rows, panels and kind, so that sum[] is 2 * rows * panels registers. */
AVX2 static INLINE void tile_of(const int rows, const int panels, const enum gemm_weights kind, const struct gemm_tile *t)
{
	const size_t line = kind == WEIGHTS_F32 ? 64 : 32;	/* bytes of sixteen weights */
	const int halves = 2 * panels;
	__m256 sum[12];
	const float *a = t->a;
	const char *b = t->b;
	const size_t stride = t->stride / PANEL * line, ldy = t->ldy;
	const uint64_t columns = t->columns;
	const ptrdiff_t pace = t->pace;
	const char *soon = t->soon;
	float *const y = t->y;

	UNROLL for (int r = 0; r < rows; r++)
		UNROLL for (int h = 0; h < halves; h++)
			sum[r * halves + h] = !t->more ? _mm256_setzero_ps() :
				_mm256_maskload_ps(y + (size_t)r * ldy + 8 * h, lanes(columns >> (8 * h)));
	for (size_t k = t->depth; k; k--, a += rows, b += line, soon += pace) {
		__m256 w[2 * PANELS_MAX];

		UNROLL for (int h = 0; h < halves; h++)
			w[h] = weights_at(kind, b + (size_t)(h / 2) * stride + line / 2 * (size_t)(h % 2));
		UNROLL for (int p = 0; p < panels; p++)
			_mm_prefetch(soon + (size_t)p * stride, _MM_HINT_T0);
		UNROLL for (int r = 0; r < rows; r++) {
			const __m256 x = _mm256_broadcast_ss(a + r);

			UNROLL for (int h = 0; h < halves; h++)
				sum[r * halves + h] = _mm256_fmadd_ps(x, w[h], sum[r * halves + h]);
		}
	}
	UNROLL for (int r = 0; r < rows; r++)
		UNROLL for (int h = 0; h < halves; h++)
			if ((columns >> (8 * h) & 255) == 255)
				_mm256_storeu_ps(y + (size_t)r * ldy + 8 * h, sum[r * halves + h]);
			else
				_mm256_maskstore_ps(y + (size_t)r * ldy + 8 * h, lanes(columns >> (8 * h)),
						    sum[r * halves + h]);
}

#define TILES(X, kind) X(1, 1, kind) X(2, 1, kind) X(3, 1, kind) X(4, 1, kind) X(5, 1, kind) X(6, 1, kind) \
	X(1, 2, kind) X(2, 2, kind) X(3, 2, kind) X(1, 4, kind)
#define ALL_TILES(X) TILES(X, F32) TILES(X, BF16) TILES(X, F16)

#define TILE(rows, panels, kind) \
	AVX2 static void tile_##rows##x##panels##_##kind(const struct gemm_tile *t) { tile_of(rows, panels, WEIGHTS_##kind, t); }
ALL_TILES(TILE)

static void tile(const struct gemm_tile *t)
{
#define ENTRY(rows, panels, kind) [WEIGHTS_##kind][panels][rows] = tile_##rows##x##panels##_##kind,
	static void (*const tiles[WEIGHTS_KINDS][PANELS_MAX + 1][7])(const struct gemm_tile *) = { ALL_TILES(ENTRY) };

	tiles[t->kind][t->panels][t->rows](t);
}

/* Sixteen weights of each input as floats, one input after the other. */
AVX2 static INLINE const float *floats_of(const int inputs, const enum gemm_weights kind, const char *w, float *room)
{
	if (kind == WEIGHTS_F32)
		return (const float *)(const void *)w;
	UNROLL for (int h = 0; h < 2 * inputs; h++)
		_mm256_store_ps(room + 8 * h, weights_at(kind, w + 16 * h));
	return room;
}

/* Inlined with constant inputs, halves of a panel of rows and kind, so that sum[] is inputs * halves registers. */
AVX2 static INLINE void back_of(const int inputs, const int halves, const enum gemm_weights kind, const struct gemm_back *t)
{
	const size_t line = kind == WEIGHTS_F32 ? 64 : 32;	/* bytes of sixteen weights */
	_Alignas(64) float room[12 * PANEL];
	__m256 sum[12];
	const char *w = t->w, *soon = t->soon;
	const float *d = t->d;
	const size_t apart = t->apart / PANEL * line, ldg = t->ldg;
	float *const g = t->g;

	UNROLL for (int i = 0; i < inputs; i++)
		UNROLL for (int h = 0; h < halves; h++)
			sum[i * halves + h] = t->more ? _mm256_load_ps(g + (size_t)i * ldg + 8 * h) : _mm256_setzero_ps();
	for (size_t left = t->depth, some; left; left -= some, w += apart, soon += apart) {
		const float *at = floats_of(inputs, kind, w, room), *end;

		some = left < PANEL ? left : PANEL;
		UNROLL for (size_t i = 0; i < (size_t)inputs * line; i += 64)
			_mm_prefetch(soon + i, _MM_HINT_T0);
		for (end = at + some; at < end; at++, d += PANEL) {
			__m256 x[2];

			UNROLL for (int h = 0; h < halves; h++)
				x[h] = _mm256_load_ps(d + 8 * h);
			UNROLL for (int i = 0; i < inputs; i++) {
				const __m256 one = _mm256_broadcast_ss(at + PANEL * i);

				UNROLL for (int h = 0; h < halves; h++)
					sum[i * halves + h] = _mm256_fmadd_ps(one, x[h], sum[i * halves + h]);
			}
		}
	}
	UNROLL for (int i = 0; i < inputs; i++)
		UNROLL for (int h = 0; h < halves; h++)
			_mm256_store_ps(g + (size_t)i * ldg + 8 * h, sum[i * halves + h]);
}

#define BACKS(X, kind) X(1, 1, kind) X(2, 1, kind) X(3, 1, kind) X(4, 1, kind) X(5, 1, kind) X(6, 1, kind) X(7, 1, kind) \
	X(8, 1, kind) X(9, 1, kind) X(10, 1, kind) X(11, 1, kind) X(12, 1, kind) \
	X(1, 2, kind) X(2, 2, kind) X(3, 2, kind) X(4, 2, kind) X(5, 2, kind) X(6, 2, kind)
#define ALL_BACKS(X) BACKS(X, F32) BACKS(X, BF16) BACKS(X, F16)
#define BACK(inputs, halves, kind) \
	AVX2 static void back_##inputs##x##halves##_##kind(const struct gemm_back *t) \
	{ back_of(inputs, halves, WEIGHTS_##kind, t); }
ALL_BACKS(BACK)

static void back(const struct gemm_back *t)
{
#define BACK_ENTRY(inputs, halves, kind) [WEIGHTS_##kind][halves - 1][inputs] = back_##inputs##x##halves##_##kind,
	static void (*const backs[WEIGHTS_KINDS][2][13])(const struct gemm_back *) = { ALL_BACKS(BACK_ENTRY) };

	backs[t->kind][t->panels][t->inputs](t);
}

/* 8 x 8: three rounds of exchanges, of floats, of pairs, of quads. */
AVX2 static INLINE void turn(__m256 x[8])
{
	__m256 y[8];

	UNROLL for (int r = 0; r < 8; r += 2) {
		y[r] = _mm256_unpacklo_ps(x[r], x[r + 1]);
		y[r + 1] = _mm256_unpackhi_ps(x[r], x[r + 1]);
	}
	UNROLL for (int r = 0; r < 8; r += 4) {
		UNROLL for (int i = 0; i < 2; i++) {
			x[r + 2 * i] = _mm256_shuffle_ps(y[r + i], y[r + i + 2], 0x44);
			x[r + 2 * i + 1] = _mm256_shuffle_ps(y[r + i], y[r + i + 2], 0xEE);
		}
	}
	UNROLL for (int i = 0; i < 4; i++) {
		y[i] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x20);
		y[i + 4] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x31);
	}
	UNROLL for (int i = 0; i < 8; i++)
		x[i] = y[i];
}

AVX2 static INLINE void transpose_8(const float *src, size_t lds, float *dst, size_t ldd)
{
	__m256 x[8];

	UNROLL for (int r = 0; r < 8; r++)
		x[r] = _mm256_loadu_ps(src + (size_t)r * lds);
	turn(x);
	UNROLL for (int i = 0; i < 8; i++)
		_mm256_storeu_ps(dst + (size_t)i * ldd, x[i]);
}

/* The first of eight floats, as many as there are rows. */
AVX2 static INLINE void store_some(float *dst, __m256 x, int rows)
{
	__m128 four = _mm256_castps256_ps128(x);

	if (rows & 4) {
		_mm_storeu_ps(dst, four);
		four = _mm256_extractf128_ps(x, 1);
		dst += 4;
	}
	if (rows & 2) {
		_mm_storel_pi((__m64 *)(void *)dst, four);
		four = _mm_movehl_ps(four, four);
		dst += 2;
	}
	if (rows & 1)
		_mm_store_ss(dst, four);
}

/* Fewer than eight rows, as tiles have them; the last one serves for those that are not there. */
AVX2 static INLINE void transpose_some(const float *src, size_t lds, int rows, float *dst, size_t ldd)
{
	__m256 x[8];

	UNROLL for (int r = 0; r < 8; r++)
		x[r] = _mm256_loadu_ps(src + (size_t)(r < rows ? r : rows - 1) * lds);
	turn(x);
	UNROLL for (int i = 0; i < 8; i++)
		store_some(dst + (size_t)i * ldd, x[i], rows);
}

AVX2 static void transpose(const float *src, size_t lds, int rows, int columns, float *dst, size_t ldd)
{
	for (int r = 0; r < rows; r += 8) {
		for (int c = 0; c < columns; c += 8) {
			const float *from = src + (size_t)r * lds + c;
			float *to = dst + (size_t)c * ldd + r;

			if (rows - r >= 8 && columns - c >= 8)
				transpose_8(from, lds, to, ldd);
			else if (columns - c >= 8)
				transpose_some(from, lds, rows - r, to, ldd);
			else
				gemm_generic.transpose(from, lds, rows - r < 8 ? rows - r : 8,
						       columns - c < 8 ? columns - c : 8, to, ldd);
		}
	}
}

AVX2 static void expand_bf16(const uint16_t *src, float *dst, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		__m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(src + i)));

		_mm256_storeu_ps(dst + i, _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16)));
	}
}

AVX2 static void expand_f16(const uint16_t *src, float *dst, size_t n)
{
	for (size_t i = 0; i < n; i += 8)
		_mm256_storeu_ps(dst + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(src + i))));
}

/* A product and then a sum, as dtype.h's expand rounds. */
AVX2 static inline __m256 scaled(__m256i q, __m256 scale, __m256 offset)
{
	return _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(q), scale), offset);
}

AVX2 static void expand_bytes(const int8_t *q, const float *scale, const float *offset, int group, float *dst)
{
	for (int h = 0; h < PANEL; h += 8) {
		const __m256 s = _mm256_loadu_ps(scale + h), o = offset ? _mm256_loadu_ps(offset + h) : _mm256_setzero_ps();

		for (int i = h; i < group * PANEL; i += PANEL)
			_mm256_storeu_ps(dst + i, scaled(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(q + i))), s, o));
	}
}

AVX2 static void expand_nibbles(const uint8_t *q, int bias, const float *scale, const float *offset, int group, float *dst)
{
	const __m256i low = _mm256_set1_epi32(15), less = _mm256_set1_epi32(bias);

	for (int h = 0; h < PANEL; h += 8) {
		const __m256 s = _mm256_loadu_ps(scale + h), o = offset ? _mm256_loadu_ps(offset + h) : _mm256_setzero_ps();

		for (int i = h; i < group / 2 * PANEL; i += PANEL) {
			__m256i both = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(q + i)));
			__m256i high = _mm256_srli_epi32(both, 4);

			_mm256_storeu_ps(dst + i, scaled(_mm256_sub_epi32(_mm256_and_si256(both, low), less), s, o));
			_mm256_storeu_ps(dst + i + group / 2 * PANEL, scaled(_mm256_sub_epi32(high, less), s, o));
		}
	}
}

enum { CHAINS = 12 };	/* two a cycle, each waits four or five cycles for itself: 10 would do */

AVX2 static float busy(size_t rounds)
{
	__m256 x[CHAINS];
	const __m256 half = _mm256_set1_ps(0.5f);

	UNROLL for (int i = 0; i < CHAINS; i++)
		x[i] = _mm256_set1_ps((float)i);
	for (size_t n = 0; n < rounds; n++)
		UNROLL for (int i = 0; i < CHAINS; i++)
			x[i] = _mm256_fmadd_ps(x[i], half, half);
	UNROLL for (int i = 1; i < CHAINS; i++)
		x[0] = _mm256_add_ps(x[0], x[i]);
	return _mm256_cvtss_f32(x[0]);
}

const struct gemm gemm_avx2 = {
	.shapes = { { 4, 1 }, { 2, 3 }, { 1, 6 } },
	.bulk = { 1, 6 },
	.back_inputs = { 12, 6, 0 },
	GEMM_FUNCTIONS,
	.halves = true,
	.busy_flops = CHAINS * 8 * 2,
};
#else
typedef int lmscope_no_avx2;	/* a file may not be empty */
#endif
