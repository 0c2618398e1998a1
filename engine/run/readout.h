/* readout.h - a metric of the logits, read from rows of the last stream: where sweeps end. Not for `loss`. */
#ifndef LMSCOPE_ENGINE_RUN_READOUT_H
#define LMSCOPE_ENGINE_RUN_READOUT_H

#include "engine/run/forward.h"
#include "engine/run/metric.h"
#include "engine/run/run.h"

enum { READOUT_ROWS = 16 }; /* at a time */

struct readout {
	const struct model *model;
	const struct metric *metric;
	const float *unedited; /* [V] logits at the metric's position, for kl */
	float *y, *logits;     /* [READOUT_ROWS, D] and [READOUT_ROWS, V] */
};

/* Memory from the arena. ERR_MEMORY, ERR_CANCELLED. */
bool readout_begin(struct readout *r, const struct metric *metric, const struct run *unedited, struct arena *arena,
		   struct task *task, struct err *err);
/* value[n]: of n variants, n <= READOUT_ROWS, from their rows at the metric's position, ld floats apart. */
void readout_rows(const struct readout *r, const struct variant *const *variant, const float *resid, size_t ld, int n,
		  double *value);
/* y[D]: the final norm of one row, with the variant's edits. */
void readout_norm(const struct model *m, const struct variant *variant, int position, const float *x, float *y);

#endif
