/* coalitions.c - see coalitions.h. */
#include "engine/run/coalitions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/big.h"
#include "engine/base/bounds.h"
#include "engine/run/forward.h"
#include "engine/run/readout.h"
#include "engine/run/sweep.h"

/* Rows of a pass at most, as in a sweep; and what all that waits and all that is under way may take, in runs of the prompt. */
enum { MOST_ROWS = 512, RUNS = 2 };

/* Coalitions lo … hi-1 in order, which agree about the first players; what they have computed so far. */
struct coalition_node {
	int lo, hi;
	const struct past_rows *past; /* NULL: nothing that differs from the run */
};

/* A coalition that shares no more, or several that are the same: its rows from t0 on are still to be computed. */
struct leaf {
	int lo, hi, t0;
	const struct past_rows *past;
};

struct coalition_tree {
	const struct coalitions *q;
	const struct coalition {
		const bool *in;
		int n, index;
	} * order;	/* [count] those that begin alike next to each other */
	int count, end; /* positions that are carried: up to the metric's */
	double *value;	/* NULL: nothing is computed, rows are counted */
	long rows;
	struct leaf *leaf; /* [leaves] wait for a pass */
	int leaves, leaf_rows, done;
	int most_rows; /* of a pass */
	long room;     /* bytes that are left for keys and values; negative where less would not do */
	struct readout readout;
	struct arena *arena;
	struct task *task;
};

/* The first player that is absent; n: none. */
static int first_absent(const struct coalition *c)
{
	int i = 0;

	while (i < c->n && c->in[i])
		i++;
	return i;
}

/* ---- passes ---- */

/* The run's edits, and those of the players below `depth` that are absent. */
static struct variant variant_of(const struct coalition_tree *t, const struct coalition *c, int depth)
{
	const struct run *run = t->q->run;
	const struct edit **edit = arena_alloc(t->arena, (size_t)(run->edits + depth + 1) * sizeof *edit);
	int n = run->edits;

	for (int e = 0; e < run->edits; e++)
		edit[e] = &run->edit[e];
	for (int i = 0; i < depth; i++)
		if (!c->in[i])
			edit[n++] = t->q->edit[i];
	return (struct variant){ edit, n };
}

/* A pass of variants whose rows begin at t0[v] and end at `to`. */
static bool begin_pass(const struct coalition_tree *t, struct pass *p, const struct variant *variant, const int *t0,
		       const struct past_rows *const *past, int variants, int to, struct err *err)
{
	struct ragged *r = arena_alloc(t->arena, sizeof *r);
	int *row = arena_alloc(t->arena, (size_t)(variants + 1) * sizeof *row), *of, *position;

	for (int v = 0; v < variants; v++)
		row[v + 1] = row[v] + to - t0[v];
	of = arena_alloc(t->arena, (size_t)row[variants] * sizeof *of);
	position = arena_alloc(t->arena, (size_t)row[variants] * sizeof *position);
	*p = (struct pass){ .model = t->q->run->model,
			    .t0 = t0[0],
			    .T = to,
			    .variants = variants,
			    .variant = variant,
			    .past = (const struct layer_sites *const *)t->q->run->layer,
			    .ragged = r,
			    .arena = t->arena,
			    .task = t->task };
	for (int v = 0; v < variants; v++) {
		p->t0 = t0[v] < p->t0 ? t0[v] : p->t0;
		for (int i = row[v]; i < row[v + 1]; i++) {
			of[i] = v;
			position[i] = t0[v] + i - row[v];
		}
	}
	*r = (struct ragged){ t0, row, past, row, of, position };
	return pass_begin(p, err);
}

static void next_layer(struct layer_sites *s)
{
	float *below = s->resid_post;

	s->resid_post = s->resid_pre;
	s->resid_pre = below;
}

