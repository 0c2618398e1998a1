/*
 * explain.h - the metric that is a cell of a table: what attributions and sweeps are asked of to explain that cell.
 *
 *     a head's share of logit " Mary"     part head 3.1 of logit " Mary"
 *     its look at one key                 pattern 3.1 @13<4, and from there scores 3.1 @13<4
 *     a word of the logit lens            lens #57 resid_post 2 @13
 *
 * A technique says with `explain` of its table of what kind its cells are; the cell's place and word say the rest. As a rule the
 * metric is the cell's own number. It is another one where no sum over the stream can be made of the cell: of a token that a head
 * reads, and of a neuron, it is what decides how much is read or how active it is; of a sweep's cell what is there gives directly.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_EXPLAIN_H
#define LMSCOPE_ENGINE_ANALYSIS_EXPLAIN_H

#include "engine/analysis/table.h"

struct explained {
	struct str spec;  /* of the metric */
	struct str other; /* what that is, and why it is another number than the cell's; "": it is the cell's */
};
void explained_init(struct explained *e);
void explained_done(struct explained *e);

/* `metric` is the one that is explained now. False with a sentence: the cell is no number that can be one. */
bool explain_cell(const struct table *t, int row, int col, const char *metric, struct explained *out, struct err *err);
/* What decides how much a head reads at one key of one query. False: the place is another. */
bool explain_look_of(const struct place *place, struct explained *out);
/* What decides a metric that no sum over the stream is: a weight's score, a neuron's input. False: it is none of these. */
bool explain_further(const char *metric, struct explained *out);

#endif
