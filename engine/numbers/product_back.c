/*
 * product_back.c - see product_back.h.
 *
 * A chunk of work is some inputs, for all rows, block by block of the depth: a block of weights comes from memory once and stays in
 * the second cache while the rows pass by, and a block of rows stays in the first while the inputs do.
 */
#include "engine/numbers/product_back.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/base/bounds.h"
#include "engine/numbers/gemm.h"
#include "engine/numbers/pool.h"

enum {
	BUFFER = 16 * 1024, /* floats of expanded weights at most */
	NEAR = 4 * 1024,    /* for rows that read them once: they fit the first cache, and the rows beside them */
	INPUTS = 96,	    /* of a chunk at most, unless they are expanded together */
	DEPTH = 128,	    /* of a block at most */
	AHEAD = 6,	    /* panels that are on their way while others are used */
	SMALL = 32 * 1024,  /* multiply-adds that are not worth a second thread */
	FEW = 5,	    /* rows from which on this suits */
};

/* A product and how it is cut. */
struct product_back_cut {
	const struct product_back *p;
	const struct gemm *gemm;
	const char *weights; /* as they lie in memory; NULL: they are expanded */
	enum gemm_weights kind;
	size_t line;	   /* bytes of sixteen of them */
	float *rows;	   /* [panels][depth][16] d, turned */
	float *sums;	   /* [in][16 panels] g, turned */
	int in, panels;	   /* of rows, by sixteen */
	int inputs, depth; /* of a chunk; of a block */
	int chunks;
};

bool product_back_suits(int n)
{
	return n >= FEW;
}

/* Sixteen rows of d. */
static void turn(void *context, int panel)
{
	const struct product_back_cut *c = context;
	const struct product_back *p = c->p;
	const int rows = least(PANEL, p->n - panel * PANEL);
	float *to = c->rows + (size_t)panel * (size_t)p->depth * PANEL;

	if (rows < PANEL)
		memset(to, 0, (size_t)p->depth * PANEL * sizeof *to);
	for (int k = 0; k < p->depth; k += PANEL)
		c->gemm->transpose(p->d + (size_t)(panel * PANEL) * p->ldd + k, p->ldd, rows, least(PANEL, p->depth - k),
				   to + (size_t)k * PANEL, PANEL);
}

/* Some inputs' sums, done, to g. */
static void turn_back(const struct product_back_cut *c, int first, int count)
{
	const struct product_back *p = c->p;
	const size_t ld = (size_t)c->panels * PANEL;

	for (int r = 0; r < p->n; r += PANEL)
		for (int i = first; i < first + count; i += PANEL)
			c->gemm->transpose(c->sums + (size_t)i * ld + r, ld, least(PANEL, first + count - i),
					   least(PANEL, p->n - r), p->g + (size_t)r * p->ldg + i, p->ldg);
}

/* A block of weights: some inputs, over some of the depth. */
struct input_block {
	int first, count; /* inputs */
	int from, depth;  /* from: of p->depth */
	const char *w;
	size_t apart; /* weights from one panel to the next */
	bool fetch;   /* what comes after it is to be asked for */
};

/* Rows from one panel on, `panels` of them at a time (0: half a panel), with all inputs of a block. */
static void multiply(const struct product_back_cut *c, const struct input_block *w, int panel, int panels)
{
	const struct product_back *p = c->p;
	const int tiles = (w->count + c->gemm->back_inputs[panels] - 1) / c->gemm->back_inputs[panels];
	const size_t ld = (size_t)c->panels * PANEL;
	struct gemm_back t = {
		.panels = panels,
		.depth = (size_t)w->depth,
		.kind = c->kind,
		.apart = w->apart,
		.d = c->rows + ((size_t)panel * (size_t)p->depth + (size_t)w->from) * PANEL,
		.stride = (size_t)p->depth * PANEL,
		.ldg = ld,
		.more = w->from > 0,
	};

	for (int i = 0; i < tiles; i++) {
		const int first = w->count * i / tiles;

		t.inputs = w->count * (i + 1) / tiles - first;
		t.w = w->w + (size_t)first * c->line;
		t.soon = t.w;
		if (w->fetch && !panel)
			t.soon += AHEAD * (ptrdiff_t)(w->apart / PANEL * c->line);
		t.g = c->sums + (size_t)(w->first + first) * ld + (size_t)panel * PANEL;
		c->gemm->back(&t);
	}
}

