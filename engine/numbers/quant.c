/*
 * quant.c - see quant.h. The layouts are ggml's; offsets of the fields within a block are written out.
 *
 * Products of scales are rounded to float before they meet the integer, as the reference does.
 */
/* UNROLL before a loop is more than clang-format can read. */
/* clang-format off */
#include "engine/numbers/quant.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/numbers/cpu.h"

typedef uint8_t bytes16 __attribute__((vector_size(16)));

static float half_at(const unsigned char *p)
{
	return dtype_half((uint16_t)(p[0] | p[1] << 8));
}

static bytes16 load(const unsigned char *p)
{
	bytes16 x;

	memcpy(&x, p, sizeof x);
	return x;
}

static void store(bytes16 x, int8_t *q)
{
	memcpy(q, &x, sizeof x);
}

/* 16 bytes hold 32 nibbles: the low ones first. */
static void nibbles(const unsigned char *bytes, int8_t *q)
{
	const bytes16 x = load(bytes);

	store(x & 15, q);
	store(x >> 4, q + 16);
}

/* The integers of IQ4: steps that widen outwards. */
static const int8_t step[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

#if defined(__x86_64__)
/* The processor looks sixteen up at once. */
FOR_AVX2 static void look_up(const int8_t *table, const unsigned char *bytes, int8_t *q)
{
	const __m128i x = _mm_loadu_si128((const __m128i *)bytes), steps = _mm_loadu_si128((const __m128i *)table),
		low = _mm_set1_epi8(15);

	_mm_storeu_si128((__m128i *)q, _mm_shuffle_epi8(steps, _mm_and_si128(x, low)));
	_mm_storeu_si128((__m128i *)(q + 16), _mm_shuffle_epi8(steps, _mm_and_si128(_mm_srli_epi16(x, 4), low)));
}
#else
static void look_up(const int8_t *table, const unsigned char *bytes, int8_t *q)
{
	(void)table, (void)bytes, (void)q;	/* there is but the generic set of kernels */
}
#endif

static void nonlinear_nibbles(const int8_t *table, const unsigned char *bytes, int8_t *q)
{
	if (cpu_set() != CPU_GENERIC) {
		look_up(table, bytes, q);
		return;
	}
	for (int i = 0; i < 16; i++) {
		q[i] = table[bytes[i] & 15];
		q[i + 16] = table[bytes[i] >> 4];
	}
}

/* {half d; q[16]} */
static void q4_0(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	(void)offset;
	scale[0] = half_at(b);
	nibbles(b + 2, q);
}

/* {half d, m; q[16]} */
static void q4_1(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	scale[0] = half_at(b);
	offset[0] = half_at(b + 2);
	nibbles(b + 4, q);
}

/* 16 where a bit is set, of two bytes with eight each. */
static bytes16 sixteens(const unsigned char *bits)
{
	static const bytes16 bit = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
	const uint64_t each = 0x0101010101010101u, two[2] = { bits[0] * each, bits[1] * each };
	bytes16 x;

	memcpy(&x, two, sizeof x);
	return (bytes16)((x & bit) == bit) & 16;
}

/* The fifth bits of 32 integers, and what is to be taken away. */
static void fifth_bits(const unsigned char *bits, uint8_t less, int8_t *q)
{
	for (int i = 0; i < 2; i++)
		store((load((const unsigned char *)q + 16 * i) | sixteens(bits + 2 * i)) - less, q + 16 * i);
}

/* {half d; bits[4]; q[16]} */
static void q5_0(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	(void)offset;
	scale[0] = half_at(b);
	nibbles(b + 6, q);
	fifth_bits(b + 2, 16, q);
}

/* {half d, m; bits[4]; q[16]} */
static void q5_1(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	scale[0] = half_at(b);
	offset[0] = half_at(b + 2);
	nibbles(b + 8, q);
	fifth_bits(b + 4, 0, q);
}

/* {half d; q[32]} */
static void q8_0(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	(void)offset;
	scale[0] = half_at(b);
	memcpy(q, b + 2, 32);
}

/* {half d; q[16]} */
static void iq4_nl(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	(void)offset;
	scale[0] = half_at(b);
	nonlinear_nibbles(step, b + 2, q);
}

/* Four-bit floats, doubled: two bits of exponent and one of mantissa. */
static const int8_t mx_value[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

/* {u8 power of two; q[16]} */
static void mxfp4(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	(void)offset;
	scale[0] = dtype_half_power(b[0]);
	nonlinear_nibbles(mx_value, b + 1, q);
}

#if defined(__x86_64__)
FOR_AVX2 static void look_up_all(const unsigned char *both, int n, int8_t *low, int8_t *high)
{
	const __m128i table = _mm_loadu_si128((const __m128i *)mx_value), mask = _mm_set1_epi8(15);

	for (int i = 0; i < n; i += 16) {
		const __m128i x = _mm_loadu_si128((const __m128i *)(both + i));

		_mm_storeu_si128((__m128i *)(low + i), _mm_shuffle_epi8(table, _mm_and_si128(x, mask)));
		_mm_storeu_si128((__m128i *)(high + i), _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(x, 4), mask)));
	}
}
#else
static void look_up_all(const unsigned char *both, int n, int8_t *low, int8_t *high)
{
	(void)both, (void)n, (void)low, (void)high; /* there is but the generic set of kernels */
}
#endif

