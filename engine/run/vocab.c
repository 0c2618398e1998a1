/*
 * vocab.c - see vocab.h.
 *
 * The vocabulary is read in sections of fixed width: a thread multiplies all rows with a section's weights and reads the logits
 * at once, while they are in its own cache. Of the sums each section keeps its own, which are put together in the sections' order;
 * the best lists are shared, since it does not matter in which order they are filled. So no bit depends on who was first.
 */
#include "engine/run/vocab.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/big.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"

enum { SECTION = 512, MOST = 64, LOOK = 128 };

enum { SOME_SECTIONS = 32 }; /* between which the work may be interrupted; more where there are many threads */

/* The best tokens of a row so far. */
struct best {
	atomic_flag lock;
	_Atomic float least; /* no logit below this one is among the best */
	int k;
	int32_t id[MOST];
	float x[MOST];
};

/* What a row's logits in one section sum to, relative to the greatest of them. */
struct section_sums {
	float greatest;
	double sum, sum_x; /* of exp(x - greatest), and of x exp(x - greatest) */
	/*
	 * Under the reference's distribution, for KL: its greatest logit, its sum, and the expectations of its logit and of this
	 * row's.
	 */
	float reference;
	double weight, own, other;
};

struct vocab_pass {
	const struct model *m;
	const struct vocab_wanted *wanted;
	const struct task *task;     /* as chunks may have it */
	struct matrix_rows y, y_ref; /* [rows, D] normalised */
	int rows, row0;
	int sections, from;	   /* in all; those of this go begin here */
	struct best *best;	   /* [rows] */
	struct section_sums *sums; /* [rows, sections] */
	atomic_int *higher;	   /* [rows, targets] how many logits are higher than the target's */
};

static bool better(float x, int32_t id, float than, int32_t than_id)
{
	return x > than || (x == than && id < than_id);
}

static void insert(struct best *b, int k, int32_t id, float x)
{
	int at;

	while (atomic_flag_test_and_set_explicit(&b->lock, memory_order_acquire))
		;
	if (b->k < k || better(x, id, b->x[k - 1], b->id[k - 1])) {
		at = b->k < k ? b->k++ : k - 1;
		for (; at > 0 && better(x, id, b->x[at - 1], b->id[at - 1]); at--) {
			b->x[at] = b->x[at - 1];
			b->id[at] = b->id[at - 1];
		}
		b->x[at] = x;
		b->id[at] = id;
		if (b->k == k)
			atomic_store_explicit(&b->least, b->x[k - 1], memory_order_relaxed);
	}
	atomic_flag_clear_explicit(&b->lock, memory_order_release);
}

/* The best list: most stretches have nothing for it. Returns the greatest logit of the section. */
static float read_best(struct best *b, const float *x, int from, int count, int k)
{
	float greatest = -INFINITY;

	for (int i = 0; i < count; i += LOOK) {
		int end = count - i < LOOK ? count : i + LOOK;
		float top = kernel_largest(x + i, (size_t)(end - i));

		greatest = top > greatest ? top : greatest;
		for (int j = i; k && top >= atomic_load_explicit(&b->least, memory_order_relaxed) && j < end; j++)
			if (x[j] >= atomic_load_explicit(&b->least, memory_order_relaxed))
				insert(b, k, from + j, x[j]);
	}
	return greatest;
}

