/*
 * value_zeroing.h - what a layer's output at each query owes to the value of each key: the value is taken out of all heads of that
 * layer alone, and the layer ends without it.
 *
 *   share[i, j] = 1 - cos(resid_post_i without v_j, resid_post_i)      below 1e-5 it counts as 0; then of each row's sum
 *
 * Mohebbi et al. 2023. No attention is run again: z_i loses A_ij v_j, and from there on, through the norm after attention with its
 * own new scale, MLP and edits, the layer is the forward pass's own: half a query's row for each pair, n/2 of a layer in all. Where
 * MLP and attention are side by side the MLP does not change and is not run. Inseq compares the last layer after the final norm;
 * here every layer is compared as it leaves.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_VALUE_ZEROING_H
#define LMSCOPE_ENGINE_ANALYSIS_VALUE_ZEROING_H

#include "engine/analysis/mixing.h"

/* Fills m->share, which is 0; m->grown is told of each few queries. */
bool value_zeroing(struct mixing *m, int layer, struct err *err);

#endif
