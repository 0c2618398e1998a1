/*
 * coalitions.h - one metric of a run from which some of a number of players are taken away, for many such coalitions.
 *
 * A player that is absent changes nothing before its first position. So coalitions that agree about the first players share the
 * rows up to the next one's first position: those are computed once, as a tree of prefixes, with many of its nodes as rows of one
 * pass. A coalition that shares no more climbs the layers with others of its kind, whatever their lengths. Exact: the same numbers
 * as one run after the other. Memory: about two runs of the prompt, which keys and values of the levels that are under way and
 * the rows of a pass share.
 */
#ifndef LMSCOPE_ENGINE_RUN_COALITIONS_H
#define LMSCOPE_ENGINE_RUN_COALITIONS_H

#include "engine/run/metric.h"
#include "engine/run/run.h"

struct coalitions {
	const struct run *run, *unedited, *foil;
	const struct metric *metric;
	int n;				/* players */
	const struct edit *const *edit; /* [n] resolved: takes the player away */
	const int *first;		/* [n] the first position whose rows that may change, ascending */
};

/*
 * value[count] of in[count, n], whether a player is there. Progress is in coalitions; after each piece, task_piece() tells that
 * there are more values: those that are not known yet are NaN.
 */
bool coalitions_values(const struct coalitions *q, const bool *in, int count, double *value, struct task *task, struct err *err);
/* How many passes of the whole prompt that is worth, as it counts in task->runs. */
int coalitions_passes(const struct coalitions *q, const bool *in, int count);

#endif
