/*
 * product.c - see product.h.
 *
 * A chunk of work is a few panels, for all rows: weights are read from memory once, and stay in the cache while the tiles
 * of rows pass by. Where weights must be expanded first, or are many, this proceeds block by block of the depth.
 */
#include "engine/numbers/product.h"

#include <assert.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/base/bounds.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/pool.h"

enum {
	BUFFER = 16 * 1024, /* floats of expanded weights at most: they and a tile's rows fit the second cache */
	NEAR = 6 * 1024,    /* for a single tile, which reads them once: they fit the first */
	DEPTH_BLOCK = 1024, /* of weights that need no expansion, when there are many tiles */
	AHEAD = 8192,	    /* bytes of weights that are on their way while others are used */
	GROUPS = 8,	    /* of panels in a chunk at most, one after another */
	SMALL = 32 * 1024,  /* multiply-adds that are not worth a second thread */
	PACK_STEP = 256,    /* inputs that one chunk of packing takes */
	FEW = 2048,	    /* floats of rows that are packed without asking for memory */
};

/* A product and how it is cut. */
struct product_cut {
	const struct product *p;
	const struct gemm *gemm;
	const float *rows;     /* tile t: [depth][rows of t], at rows + depth * row_at(t) */
	float *packed;	       /* the same, while it is written; NULL when x serves as it is */
	int tiles, each, rest; /* a tile has `each` rows, the first `rest` one more */
	int panels;	       /* of a tile */
	int wide;	       /* panels of a chunk */
	int block;	       /* of depth */
	int packs, chunks;     /* pieces of work */
};

/* The first row of a tile: tiles are as even as can be. */
static int row_at(const struct product_cut *c, int tile)
{
	return tile * c->each + least(tile, c->rest);
}

static void choose_shape(struct product_cut *c, int panels)
{
	const struct gemm_shape *s = c->gemm->shapes;
	const int n = c->p->n, groups = panels / (8 * pool_size());

	while (s->rows && s->rows < n)
		s++;
	if (!s->rows)
		s = &c->gemm->bulk;
	c->tiles = (n + s->rows - 1) / s->rows;
	c->each = n / c->tiles;
	c->rest = n % c->tiles;
	c->panels = s->panels;
	c->wide = c->p->wide ? c->p->wide : s->panels;
	c->block = (c->tiles == 1 ? NEAR : BUFFER) / (c->wide * PANEL) / c->p->align * c->p->align;
	c->block = most(c->block, c->p->align);
	if (c->p->panels) {
		c->block = c->tiles == 1 ? c->p->limit : DEPTH_BLOCK;
		c->wide *= least(most(groups / s->panels, 1), GROUPS);
	}
}

static size_t weight_bytes(const struct product *p)
{
	return p->kind == WEIGHTS_F32 ? sizeof(float) : sizeof(uint16_t);
}

/* The columns of panels first … first+number-1 that y has, as gemm_tile wants them. */
static uint64_t columns(const struct product *p, int first, int number)
{
	const int low = most(0, p->first - first * PANEL);
	const int high = least(number * PANEL, p->first + p->outputs - first * PANEL);

	return high > low ? ~(uint64_t)0 >> (64 - (high - low)) << low : 0;
}

/* A block of weights: some panels, over some of the depth. */
struct panel_block {
	int panel, number, from, depth;
	const void *b;
	size_t stride;
	ptrdiff_t next; /* bytes from here to the block that comes after it */
};

/* All tiles of rows with a block. The first brings it into the cache; the others, little by little, the next block. */
static void multiply(const struct product_cut *c, const struct panel_block *w)
{
	const struct product *p = c->p;
	const ptrdiff_t line = (ptrdiff_t)weight_bytes(p) * PANEL;
	const ptrdiff_t pace = c->tiles > 1 ? (line + c->tiles - 2) / (c->tiles - 1) : line;
	const uint64_t mask = columns(p, w->panel, w->number);
	float *y = p->y + (w->panel * PANEL - p->first);

	for (int i = 0; i < c->tiles; i++) {
		const int row = row_at(c, i), rows = row_at(c, i + 1) - row;
		const struct gemm_tile t = {
			.rows = rows,
			.panels = w->number,
			.kind = p->kind,
			.depth = (size_t)w->depth,
			.a = c->rows + (size_t)row * (size_t)p->depth + (size_t)(w->from - p->from) * (size_t)rows,
			.b = w->b,
			.stride = w->stride,
			.soon = (const char *)w->b + (i ? w->next + (i - 1) * pace * w->depth : AHEAD / w->number),
			.pace = i ? pace : line,
			.y = y + (ptrdiff_t)row * (ptrdiff_t)p->ldy,
			.ldy = p->ldy,
			.columns = mask,
			.more = p->more || w->from > p->from,
		};

		c->gemm->tile(&t);
	}
}

/* Bytes between weights that are so many panels and inputs apart. */
static ptrdiff_t apart(const struct product *p, int panels, int inputs)
{
	return ((ptrdiff_t)panels * p->limit + inputs) * PANEL * (ptrdiff_t)weight_bytes(p);
}

