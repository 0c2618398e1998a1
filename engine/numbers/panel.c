/* panel.c - see panel.h. */
#include "engine/numbers/panel.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/bounds.h"
#include "engine/numbers/cpu.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/pool.h"
#include "engine/numbers/quant.h"

enum {
	STEP = QUANT_BLOCK_MAX, /* inputs that are looked at together: a multiple of every block */
	SOON = 64,		/* … of sixteen rows of floats that are on their way while others are turned */
};

struct panel_format {
	size_t (*bytes)(const struct panels *p); /* of one panel; NULL: none is kept */
	void (*pack)(const struct panels *p, int panel, void *dst);
	/* NULL: panels are floats. Of one panel, to dst[count][16]. */
	void (*expand)(const struct panels *p, int panel, int from, int count, float *dst);
};

/* Outputs of a panel: 16, or fewer in the last. */
static int width(const struct panels *p, int panel)
{
	return least(PANEL, p->source.out - panel * PANEL);
}

/* Which output of the tensor column c of a panel is. */
static int output(const struct panels *p, int panel, int c)
{
	int j = panel * PANEL + c;

	return p->source.pick ? p->source.pick[j] : p->source.first + j;
}

/* The bytes of the tensor from element `column` of a row on. */
static const unsigned char *element(const struct tensor *t, int row, int column)
{
	size_t row_bytes = dtype_bytes(t->type, tensor_columns(t));

	return t->data + (size_t)row * row_bytes + dtype_bytes(t->type, (size_t)column);
}

/* The same of a panel's sixteen rows; where there is none, of the first. */
static void rows_at(const struct panels *p, int panel, int column, const unsigned char **row)
{
	const struct tensor *t = p->source.tensor;
	const unsigned char *first = element(t, 0, column);
	const size_t row_bytes = dtype_bytes(t->type, tensor_columns(t));

	for (int c = 0; c < PANEL; c++)
		row[c] = first + (size_t)output(p, panel, c < width(p, panel) ? c : 0) * row_bytes;
}

/* Where a panel's weights are kept, from some input on. */
static const void *panels_at(const struct panels *p, int panel, int from)
{
	return p->data + (size_t)panel * p->bytes + (size_t)from * (p->bytes / (size_t)p->source.in);
}

/* --- From the tensor to floats --- */

/* Part of a row, as dtype.h expands it. */
static void expand_row(const struct tensor *t, const unsigned char *src, int n, float *dst)
{
	if (t->type == DTYPE_F16 && n % PANEL == 0 && (uintptr_t)src % sizeof(uint16_t) == 0)
		gemm_here()->expand_f16((const void *)src, dst, (size_t)n); /* has the instruction for it */
	else
		dtype_table[t->type].expand(src, dst, (size_t)n);
}

/* Neighbours in the tensor that follow column c of a panel, itself counted. */
static int run_length(const struct panels *p, int panel, int c)
{
	int n = 1;

	while (c + n < width(p, panel) && output(p, panel, c + n) == output(p, panel, c) + n)
		n++;
	return n;
}

/* Sixteen neighbouring rows of aligned floats, which need no copy. */
static const float *floats_in_place(const struct panels *p, int panel, int from)
{
	const struct tensor *t = p->source.tensor;
	const unsigned char *src = element(t, output(p, panel, 0), from);

	return t->type == DTYPE_F32 && (uintptr_t)src % sizeof(float) == 0 && run_length(p, panel, 0) == width(p, panel)
		       ? (const float *)(const void *)src
		       : NULL;
}

