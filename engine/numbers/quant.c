/*
 * quant.c - see quant.h. The layouts are ggml's; offsets of the fields within a block are written out.
 *
 * Products of scales are rounded to float before they meet the integer, as the reference does.
 */
#include "engine/numbers/quant.h"

static float half_at(const unsigned char *p)
{
	return dtype_half((uint16_t)(p[0] | p[1] << 8));
}

/* 16 bytes hold 32 nibbles: the low ones first. */
static void nibbles(const unsigned char *bytes, int8_t *q)
{
	for (int i = 0; i < 16; i++) {
		q[i] = (int8_t)(bytes[i] & 15);
		q[i + 16] = (int8_t)(bytes[i] >> 4);
	}
}

/* The integers of IQ4: steps that widen outwards. */
static void nonlinear_nibbles(const unsigned char *bytes, int8_t *q)
{
	static const int8_t step[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

	nibbles(bytes, q);
	for (int i = 0; i < 32; i++)
		q[i] = step[q[i]];
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

/* The fifth bits of 32 integers, and what is to be taken away. */
static void fifth_bits(const unsigned char *bits, int less, int8_t *q)
{
	for (int i = 0; i < 32; i++)
		q[i] = (int8_t)(q[i] + ((bits[i / 8] >> (i % 8) & 1) << 4) - less);
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
	for (int i = 0; i < 32; i++)
		q[i] = (int8_t)b[2 + i];
}

/* {half d; q[16]} */
static void iq4_nl(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	(void)offset;
	scale[0] = half_at(b);
	nonlinear_nibbles(b + 2, q);
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
		nonlinear_nibbles(b + 8 + 16 * i, q + 32 * i);
	}
}

/* The two low bits of 256 integers from 64 bytes: 128 from each 32, by twos of bits. */
static void two_bits(const unsigned char *bytes, int8_t *q)
{
	for (int e = 0; e < 256; e++)
		q[e] = (int8_t)(bytes[32 * (e / 128) + e % 32] >> 2 * (e % 128 / 32) & 3);
}

/* {scales[16]; q[64]; half d, dmin} */
static void q2_k(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	const float d = half_at(b + 80), dmin = half_at(b + 82);

	two_bits(b + 16, q);
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

	(void)offset;
	two_bits(b + 32, q);
	for (int e = 0; e < 256; e++)
		q[e] = (int8_t)(q[e] + ((b[e % 32] >> e / 32 & 1) << 2));
	for (int i = 0; i < 16; i++) {
		int low = i < 8 ? s[i] & 15 : s[i - 8] >> 4, high = s[8 + i % 4] >> 2 * (i / 4) & 3;

		scale[i] = d * (float)((low | high << 4) - 32);
	}
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
	for (int e = 0; e < 256; e++)
		q[e] = (int8_t)(bytes[e / 64 * 32 + e % 32] >> 4 * (e / 32 % 2) & 15);
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
	for (int e = 0; e < 256; e++)
		q[e] = (int8_t)(q[e] + ((b[16 + e % 32] >> e / 32 & 1) << 4));
}

/* {low[128]; high[64]; scales[16]; half d} */
static void q6_k(const unsigned char *b, int8_t *q, float *scale, float *offset)
{
	const float d = half_at(b + 208);

	(void)offset;
	two_bits(b + 128, q);
	for (int e = 0; e < 256; e++) {
		int g = e % 128 / 32, low = b[64 * (e / 128) + 32 * (g & 1) + e % 32] >> (g < 2 ? 0 : 4) & 15;

		q[e] = (int8_t)((low | q[e] << 4) - 32);
	}
	for (int i = 0; i < 16; i++)
		scale[i] = d * (float)(int8_t)b[192 + i];
}

const struct quant quant_table[DTYPE_COUNT] = {
	/*		  group bits bias offset at */
	[DTYPE_Q4_0]	= { 32, 4,  8, false, 2,  q4_0 },
	[DTYPE_Q4_1]	= { 32, 4,  0, true,  4,  q4_1 },
	[DTYPE_Q5_0]	= { 32, 8,  0, false, 0,  q5_0 },
	[DTYPE_Q5_1]	= { 32, 8,  0, true,  0,  q5_1 },
	[DTYPE_Q8_0]	= { 32, 8,  0, false, 2,  q8_0 },
	[DTYPE_Q2_K]	= { 16, 4,  0, true,  0,  q2_k },
	[DTYPE_Q3_K]	= { 16, 4,  4, false, 0,  q3_k },
	[DTYPE_Q4_K]	= { 32, 4,  0, true,  0,  q4_k },
	[DTYPE_Q5_K]	= { 32, 8,  0, true,  0,  q5_k },
	[DTYPE_Q6_K]	= { 16, 8,  0, false, 0,  q6_k },
	[DTYPE_IQ4_NL]	= { 32, 8,  0, false, 0,  iq4_nl },
	[DTYPE_IQ4_XS]	= { 32, 8,  0, false, 0,  iq4_xs },
};
