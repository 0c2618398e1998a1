/*
 * experts.h - the MLP of a layer that is a mixture: a router sends each token to a few experts, whose writes are added, each times
 * its weight; beside them there may be a shared expert, which every token passes through.
 *
 * Rows that go to one expert are gathered and multiplied together, one expert after the other by their numbers: what a row gets
 * does not depend on the rows beside it. Of the experts that no row chose nothing is read.
 */
#ifndef LMSCOPE_ENGINE_RUN_EXPERTS_H
#define LMSCOPE_ENGINE_RUN_EXPERTS_H

#include "engine/run/backward.h"
#include "engine/run/forward.h"
#include "engine/run/router.h"

/* From the normalised rows in p->scratch to mlp_out, before its edits; as it reaches the stream. */
void experts_run(const struct pass *p, int l, const struct layer_sites *s);

/* What the edits of a row at that position rule: rule[X]. Whether there is anything else than RULING_NONE. */
bool experts_rule(const struct config *c, const struct edit *const *edit, int edits, int layer, int position, unsigned char *rule);
/* One expert's write x[D] through the edits on it. */
void experts_touch(const struct config *c, const struct edit *const *edit, int edits, int layer, int expert, int position,
		   float *x);
/* The neurons of choice number `slot` in a row of mlp_pre, mlp_up or mlp_post; slot `chosen`: those of the shared expert. */
static inline size_t experts_slot(const struct config *c, int slot)
{
	return (size_t)slot * (size_t)c->experts.F;
}

/*
 * From d[rows, D] at mlp_out, before its edits, to the normalised rows that the mixture read: b->normed is increased. s receives
 * the gradients at the mixture's sites.
 */
void experts_back(const struct backward *b, int l, const float *d, const struct layer_sites *s);

#endif