/* Stored [out, in]: sixteen rows, some inputs at a time, and a transposition. */
static void read_rows(const struct panels *p, int panel, int from, int count, float *dst)
{
	const struct tensor *t = p->source.tensor;
	const struct gemm *g = gemm_here();
	const int n = width(p, panel);
	const float *in_place = floats_in_place(p, panel, from);
	_Alignas(64) float rows[PANEL][STEP];

	if (n < PANEL)
		memset(dst, 0, (size_t)count * PANEL * sizeof *dst);
	for (int k = 0; in_place && k < count; k += PANEL) {
		for (int c = 0; c < n; c++)
			__builtin_prefetch(in_place + (size_t)c * tensor_columns(t) + k + SOON);
		g->transpose(in_place + k, tensor_columns(t), n, least(PANEL, count - k), dst + k * PANEL, PANEL);
	}
	for (int k = 0; !in_place && k < count; k += STEP) {
		const int some = least(STEP, count - k);

		for (int c = 0; c < n; c++)
			expand_row(t, element(t, output(p, panel, c), from + k), some, rows[c]);
		for (int i = 0; i < some; i += PANEL)
			g->transpose(&rows[0][i], STEP, n, least(PANEL, some - i), dst + (k + i) * PANEL, PANEL);
	}
}

/* Stored [in, out]: a row has our outputs side by side already. Neighbours are copied together. */
static void read_columns(const struct panels *p, int panel, int from, int count, float *dst)
{
	const struct tensor *t = p->source.tensor;
	const size_t row_bytes = dtype_bytes(t->type, tensor_columns(t));
	const int n = width(p, panel);

	if (n < PANEL)
		memset(dst, 0, (size_t)count * PANEL * sizeof *dst);
	for (int c = 0, some; c < n; c += some) {
		const unsigned char *src = element(t, from, output(p, panel, c));

		some = run_length(p, panel, c);
		for (int k = 0; k < count; k++, src += row_bytes)
			expand_row(t, src, some, dst + k * PANEL + c);
	}
}

static void read_tensor(const struct panels *p, int panel, int from, int count, float *dst)
{
	(p->source.in_out ? read_columns : read_rows)(p, panel, from, count, dst);
}

/* --- Floats --- */

static size_t float_bytes(const struct panels *p)
{
	return (size_t)p->source.in * PANEL * sizeof(float);
}

static void pack_floats(const struct panels *p, int panel, void *dst)
{
	read_tensor(p, panel, 0, p->source.in, dst);
}

/* --- BF16 and F16: the bits as they are --- */

static size_t half_bytes(const struct panels *p)
{
	return (size_t)p->source.in * PANEL * sizeof(uint16_t);
}

static void pack_halves(const struct panels *p, int panel, void *dst)
{
	const struct tensor *t = p->source.tensor;
	const int n = width(p, panel);
	uint16_t *halves = dst;

	if (n < PANEL)
		memset(dst, 0, p->bytes);
	for (int k = 0; k < p->source.in; k += PANEL) { /* sixteen by sixteen, so that both sides stay in the cache */
		for (int c = 0; c < n; c++) {
			const int o = output(p, panel, c);

			for (int i = k; i < least(k + PANEL, p->source.in); i++)
				memcpy(&halves[i * PANEL + c], p->source.in_out ? element(t, i, o) : element(t, o, i),
				       sizeof *halves);
		}
	}
}

static void expand_bf16(const struct panels *p, int panel, int from, int count, float *dst)
{
	gemm_here()->expand_bf16(panels_at(p, panel, from), dst, (size_t)count * PANEL);
}

static void expand_f16(const struct panels *p, int panel, int from, int count, float *dst)
{
	gemm_here()->expand_f16(panels_at(p, panel, from), dst, (size_t)count * PANEL);
}

/* --- Quantised: groups of {scale[16]; offset[16] where there is one; integers [group][16]} --- */

static size_t factor_bytes(const struct quant *q)
{
	return (q->offset ? 2 : 1) * sizeof(float[PANEL]);
}

static size_t group_bytes(const struct quant *q)
{
	return factor_bytes(q) + (size_t)(q->group * PANEL * q->bits / 8);
}

static size_t quant_bytes(const struct panels *p)
{
	const struct quant *q = &quant_table[p->source.tensor->type];

	return (size_t)(p->source.in / q->group) * group_bytes(q);
}

