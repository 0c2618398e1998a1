/* vocab.c - see vocab.h. The vocabulary is read in blocks; each row keeps a running best list, log-sum-exp and expectations. */
#include "engine/run/vocab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"

enum { ROWS = 126, BLOCK = 2048, MOST = 64, LOOK = 128 };

/* What is known of one row after some blocks. Sums are relative to the greatest logit so far. */
struct row {
	float best;			/* greatest logit */
	double sum, sum_x;		/* of exp(x - best), and of x exp(x - best) */
	int k;
	int32_t id[MOST];
	float x[MOST];
};

/* Expectations under the reference's distribution, for KL: its own logit, and this row's. */
struct expectation {
	float best;
	double sum, own, other;
};

struct reading {
	const struct vocab_wanted *wanted;
	const float *logits, *reference;	/* [rows, BLOCK] */
	struct row *row;
	struct expectation *expectation;
	int from, count;			/* of this block */
	int row0;
};

static void insert(struct row *r, int k, int32_t id, float x)
{
	int at = r->k < k ? r->k++ : k - 1;

	while (at > 0 && r->x[at - 1] < x) {
		r->x[at] = r->x[at - 1];
		r->id[at] = r->id[at - 1];
		at--;
	}
	r->x[at] = x;
	r->id[at] = id;
}

/* The best list: most stretches have nothing for it. Returns the greatest of the block. */
static float read_best(struct row *r, const float *x, int from, int count, int k)
{
	float greatest = -INFINITY;

	for (int i = 0; i < count; i += LOOK) {
		int end = count - i < LOOK ? count : i + LOOK;
		float top = kernel_largest(x + i, (size_t)(end - i));

		greatest = top > greatest ? top : greatest;
		for (int j = i; k && (r->k < k || top > r->x[k - 1]) && j < end; j++)
			if (r->k < k || x[j] > r->x[k - 1])
				insert(r, k, from + j, x[j]);
	}
	return greatest;
}

/* Raises what the sums of exponentials are relative to, when a block has something greater; what they shrink by. */
static double raise(float *best, float greatest)
{
	float before = *best;

	if (!(greatest > before))
		return 1;
	*best = greatest;
	return isinf(before) ? 0 : exp((double)(before - greatest));
}

