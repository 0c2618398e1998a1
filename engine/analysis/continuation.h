/*
 * continuation.h - what a model says after a prompt, greedily, as it is or with edits made in the prompt.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_CONTINUATION_H
#define LMSCOPE_ENGINE_ANALYSIS_CONTINUATION_H

#include "engine/analysis/analysis.h"

struct continuation {
	int n;		    /* tokens, no more than were asked for */
	int32_t *token;	    /* [asked for] */
	float *probability; /* [asked for] of each, after those before it */
};

/* The likeliest of logits[V] that the tokenizer knows. */
int32_t continuation_best(const struct model *m, const float *logits, float *probability);
/*
 * At most `most` tokens after r's, up to the end-of-text token or as far as learned positions reach, with edit[edits] on top of r's
 * own; `unedited` is what those of r read. Memory from `arena`. Errors as of run_new.
 */
bool continuation_make(struct continuation *c, const struct run *r, const struct run *unedited, const struct edit *const *edit,
		       int edits, int most, struct arena *arena, struct task *task, struct err *err);

#endif