/* Puts the parts of one block of one column where they belong. */
static void place_block(const struct quant *q, int groups, int c, const int8_t *ints, const float *scale, const float *offset,
			unsigned char *dst)
{
	const int half = q->group / 2 * PANEL;

	for (int i = 0; i < groups; i++, dst += group_bytes(q), ints += q->group) {
		float *factors = (void *)dst;
		unsigned char *bytes = dst + factor_bytes(q);

		factors[c] = scale[i];
		if (q->offset)
			factors[PANEL + c] = offset[i];
		if (q->bits == 8)
			for (int k = 0; k < q->group; k++)
				bytes[k * PANEL + c] = (unsigned char)ints[k];
		else
			for (int k = c; k < half; k += PANEL)
				bytes[k] = (unsigned char)(ints[k / PANEL] | ints[k / PANEL + q->group / 2] << 4);
	}
}

static void pack_quant(const struct panels *p, int panel, void *dst)
{
	const struct tensor *t = p->source.tensor;
	const struct quant *q = &quant_table[t->type];
	const int block = dtype_table[t->type].block, groups = block / q->group;
	int8_t ints[QUANT_BLOCK_MAX];
	float scale[QUANT_GROUPS_MAX], offset[QUANT_GROUPS_MAX];

	if (width(p, panel) < PANEL)
		memset(dst, 0, p->bytes);
	for (int k = 0; k < p->source.in; k += block) {
		unsigned char *to = (unsigned char *)dst + (size_t)(k / q->group) * group_bytes(q);

		for (int c = 0; c < width(p, panel); c++) {
			q->take_apart(element(t, output(p, panel, c), k), ints, scale, offset);
			place_block(q, groups, c, ints, scale, offset, to);
		}
	}
}

static void expand_quant(const struct panels *p, int panel, int from, int count, float *dst)
{
	const struct quant *q = &quant_table[p->source.tensor->type];
	const struct gemm *g = gemm_here();
	const unsigned char *group = p->data + (size_t)panel * p->bytes + (size_t)(from / q->group) * group_bytes(q);

	for (int k = 0; k < count; k += q->group, group += group_bytes(q), dst += q->group * PANEL) {
		const float *scale = (const void *)group, *offset = q->offset ? scale + PANEL : NULL;
		const void *ints = group + factor_bytes(q);

		if (q->bits == 8)
			g->expand_bytes(ints, scale, offset, q->group, dst);
		else
			g->expand_nibbles(ints, q->bias, scale, offset, q->group, dst);
	}
}

static void prefetch(const void *from, const void *to)
{
	const char *here = from, *end = to;

	for (; here < end; here += 64)
		__builtin_prefetch(here);
}

/* --- Quantised blocks whose integers need but change places: straight from the tensor --- */

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint8_t bytes32 __attribute__((vector_size(32)));