void quant_mxfp4_values(const unsigned char *both, int n, int8_t *low, int8_t *high)
{
	if (cpu_set() != CPU_GENERIC) {
		look_up_all(both, n, low, high);
		return;
	}
	for (int i = 0; i < n; i++) {
		low[i] = mx_value[both[i] & 15];
		high[i] = mx_value[both[i] >> 4];
	}
}

/* {half d; u16 high; low[4]; q[128]}: scales of 6 bits, 4 in low and 2 in high */
static void iq4_xs(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	const float d = half_at(b);
	const int high = b[2] | b[3] << 8;

	(void)offset;
	for (int i = 0; i < 8; i++) {
		int s = (b[4 + i / 2] >> 4 * (i % 2) & 15) | (high >> 2 * i & 3) << 4;

		scale[i] = d * (float)(s - 32);
		nonlinear_nibbles(step, b + 8 + 16 * i, q + 32 * i);
	}
}

/*
 * K formats: 256 integers in eight groups of 32, of which four share the bytes of one half. Sixteen at a time: of half n, group g
 * of it, its first or second part.
 */
#define UNROLL _Pragma("GCC unroll 4")	/* shifts by numbers that are known */
#define EACH_PART(n, g, part) \
	UNROLL for (int n = 0; n < 2; n++) UNROLL for (int g = 0; g < 4; g++) UNROLL for (int part = 0; part < 32; part += 16)

/* `value` where a bit of sixteen bytes is set, else 0. */
static inline bytes16 bit_as(const unsigned char *bytes, int bit, unsigned char value)
{
	const unsigned char mask = (unsigned char)(1u << bit);

	return (bytes16)((load(bytes) & mask) == mask) & value;
}

/* {scales[16]; q[64]; half d, dmin} */
static void q2_k(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	const float d = half_at(b + 80), dmin = half_at(b + 82);

	EACH_PART(n, g, part)
		store(load(b + 16 + 32 * n + part) >> 2 * g & 3, q + 128 * n + 32 * g + part);
	for (int i = 0; i < 16; i++) {
		scale[i] = d * (float)(b[i] & 15);
		offset[i] = -(dmin * (float)(b[i] >> 4));
	}
}

/* {third bits[32]; q[64]; scales[12]; half d} */
static void q3_k(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	const unsigned char *s = b + 96;
	const float d = half_at(b + 108);
	const uint64_t nibble = 0x0f0f0f0f0f0f0f0fu;
	const uint32_t pairs = 0x03030303u;
	uint64_t low, low_high[2];
	uint32_t high;
	unsigned char six_bits[16];

	(void)offset;
	EACH_PART(n, g, part)
		store((load(b + 32 + 32 * n + part) >> 2 * g & 3) | bit_as(b + part, 4 * n + g, 4), q + 128 * n + 32 * g + part);
	/* the low nibbles of sixteen scales in eight bytes, and four times two bits above them in each of four */
	memcpy(&low, s, sizeof low);
	memcpy(&high, s + 8, sizeof high);
	for (int i = 0; i < 2; i++) {
		const uint64_t above = (uint64_t)(high >> 4 * i & pairs) | (uint64_t)(high >> (4 * i + 2) & pairs) << 32;

		low_high[i] = (low >> 4 * i & nibble) | above << 4;
	}
	memcpy(six_bits, low_high, sizeof six_bits);
	for (int i = 0; i < 16; i++)
		scale[i] = d * (float)(six_bits[i] - 32);
}

