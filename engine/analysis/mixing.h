/*
 * mixing.h - how much of what is at a position after a layer's attention comes from each position before it: [T, T], rows sum to 1.
 *
 *   attention       mean over heads of A_ij
 *   norm            ‖T_ij‖, what attention brings from j                                   Kobayashi et al. 2020, 2021
 *   value_zeroing   1 - cos of the layer's output at i with and without the value of j     Mohebbi et al. 2023
 *   alti            max(0, ‖y‖₁ - ‖y - T_ij‖₁), y = resid_mid; the stream is a part of i   Ferrando et al. 2022
 *   globenc         ‖T_ij‖, the stream a part of i                                         Modarressi et al. 2022
 *
 * T_ij as in sources.h. Where norms come before their blocks, GlobEnc has none to apply. A row in which nothing weighs anything is
 * its own position's: nothing was mixed into it.
 *
 * Norms without residual need no vector: ‖T_ij‖² = a G_j a with G_j[h, g] = f_h(x_j) f_g(x_j), H² numbers a key.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_MIXING_H
#define LMSCOPE_ENGINE_ANALYSIS_MIXING_H

#include "engine/analysis/sources.h"
#include "engine/base/task.h"

enum mixing_method { MIXING_ATTENTION, MIXING_NORM, MIXING_VALUE_ZEROING, MIXING_ALTI, MIXING_GLOBENC };
/* Rows of a choice (param.h). */
#define MIXING_CHOICES \
	{ "attention", "the mean of the heads' weights", MIXING_ATTENTION }, \
		{ "norm", "the length of what attention brings", MIXING_NORM }, \
		{ "value_zeroing", "how far the layer's output turns without that token's value", MIXING_VALUE_ZEROING }, \
		{ "alti", "how much nearer that part brings the sum, with the stream", MIXING_ALTI }, \
	{ \
		"globenc", "the length of each part, with the stream", MIXING_GLOBENC \
	}

struct mixing {
	const struct run *run;
	enum mixing_method method;
	int T;	      /* positions 0 … T-1 */
	float *share; /* [T, T] by query and key; 0 for later keys */
	struct sources sources;
	struct arena *scratch;
	struct task *task;
	/* So many queries of the layer are finished; NULL: nobody asks. */
	void (*grown)(void *context, int queries);
	void *context;
};

bool mixing_open(struct mixing *m, const struct run *run, enum mixing_method method, int T, struct arena *scratch,
		 struct task *task, struct err *err);
/* Fills `share` of that layer. ERR_CANCELLED. */
bool mixing_layer(struct mixing *m, int layer, struct err *err);

/* Passes through the model that the method takes for some layers: value zeroing runs half of a layer for each query and key. */
int mixing_runs(const struct config *c, enum mixing_method method, int T, int layers);

/* The rows are held against what they are parts of: alti, norm and globenc. */
bool mixing_has_books(const struct mixing *m);
/* The worst of ‖Σ parts + b_O - resid_mid‖ / ‖resid_mid‖ over the queries of the layer. */
double mixing_books(const struct mixing *m);

/* row[n] as shares of its sum; one of nothing becomes 1 at `own`. */
void mixing_normalise(float *row, int n, int own);

#endif
