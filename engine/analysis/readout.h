/*
 * readout.h - a metric as a sum over everything that wrote to the final position's stream (direct logit attribution).
 *
 * With the final norm's scale frozen at the run's own value, the metric (before a logit cap) is linear in the stream, and the
 * stream is a sum of writes: the embedding, each layer's attention and MLP, their biases. Each write's share is one dot product
 * with `direction`. Nostalgebraist 2020, Elhage et al. 2021, Wang et al. 2023.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_READOUT_H
#define LMSCOPE_ENGINE_ANALYSIS_READOUT_H

#include "engine/analysis/analysis.h"

/* One writer. */
struct piece {
	char name[24];		/* "embed", "3.attn", "attn_bias" */
	enum site site;		/* what an edit of it would edit; SITE_NONE */
	int layer;		/* -1: none */
	bool replaced;		/* an edit put something in the place of this write */
	double share;
};

struct readout {
	int position;
	float *direction;	/* [D] a write x[D] contributes x · direction. A layer norm takes each write's own mean away: it is in here */
	double metric;		/* what the shares sum to: from the run's own logits, the cap undone */
	double scale;		/* of the final norm there: 1 / σ */
	struct piece *piece;	/* [pieces] in the order of the forward pass, then the biases */
	int pieces;
	int writes;		/* the first so many are writes to the stream, which the scale multiplies; the others are constants */
};

/* The pieces of ask's metric (logit or logit_diff) at a position. Memory from ask->scratch. */
bool readout_init(struct readout *out, const struct ask *ask, int position, struct err *err);
/* "direct attribution · heads", and the position where it is not the metric's own. */
void readout_title(const struct readout *out, const struct ask *ask, struct table *t, const char *what);
double readout_share(const struct readout *out, const float *x, int D);

#endif
