/* parts.c - see parts.h. */
#include "engine/analysis/parts.h"

#include <math.h>

static int heads_of(const struct parts *p, const struct run *run)
{
	return p->block == BLOCK_ATTN ? run->model->config.H : 0;
}

static int parts_count(const struct run *run, enum block block, int layer)
{
	const struct config *c = &run->model->config;

	return block == BLOCK_ATTN ? c->H : config_mixes(c, layer) ? c->experts.X + (c->experts.shared > 0) : c->dense;
}

bool parts_init(struct parts *p, const struct run *run, enum block block, int layer, const struct reading *read,
		struct arena *scratch, struct err *err)
{
	const size_t n = (size_t)parts_count(run, block, layer), keys = (size_t)(read->from + read->n);

	*p = (struct parts){ .block = block, .layer = layer };
	if (!(p->share = arena_array(scratch, n, sizeof *p->share, err)))
		return false;
	if (block == BLOCK_MLP)
		return true;
	p->split = arena_alloc(scratch, n * sizeof *p->split);
	p->source = arena_alloc(scratch, n * sizeof *p->source);
	p->head_edits = arena_alloc(scratch, n * sizeof *p->head_edits);
	for (size_t h = 0; h < n; h++) {
		p->head_edits[h] = (double)NAN;
		if (!(p->source[h] = arena_array(scratch, keys, sizeof **p->source, err)))
			return false;
	}
	return true;
}

static void add_head(struct parts *p, const struct writers *w, int head)
{
	p->share[head] += writers_head(w, head);
	if (!p->split[head])
		return;
	for (int j = 0; j <= w->position; j++)
		p->source[head][j] += writers_source(w, head, j);
	if (writers_head_edited(w, head))
		p->head_edits[head] = (isnan(p->head_edits[head]) ? 0 : p->head_edits[head]) + writers_head_edits(w, head);
}

static void add_writers(struct parts *p, const struct writers *w)
{
	for (int h = 0; h < heads_of(p, w->run); h++)
		add_head(p, w, h);
	for (int n = 0, all = parts_count(w->run, p->block, p->layer); p->block == BLOCK_MLP && n < all; n++)
		p->share[n] += config_mixes(&w->run->model->config, p->layer) ? writers_expert(w, n) : writers_neuron(w, n);
	if (!writers_edited(w)) /* its bias is no part of the block's share then */
		return;
	p->edited = true;
	p->bias += w->bias;
	p->edits += writers_edits(w);
}

enum { SOME = 16 };

struct batch {
	struct writers w[SOME], *of[SOME];
	struct parts *to[SOME];
	int n;
};

static bool finish(struct batch *b, struct err *err)
{
	if (!writers_open(b->of, b->n, err))
		return false;
	for (int i = 0; i < b->n; i++)
		add_writers(b->to[i], b->of[i]);
	b->n = 0;
	return true;
}

bool parts_sum(struct parts *const *p, int n, const struct run *run, const struct reading *read, struct arena *scratch,
	       struct task *task, struct err *err)
{
	const size_t D = (size_t)run->model->config.D;
	struct arena_mark mark = arena_mark(scratch);
	struct batch b = { .n = 0 };

	for (int i = 0; i < n * read->n; i++) {
		const int at = i % read->n;

		b.to[b.n] = p[i / read->n];
		b.of[b.n] = &b.w[b.n];
		if (!writers_read(&b.w[b.n], run, b.to[b.n]->block, b.to[b.n]->layer, read->from + at,
				  read->direction + (size_t)at * D, scratch, err))
			return false;
		b.n++;
		if (b.n < SOME && i < n * read->n - 1)
			continue;
		if (!task_step(task, i, n * read->n, err) || !finish(&b, err))
			return false;
		arena_rewind(scratch, mark);
	}
	return true;
}
