/*
 * metric_inner.h - metrics of a layer inside: their values from the rows of sites, and where their gradients start. For the kinds
 * (metrics/), metric.c, sweeps, gradients and readings; everybody else asks metric.h.
 */
#ifndef LMSCOPE_ENGINE_RUN_METRIC_INNER_H
#define LMSCOPE_ENGINE_RUN_METRIC_INNER_H

#include <stdatomic.h>

#include "engine/run/backward.h"
#include "engine/run/metric.h"
#include "engine/run/run.h"

struct metric_vector {
	atomic_int refs;
	uint64_t version; /* of the file that it was read from; 0: none */
	int from, n;	  /* rows for the positions from … from+n-1; of `along`: one row, for any position */
	size_t width;	  /* floats of a row */
	double constant;  /* what is added: less the biases, which are no part's */
	float *scale;	  /* [n] of the norm after attention, where `part` has frozen it; or NULL */
	float *row;	  /* [n, width] */
};
struct metric_vector *metric_vector_new(int from, int n, size_t width);

enum { METRIC_SEEDS = 2 };

/* By which rules a metric's gradient starts. */
struct metric_rules {
	const struct run *run;
	unsigned frozen;   /* backward.h */
	struct lost *lost; /* what of the value is in no seed's rows is added; NULL: it is not counted */
};

/* Where a metric finds the rows of its layer's sites: in a run, or in a variant of a sweep. */
struct metric_rows {
	const struct run *run;		/* the tokens, and in a run all rows */
	const struct edit *const *edit; /* [edits] that act there */
	int edits;
	int layer;
	const float *(*at)(const struct metric_rows *rows, enum site site, int position); /* as run_at */
	const void *more; /* who has the rows, where it is not the run */
};
double metric_of_run(const struct metric *m, const struct run *r);
double metric_of_rows(const struct metric *m, const struct metric_rows *rows);

/* The stored site from which it reads, for who has to have it. */
enum site metric_site(const struct metric *m);

/* ---- what kinds share ---- */

double metric_log_sum_exp(const float *x, int n); /* of logits */

size_t metric_channels(const struct metric_rows *rows); /* D */
double metric_dot(const float *a, const float *b, size_t n);
/* A head's score of the metric's key, and the weight that its softmax gives to it; edits included. */
double metric_score_of_rows(const struct metric *m, const struct metric_rows *rows);
double metric_weight_of_rows(const struct metric *m, const struct metric_rows *rows);
/* The number of the place's unit: of_rows and seeds of a kind that is one number of a site. */
double metric_unit_of_rows(const struct metric *m, const struct metric_rows *rows);
int metric_unit_seeds(const struct metric *m, const struct metric_rules *rules, struct arena *arena, struct backward_seed *seed);

/* A seed at rows of the metric's place, d[n, width], from some position on; one number as a seed's d. */
struct backward_seed metric_seed(const struct metric *m, int from, int n, size_t width, const float *d);
const float *metric_number(struct arena *arena, double x);

#endif
