/*
 * weight_rows.h - the vectors of the stream that weights read and write, as they are in the file or with the norm beside them
 * folded in.
 *
 * Folded as in TransformerLens: the gain of the norm is taken into what reads through it, or into what is written before it, and
 * where norms take means away, the vector's own mean is.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_WEIGHT_ROWS_H
#define LMSCOPE_ENGINE_ANALYSIS_WEIGHT_ROWS_H

#include <stdbool.h>

#include "engine/model/model.h"

enum head_weights { HEAD_Q, HEAD_K, HEAD_V, HEAD_O };

/*
 * The other way round: w[D] of the stream to what meets rows that are not folded, so that its products are those with folded
 * ones.
 */
void weight_unfold(const struct model *m, const struct norm *norm, bool writes, float *w);
/* w[D], which reads through that norm, or (writes) is added to the stream through it. */
void weight_fold(const struct model *m, const struct norm *norm, bool writes, float *w);
/* rows[K, D] of a head of layer l: W_Q, W_K or W_V turned, or W_O. Several heads may share keys and values. */
void weight_rows_of_head(const struct model *m, int l, enum head_weights which, int head, bool fold, float *rows);

#endif