/* resid[leaves, D]: their last rows. */
static bool read_leaves(const struct coalition_tree *t, const struct variant *variant, const float *resid, struct err *err)
{
	const size_t D = (size_t)t->q->run->model->config.D;

	for (int i = 0, n; i < t->leaves; i += n) {
		const struct variant *of[READOUT_ROWS];
		double value[READOUT_ROWS];

		n = t->leaves - i < READOUT_ROWS ? t->leaves - i : READOUT_ROWS;
		for (int k = 0; k < n; k++)
			of[k] = &variant[i + k];
		readout_rows(&t->readout, of, resid + (size_t)i * D, D, n, value);
		for (int k = 0; k < n; k++)
			for (int c = t->leaf[i + k].lo; c < t->leaf[i + k].hi; c++)
				t->value[t->order[c].index] = value[k];
		if (!task_going(t->task, err))
			return false;
	}
	return true;
}

/* Leaves up through all layers, to the metric. */
static bool compute_leaves(struct coalition_tree *t, struct err *err)
{
	const struct model *m = t->q->run->model;
	const int n = t->leaves, L = m->config.L;
	struct variant *variant = arena_alloc(t->arena, (size_t)n * sizeof *variant);
	const struct past_rows **past = arena_alloc(t->arena, (size_t)n * sizeof *past);
	int *t0 = arena_alloc(t->arena, (size_t)n * sizeof *t0);
	struct layer_sites *sites = layer_sites_lean(m, t->leaf_rows, err);
	struct pass p;
	bool ok = sites != NULL;

	for (int i = 0; i < n; i++) {
		variant[i] = variant_of(t, &t->order[t->leaf[i].lo], t->q->n);
		past[i] = t->leaf[i].past;
		t0[i] = t->leaf[i].t0;
	}
	ok = ok && begin_pass(t, &p, variant, t0, past, n, t->end, err);
	if (ok)
		forward_embed(&p, t->q->run->tokens, sites->resid_pre);
	for (int l = 0; ok && l < L; l++) {
		ok = l == L - 1 ? forward_last(&p, l, sites, err) : forward_layer(&p, l, sites, 0, 0, err);
		if (l < L - 1)
			next_layer(sites);
	}
	ok = ok && read_leaves(t, variant, sites->resid_post, err);
	layer_sites_unref(sites);
	return ok;
}

static bool flush(struct coalition_tree *t, struct err *err)
{
	struct arena_mark mark = arena_mark(t->arena);
	bool ok = true;

	t->rows += t->leaf_rows;
	if (t->value && t->leaves) {
		ok = task_step(t->task, t->done, t->count, err) && compute_leaves(t, err);
		for (int i = 0; i < t->leaves; i++)
			t->done += t->leaf[i].hi - t->leaf[i].lo;
		if (ok)
			task_piece(t->task);
	}
	t->leaves = t->leaf_rows = 0;
	arena_rewind(t->arena, mark);
	return ok;
}

static bool add_leaf(struct coalition_tree *t, struct leaf leaf, struct err *err)
{
	const int rows = t->end - leaf.t0;

	if (t->leaves && (t->leaf_rows + rows > t->most_rows || t->leaves == t->most_rows) && !flush(t, err))
		return false;
	t->leaf[t->leaves++] = leaf;
	t->leaf_rows += rows;
	return true;
}

/* Keys and values of all layers for the rows of some nodes. */
struct kept {
	struct past_rows *past;	 /* [nodes] */
	float *memory, **k, **v; /* [L] */
	float **conv_in;	 /* the same, or NULL */
	size_t bytes;
};

/* Of one row, in all layers. */
static size_t kept_bytes(const struct coalition_tree *t)
{
	const struct config *c = &t->q->run->model->config;

	return (size_t)c->L * (size_t)(2 * c->G * c->K + config_conv_width(c)) * sizeof(float);
}

