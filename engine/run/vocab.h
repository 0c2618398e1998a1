/*
 * vocab.h - reading the vocabulary from rows of the residual stream, in blocks, so that no [rows, V] matrix is ever stored.
 */
#ifndef LMSCOPE_ENGINE_RUN_VOCAB_H
#define LMSCOPE_ENGINE_RUN_VOCAB_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/task.h"
#include "engine/model/model.h"

/* Rows that go through the vocabulary together: more take as many goes. */
enum { VOCAB_ROWS = 126 };

/* What is wanted of each row; NULL pointers are not computed. All arrays are the caller's. */
struct vocab_wanted {
	int k;			/* best tokens: 0 … 64 */
	int32_t *ids;		/* [n, k] best first; ties: the lower id */
	float *logits;		/* [n, k] */
	float *lse;		/* [n] log of the sum of exponentials: probability = exp(logit - lse) */
	float *entropy;		/* [n] nats */
	const int32_t *targets; /* [target_count] tokens whose logits are wanted of every row */
	int target_count;
	bool own_targets;	/* targets[n] instead, one for each row: target_count is 1 */
	float *target_logits;	/* [n, target_count] */
	float *target_ranks;	/* [n, target_count] 1: the best; a token's rank is 1 + how many have a higher logit */
	const float *reference; /* [n, D] rows (as x) to compare with: kl = KL(reference's distribution || this row's), nats */
	float *kl;		/* [n] */
};

/* x[n, D] are rows of the stream; normalised here with the final norm, each with its own scale, unless `normed` (then x and
 * reference are already). Logit scale and cap are applied. */
bool vocab_read(const struct model *m, const float *x, int n, bool normed, const struct vocab_wanted *wanted, struct task *task,
		struct err *err);

/* Sum over the rows y[n, D] (normalised) of -log p(target[i]): nats. */
bool vocab_loss(const struct model *m, const float *y, int n, const int32_t *target, double *sum, struct task *task,
		struct err *err);

#endif