/* to[i][c] = byte i of from[c]: four times, rows meet those eight further down. */
static void transpose_bytes(const unsigned char *const *from, unsigned char *to)
{
	bytes16 x[PANEL], y[PANEL];

	for (int c = 0; c < PANEL; c++)
		memcpy(&x[c], from[c], sizeof x[c]);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < PANEL / 2; i++) {
			y[2 * i] = __builtin_shufflevector(x[i], x[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
			y[2 * i + 1] = __builtin_shufflevector(x[i], x[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
							       15, 31);
		}
		memcpy(x, y, sizeof x);
	}
	memcpy(to, x, sizeof x);
}

/* The halves at some byte of each block, as floats. */
static void read_halves(const unsigned char *const *block, int at, int n, float *dst)
{
	_Alignas(32) uint16_t halves[PANEL] = { 0 };

	for (int c = 0; c < n; c++)
		memcpy(&halves[c], block[c] + at, sizeof *halves);
	gemm_here()->expand_f16(halves, dst, PANEL);
}

/* ints[32][16] of nibbles[16][16], the low ones first, and the fifth bits that are in each block. */
static void join_fifth(const struct quant *q, const unsigned char *const *block, const unsigned char *nibbles, unsigned char *ints)
{
	bytes16 bits[4], less = { 0 }, x, low, high;

	less += (uint8_t)q->less;
	for (int c = 0; c < PANEL; c++)
		for (int j = 0; j < 4; j++)
			bits[j][c] = block[c][q->fifth + j];
	for (int i = 0; i < 16; i++) {
		const uint8_t bit = (uint8_t)(1 << i % 8);

		memcpy(&x, nibbles + i * PANEL, sizeof x);
		low = ((x & 15) | ((bytes16)((bits[i / 8] & bit) == bit) & 16)) - less;
		high = ((x >> 4) | ((bytes16)((bits[2 + i / 8] & bit) == bit) & 16)) - less;
		memcpy(ints + i * PANEL, &low, sizeof low);
		memcpy(ints + (i + 16) * PANEL, &high, sizeof high);
	}
}

static void read_blocks(const struct panels *p, int panel, int from, int count, float *dst)
{
	const struct tensor *t = p->source.tensor;
	const struct quant *q = &quant_table[t->type];
	const struct gemm *g = gemm_here();
	const int n = width(p, panel);
	const size_t bytes = dtype_bytes(t->type, (size_t)q->group);
	const int stored = q->group * (q->fifth ? 4 : q->bits) / 8; /* bytes of integers in a block */
	const unsigned char *block[PANEL], *ints[PANEL];
	_Alignas(64) unsigned char packed[QUANT_BLOCK_MAX * PANEL], joined[QUANT_BLOCK_MAX * PANEL];
	_Alignas(64) float scale[PANEL], offset[PANEL];

	rows_at(p, panel, from, block);
	for (int k = 0; k < count; k += q->group, dst += q->group * PANEL) {
		read_halves(block, 0, n, scale);
		if (q->offset)
			read_halves(block, 2, n, offset);
		for (int i = 0; i < stored; i += PANEL) {
			for (int c = 0; c < PANEL; c++)
				ints[c] = block[c] + q->at + i;
			transpose_bytes(ints, packed + i * PANEL);
		}
		if (q->fifth)
			join_fifth(q, block, packed, joined);
		if (q->bits == 8)
			g->expand_bytes((const int8_t *)(q->fifth ? joined : packed), scale, q->offset ? offset : NULL, q->group,
					dst);
		else
			g->expand_nibbles(packed, q->bias, scale, q->offset ? offset : NULL, q->group, dst);
		for (int c = 0; c < PANEL; c++)
			block[c] += bytes;
	}
}

/* --- Quantised blocks that are taken apart first, sixteen columns at a time --- */

/* A block of each column, taken apart; and again by column. */
struct panel_parts {
	int8_t ints[PANEL][QUANT_BLOCK_MAX];
	float scale[PANEL][QUANT_GROUPS_MAX], offset[PANEL][QUANT_GROUPS_MAX];
};

/* x[i] = byte i of each from[c], then byte i + 16 of each: two halves side by side, each as above. */
__attribute__((always_inline)) static inline void turn_32(const unsigned char *const *from, bytes32 *x)
{
	bytes32 y[PANEL];

	for (int c = 0; c < PANEL; c++)
		memcpy(&x[c], from[c], sizeof x[c]);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < PANEL / 2; i++) {
			y[2 * i] = __builtin_shufflevector(x[i], x[i + 8], 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39,
							   16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55);
			y[2 * i + 1] =
				__builtin_shufflevector(x[i], x[i + 8], 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15,
							47, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63);
		}
		memcpy(x, y, sizeof y);
	}
}

/* to[i][c] = byte i of from[c], for 32 bytes. */
__attribute__((always_inline)) static inline void transpose_32(const unsigned char *const *from, unsigned char *to)
{
	bytes32 x[PANEL];

	turn_32(from, x);
	for (int i = 0; i < PANEL; i++) {
		memcpy(to + i * PANEL, &x[i], PANEL);
		memcpy(to + (i + PANEL) * PANEL, (const unsigned char *)&x[i] + PANEL, PANEL);
	}
}