static bool keep_rows(struct coalition_tree *t, struct kept *kept, int rows, struct err *err)
{
	const struct config *c = &t->q->run->model->config;
	const size_t one = (size_t)rows * (size_t)(c->G * c->K), conv = (size_t)rows * (size_t)config_conv_width(c);

	kept->bytes = (size_t)rows * kept_bytes(t);
	t->room -= (long)kept->bytes;
	kept->memory = big_take(kept->bytes);
	if (!kept->memory)
		return err_set(err, ERR_MEMORY, "out of memory: keys and values of %d rows", rows);
	kept->k = arena_alloc(t->arena, (size_t)c->L * sizeof *kept->k);
	kept->v = arena_alloc(t->arena, (size_t)c->L * sizeof *kept->v);
	for (int l = 0; l < c->L; l++) {
		kept->k[l] = kept->memory + 2 * (size_t)l * one;
		kept->v[l] = kept->k[l] + one;
	}
	kept->conv_in = conv ? arena_alloc(t->arena, (size_t)c->L * sizeof *kept->conv_in) : NULL;
	for (int l = 0; conv && l < c->L; l++)
		kept->conv_in[l] = kept->memory + 2 * (size_t)c->L * one + (size_t)l * conv;
	return true;
}

static void free_rows(struct coalition_tree *t, struct kept *kept)
{
	big_free(kept->memory);
	t->room += (long)kept->bytes;
}

/* The rows from … to-1 of some nodes at a depth, their keys and values kept. */
static bool compute_nodes(struct coalition_tree *t, const struct coalition_node *node, int n, int depth, int from, int to,
			  struct kept *kept, struct err *err)
{
	const struct model *m = t->q->run->model;
	const int rows = n * (to - from), L = m->config.L;
	const struct arena_mark mark = arena_mark(t->arena);
	struct variant *variant = arena_alloc(t->arena, (size_t)n * sizeof *variant);
	const struct past_rows **past = arena_alloc(t->arena, (size_t)n * sizeof *past);
	int *t0 = arena_alloc(t->arena, (size_t)n * sizeof *t0);
	struct layer_sites *sites = layer_sites_lean(m, rows, err);
	struct pass p;
	bool ok = sites && task_step(t->task, t->done, t->count, err);

	for (int i = 0; i < n; i++) {
		variant[i] = variant_of(t, &t->order[node[i].lo], depth);
		past[i] = node[i].past;
		t0[i] = from;
	}
	ok = ok && begin_pass(t, &p, variant, t0, past, n, to, err);
	if (ok)
		forward_embed(&p, t->q->run->tokens, sites->resid_pre);
	for (int l = 0; ok && l < L; l++) {
		sites->k = kept->k[l];
		sites->v = kept->v[l];
		if (kept->conv_in)
			sites->conv_in = kept->conv_in[l];
		ok = l == L - 1 ? forward_keys(&p, l, sites, err) : forward_layer(&p, l, sites, 0, 0, err);
		next_layer(sites);
	}
	layer_sites_unref(sites);
	arena_rewind(t->arena, mark);
	return ok;
}

/* ---- the tree ---- */

static bool descend(struct coalition_tree *t, const struct coalition_node *node, int n, int depth, struct err *err);

/* The nodes' children, by whether the next player is there; their rows are computed. */
static bool split(struct coalition_tree *t, const struct coalition_node *node, int n, int depth, struct err *err)
{
	struct coalition_node *child = xmalloc((size_t)n * 2 * sizeof *child);
	int children = 0;
	bool ok;

	for (int i = 0; i < n; i++) {
		int middle = node[i].lo;

		while (middle < node[i].hi && t->order[middle].in[depth])
			middle++;
		if (middle > node[i].lo)
			child[children++] = (struct coalition_node){ node[i].lo, middle, node[i].past };
		if (middle < node[i].hi)
			child[children++] = (struct coalition_node){ middle, node[i].hi, node[i].past };
	}
	ok = descend(t, child, children, depth + 1, err);
	free(child);
	return ok;
}

