/*
 * lens_ridge.h - the linear map that is nearest, in squares, from the stream that enters a layer to the stream that leaves the
 * last.
 *
 *   least, over A[D, D],  sum of |y[i + ahead] - A h[i]|² + λ|A|²        λ = 0.001 of the mean square of a channel of h
 *
 * Din et al. 2023, "Jump to conclusions": no bias. The sums of the normal equations are kept in double precision. The first
 * position of a window is left out: its stream is a hundred times as long as others, and would be all that counts.
 */
#ifndef LMSCOPE_ENGINE_RUN_LENS_RIDGE_H
#define LMSCOPE_ENGINE_RUN_LENS_RIDGE_H

#include "engine/run/lens_loss.h"

struct lens_ridge {
	const struct model *m;
	struct lens_plan plan; /* of the stream */
	double *hh, *hy;       /* [units, D, D] sums of h[i] h[j], of h[i] y[j] */
	double *y, *yy;	       /* [D], [1] of what is being measured: sums of y, of |y|² */
	double *wrong;	       /* [units] and of |y - A h|² */
	double rows;
	/* Its own. */
	float *kept; /* [units + 1, room, D] rows of h, and of y, that were added and not yet taken */
	int room, held;
	const float *from, *to, *translator; /* [n, D], [n, D], of one layer */
	double *into_hh, *into_hy;
	double *square; /* [ROWS] */
	int n, unit;
	float *solved;
};

/* Zeroed, from `arena`; what `plan` borrows outlives it. NULL: ERR_MEMORY. */
struct lens_ridge *lens_ridge_new(const struct model *m, const struct lens_plan *plan, int room, struct arena *arena,
				  struct err *err);
/* Puts a run's positions aside, `room` of them at most in all; what was put aside goes into the sums, all at once. */
void lens_ridge_add(struct lens_ridge *s, const struct run *r);
void lens_ridge_take(struct lens_ridge *s);
/* translators[units, floats] (lens_plan.h: W = A - 1, b = 0) from the sums. */
void lens_ridge_solve(struct lens_ridge *s, float *translators);
/*
 * Forgets what was measured and put aside; measures a run; the share of y's variance that is not explained, as a mean over
 * units.
 */
void lens_ridge_clear(struct lens_ridge *s);
void lens_ridge_measure(struct lens_ridge *s, const float *translators, const struct run *r);
double lens_ridge_unexplained(const struct lens_ridge *s);

#endif