static double product(const float *a, const float *b, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static void read_row(struct row *r, const float *x, float greatest, int count, bool means)
{
	float e[BLOCK];
	double shrink = raise(&r->best, greatest);

	r->sum = r->sum * shrink + kernel_exponentials(x, r->best, e, (size_t)count);
	if (means)
		r->sum_x = r->sum_x * shrink + product(e, x, count);
}

static void read_expectation(struct expectation *r, const float *reference, const float *x, int count)
{
	float e[BLOCK];
	double shrink = raise(&r->best, kernel_largest(reference, (size_t)count));

	r->sum = r->sum * shrink + kernel_exponentials(reference, r->best, e, (size_t)count);
	r->own = r->own * shrink + product(e, reference, count);
	r->other = r->other * shrink + product(e, x, count);
}

static void read_block(void *context, int i)
{
	const struct reading *g = context;
	const struct vocab_wanted *w = g->wanted;
	const float *x = g->logits + (size_t)i * BLOCK;
	float greatest;

	greatest = read_best(&g->row[i], x, g->from, g->count, w->k);
	if (w->lse || w->entropy || w->kl)
		read_row(&g->row[i], x, greatest, g->count, w->entropy);
	if (w->kl)
		read_expectation(&g->expectation[i], g->reference + (size_t)i * BLOCK, x, g->count);
	for (int j = 0; j < w->target_count; j++) {
		int32_t id = w->targets[j];

		if (w->target_logits && id >= g->from && id < g->from + g->count)
			w->target_logits[(size_t)(g->row0 + i) * (size_t)w->target_count + (size_t)j] = x[id - g->from];
	}
}

/* Ranks need the targets' logits before the vocabulary is read: how many are higher is counted in a second look. */
static void count_ranks(void *context, int i)
{
	const struct reading *g = context;
	const struct vocab_wanted *w = g->wanted;

	for (int j = 0; j < w->target_count; j++) {
		size_t at = (size_t)(g->row0 + i) * (size_t)w->target_count + (size_t)j;

		for (int t = 0; t < g->count; t++)
			w->target_ranks[at] += g->logits[(size_t)i * BLOCK + (size_t)t] > w->target_logits[at];
	}
}

static void finish(const struct vocab_wanted *w, const struct row *r, const struct expectation *e, size_t i)
{
	double lse = (double)r->best + log(r->sum);

	if (w->k && w->ids)
		memcpy(w->ids + i * (size_t)w->k, r->id, (size_t)w->k * sizeof *r->id);
	if (w->k && w->logits)
		memcpy(w->logits + i * (size_t)w->k, r->x, (size_t)w->k * sizeof *r->x);
	if (w->lse)
		w->lse[i] = (float)lse;
	if (w->entropy)
		w->entropy[i] = (float)(lse - r->sum_x / r->sum);
	if (w->kl)
		w->kl[i] = (float)((e->own - e->other) / e->sum - ((double)e->best + log(e->sum)) + lse);
}

/* The targets' logits by themselves, ahead of the blocks. */
static void read_targets(const struct model *m, const float *y, int n, const struct vocab_wanted *w, size_t row0)
{
	for (int j = 0; j < w->target_count; j++)
		for (int i = 0; i < n; i++) {
			size_t at = (row0 + (size_t)i) * (size_t)w->target_count + (size_t)j;

			model_unembed_some(m, y + (size_t)i * (size_t)m->config.D, 1, w->targets[j], 1, w->target_logits + at, 1);
			w->target_ranks[at] = 1;
		}
}

bool vocab_read(const struct model *m, const float *x, int n, bool normed, const struct vocab_wanted *wanted, struct task *task,
		struct err *err)
{
	size_t D = (size_t)m->config.D;
	struct arena *arena = arena_new();
	float *y = arena_floats(arena, ROWS * D, err), *y_ref = arena_floats(arena, ROWS * D, err);
	float *logits = arena_floats(arena, (size_t)ROWS * BLOCK, err), *reference = arena_floats(arena, (size_t)ROWS * BLOCK, err);
	struct row *row = arena_array(arena, ROWS, sizeof *row, err);
	struct expectation *expectation = arena_array(arena, ROWS, sizeof *expectation, err);
	struct reading g = { wanted, logits, reference, row, expectation, 0, 0, 0 };
	bool ok = y && y_ref && logits && reference && row && expectation;

	for (int i = 0; ok && i < n; i += ROWS) {
		int rows = n - i < ROWS ? n - i : ROWS;

		g.row0 = i;
		for (int r = 0; r < rows; r++) {
			row[r] = (struct row){ .best = -INFINITY };
			expectation[r] = (struct expectation){ .best = -INFINITY };
		}
		if (normed)
			memcpy(y, x + (size_t)i * D, (size_t)rows * D * sizeof *y);
		else
			model_final_norm(m, x + (size_t)i * D, rows, y, NULL);
		if (wanted->kl && normed)
			memcpy(y_ref, wanted->reference + (size_t)i * D, (size_t)rows * D * sizeof *y);
		else if (wanted->kl)
			model_final_norm(m, wanted->reference + (size_t)i * D, rows, y_ref, NULL);
		if (wanted->target_ranks)
			read_targets(m, y, rows, wanted, (size_t)i);
		for (g.from = 0; ok && g.from < m->config.V; g.from += BLOCK) {
			g.count = m->config.V - g.from < BLOCK ? m->config.V - g.from : BLOCK;
			ok = task_going(task, err);
			model_unembed_some(m, y, rows, g.from, g.count, logits, BLOCK);
			if (wanted->kl)
				model_unembed_some(m, y_ref, rows, g.from, g.count, reference, BLOCK);
			pool_run(rows, read_block, &g);
			if (wanted->target_ranks)
				pool_run(rows, count_ranks, &g);
		}
		for (int r = 0; ok && r < rows; r++)
			finish(wanted, &row[r], &expectation[r], (size_t)(i + r));
	}
	arena_free(arena);
	return ok;
}

bool vocab_loss(const struct model *m, const float *y, int n, const int32_t *target, double *sum, struct task *task, struct err *err)
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
