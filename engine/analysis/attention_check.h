/* attention_check.h - what the techniques that read attention weights share. */
#ifndef LMSCOPE_ENGINE_ANALYSIS_ATTENTION_CHECK_H
#define LMSCOPE_ENGINE_ANALYSIS_ATTENTION_CHECK_H

#include "engine/analysis/analysis.h"

/* Books of attention: each query's weights sum to 1. Keeps the sum that is furthest from it. */
void pattern_check_init(struct check *check);
void pattern_check_row(struct check *check, const float *weights, int n);

/*
 * Whether an edit writes to the pattern or the scores of that layer (-1: of any): its rows then need not sum to 1, and there is
 * no check.
 */
bool pattern_is_edited(const struct run *r, int layer);

#endif
