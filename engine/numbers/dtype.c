/*
 * dtype.c - see dtype.h.
 *
 * A quantised row is a sequence of blocks; each function below expands one of them. The layouts are ggml's: d and m (or
 * dmin) are halves, scale and offset of the block; K formats have 256 elements with a smaller scale for every 16 or 32.
 * Products are formed in the order (scale of the part) × (integer), each rounded to float, as the reference does, so that
 * results are equal bit for bit. Loops run over 16 or 32 neighbours without branches: compilers make vectors of them.
 */
#include "engine/numbers/dtype.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "engine/numbers/cpu.h"

#define INLINE static inline __attribute__((always_inline))

static uint16_t u16_at(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32_at(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static float float_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static uint32_t bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

/*
 * The half's fields are shifted into a float's place and the exponent's bias is corrected. A subnormal half becomes an
 * ordinary float by arithmetic (2^-14 + m 2^-24, minus 2^-14: exact), since processors are slow with subnormal floats.
 * Masks out of sign bits choose, so that compilers find no branch and make vectors of the loop over a row.
 */
static float half(uint32_t h)
{
	uint32_t magnitude = h & 0x7FFF, sign = (h & 0x8000) << 16;
	uint32_t is_subnormal = 0u - ((magnitude - 0x0400) >> 31);
	uint32_t is_special = 0u - ((0x7BFF - magnitude) >> 31); /* infinity, NaN */
	uint32_t normal = (magnitude << 13) + (112u << 23) + (is_special & 112u << 23);
	uint32_t subnormal = bits_of(float_of((magnitude << 13) + (113u << 23)) - 0x1p-14f);

	return float_of((normal & ~is_subnormal) | (subnormal & is_subnormal) | sign);
}

float dtype_half(uint16_t h)
{
	return half(h);
}

static float half_at(const unsigned char *p)
{
	return half(u16_at(p));
}

static void expand_f32(const void *src, float *dst, size_t n)
{
	if (n)
		memcpy(dst, src, n * sizeof *dst);
}

static void expand_f16(const void *src, float *dst, size_t n)
{
	const unsigned char *p = src;

	for (size_t i = 0; i < n; i++)
		dst[i] = half_at(p + 2 * i);
}

static void expand_bf16(const void *src, float *dst, size_t n)
{
	const unsigned char *p = src;

	for (size_t i = 0; i < n; i++)
		dst[i] = float_of((uint32_t)u16_at(p + 2 * i) << 16);
}

/* Bytes of 1 sign, 4 exponent and 3 fraction bits (bias 7; no infinity, one NaN of each sign): a half of another bias. */
static void expand_f8_e4m3(const void *src, float *dst, size_t n)
{
	const unsigned char *p = src;

	for (size_t i = 0; i < n; i++) {
		uint32_t magnitude = p[i] & 0x7Fu, sign = (uint32_t)(p[i] & 0x80u) << 8;

		dst[i] = half(magnitude == 0x7F ? sign | 0x7E00 : sign | magnitude << 7) * 256;
	}
}

/* The upper byte of a half. */
static void expand_f8_e5m2(const void *src, float *dst, size_t n)
{
	const unsigned char *p = src;

	for (size_t i = 0; i < n; i++)
		dst[i] = half((uint32_t)p[i] << 8);
}

static void expand_f64(const void *src, float *dst, size_t n)
{
	const unsigned char *p = src;

	for (size_t i = 0; i < n; i++) {
		double x;

		memcpy(&x, p + 8 * i, sizeof x);
		dst[i] = (float)x;
	}
}

/* Element j and element j + 16 share a byte, here and in all formats of 32. */
INLINE void q4_0(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b);

	for (int j = 0; j < 16; j++) {
		y[j] = d * (float)((b[2 + j] & 15) - 8);
		y[j + 16] = d * (float)((b[2 + j] >> 4) - 8);
	}
}

INLINE void q4_1(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b), m = half_at(b + 2);

	for (int j = 0; j < 16; j++) {
		y[j] = d * (float)(b[4 + j] & 15) + m;
		y[j + 16] = d * (float)(b[4 + j] >> 4) + m;
	}
}

