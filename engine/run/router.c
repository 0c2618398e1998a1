/* router.c - see router.h. */
#include "engine/run/router.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"

static enum ruling ruling(const struct routing *r, int x)
{
	return r->rule ? (enum ruling)r->rule[x] : RULING_NONE;
}

/* ---- scores ---- */

/* Softmax over the experts that `in` admits; the others get 0. */
static void softmax_over(const float *logits, const bool *in, int X, float *p)
{
	float most = -INFINITY;
	double sum = 0;

	for (int x = 0; x < X; x++)
		most = in[x] && logits[x] > most ? logits[x] : most;
	for (int x = 0; x < X; x++)
		sum += (double)(p[x] = in[x] ? expf(logits[x] - most) : 0);
	for (int x = 0; x < X; x++)
		p[x] = (float)((double)p[x] / sum);
}

/* What weights are made of, over all experts that are not forbidden. */
static void scores_of(const struct routing *r, float *score)
{
	const int X = r->e->X;
	bool *in = xcalloc((size_t)X, sizeof *in);

	for (int x = 0; x < X; x++)
		in[x] = ruling(r, x) != RULING_FORBIDDEN;
	if (r->e->score == ROUTER_SOFTMAX)
		softmax_over(r->logits, in, X, score);
	else
		for (int x = 0; x < X; x++)
			score[x] = in[x] ? 1 / (1 + expf(-r->logits[x])) : 0;
	free(in);
}

/* ---- choosing ---- */

/* The best that is open; NaN is worse than any number. -1: none is open. */
static int best_of(const float *score, const bool *open, int from, int to)
{
	int best = -1;

	for (int x = from; x < to; x++)
		if (open[x] && (best < 0 || score[x] > score[best] || (isnan(score[best]) && !isnan(score[x]))))
			best = x;
	return best;
}

/* How good a group is: its best expert, or its best two together. */
static float group_score(const struct experts *e, const float *score, int group)
{
	const int n = e->X / e->groups, from = group * n;
	bool *open = xmalloc((size_t)e->X * sizeof *open);
	float sum = 0;

	memset(open, true, (size_t)e->X * sizeof *open);
	for (int i = 0; i < e->group_best; i++) {
		int best = best_of(score, open, from, from + n);

		if (best < 0)
			break;
		sum += score[best];
		open[best] = false;
	}
	free(open);
	return sum;
}

/* Experts of groups that are not among the best are closed. */
static void close_groups(const struct experts *e, const float *score, bool *open)
{
	const int n = e->X / e->groups;
	float *good = xcalloc((size_t)e->groups, sizeof *good);
	bool *left = xcalloc((size_t)e->groups, sizeof *left);

	for (int g = 0; g < e->groups; g++) {
		good[g] = group_score(e, score, g);
		left[g] = true;
	}
	for (int i = 0; i < e->open; i++) {
		int best = best_of(good, left, 0, e->groups);

		if (best >= 0)
			left[best] = false;
	}
	for (int x = 0; x < e->X; x++)
		open[x] = open[x] && !left[x / n];
	free(good);
	free(left);
}

static int by_number(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < 0 || y < 0 ? (x < 0) - (y < 0) : (x > y) - (x < y); /* -1 comes last */
}

/* Forced ones first, then the best that are open. taken[chosen], in the order in which they were taken, -1 at the end. */
static void take_best(const struct routing *r, const float *score, bool *open, int *taken)
{
	const struct experts *e = r->e;
	int n = 0;

	for (int x = 0; x < e->X && n < e->chosen; x++)
		if (ruling(r, x) == RULING_FORCED) {
			taken[n++] = x;
			open[x] = false;
		}
	for (int best; n < e->chosen && (best = best_of(score, open, 0, e->X)) >= 0; n++) {
		taken[n] = best;
		open[best] = false;
	}
	while (n < e->chosen)
		taken[n++] = -1;
}

static void choose_by(const struct routing *r, const float *score, int *taken)
{
	const struct experts *e = r->e;
	float *by = xmalloc((size_t)e->X * sizeof *by);
	bool *open = xmalloc((size_t)e->X * sizeof *open);

	for (int x = 0; x < e->X; x++) {
		by[x] = score[x] + (r->b_choice ? r->b_choice[x] : 0);
		open[x] = ruling(r, x) != RULING_FORBIDDEN;
	}
	if (e->groups > 1)
		close_groups(e, by, open);
	take_best(r, by, open, taken);
	free(by);
	free(open);
}

/* ---- sparsemixer ---- */

/* The softmax of choice number i: over the logits that are left and near the greatest of them. p[X] */
static void softmax_near(const struct routing *r, const int *taken, int i, float *p)
{
	const int X = r->e->X;
	bool *in = xcalloc((size_t)X, sizeof *in);
	float most = -INFINITY;

	for (int x = 0; x < X; x++) {
		in[x] = ruling(r, x) != RULING_FORBIDDEN;
		for (int j = 0; j < i; j++)
			in[x] = in[x] && taken[j] != x;
		most = in[x] && r->logits[x] > most ? r->logits[x] : most;
	}
	for (int x = 0; x < X; x++) {
		float size = fmaxf(fabsf(r->logits[x]), most);

		in[x] = in[x] && (x == taken[i] || !((most - r->logits[x]) / size > 2 * r->e->near));
	}
	softmax_over(r->logits, in, X, p);
	free(in);
}

