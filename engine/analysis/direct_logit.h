/*
 * direct_logit.h - a metric as a sum over everything that wrote to the stream that it reads (direct attribution).
 *
 * What a metric reads of the stream is linear once the scales of norms are frozen (reading.h), and the stream is a sum of writes:
 * the embedding, each layer's attention and MLP, their biases. Each write's share is one dot product; what is written above what is
 * read has none. Nostalgebraist 2020, Elhage et al. 2021, Wang et al. 2023.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_DIRECT_LOGIT_H
#define LMSCOPE_ENGINE_ANALYSIS_DIRECT_LOGIT_H

#include "engine/analysis/analysis.h"
#include "engine/run/reading.h"

/* One writer. */
struct logit_share {
	char name[24];	/* "embed", "3.attn", "attn_bias" */
	enum site site; /* what an edit of it would edit; SITE_NONE */
	int layer;	/* -1: none */
	bool replaced;	/* an edit put something in the place of this write */
	double share;
};

struct direct_logit {
	struct reading reading;	   /* what the metric reads, where, and what the shares sum to: reading.value */
	int D, position;	   /* the last one that is read */
	bool moved;		   /* an argument asked for another position than the metric's */
	struct logit_share *piece; /* [pieces] in the order of the forward pass, then the biases */
	int pieces;
	int writes; /* the first so many are writes to the stream; the others are constants */
};

/* The pieces of ask's metric at a position. Memory from ask->scratch. */
bool direct_logit_init(struct direct_logit *out, const struct ask *ask, int position, struct err *err);
/* The same of any reading of a run. */
bool direct_logit_of(struct direct_logit *out, const struct run *run, const struct reading *reading, struct arena *arena,
		     struct err *err);
/* "direct attribution · heads", and the position where it is not the metric's own. */
void direct_logit_title(const struct direct_logit *out, const struct ask *ask, struct table *t, const char *what);
/* Of a row x[D] that is written at a position. */
double direct_logit_share(const struct direct_logit *out, int position, const float *x);

#endif