/* The fifth bits of all 32 are together in a word before the nibbles. */
INLINE void five_bits(const unsigned char *b, int *v)
{
	uint32_t high = u32_at(b);

	for (int j = 0; j < 16; j++) {
		v[j] = (b[4 + j] & 15) | (int)(high >> j & 1) << 4;
		v[j + 16] = b[4 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4;
	}
}

INLINE void q5_0(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b);
	int v[32];

	five_bits(b + 2, v);
	for (int i = 0; i < 32; i++)
		y[i] = d * (float)(v[i] - 16);
}

INLINE void q5_1(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b), m = half_at(b + 2);
	int v[32];

	five_bits(b + 4, v);
	for (int i = 0; i < 32; i++)
		y[i] = d * (float)v[i] + m;
}

INLINE void q8_0(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b);

	for (int i = 0; i < 32; i++)
		y[i] = d * (float)(int8_t)b[2 + i];
}

/*
 * K formats: element e of 256 is number l = e % 32 of group g = e / 32; four groups share the bytes of one half (n = e / 128),
 * so that group j = g % 4 of half n has the bits 2j, 2j+1 of byte 32n + l.
 */

/* {u8 scales[16]; u8 q[64]; half d; half dmin} */
INLINE void q2_k(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b + 80), dmin = half_at(b + 82);

	for (int part = 0; part < 16; part++) { /* of 16 elements */
		const unsigned char *q = b + 16 + 32 * (part / 8) + 16 * (part % 2);
		int shift = 2 * (part / 2 % 4);
		float scale = d * (float)(b[part] & 15), least = dmin * (float)(b[part] >> 4);

		for (int l = 0; l < 16; l++)
			y[16 * part + l] = scale * (float)(q[l] >> shift & 3) - least;
	}
}

/* {u8 high[32]; u8 q[64]; u8 scales[12]; half d}: the third bit of group g is bit g of high[l]; where it is 0, minus 4. */
INLINE void q3_k(const unsigned char *restrict b, float *restrict y)
{
	const unsigned char *s = b + 96;
	float d = half_at(b + 108);

	for (int part = 0; part < 16; part++) {
		const unsigned char *q = b + 32 + 32 * (part / 8) + 16 * (part % 2), *high = b + 16 * (part % 2);
		int shift = 2 * (part / 2 % 4), group = part / 2;
		int low = part < 8 ? s[part] & 15 : s[part - 8] >> 4;
		int top = s[8 + part % 4] >> (2 * (part / 4)) & 3;
		float scale = d * (float)((low | top << 4) - 32);

		for (int l = 0; l < 16; l++)
			y[16 * part + l] = scale * (float)((q[l] >> shift & 3) + ((high[l] >> group & 1) << 2) - 4);
	}
}

/* Scale and offset of group j, six bits each, packed into 12 bytes: the last four groups have their top bits in the first. */
INLINE void six_bits(const unsigned char *s, int j, int *scale, int *least)
{
	if (j < 4) {
		*scale = s[j] & 63;
		*least = s[j + 4] & 63;
	} else {
		*scale = (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
		*least = s[j + 4] >> 4 | s[j] >> 6 << 4;
	}
}

/* {half d; half dmin; u8 scales[12]; u8 q[128]}: groups 2p and 2p+1 are the low and the high nibbles of q[32p …]. */
INLINE void q4_k(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b), dmin = half_at(b + 2);

	for (int j = 0; j < 8; j++) {
		const unsigned char *q = b + 16 + 32 * (j / 2);
		int sc, m, shift = 4 * (j % 2);

		six_bits(b + 4, j, &sc, &m);
		float scale = d * (float)sc, least = dmin * (float)m;
		for (int l = 0; l < 32; l++)
			y[32 * j + l] = scale * (float)(q[l] >> shift & 15) - least;
	}
}

