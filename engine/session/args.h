/*
 * args.h - what each argument of a pane is set to: decided here alone, by one order.
 *
 * 1. What was given. 2. The cursor's place, for an argument that follows it (param_follows). 3. The metric's position, for one that
 * is wherever the metric is (param.at_metric). 4. What the pane has: the technique's default.
 *
 * Negative numbers stay as they are, so that the last position is the last when the prompt grows. That a value fits the model is
 * checked when the technique is called (param_resolve).
 */
#ifndef LMSCOPE_ENGINE_SESSION_ARGS_H
#define LMSCOPE_ENGINE_SESSION_ARGS_H

#include "engine/session/job.h"

enum { CURSOR_UNSET = -1000000 }; /* a cursor that was never moved */

/* What is known where arguments are bound. */
struct binding {
	const int *cursor;     /* [DIM_COUNT], each maybe CURSOR_UNSET; NULL: there is none */
	int extent[DIM_COUNT]; /* how many there are along each dimension; 0: not known yet */
	int metric_position;   /* -1: not known, or the metric has none */
};

enum bound { BOUND_GIVEN, BOUND_CURSOR, BOUND_METRIC, BOUND_DEFAULT };

/* The arguments' values, and where each is from (`from` may be NULL). */
void args_bind(const struct job_pane *pane, const struct binding *binding, struct value args[PARAM_MAX],
	       enum bound from[PARAM_MAX]);
/* The same where there is no cursor: for a run of T tokens. */
void args_of_run(const struct job_pane *pane, int metric_position, int T, struct value args[PARAM_MAX]);

/* Where the cursor of a dimension is: an index that fits n (0: not known). One that was never moved is at the interesting end. */
int cursor_index(int cursor, int n, enum dim dim);

#endif