/* Whether they have left the run: somebody is absent. */
static bool has_left(const struct coalition_tree *t, const struct coalition_node *node, int depth)
{
	return first_absent(&t->order[node->lo]) < depth;
}

/* Some nodes' rows up to what the next player may change, `left` of which have left the run, and then the children of all. */
static bool grow(struct coalition_tree *t, struct coalition_node *node, int n, int left, int depth, struct err *err)
{
	const int from = left ? t->q->first[depth - 1] : 0, to = left ? t->q->first[depth] : 0;
	struct arena_mark mark = arena_mark(t->arena);
	struct kept kept = { .past = arena_alloc(t->arena, (size_t)(left + 1) * sizeof *kept.past) };
	bool ok = true;

	t->rows += left * (to - from);
	if (t->value && to > from)
		ok = keep_rows(t, &kept, left * (to - from), err) && compute_nodes(t, node, left, depth, from, to, &kept, err);
	for (int i = 0; i < left && to > from; i++) {
		kept.past[i] =
			(struct past_rows){ node[i].past, from, to, kept.k, kept.v, kept.conv_in, (size_t)(i * (to - from)) };
		node[i].past = &kept.past[i];
	}
	ok = ok && split(t, node, n, depth, err);
	if (left) { /* what waits may look at these rows */
		ok = ok && flush(t, err);
		free_rows(t, &kept);
		arena_rewind(t->arena, mark);
	}
	return ok;
}

static bool finish(struct coalition_tree *t, const struct coalition_node *node, int depth, struct err *err)
{
	const struct coalition *c = &t->order[node->lo];
	const int absent = first_absent(c), start = depth ? t->q->first[depth - 1] : 0;
	double value = 0;

	if (absent < t->q->n)
		return add_leaf(t,
				(struct leaf){ node->lo, node->hi, t->q->first[absent] > start ? t->q->first[absent] : start,
					       node->past },
				err);
	if (t->value && !metric_value(t->q->metric, t->q->run, t->q->unedited, &value, t->task, err))
		return false;
	for (int i = node->lo; t->value && i < node->hi; i++)
		t->value[t->order[i].index] = value;
	return true;
}

/*
 * How many nodes go together at a depth: their rows are one pass, and what they keep is there until all below them is computed. So
 * each depth that is still to come has an equal share of the room, and a depth with fewer nodes leaves the rest to the others.
 */
static int nodes_together(const struct coalition_tree *t, int depth)
{
	const struct coalitions *q = t->q;
	const int rows = depth && depth < q->n ? q->first[depth] - q->first[depth - 1] : 0;
	long share;

	if (rows < 1)
		return t->most_rows;
	share = t->room / (long)kept_bytes(t) / (q->first[q->n - 1] - q->first[depth - 1]);
	return most(1, least(t->most_rows / rows, (int)share));
}

/*
 * Nodes that agree about the first `depth` players, with the rows that those may change still to be computed. Those that have left
 * the run come first in what grows.
 */
static bool descend(struct coalition_tree *t, const struct coalition_node *node, int n, int depth, struct err *err)
{
	const int together = nodes_together(t, depth);
	struct coalition_node *some = xmalloc((size_t)(n + 1) * sizeof *some), stays;
	int left = 0, stay = 0;
	bool ok = true;

	for (int i = 0; ok && i < n; i++) {
		if (depth == t->q->n || node[i].hi - node[i].lo == 1) {
			ok = finish(t, &node[i], depth, err);
		} else if (has_left(t, &node[i], depth)) {
			some[left++] = node[i];
		} else {
			stays = node[i]; /* there is but one */
			stay = 1;
		}
	}
	if (stay)
		some[left] = stays;
	for (int i = 0; ok && i < left + stay; i += together) {
		const int end = i + together < left ? i + together : left + stay;

		ok = grow(t, some + i, end - i, (end < left ? end : left) - i, depth, err);
		if (end == left + stay)
			break;
	}
	free(some);
	return ok;
}