static void chunk(const struct product_cut *c, int number)
{
	const struct product *p = c->p;
	const int begin = p->first / PANEL + number * c->wide, last = p->from + p->depth;
	const int end = least(begin + c->wide, (p->first + p->outputs + PANEL - 1) / PANEL);
	_Alignas(64) float buffer[BUFFER];

	for (int k = p->from / p->align * p->align; k < last; k += c->block) {
		const int low = most(k, p->from), high = least(k + c->block, last);
		const int count = least((high - k + p->align - 1) / p->align * p->align, p->limit - k);
		struct panel_block w = { .from = low, .depth = high - low, .stride = (size_t)p->limit * PANEL };
		const float *read = p->panels ? NULL : p->read(p->weights, begin, end - begin, k, count, buffer, &w.stride);

		for (w.panel = begin; w.panel < end; w.panel += w.number) {
			for (w.number = c->panels; w.number > end - w.panel; w.number /= 2)
				;
			if (read)
				w.b = read + (size_t)(w.panel - begin) * w.stride + (low - k) * PANEL;
			else
				w.b = (const char *)p->panels + apart(p, w.panel, low);
			if (read) /* what comes after the buffer is nobody's weights */
				w.next = 0;
			else if (w.panel + w.number < end)
				w.next = apart(p, w.number, 0);
			else /* the next inputs of the first panels, or the panels of another chunk */
				w.next = high < last ? apart(p, begin - w.panel, high - low) : apart(p, w.number, p->from - low);
			multiply(c, &w);
		}
	}
}

/* Products of the same rows, which are packed once: their chunks follow one another. */
struct product_cuts {
	struct product_cut cut[PRODUCTS_MAX];
	int count;
};

static void some_chunk(void *context, int number)
{
	const struct product_cuts *all = context;
	const struct product_cut *c = all->cut;

	for (; number >= c->chunks; c++)
		number -= c->chunks;
	chunk(c, number);
}

/* Some inputs of a tile's rows, which are side by side in x already. */
static void pack_turned(const struct product *p, int row, int rows, int begin, int end, float *to)
{
	for (int k = begin; k < end; k++)
		for (int r = 0; r < rows; r++)
			to[k * rows + r] = p->x[(size_t)k * p->ldx + (size_t)(row + r)];
}

/* x to tiles of [depth][rows], a few inputs of a tile at a time. */
static void pack(void *context, int number)
{
	const struct product_cut *c = ((const struct product_cuts *)context)->cut;
	const struct product *p = c->p;
	const int tile = number % c->tiles, begin = number / c->tiles * PACK_STEP, end = least(begin + PACK_STEP, p->depth);
	const int row = row_at(c, tile), rows = row_at(c, tile + 1) - row;
	float *to = c->packed + (size_t)row * (size_t)p->depth;

	if (p->turned) {
		pack_turned(p, row, rows, begin, end, to);
		return;
	}
	for (int r = 0; r < rows; r += PANEL)
		for (int k = begin; k < end; k += PANEL)
			c->gemm->transpose(p->x + (size_t)(row + r) * p->ldx + k, p->ldx, least(PANEL, rows - r),
					   least(PANEL, end - k), to + (size_t)k * (size_t)rows + r, (size_t)rows);
}

static void all_of_it(void *context, int unused)
{
	struct product_cuts *all = context;

	(void)unused;
	for (int i = 0; i < all->cut->packs; i++)
		pack(all, i);
	for (int p = 0; p < all->count; p++)
		for (int i = 0; i < all->cut[p].chunks; i++)
			chunk(&all->cut[p], i);
}

/* Its tiles of rows are the same whatever the weights. */
static void cut_product(struct product_cut *c, const struct product *p)
{
	const int panels = (p->first + p->outputs + PANEL - 1) / PANEL - p->first / PANEL;

	*c = (struct product_cut){ .p = p, .gemm = gemm_here(), .rows = p->x };
	for (int r = 0; !p->depth && !p->more && r < p->n; r++)
		memset(p->y + (size_t)r * p->ldy, 0, (size_t)p->outputs * sizeof *p->y);
	choose_shape(c, panels);
	c->chunks = p->outputs > 0 ? (panels + c->wide - 1) / c->wide : 0;
}

static int packs_of(const struct product_cut *c)
{
	return c->tiles * ((c->p->depth + PACK_STEP - 1) / PACK_STEP);
}

static void run(const struct product *p, int count, bool alone)
{
	struct product_cuts all = { .count = count };
	_Alignas(64) float few[FEW];
	float *packed = NULL;
	double work = 0;
	int chunks = 0;

	assert(count <= PRODUCTS_MAX);
	if (p->n <= 0)
		return;
	if ((p->n > 1 || p->turned) && !p->packed)
		packed = (size_t)p->n * (size_t)p->depth <= FEW ? few : xbig((size_t)p->n * (size_t)p->depth * sizeof *packed);
	for (int i = 0; i < count; i++) {
		struct product_cut *c = &all.cut[i];

		cut_product(c, &p[i]);
		if (packed)
			c->rows = c->packed = packed;
		else if (p->packed)
			c->rows = p->packed;
		chunks += c->chunks;
		work += (double)p->n * p->depth * p[i].outputs;
	}
	all.cut->packs = packed ? packs_of(all.cut) : 0;
	if (alone) {
		all_of_it(&all, 0);
	} else if (work < SMALL) {
		pool_run(1, all_of_it, &all);
	} else {
		pool_run(all.cut->packs, pack, &all);
		pool_run(chunks, some_chunk, &all);
	}
	if (packed != few)
		big_free(packed);
}

void product_pack(const float *x, size_t ldx, int n, int depth, float *packed)
{
	const struct product p = { .x = x, .ldx = ldx, .n = n, .depth = depth, .align = 1 };
	struct product_cuts all = { .count = 1 };

	cut_product(all.cut, &p);
	all.cut->packed = packed;
	pool_run(packs_of(all.cut), pack, &all);
}

void product_run(const struct product *p)
{
	run(p, 1, false);
}

void product_run_together(const struct product *p, int count)
{
	run(p, count, false);
}

void product_here(const struct product *p)
{
	run(p, 1, true);
}