static void transpose_32_plain(const unsigned char *const *from, unsigned char *to)
{
	transpose_32(from, to);
}

FOR_AVX2 static void transpose_32_avx2(const unsigned char *const *from, unsigned char *to)
{
	transpose_32(from, to);
}

/* The block's integers less the bias, [block][16]. */
static void turn_parts(const struct panel_parts *parts, int block, int bias, unsigned char *ints)
{
	void (*const turn)(const unsigned char *const *from, unsigned char *to) =
		cpu_set() == CPU_GENERIC ? transpose_32_plain : transpose_32_avx2;
	const unsigned char *from[PANEL];
	bytes16 x;

	for (int k = 0; k < block; k += 32) {
		for (int c = 0; c < PANEL; c++)
			from[c] = (const unsigned char *)&parts->ints[c][k];
		turn(from, ints + k * PANEL);
	}
	for (int k = 0; bias && k < block; k++) {
		memcpy(&x, ints + k * PANEL, sizeof x);
		x -= (uint8_t)bias;
		memcpy(ints + k * PANEL, &x, sizeof x);
	}
}

static void read_parts(const struct panels *p, int panel, int from, int count, float *dst)
{
	const struct tensor *t = p->source.tensor;
	const struct quant *q = &quant_table[t->type];
	const struct gemm *g = gemm_here();
	const int n = width(p, panel), block = dtype_table[t->type].block, bytes = dtype_table[t->type].bytes;
	const unsigned char *row[PANEL], *soon[PANEL] = { 0 };
	_Alignas(64) unsigned char ints[QUANT_BLOCK_MAX * PANEL];
	_Alignas(64) float scale[PANEL], offset[PANEL];
	struct panel_parts parts;

	memset(&parts, 0, n < PANEL ? sizeof parts : 0); /* outputs that are not there are 0 */
	rows_at(p, panel, from, row);
	rows_at(p, least(panel + 1, p->count - 1), from, soon);
	for (int k = 0; k < count; k += block) {
		for (int c = 0; c < n; c++) {
			prefetch(soon[c], soon[c] + bytes);
			q->take_apart(row[c], parts.ints[c], parts.scale[c], parts.offset[c]);
			row[c] += bytes;
			soon[c] += bytes;
		}
		turn_parts(&parts, block, q->bias, ints);
		for (int i = 0; i < block / q->group; i++, dst += q->group * PANEL) {
			for (int c = 0; c < PANEL; c++) {
				scale[c] = parts.scale[c][i];
				offset[c] = parts.offset[c][i];
			}
			g->expand_bytes((const int8_t *)ints + i * q->group * PANEL, scale, q->offset ? offset : NULL, q->group,
					dst);
		}
	}
}

/* --- Q4_K, whose blocks are most of what mixtures are stored in: the nibbles change places before they are parted --- */

/* {half d, dmin; scales[12]} of sixteen blocks: scale[group][16] and offset[group][16]. */
static void read_six_bits(const unsigned char *const *block, int n, float (*scale)[PANEL], float (*offset)[PANEL])
{
	_Alignas(64) unsigned char head[16 * PANEL];
	_Alignas(64) float d[PANEL], least[PANEL];
	bytes16 s[12];

	read_halves(block, 0, n, d);
	read_halves(block, 2, n, least);
	transpose_bytes(block, head);
	memcpy(s, head + 4 * PANEL, sizeof s);
	for (int j = 0; j < 8; j++) {
		const bytes16 a = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
		const bytes16 m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;

		for (int c = 0; c < PANEL; c++) {
			scale[j][c] = d[c] * (float)a[c];
			offset[j][c] = -(least[c] * (float)m[c]);
		}
	}
}

