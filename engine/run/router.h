/*
 * router.h - from a router's logits to the experts that a token is sent to and the weights of their sum, and the way back.
 *
 *   softmax      w = softmax over all experts, of the chosen ones; perhaps divided by their sum (Shazeer et al. 2017)
 *   sigmoid      s = σ(logit); chosen by s + b, in the groups that are best; w = s / Σ s · scale (DeepSeek-V3 2024)
 *   sparsemixer  one choice after the other, each with the softmax over the logits near the greatest that is left (Liu et al. 2023)
 *
 * Of experts with equal scores the one with the lower number comes first.
 */
#ifndef LMSCOPE_ENGINE_RUN_ROUTER_H
#define LMSCOPE_ENGINE_RUN_ROUTER_H

#include "engine/model/config.h"

/* What edits say about an expert's choice. */
enum ruling { RULING_NONE, RULING_FORBIDDEN, RULING_FORCED };

struct routing {
	const struct experts *e;
	const float *logits;	   /* [X] */
	const float *b_choice;	   /* [X] or NULL */
	const unsigned char *rule; /* [X] an enum ruling each; NULL: none */
};

/*
 * weights[X]: 0 for those that are not chosen. chosen[e->chosen]: their numbers, the lower ones first; -1 at the end where edits
 * forbid so many that fewer are left.
 */
void router_choose(const struct routing *r, float *weights, float *chosen);
/* d_logits[X] from d_weights[X], of which those of the chosen ones count; who is chosen does not change. */
void router_back(const struct routing *r, const float *chosen, const float *d_weights, float *d_logits);

#endif
