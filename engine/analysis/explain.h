/*
 * explain.h - the metric that is a cell of a table: what attributions and sweeps are asked of to explain that cell.
 *
 *     a head's share of logit " Mary"     part head 3.1 of logit " Mary"
 *     its look at one key                 pattern 3.1 @13<4
 *     a word of the logit lens            lens #57 resid_post 2 @13
 *
 * A technique says with `explain` of its table of what kind its cells are; the cell's place and word say the rest.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_EXPLAIN_H
#define LMSCOPE_ENGINE_ANALYSIS_EXPLAIN_H

#include "engine/analysis/table.h"

/*
 * Adds the spec to `out`; `metric` is the one that the table was made under. False with a sentence: the cell is no number that
 * can be one.
 */
bool explain_cell(const struct table *t, int row, int col, const char *metric, struct str *out, struct err *err);

#endif