/* to[0][i][c] = the low nibble of byte i of from[c], to[1] the high one. */
__attribute__((always_inline)) static inline void turn_nibbles(const unsigned char *const *from, unsigned char (*to)[32 * PANEL])
{
	bytes32 x[PANEL];

	turn_32(from, x);
	for (int i = 0; i < PANEL; i++) {
		const bytes32 part[2] = { x[i] & 15, x[i] >> 4 };

		for (int high = 0; high < 2; high++) {
			memcpy(to[high] + i * PANEL, &part[high], PANEL);
			memcpy(to[high] + (i + PANEL) * PANEL, (const unsigned char *)&part[high] + PANEL, PANEL);
		}
	}
}

static void turn_nibbles_plain(const unsigned char *const *from, unsigned char (*to)[32 * PANEL])
{
	turn_nibbles(from, to);
}

FOR_AVX2 static void turn_nibbles_avx2(const unsigned char *const *from, unsigned char (*to)[32 * PANEL])
{
	turn_nibbles(from, to);
}

static void read_q4_k(const struct panels *p, int panel, int from, int count, float *dst)
{
	enum { GROUP = 32, FIRST = 16, BYTES = 144, BLOCK = 256 };
	void (*const turn)(const unsigned char *const *from, unsigned char(*to)[32 * PANEL]) =
		cpu_set() == CPU_GENERIC ? turn_nibbles_plain : turn_nibbles_avx2;
	const struct gemm *g = gemm_here();
	const unsigned char *block[PANEL], *soon[PANEL] = { 0 }, *at[PANEL];
	_Alignas(64) unsigned char part[2][GROUP * PANEL];
	_Alignas(64) float scale[8][PANEL], offset[8][PANEL];

	rows_at(p, panel, from, block);
	rows_at(p, least(panel + 1, p->count - 1), from, soon);
	for (int k = 0; k < count; k += BLOCK) {
		for (int c = 0; c < width(p, panel); c++)
			prefetch(soon[c], soon[c] + BYTES);
		read_six_bits(block, width(p, panel), scale, offset);
		for (int j = 0; j < 8; j += 2, dst += 2 * GROUP * PANEL) {
			for (int c = 0; c < PANEL; c++)
				at[c] = block[c] + FIRST + j / 2 * GROUP;
			turn(at, part);
			g->expand_bytes((const int8_t *)part[0], scale[j], offset[j], GROUP, dst);
			g->expand_bytes((const int8_t *)part[1], scale[j + 1], offset[j + 1], GROUP, dst + GROUP * PANEL);
		}
		for (int c = 0; c < PANEL; c++) {
			block[c] += BYTES;
			soon[c] += BYTES;
		}
	}
}

/* --- MXFP4: a power of two and nibbles, which change places before they are looked up --- */

static void read_mxfp4(const struct panels *p, int panel, int from, int count, float *dst)
{
	enum { GROUP = 32, BYTES = 17, HALF = GROUP / 2 * PANEL };
	const struct gemm *g = gemm_here();
	const unsigned char *block[PANEL], *nibbles[PANEL];
	_Alignas(64) unsigned char both[HALF];
	_Alignas(64) int8_t values[2 * HALF];
	_Alignas(64) float scale[PANEL] = { 0 };

	rows_at(p, panel, from, block);
	for (int k = 0; k < count; k += GROUP, dst += GROUP * PANEL) {
		for (int c = 0; c < width(p, panel); c++)
			scale[c] = dtype_half_power(block[c][0]);
		for (int c = 0; c < PANEL; c++)
			nibbles[c] = block[c] + 1;
		transpose_bytes(nibbles, both);
		quant_mxfp4_values(both, HALF, values, values + HALF);
		g->expand_bytes(values, scale, NULL, GROUP, dst);
		for (int c = 0; c < PANEL; c++)
			block[c] += BYTES;
	}
}

/* --- The formats, and which one a source gets --- */

