/*
 * filling.h - a table that is shown while its answer comes: what is known so far becomes cells, the others are NaN.
 *
 *     struct filling f = { ask, table, cells, with };
 *     filling_begin(&f);        each task_piece() from here on is a chance to show it
 *     ok = …                    the work that tells of its pieces
 *     filling_end(&f, ok)       all cells, when it has gone well
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_FILLING_H
#define LMSCOPE_ENGINE_ANALYSIS_FILLING_H

#include "engine/analysis/analysis.h"

struct filling {
	const struct ask *ask;
	struct table *table; /* described already */
	/* Turns what is known now into cells. Whatever it takes from ask->scratch is given back. */
	void (*cells)(void *with);
	void *with;
};

void filling_begin(struct filling *f);
/* Returns ok. */
bool filling_end(struct filling *f, bool ok);

/* For work that tells nobody of its pieces: fills and shows, if that is of use now. */
void filling_show(struct filling *f);

#endif