/* The same with {u8 high[32]} before the nibbles: the fifth bit of group j is bit j of high[l]. */
INLINE void q5_k(const unsigned char *restrict b, float *restrict y)
{
	const unsigned char *high = b + 16;
	float d = half_at(b), dmin = half_at(b + 2);

	for (int j = 0; j < 8; j++) {
		const unsigned char *q = b + 48 + 32 * (j / 2);
		int sc, m, shift = 4 * (j % 2);

		six_bits(b + 4, j, &sc, &m);
		float scale = d * (float)sc, least = dmin * (float)m;
		for (int l = 0; l < 32; l++)
			y[32 * j + l] = scale * (float)((q[l] >> shift & 15) + ((high[l] >> j & 1) << 4)) - least;
	}
}

/* {u8 low[128]; u8 high[64]; i8 scales[16]; half d} */
INLINE void q6_k(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b + 208);

	for (int part = 0; part < 16; part++) {
		int n = part / 8, group = part / 2 % 4, l0 = 16 * (part % 2);
		const unsigned char *low = b + 64 * n + 32 * (group % 2) + l0, *high = b + 128 + 32 * n + l0;
		int low_shift = 4 * (group / 2), high_shift = 2 * group;
		float scale = d * (float)(int8_t)b[192 + part];

		for (int l = 0; l < 16; l++)
			y[16 * part + l] = scale * (float)((low[l] >> low_shift & 15) + ((high[l] >> high_shift & 3) << 4) - 32);
	}
}

