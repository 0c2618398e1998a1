/*
 * reading_inside.h - how what is read at one place becomes what is read of the stream: through a norm whose scale is frozen,
 * through the weights of attention. Private to the files of reading.h.
 */
#ifndef LMSCOPE_ENGINE_RUN_READING_INSIDE_H
#define LMSCOPE_ENGINE_RUN_READING_INSIDE_H

#include "engine/run/metric_inner.h"
#include "engine/run/reading.h"

static inline size_t reading_channels(const struct run *r)
{
	return (size_t)r->model->config.D;
}

/* A reading of n positions from some on, its direction zero. False: ERR_MEMORY. */
bool reading_begin(struct reading *out, const struct run *run, enum site site, int layer, int from, int n, struct err *err);
/* Of the stream that a norm reads: the final one's is the last. */
bool reading_begin_at_norm(struct reading *out, const struct run *run, enum site norm, int layer, int from, int n, struct err *err);
/* w[D] at the output of a norm of x, at row i: to its input, the scale frozen. w is spent. */
void reading_through_norm(struct reading *out, const struct run *run, enum site site, int layer, int i, const float *x, float *w);
/* One more share that no write made; those of a name are one. */
void reading_add_constant(struct reading *out, const char *name, double share);
/*
 * What edits at some sites between the stream and the metric put there is no writer's: the metric less what the run would have made
 * of its stream. The last of all shares.
 */
void reading_add_edits(struct reading *out, const struct run *run, int layer, const enum site *sites, int n);
/* direction[D] at a position; NULL: it is not read. */
const float *reading_at(const struct reading *r, int position, int D);
double reading_uncapped(double x, float cap);
/* ERR_ARGUMENT: the metric is not linear, and what to ask instead. */
bool reading_refuse(const struct metric *m, const char *instead, struct err *err);

/* ---- reading_attention.c ---- */

/* What is read of attention's write: rows p[n, D] at the positions from … from+n-1, through one head (-1: all). */
struct reading_sources {
	int layer, head, from, n;
	const float *p;	    /* [n, D] */
	const float *scale; /* [n] of the norm after attention; NULL: the run's own */
	bool bias;	    /* b_O counts */
};

bool reading_of_sources(const struct run *run, const struct reading_sources *s, struct reading *out, struct err *err);
/* From the write to what W_O was given: u[H, K] of row i. pl[D] is room. Returns b_O's share. */
double reading_before_write(const struct run *run, const struct reading_sources *s, int i, float *pl, float *u);
/* From d[out->n, G, K] at values to the stream that they are made of. d is spent. */
bool reading_values_back(const struct run *run, int layer, float *d, struct reading *out, struct err *err);

#endif