/* Eight scales and eight offsets of six bits in twelve bytes, with their common factors. */
static void six_bit_scales(const unsigned char *s, float d, float dmin, float *scale, float *offset)
{
	for (int j = 0; j < 8; j++) {
		int a = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
		int m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;

		scale[j] = d * (float)a;
		offset[j] = -(dmin * (float)m);
	}
}

/* 32 bytes hold the nibbles of two groups of 32. */
static void group_nibbles(const unsigned char *bytes, int8_t *q)
{
	for (int i = 0; i < 128; i += 16) {
		const bytes16 x = load(bytes + i);

		store(x & 15, q + i / 32 * 64 + i % 32);
		store(x >> 4, q + i / 32 * 64 + i % 32 + 32);
	}
}

/* {half d, dmin; scales[12]; q[128]} */
static void q4_k(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	six_bit_scales(b + 4, half_at(b), half_at(b + 2), scale, offset);
	group_nibbles(b + 16, q);
}

/* {half d, dmin; scales[12]; fifth bits[32]; q[128]} */
static void q5_k(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	six_bit_scales(b + 4, half_at(b), half_at(b + 2), scale, offset);
	group_nibbles(b + 48, q);
	EACH_PART(n, g, part) {
		int8_t *at = q + 128 * n + 32 * g + part;

		store(load((const unsigned char *)at) | bit_as(b + 16 + part, 4 * n + g, 16), at);
	}
}

/* {low[128]; high[64]; scales[16]; half d} */
static void q6_k(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	const float d = half_at(b + 208);

	(void)offset;
	EACH_PART(n, g, part) {
		const bytes16 low = load(b + 64 * n + 32 * (g & 1) + part) >> (g < 2 ? 0 : 4) & 15;

		store((low | (load(b + 128 + 32 * n + part) >> 2 * g & 3) << 4) - 32, q + 128 * n + 32 * g + part);
	}
	for (int i = 0; i < 16; i++)
		scale[i] = d * (float)(int8_t)b[192 + i];
}

const struct quant quant_table[DTYPE_COUNT] = {
	/*		  group bits bias offset at fifth less */
	[DTYPE_Q4_0]	= { 32, 4,  8, false, 2, 0, 0,  q4_0 },
	[DTYPE_Q4_1]	= { 32, 4,  0, true,  4, 0, 0,  q4_1 },
	[DTYPE_Q5_0]	= { 32, 8,  0, false, 6, 2, 16, q5_0 },
	[DTYPE_Q5_1]	= { 32, 8,  0, true,  8, 4, 0,  q5_1 },
	[DTYPE_Q8_0]	= { 32, 8,  0, false, 2, 0, 0,  q8_0 },
	[DTYPE_Q2_K]	= { 16, 4,  0, true,  0, 0, 0,  q2_k },
	[DTYPE_Q3_K]	= { 16, 4,  4, false, 0, 0, 0,  q3_k },
	[DTYPE_Q4_K]	= { 32, 4,  0, true,  0, 0, 0,  q4_k },
	[DTYPE_Q5_K]	= { 32, 8,  0, true,  0, 0, 0,  q5_k },
	[DTYPE_Q6_K]	= { 16, 8,  0, false, 0, 0, 0,  q6_k },
	[DTYPE_IQ4_NL]	= { 32, 8,  0, false, 0, 0, 0,  iq4_nl },
	[DTYPE_IQ4_XS]	= { 32, 8,  0, false, 0, 0, 0,  iq4_xs },
	[DTYPE_MXFP4]	= { 32, 8,  0, false, 0, 0, 0,  mxfp4 },
};
