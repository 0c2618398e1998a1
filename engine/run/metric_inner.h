/*
 * metric_inner.h - metrics of a layer inside: their values from the rows of sites, and where their gradients start. For metric.c,
 * sweeps, gradients and readings; everybody else asks metric.h.
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

/* Rows of metric_table: see there. */
double neuron_of_rows(const struct metric *m, const struct metric_rows *rows);
double scores_of_rows(const struct metric *m, const struct metric_rows *rows);
double pattern_of_rows(const struct metric *m, const struct metric_rows *rows);
double norm_of_rows(const struct metric *m, const struct metric_rows *rows);
double along_of_rows(const struct metric *m, const struct metric_rows *rows);
double lens_of_rows(const struct metric *m, const struct metric_rows *rows);
double part_of_rows(const struct metric *m, const struct metric_rows *rows);
int neuron_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed);
int weight_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed);
int norm_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed);
int along_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed);
int lens_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed);
int part_seeds(const struct metric *m, const struct run *run, unsigned frozen, struct arena *arena, struct backward_seed *seed);

/* Of the logits: metric_logits.c. */
double logit_value(const struct metric *m, const float *x, const float *unedited, int V);
double logit_diff_value(const struct metric *m, const float *x, const float *unedited, int V);
double logprob_value(const struct metric *m, const float *x, const float *unedited, int V);
double entropy_value(const struct metric *m, const float *x, const float *unedited, int V);
double kl_value(const struct metric *m, const float *x, const float *unedited, int V);
void logit_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d);
void logprob_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d);
void entropy_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d);
void kl_slope(const struct metric *m, const float *x, const float *unedited, int V, float *d);

#endif