/* The sixteen values that a nibble of the IQ4 formats stands for. */
static const float iq4_value[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

INLINE void iq4_32(const unsigned char *restrict q, float scale, float *restrict y)
{
	for (int j = 0; j < 16; j++) {
		y[j] = scale * iq4_value[q[j] & 15];
		y[j + 16] = scale * iq4_value[q[j] >> 4];
	}
}

INLINE void iq4_nl(const unsigned char *restrict b, float *restrict y)
{
	iq4_32(b + 2, half_at(b), y);
}

float dtype_half_power(int e)
{
	const uint32_t bits = e < 2 ? (uint32_t)0x00200000 << e : (uint32_t)(e - 1) << 23;
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

/* {u8 power of two; q[16]}: OCP's four-bit floats, doubled */
INLINE void mxfp4(const unsigned char *restrict b, float *restrict y)
{
	static const float value[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };
	const float d = dtype_half_power(b[0]);

	for (int j = 0; j < 16; j++) {
		y[j] = d * value[b[1 + j] & 15];
		y[j + 16] = d * value[b[1 + j] >> 4];
	}
}

/* {half d; u16 scales' high bits; u8 scales' low bits[4]; u8 q[128]} */
INLINE void iq4_xs(const unsigned char *restrict b, float *restrict y)
{
	float d = half_at(b);
	int high = u16_at(b + 2);

	for (int i = 0; i < 8; i++) {
		int scale = (b[4 + i / 2] >> (4 * (i % 2)) & 15) | (high >> (2 * i) & 3) << 4;

		iq4_32(b + 8 + 16 * i, d * (float)(scale - 32), y + 32 * i);
	}
}

/* A block is a call of its own: GCC makes better vectors of its loops than of a loop over blocks. */
#define VARIANT(format, block, bytes, name, target) \
	target __attribute__((noinline)) static void format##_block_##name(const unsigned char *restrict b, float *restrict y) \
	{ \
		format(b, y); \
	} \
	target static void format##_##name(const unsigned char *src, float *dst, size_t n) \
	{ \
		for (size_t i = 0; i < n; i += (block), src += (bytes)) \
			format##_block_##name(src, dst + i); \
	}
#define CHOICE(format, block, best) \
	static void expand_##format(const void *src, float *dst, size_t n) \
	{ \
		assert(n % (block) == 0); \
		(cpu_set() == CPU_GENERIC ? format##_plain : format##_##best)(src, dst, n); \
	}

/* Compiled for any processor; or, where that is faster, for AVX2 as well: the same operations, so the same bits. */
/* clang-format off */
#define ROW_OF_BLOCKS(format, block, bytes) \
	VARIANT(format, block, bytes, plain, ) CHOICE(format, block, plain)
/* clang-format on */
#define FAST_ROW_OF_BLOCKS(format, block, bytes) \
	VARIANT(format, block, bytes, plain, ) VARIANT(format, block, bytes, avx2, FOR_AVX2) CHOICE(format, block, avx2)

FAST_ROW_OF_BLOCKS(q4_0, 32, 18)
FAST_ROW_OF_BLOCKS(q4_1, 32, 20)
FAST_ROW_OF_BLOCKS(q5_0, 32, 22)
FAST_ROW_OF_BLOCKS(q5_1, 32, 24)
FAST_ROW_OF_BLOCKS(q8_0, 32, 34)
FAST_ROW_OF_BLOCKS(q2_k, 256, 84)
ROW_OF_BLOCKS(q3_k, 256, 110)
FAST_ROW_OF_BLOCKS(q4_k, 256, 144)
FAST_ROW_OF_BLOCKS(q5_k, 256, 176)
ROW_OF_BLOCKS(q6_k, 256, 210)
ROW_OF_BLOCKS(iq4_nl, 32, 18)
ROW_OF_BLOCKS(iq4_xs, 256, 136)
ROW_OF_BLOCKS(mxfp4, 32, 17)

const struct dtype_info dtype_table[DTYPE_COUNT] = {
	[DTYPE_F32] = { "F32", 1, 4, expand_f32 },
	[DTYPE_F16] = { "F16", 1, 2, expand_f16 },
	[DTYPE_BF16] = { "BF16", 1, 2, expand_bf16 },
	[DTYPE_F64] = { "F64", 1, 8, expand_f64 },
	[DTYPE_F8_E4M3] = { "F8_E4M3", 1, 1, expand_f8_e4m3 },
	[DTYPE_F8_E5M2] = { "F8_E5M2", 1, 1, expand_f8_e5m2 },
	[DTYPE_Q4_0] = { "Q4_0", 32, 18, expand_q4_0 },
	[DTYPE_Q4_1] = { "Q4_1", 32, 20, expand_q4_1 },
	[DTYPE_Q5_0] = { "Q5_0", 32, 22, expand_q5_0 },
	[DTYPE_Q5_1] = { "Q5_1", 32, 24, expand_q5_1 },
	[DTYPE_Q8_0] = { "Q8_0", 32, 34, expand_q8_0 },
	[DTYPE_Q2_K] = { "Q2_K", 256, 84, expand_q2_k },
	[DTYPE_Q3_K] = { "Q3_K", 256, 110, expand_q3_k },
	[DTYPE_Q4_K] = { "Q4_K", 256, 144, expand_q4_k },
	[DTYPE_Q5_K] = { "Q5_K", 256, 176, expand_q5_k },
	[DTYPE_Q6_K] = { "Q6_K", 256, 210, expand_q6_k },
	[DTYPE_IQ4_NL] = { "IQ4_NL", 32, 18, expand_iq4_nl },
	[DTYPE_IQ4_XS] = { "IQ4_XS", 256, 136, expand_iq4_xs },
	[DTYPE_MXFP4] = { "MXFP4", 32, 17, expand_mxfp4 },
};

int dtype_find(const char *name)
{
	for (int i = 0; i < DTYPE_COUNT; i++)
		if (!strcasecmp(dtype_table[i].name, name))
			return i;
	return -1;
}

size_t dtype_bytes(enum dtype type, size_t n)
{
	const struct dtype_info *info = &dtype_table[type];

	assert(n % (size_t)info->block == 0);
	return n / (size_t)info->block * (size_t)info->bytes;
}