static void all_rows(const struct product_back_cut *c, const struct input_block *w)
{
	const int *inputs = c->gemm->back_inputs;

	for (int panel = 0, panels; panel < c->panels; panel += most(panels, 1)) {
		panels = least(BACK_PANELS, c->panels - panel);
		while (panels > 1 && !inputs[panels])
			panels--;
		if (panels == 1 && inputs[0] && c->p->n - panel * PANEL <= PANEL / 2)
			panels = 0;
		multiply(c, w, panel, panels);
	}
}

static void read_block(const struct product_back_cut *c, struct input_block *w, float *buffer)
{
	const struct product_back *p = c->p;
	const int panel = (p->from + w->from) / PANEL, panels = (w->depth + PANEL - 1) / PANEL;

	if (c->weights) {
		w->apart = (size_t)c->in * PANEL;
		w->w = c->weights + ((size_t)panel * (size_t)c->in + (size_t)w->first) * c->line;
		w->fetch = true;
		return;
	}
	w->apart = (size_t)w->count * PANEL;
	w->w = (const char *)buffer;
	for (int i = 0; i < panels; i++) {
		size_t unused;

		panels_prefetch(p->weights, panel + i + AHEAD, w->first, w->count);
		panels_read(p->weights, panel + i, 1, w->first, w->count, buffer + (size_t)i * w->apart, &unused);
	}
}

static void chunk(void *context, int number)
{
	const struct product_back_cut *c = context;
	const int first = number * c->inputs, count = least(c->inputs, c->in - first);
	_Alignas(64) float buffer[BUFFER];

	for (int k = 0; k < c->p->depth; k += c->depth) {
		struct input_block w = { .first = first, .count = count, .from = k, .depth = least(c->depth, c->p->depth - k) };

		read_block(c, &w, buffer);
		all_rows(c, &w);
	}
	turn_back(c, first, count);
}

static void cut_product(struct product_back_cut *c, const struct product_back *p)
{
	const int align = most(p->weights->align, PANEL), in = p->weights->source.in;
	const int each = most(in / (4 * pool_size()), 1);

	*c = (struct product_back_cut){ .p = p, .gemm = gemm_here(), .in = in, .panels = (p->n + PANEL - 1) / PANEL };
	c->weights = panels_in_place(p->weights, &c->kind);
	if (!c->weights)
		c->kind = WEIGHTS_F32;
	c->line = PANEL * (c->kind == WEIGHTS_F32 ? sizeof(float) : sizeof(uint16_t));
	c->inputs = (least(each, INPUTS) + align - 1) / align * align;
	c->depth = least(DEPTH, (c->weights || c->panels > BACK_PANELS ? BUFFER : NEAR) / c->inputs / PANEL * PANEL);
	c->depth = most(c->depth, PANEL);
	c->chunks = (in + c->inputs - 1) / c->inputs;
}

void product_back_run(const struct product_back *p)
{
	struct product_back_cut c;

	assert(p->from % PANEL == 0 && p->depth > 0);
	cut_product(&c, p);
	c.rows = xbig((size_t)c.panels * (size_t)p->depth * PANEL * sizeof *c.rows);
	c.sums = xbig((size_t)c.panels * PANEL * (size_t)c.in * sizeof *c.sums);
	if ((double)p->n * p->depth * c.in < SMALL) {
		for (int i = 0; i < c.panels; i++)
			turn(&c, i);
		for (int i = 0; i < c.chunks; i++)
			chunk(&c, i);
	} else {
		pool_run(c.panels, turn, &c);
		pool_run(c.chunks, chunk, &c);
	}
	big_free(c.rows);
	big_free(c.sums);
}