static double product(const float *a, const float *b, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static void read_sums(struct section_sums *s, const float *x, int count, bool means)
{
	float e[SECTION];

	s->sum = kernel_exponentials(x, s->greatest, e, (size_t)count);
	if (means)
		s->sum_x = product(e, x, count);
}

static void read_expectation(struct section_sums *s, const float *reference, const float *x, int count)
{
	float e[SECTION];

	s->reference = kernel_largest(reference, (size_t)count);
	s->weight = kernel_exponentials(reference, s->reference, e, (size_t)count);
	s->own = product(e, reference, count);
	s->other = product(e, x, count);
}

/* [target_count] of a row. */
static const int32_t *targets_of(const struct vocab_pass *g, int row)
{
	return g->wanted->targets + (g->wanted->own_targets ? g->row0 + row : 0);
}

/* Logits of the targets in this section; or, when they are known already, how many here are higher. */
static void look_at_targets(const struct vocab_pass *g, int row, const float *x, int from, int count)
{
	const struct vocab_wanted *w = g->wanted;
	const int32_t *targets = targets_of(g, row);
	float *logits = w->target_logits + (size_t)(g->row0 + row) * (size_t)w->target_count;

	for (int j = 0; j < w->target_count; j++) {
		int higher = 0;

		for (int t = 0; g->higher && t < count; t++)
			higher += x[t] > logits[j];
		if (g->higher)
			atomic_fetch_add_explicit(&g->higher[row * w->target_count + j], higher, memory_order_relaxed);
		else if (targets[j] >= from && targets[j] < from + count)
			logits[j] = x[targets[j] - from];
	}
}

static void read_section(void *context, int chunk)
{
	const struct vocab_pass *g = context;
	const struct vocab_wanted *w = g->wanted;
	const int section = g->from + chunk, from = section * SECTION,
		  count = g->m->config.V - from < SECTION ? g->m->config.V - from : SECTION;
	const size_t floats = (size_t)g->rows * SECTION;
	float *logits, *reference;

	if (task_stopped(g->task))
		return;
	logits = xbig((w->kl ? 2 : 1) * floats * sizeof *logits);
	reference = logits + floats;
	model_unembed_here(g->m, &g->y, from, count, logits, SECTION);
	if (w->kl)
		model_unembed_here(g->m, &g->y_ref, from, count, reference, SECTION);
	for (int i = 0; i < g->rows; i++) {
		const float *x = logits + (size_t)i * SECTION;
		struct section_sums *s = &g->sums[(size_t)i * (size_t)g->sections + (size_t)section];

		s->greatest = read_best(&g->best[i], x, from, count, w->k);
		if (w->lse || w->entropy || w->kl)
			read_sums(s, x, count, w->entropy);
		if (w->kl)
			read_expectation(s, reference + (size_t)i * SECTION, x, count);
		if (w->target_logits)
			look_at_targets(g, i, x, from, count);
	}
	big_free(logits);
}

/* By how much a section's sums shrink beside a greater logit. */
static double shrunk(float greatest, float than)
{
	return isinf(greatest) ? 0 : exp((double)(greatest - than));
}

/* All sections' sums together. */
static struct section_sums total(const struct section_sums *s, int sections)
{
	struct section_sums t = { .greatest = -INFINITY, .reference = -INFINITY };

	for (int i = 0; i < sections; i++) {
		t.greatest = s[i].greatest > t.greatest ? s[i].greatest : t.greatest;
		t.reference = s[i].reference > t.reference ? s[i].reference : t.reference;
	}
	for (int i = 0; i < sections; i++) {
		const double here = shrunk(s[i].greatest, t.greatest),
			     there = s[i].weight > 0 ? shrunk(s[i].reference, t.reference) : 0;

		t.sum += s[i].sum * here;
		t.sum_x += s[i].sum_x * here;
		t.weight += s[i].weight * there;
		t.own += s[i].own * there;
		t.other += s[i].other * there;
	}
	return t;
}

static void finish(const struct vocab_pass *g, int row)
{
	const struct vocab_wanted *w = g->wanted;
	const struct section_sums t = total(g->sums + (size_t)row * (size_t)g->sections, g->sections);
	const size_t i = (size_t)(g->row0 + row), targets = (size_t)w->target_count;
	const double lse = (double)t.greatest + log(t.sum);

	if (w->k && w->ids)
		memcpy(w->ids + i * (size_t)w->k, g->best[row].id, (size_t)w->k * sizeof *w->ids);
	if (w->k && w->logits)
		memcpy(w->logits + i * (size_t)w->k, g->best[row].x, (size_t)w->k * sizeof *w->logits);
	if (w->lse)
		w->lse[i] = (float)lse;
	if (w->entropy)
		w->entropy[i] = (float)(lse - t.sum_x / t.sum);
	if (w->kl)
		w->kl[i] = (float)((t.own - t.other) / t.weight - ((double)t.reference + log(t.weight)) + lse);
	for (size_t j = 0; g->higher && j < targets; j++)
		w->target_ranks[i * targets + j] = (float)(1 + g->higher[(size_t)row * targets + j]);
}

/* The targets' logits by themselves, ahead of the sections: ranks need them. */
static void read_targets(const struct vocab_pass *g)
{
	const struct vocab_wanted *w = g->wanted;
	const size_t targets = (size_t)w->target_count, D = (size_t)g->m->config.D;
	const int together = w->own_targets ? 1 : g->rows; /* rows that have the same targets */

	for (int i = 0; i < g->rows; i += together)
		for (size_t j = 0; j < targets; j++)
			model_unembed_some(g->m, g->y.x + (size_t)i * D, together, targets_of(g, i)[j], 1,
					   w->target_logits + (size_t)(g->row0 + i) * targets + j, targets);
}

static void begin(const struct vocab_pass *g)
{
	for (int i = 0; i < g->rows; i++) {
		g->best[i].k = 0;
		atomic_flag_clear(&g->best[i].lock);
		atomic_store(&g->best[i].least, -INFINITY);
	}
	for (int i = 0; g->higher && i < g->rows * g->wanted->target_count; i++)
		atomic_store(&g->higher[i], 0);
}

/* Rows x normalised, to y[rows, D] and after them once more in order for products. */
static struct matrix_rows norm_rows(const struct model *m, const float *x, int rows, bool normed, float *y)
{
	const size_t floats = (size_t)rows * (size_t)m->config.D;
	struct matrix_rows r = { y, rows, y + floats };

	if (normed)
		memcpy(y, x, floats * sizeof *y);
	else
		model_final_norm(m, x, rows, y, NULL);
	matrix_pack_rows(m->W_U, &r);
	return r;
}

static bool read_sections(struct vocab_pass *g, struct task *task, struct err *err)
{
	const int some = 8 * pool_size() > SOME_SECTIONS ? 8 * pool_size() : SOME_SECTIONS;

	for (g->from = 0; g->from < g->sections; g->from += some) {
		pool_run(g->sections - g->from < some ? g->sections - g->from : some, read_section, g);
		if (!task_going(task, err))
			return false;
	}
	return true;
}

static bool read_rows(struct vocab_pass *g, const float *x, int n, bool normed, float *y, float *y_ref, struct task *task,
		      struct err *err)
{
	const struct vocab_wanted *w = g->wanted;
	bool ok = true;

	for (g->row0 = 0; ok && g->row0 < n; g->row0 += VOCAB_ROWS) {
		const size_t at = (size_t)g->row0 * (size_t)g->m->config.D;

		g->rows = n - g->row0 < VOCAB_ROWS ? n - g->row0 : VOCAB_ROWS;
		g->y = norm_rows(g->m, x + at, g->rows, normed, y);
		if (w->kl)
			g->y_ref = norm_rows(g->m, w->reference + at, g->rows, normed, y_ref);
		begin(g);
		if (g->higher)
			read_targets(g);
		ok = read_sections(g, task, err);
		for (int i = 0; ok && i < g->rows; i++)
			finish(g, i);
	}
	return ok;
}

bool vocab_read(const struct model *m, const float *x, int n, bool normed, const struct vocab_wanted *wanted, struct task *task,
		struct err *err)
{
	const size_t rows = n < VOCAB_ROWS ? (size_t)n : VOCAB_ROWS, D = (size_t)m->config.D,
		     targets = (size_t)wanted->target_count;
	struct vocab_pass g = { .m = m, .wanted = wanted, .task = task, .sections = (m->config.V + SECTION - 1) / SECTION };
	struct arena *arena = arena_new();
	float *y = arena_floats(arena, 2 * rows * D, err), *y_ref = arena_floats(arena, (wanted->kl ? 2 * rows : 0) * D, err);
	bool ok;

	g.best = arena_array(arena, rows, sizeof *g.best, err);
	g.sums = arena_array(arena, rows * (size_t)g.sections, sizeof *g.sums, err);
	if (wanted->target_ranks)
		g.higher = arena_array(arena, rows * targets, sizeof *g.higher, err);
	ok = y && y_ref && g.best && g.sums && (g.higher || !wanted->target_ranks) &&
	     read_rows(&g, x, n, normed, y, y_ref, task, err);
	arena_free(arena);
	return ok;
}

bool vocab_loss(const struct model *m, const float *y, int n, const int32_t *target, double *sum, struct task *task,
		struct err *err)
{
	float *lse = xmalloc((size_t)n * sizeof *lse), x;
	bool ok = vocab_read(m, y, n, true, &(struct vocab_wanted){ .lse = lse }, task, err);

	*sum = 0;
	for (int i = 0; ok && i < n; i++) {
		model_unembed_some(m, y + (size_t)i * (size_t)m->config.D, 1, target[i], 1, &x, 1);
		*sum += (double)lse[i] - (double)x;
	}
	free(lse);
	return ok;
}