static const struct panel_format floats = { float_bytes, pack_floats, NULL }, bf16 = { half_bytes, pack_halves, expand_bf16 },
				 f16 = { half_bytes, pack_halves, expand_f16 },
				 quantised = { quant_bytes, pack_quant, expand_quant }, unpacked = { NULL, NULL, read_tensor },
				 unpacked_blocks = { NULL, NULL, read_blocks }, unpacked_parts = { NULL, NULL, read_parts },
				 unpacked_q4_k = { NULL, NULL, read_q4_k }, unpacked_mxfp4 = { NULL, NULL, read_mxfp4 };

static void plan(struct panels *p, const struct matrix_source *source, bool low_memory)
{
	const enum dtype type = source->tensor->type;
	const bool blocks = dtype_table[type].block > 1;

	p->source = *source;
	p->count = (source->out + PANEL - 1) / PANEL;
	if (low_memory)
		p->format = type == DTYPE_Q4_K	      ? &unpacked_q4_k
			    : type == DTYPE_MXFP4     ? &unpacked_mxfp4
			    : quant_table[type].at    ? &unpacked_blocks
			    : quant_table[type].group ? &unpacked_parts
						      : &unpacked;
	else
		p->format = quant_table[type].group ? &quantised : type == DTYPE_BF16 ? &bf16 : type == DTYPE_F16 ? &f16 : &floats;
	p->align = !blocks ? 1 : p->format == &quantised ? quant_table[type].group : dtype_table[type].block;
	p->bytes = p->format->bytes ? p->format->bytes(p) : 0;
}

size_t panels_footprint(const struct matrix_source *source, bool low_memory)
{
	struct panels p = { 0 };

	plan(&p, source, low_memory);
	return (size_t)p.count * p.bytes + (source->pick ? (size_t)source->out * sizeof *source->pick : 0);
}

static void pack_one(void *context, int panel)
{
	const struct panels *p = context;

	p->format->pack(p, panel, p->data + (size_t)panel * p->bytes);
}

bool panels_make(struct panels *p, struct arena *arena, const struct matrix_source *source, bool low_memory, struct err *err)
{
	plan(p, source, low_memory);
	if (source->pick) {
		int32_t *pick = arena_array(arena, (size_t)source->out, sizeof *pick, err);

		if (!pick)
			return false;
		p->source.pick = memcpy(pick, source->pick, (size_t)source->out * sizeof *pick);
	}
	if (!p->bytes)
		return true;
	p->data = arena_raw(arena, (size_t)p->count, p->bytes, err);
	if (!p->data)
		return false;
	pool_run(p->count, pack_one, p);
	return true;
}

const void *panels_in_place(const struct panels *p, enum gemm_weights *kind)
{
	*kind = p->format == &bf16 ? WEIGHTS_BF16 : p->format == &f16 ? WEIGHTS_F16 : WEIGHTS_F32;
	return p->format == &floats || (*kind != WEIGHTS_F32 && gemm_here()->halves) ? p->data : NULL;
}

const float *panels_read(const struct panels *p, int panel, int number, int from, int count, float *buffer, size_t *stride)
{
	assert(from % p->align == 0 && panel + number <= p->count);
	if (p->format == &floats) {
		*stride = (size_t)p->source.in * PANEL;
		return panels_at(p, panel, from);
	}
	*stride = (size_t)count * PANEL;
	for (int i = 0; i < number; i++)
		p->format->expand(p, panel + i, from, count, buffer + (size_t)i * *stride);
	return buffer;
}

void panels_prefetch(const struct panels *p, int panel, int from, int count)
{
	const unsigned char *row[PANEL];
	size_t bytes;

	if (panel >= p->count)
		return;
	if (p->data)
		prefetch(panels_at(p, panel, from), panels_at(p, panel, from + count));
	if (p->data || p->source.in_out)
		return;
	bytes = dtype_bytes(p->source.tensor->type, (size_t)count);
	rows_at(p, panel, from, row);
	for (int c = 0; c < width(p, panel); c++)
		prefetch(row[c], row[c] + bytes);
}