static int by_prefix(const void *a, const void *b)
{
	const struct coalition *x = a, *y = b;

	for (int i = 0; i < x->n; i++)
		if (x->in[i] != y->in[i])
			return x->in[i] ? -1 : 1;
	return x->index - y->index;
}

/* A quarter of the room is for the rows of a pass, with its normalised rows. */
static void share_room(struct coalition_tree *t)
{
	const struct config *c = &t->q->run->model->config;
	const size_t room = RUNS * run_bytes(c, t->q->run->T, RUN_ALL), row = layer_lean_bytes(c) + (size_t)c->D * sizeof(float);

	t->most_rows = room / 4 / row < MOST_ROWS ? most(1, (int)(room / 4 / row)) : MOST_ROWS;
	t->room = (long)(room - room / 4);
}

static bool walk(struct coalition_tree *t, const bool *in, struct err *err)
{
	struct coalition *order = xmalloc((size_t)t->count * sizeof *order);
	bool ok;

	for (int i = 0; i < t->count; i++)
		order[i] = (struct coalition){ in + (size_t)i * (size_t)t->q->n, t->q->n, i };
	qsort(order, (size_t)t->count, sizeof *order, by_prefix);
	t->order = order;
	share_room(t);
	t->leaf = xmalloc((size_t)t->most_rows * sizeof *t->leaf);
	ok = descend(t, &(struct coalition_node){ 0, t->count, NULL }, 1, 0, err) && flush(t, err);
	free(t->leaf);
	free(order);
	return ok;
}

/* ---- questions ---- */

/* The rows of a prefix are the same in a longer prompt, and the metric is read from one last row. */
static bool is_tree(const struct coalitions *q)
{
	const struct metric *m = q->metric;

	for (int i = 0; i < q->n; i++)
		if (!config_alike(&q->run->model->config, q->run->T, q->first[i]))
			return false;
	return q->n > 0 && metric_of_output(m) && m->kind != METRIC_LOSS &&
	       config_alike(&q->run->model->config, q->run->T, m->position + 1);
}

static bool values_by_sweep(const struct coalitions *q, const bool *in, int count, double *value, struct task *task,
			    struct err *err)
{
	struct arena *arena = arena_new();
	struct sweep_variant *variant = arena_alloc(arena, (size_t)(count + 1) * sizeof *variant);
	bool ok;

	for (int c = 0; c < count; c++) {
		const struct edit **edit = arena_alloc(arena, (size_t)(q->n + 1) * sizeof *edit);

		for (int i = 0; i < q->n; i++)
			if (!in[(size_t)c * (size_t)q->n + (size_t)i])
				edit[variant[c].more_count++] = q->edit[i];
		variant[c].more = edit;
	}
	ok = sweep_metric(q->run, q->unedited, q->foil, q->metric, variant, count, value, task, err);
	arena_free(arena);
	return ok;
}

int coalitions_passes(const struct coalitions *q, const bool *in, int count)
{
	struct coalition_tree t = { .q = q, .count = count, .end = q->metric->position + 1 };
	struct err err;

	if (!is_tree(q) || !count)
		return count;
	t.arena = arena_new();
	walk(&t, in, &err);
	arena_free(t.arena);
	return (int)((t.rows + q->run->T - 1) / q->run->T);
}

bool coalitions_values(const struct coalitions *q, const bool *in, int count, double *value, struct task *task, struct err *err)
{
	struct coalition_tree t = { .q = q, .count = count, .end = q->metric->position + 1, .value = value, .task = task };
	bool ok;

	for (int c = 0; c < count; c++)
		value[c] = NAN;
	if (!is_tree(q) || !count)
		return values_by_sweep(q, in, count, value, task, err);
	task_count_runs(task, coalitions_passes(q, in, count));
	t.arena = arena_new();
	ok = readout_begin(&t.readout, q->metric, q->unedited, t.arena, task, err) && walk(&t, in, err);
	arena_free(t.arena);
	return ok;
}
