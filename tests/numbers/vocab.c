/*
 * vocab.c - what vocab.h reads from the vocabulary section by section, against all logits at once: best tokens, log-sum-exp,
 * entropy, KL, targets and their ranks. And that a row's bits depend neither on the rows beside it nor on threads.
 */
#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/model/model.h"
#include "engine/numbers/pool.h"
#include "engine/run/vocab.h"
#include "tests/tap.h"

enum { N = 150, K = 64, TARGETS = 3 }; /* more rows than are read together */

struct vocab_answer {
	int32_t ids[N * K];
	float logits[N * K], lse[N], entropy[N], kl[N], target_logits[N * TARGETS], target_ranks[N * TARGETS];
};

/* Rows of the stream, and others to compare them with. */
static float *rows_of(size_t count, uint64_t seed)
{
	float *x = xmalloc(count * sizeof *x);

	for (size_t i = 0; i < count; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		x[i] = (float)(int32_t)(seed >> 32) / 2147483648.0f;
	}
	return x;
}

static void read_rows(const struct model *m, const float *x, const float *reference, int from, int n, int k, const int32_t *targets,
		      struct vocab_answer *a)
{
	const size_t D = (size_t)m->config.D;
	struct err err = { 0 };
	struct vocab_wanted wanted = {
		.k = k,
		.ids = a->ids,
		.logits = a->logits,
		.lse = a->lse,
		.entropy = a->entropy,
		.targets = targets,
		.target_count = TARGETS,
		.target_logits = a->target_logits,
		.target_ranks = a->target_ranks,
		.reference = reference + (size_t)from * D,
		.kl = a->kl,
	};

	memset(a, 0, sizeof *a);
	CHECK_THAT(vocab_read(m, x + (size_t)from * D, n, false, &wanted, NULL, &err), "%d rows from %d on, best %d", n, from, k);
}

/* Of one row: its logits, and the sums over them in double precision. */
struct exact_sums {
	double lse, entropy;
};

static struct exact_sums sums_of(const float *x, int V)
{
	double greatest = -INFINITY, sum = 0, mean = 0;

	for (int i = 0; i < V; i++)
		greatest = fmax(greatest, (double)x[i]);
	for (int i = 0; i < V; i++) {
		sum += exp((double)x[i] - greatest);
		mean += exp((double)x[i] - greatest) * (double)x[i];
	}
	return (struct exact_sums){ greatest + log(sum), greatest + log(sum) - mean / sum };
}

static double divergence(const float *p, const float *q, int V)
{
	const double lse_p = sums_of(p, V).lse, lse_q = sums_of(q, V).lse;
	double kl = 0;

	for (int i = 0; i < V; i++)
		kl += exp((double)p[i] - lse_p) * ((double)p[i] - lse_p - ((double)q[i] - lse_q));
	return kl;
}

/* The number of tokens that come before one: those with a higher logit, and of equals those with a lower id. */
static int place(const float *x, int V, int32_t id)
{
	int before = 0;

	for (int i = 0; i < V; i++)
		before += x[i] > x[id] || (x[i] == x[id] && i < id);
	return before;
}

static void check_against_logits(const struct model *m, const float *x, const float *reference, const int32_t *targets,
				 const char *name)
{
	const int V = m->config.V;
	const size_t D = (size_t)m->config.D;
	struct vocab_answer *a = xmalloc(sizeof *a);
	float *y = xmalloc(D * sizeof *y), *p = xmalloc((size_t)V * sizeof *p), *q = xmalloc((size_t)V * sizeof *q);
	float lse[N], entropy[N], kl[N];
	int wrong_best = 0, wrong_targets = 0;

	read_rows(m, x, reference, 0, N, K, targets, a);
	for (int i = 0; i < N; i++) {
		model_final_norm(m, reference + (size_t)i * D, 1, y, NULL);
		model_unembed(m, y, 1, p);
		model_final_norm(m, x + (size_t)i * D, 1, y, NULL);
		model_unembed(m, y, 1, q);
		lse[i] = (float)sums_of(q, V).lse;
		entropy[i] = (float)sums_of(q, V).entropy;
		kl[i] = (float)divergence(p, q, V);
		for (int k = 0; k < K; k++) {
			const int32_t id = a->ids[i * K + k];

			wrong_best += place(q, V, id) != k || a->logits[i * K + k] != q[id];
		}
		for (int j = 0; j < TARGETS; j++) {
			int rank = 1;

			for (int t = 0; t < V; t++)
				rank += q[t] > q[targets[j]];
			wrong_targets += a->target_ranks[i * TARGETS + j] != (float)rank ||
					 a->target_logits[i * TARGETS + j] != q[targets[j]];
		}
	}
	CHECK_THAT(!wrong_best, "%s: the best %d of %d tokens (%d wrong)", name, K, V, wrong_best);
	CHECK_THAT(!wrong_targets, "%s: logits and ranks of targets (%d wrong)", name, wrong_targets);
	CHECK_NEAR(a->lse, lse, N, 1e-6, "%s: log-sum-exp", name);
	CHECK_NEAR(a->entropy, entropy, N, 2e-6, "%s: entropy", name);
	CHECK_NEAR(a->kl, kl, N, 1e-5, "%s: KL", name);
	free(a);
	free(y);
	free(p);
	free(q);
}

static void check_bits(const struct model *m, const float *x, const float *reference, const int32_t *targets, const char *name)
{
	struct vocab_answer *all = xmalloc(sizeof *all), *some = xmalloc(sizeof *some);
	static const int threads[] = { 1, 2, 5 };
	bool same;

	read_rows(m, x, reference, 0, N, 5, targets, all);
	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
		pool_threads(threads[i]);
		read_rows(m, x, reference, 0, N, 5, targets, some);
		CHECK_THAT(!memcmp(all, some, sizeof *all), "%s: the same bits with %d threads", name, threads[i]);
	}
	read_rows(m, x, reference, 130, 1, 5, targets, some);
	same = !memcmp(some->ids, all->ids + 130 * 5, 5 * sizeof *some->ids) && some->lse[0] == all->lse[130] &&
	       some->entropy[0] == all->entropy[130] && some->kl[0] == all->kl[130] &&
	       !memcmp(some->target_logits, all->target_logits + 130 * TARGETS, TARGETS * sizeof(float)) &&
	       !memcmp(some->target_ranks, all->target_ranks + 130 * TARGETS, TARGETS * sizeof(float));
	CHECK_THAT(same, "%s: the same bits alone", name);
	free(all);
	free(some);
}

static void check_model(const char *where)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct model *m = model_open(where, NULL, &notes, &err);
	float *x, *reference;

	notes_done(&notes);
	if (CHECK_THAT(m, "%s opens", where)) {
		const int32_t targets[TARGETS] = { 0, m->config.V / 2 + 1, m->config.V - 1 };

		x = rows_of(N * (size_t)m->config.D, 1);
		reference = rows_of(N * (size_t)m->config.D, 2);
		check_against_logits(m, x, reference, targets, where);
		check_bits(m, x, reference, targets, where);
		free(x);
		free(reference);
	}
	model_free(m);
}

int main(void)
{
	check_model("models/demo");		     /* several sections */
	check_model("tests/fixtures/tiny/gpt2-odd"); /* one, not full */
	return tap_done();
}
