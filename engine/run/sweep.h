/*
 * sweep.h - the same question under many small edits: ablation maps, patching maps, knockouts.
 *
 * Variants that start at the same layer and position are stacked as rows of one pass, so that each weight matrix is read once for
 * all of them; each starts at its own layer from the run's stored stream, and carries only the positions from its first edited one
 * on. Exact: the same numbers as one run after the other.
 */
#ifndef LMSCOPE_ENGINE_RUN_SWEEP_H
#define LMSCOPE_ENGINE_RUN_SWEEP_H

#include "engine/run/metric.h"
#include "engine/run/run.h"

enum { SWEEP_EDITS = 32 };

/* The run's own edits plus these: as edit_at() or edit_parse() makes them, or resolved already (edit_take, edit_put). */
struct sweep_variant {
	const struct edit *edit[SWEEP_EDITS];
	int edits;
	const struct edit *const *more; /* [more_count] after those */
	int more_count;
};

/*
 * value[n]: the metric of each variant, in the order given. Progress is in variants; after each piece, task_piece() tells that
 * there are more values: those that are not known yet are NaN.
 */
bool sweep_metric(const struct run *run, const struct run *unedited, const struct run *foil, const struct metric *metric,
		  const struct sweep_variant *variants, int n, double *value, struct task *task, struct err *err);

/*
 * The same for a metric of which all logits at its position are computed (logprob, kl, entropy): each variant's, logits[V], are
 * shown to `see`, in any order.
 */
struct logits_seen {
	void (*see)(void *context, int variant, const float *logits);
	void *context;
};
bool sweep_logits(const struct run *run, const struct run *unedited, const struct run *foil, const struct metric *metric,
		  const struct sweep_variant *variants, int n, double *value, const struct logits_seen *seen, struct task *task,
		  struct err *err);

/*
 * Reads a place in the metric's stead: a layer's stored site (not a pattern), or some units of it. rows[n, T, width], width as
 * place_slice() says: those of every variant for positions 0 … T-1. Nothing above that layer is computed.
 */
bool sweep_read(const struct run *run, const struct run *unedited, const struct run *foil, const struct place *place, int T,
		const struct sweep_variant *variants, int n, float *rows, struct task *task, struct err *err);

#endif