/* The order in which they were taken: a forced one may come before a better one. */
static void order_taken(const struct routing *r, int *taken)
{
	for (int i = 1; i < r->e->chosen; i++)
		for (int j = i; j > 0 && taken[j] >= 0 && r->logits[taken[j]] > r->logits[taken[j - 1]]; j--) {
			int other = taken[j];

			taken[j] = taken[j - 1];
			taken[j - 1] = other;
		}
}

/* ---- weights ---- */

static float sum_of(const struct routing *r, const int *taken, const float *score)
{
	float sum = r->e->sum_eps;

	for (int i = 0; i < r->e->chosen; i++)
		sum += taken[i] >= 0 ? score[taken[i]] : 0;
	return sum;
}

static void weigh(const struct routing *r, const int *taken, const float *score, float *weights)
{
	const struct experts *e = r->e;
	float *p = xmalloc((size_t)e->X * sizeof *p), sum = e->normalised ? sum_of(r, taken, score) : 1;

	for (int i = 0; i < e->chosen && taken[i] >= 0; i++) {
		if (e->score == ROUTER_SPARSEMIXER) {
			softmax_near(r, taken, i, p);
			weights[taken[i]] = p[taken[i]];
		} else {
			weights[taken[i]] = score[taken[i]] / sum * e->scale;
		}
	}
	free(p);
}

void router_choose(const struct routing *r, float *weights, float *chosen)
{
	const struct experts *e = r->e;
	float *score = xmalloc((size_t)e->X * sizeof *score);
	int *taken = xmalloc((size_t)e->chosen * sizeof *taken);

	scores_of(r, score);
	choose_by(r, e->score == ROUTER_SPARSEMIXER ? r->logits : score, taken);
	if (e->score == ROUTER_SPARSEMIXER)
		order_taken(r, taken);
	memset(weights, 0, (size_t)e->X * sizeof *weights);
	weigh(r, taken, score, weights);
	for (int i = 0; i < e->chosen; i++)
		chosen[i] = (float)taken[i];
	qsort(chosen, (size_t)e->chosen, sizeof *chosen, by_number);
	free(score);
	free(taken);
}

/* ---- back ---- */

/* d_logits += of a softmax p[X] with d[X] at it. */
static void softmax_back(const float *p, const float *d, int X, float *d_logits)
{
	double mean = 0;

	for (int x = 0; x < X; x++)
		mean += (double)p[x] * (double)d[x];
	for (int x = 0; x < X; x++)
		d_logits[x] += (float)((double)p[x] * ((double)d[x] - mean));
}

static void mixer_back(const struct routing *r, int *taken, const float *d_weights, float *d_logits)
{
	const int X = r->e->X;
	float *p = xmalloc(2 * (size_t)X * sizeof *p), *d = p + X;

	order_taken(r, taken);
	for (int i = 0; i < r->e->chosen && taken[i] >= 0; i++) {
		softmax_near(r, taken, i, p);
		memset(d, 0, (size_t)X * sizeof *d);
		d[taken[i]] = d_weights[taken[i]];
		softmax_back(p, d, X, d_logits);
	}
	free(p);
}

/* d[X] at the scores: through the division by their sum. */
static void weights_back(const struct routing *r, const int *taken, const float *score, const float *d_weights, float *d)
{
	const struct experts *e = r->e;
	double sum = e->normalised ? (double)sum_of(r, taken, score) : 1, mean = 0;

	for (int i = 0; e->normalised && i < e->chosen && taken[i] >= 0; i++)
		mean += (double)d_weights[taken[i]] * (double)score[taken[i]] / sum;
	for (int i = 0; i < e->chosen && taken[i] >= 0; i++)
		d[taken[i]] = (float)((double)e->scale * ((double)d_weights[taken[i]] - mean) / sum);
}

void router_back(const struct routing *r, const float *chosen, const float *d_weights, float *d_logits)
{
	const struct experts *e = r->e;
	float *score = xcalloc(2 * (size_t)e->X, sizeof *score), *d = score + e->X;
	int *taken = xmalloc((size_t)e->chosen * sizeof *taken);

	for (int i = 0; i < e->chosen; i++)
		taken[i] = (int)chosen[i];
	memset(d_logits, 0, (size_t)e->X * sizeof *d_logits);
	if (e->score == ROUTER_SPARSEMIXER) {
		mixer_back(r, taken, d_weights, d_logits);
	} else {
		scores_of(r, score);
		weights_back(r, taken, score, d_weights, d);
		if (e->score == ROUTER_SOFTMAX)
			softmax_back(score, d, e->X, d_logits);
		else
			for (int x = 0; x < e->X; x++)
				d_logits[x] = score[x] * (1 - score[x]) * d[x];
	}
	free(score);
	free(taken);
}
