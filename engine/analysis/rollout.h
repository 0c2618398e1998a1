/*
 * rollout.h - mixing, layer after layer: R_l = C_l R_{l-1}, R before layer 0 the identity (Abnar & Zuidema 2020). A row of R says
 * from which input tokens a position's stream is; rows sum to 1.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_ROLLOUT_H
#define LMSCOPE_ENGINE_ANALYSIS_ROLLOUT_H

#include "engine/analysis/mixing.h"

struct rollout {
	struct mixing m; /* after a step: that layer's; of attention weights ½ (A + 1), since there is no stream in them */
	float *share;	 /* [T, T] of the layers so far, by query and input token */
	float *next;	 /* [T, T] */
};

bool rollout_open(struct rollout *r, const struct run *run, enum mixing_method method, int T, struct arena *scratch,
		  struct task *task, struct err *err);
/* One more layer: 0, 1, … */
bool rollout_step(struct rollout *r, int layer, struct err *err);

#endif
