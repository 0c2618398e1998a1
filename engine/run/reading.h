/*
 * reading.h - what a metric reads of the stream, linearly: with the scales of norms and what is multiplied with it frozen at the
 * run's own values, the metric is a sum over all that was written to the stream before, each write's share one dot product (direct
 * attribution).
 *
 *   metric = Σ over positions  ⟨stream, direction⟩ + constants
 *
 * The stream is that before, within or after a layer. Most metrics read one position; a head reads all that its query looks at.
 * Elhage et al. 2021; of a score Kobayashi et al. 2021's linear norm; of a head's part, through its values.
 */
#ifndef LMSCOPE_ENGINE_RUN_READING_H
#define LMSCOPE_ENGINE_RUN_READING_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/run/metric.h"

enum { READING_CONSTANTS = 8 };

struct reading {
	enum site site; /* SITE_RESID_PRE, SITE_RESID_MID or SITE_RESID_POST … */
	int layer;	/* … of this layer: what is written after it does not count */
	int from, n;	/* at the positions from … from+n-1 */
	/*
	 * [n, D] a write x[D] at from+i contributes x · direction[i]. A layer norm takes each write's own mean away: it is in
	 * here
	 */
	float *direction;
	double scale; /* of the norm that reads the last of them: 1 / σ; 1 without one */
	double value; /* what all shares sum to: the metric, a cap undone */
	struct reading_constant {
		const char *name; /* "norm_bias" */
		double share;
	} constant[READING_CONSTANTS];
	int constants;
	struct arena *arena; /* its memory's */
};

/* ERR_ARGUMENT where the metric is not linear in the stream: the sentence names what to ask instead. */
bool reading_init(struct reading *out, const struct metric *m, const struct run *run, struct arena *arena, struct err *err);
/*
 * What along[K] reads of one head's query (SITE_Q) or KV head's key (SITE_K) at one position, after rotary position; the scale of
 * a norm on it is frozen too. False: ERR_MEMORY.
 */
bool reading_of_side(struct reading *out, const struct run *run, const struct place *place, const float *along, struct arena *arena,
		     struct err *err);
/*
 * What one head reads of the stream for what `of` reads of its write: through its values, its pattern frozen. `of` counts what the
 * layer's attention writes; a norm after attention has the run's own scale. False: ERR_MEMORY.
 */
bool reading_of_head(struct reading *out, const struct reading *of, const struct run *run, int layer, int head, struct arena *arena,
		     struct err *err);
/* Whether what is written at a site (embed, attn_out, mlp_out, or the stream) of a layer comes before what is read. */
bool reading_counts(const struct reading *r, enum site site, int layer);
/* The share of a row x[D] at a position. */
double reading_share(const struct reading *r, int position, const float *x, int D);

/* Gives a part of `of` its weights: what `of` reads of the unedited run, through what is between it and the part's site. */
bool reading_freeze_part(struct metric *part, const struct metric *of, const struct run *unedited, struct err *err);

/* Rows of metric_table. */
bool read_logits(const struct metric *m, const struct run *run, struct reading *out, struct err *err);
bool read_neuron(const struct metric *m, const struct run *run, struct reading *out, struct err *err);
bool read_router(const struct metric *m, const struct run *run, struct reading *out, struct err *err);
bool read_scores(const struct metric *m, const struct run *run, struct reading *out, struct err *err);
bool read_row(const struct metric *m, const struct run *run, struct reading *out, struct err *err);
bool read_part(const struct metric *m, const struct run *run, struct reading *out, struct err *err);

#endif
