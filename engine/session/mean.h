/*
 * mean.h - the mean of many prompts' tables, cell by cell, with standard errors: as they come, one after the other.
 *
 * Neither the tables nor the prompts stay in memory. The same numbers in the same order give the same bits.
 */
#ifndef LMSCOPE_ENGINE_SESSION_MEAN_H
#define LMSCOPE_ENGINE_SESSION_MEAN_H

#include "engine/analysis/table.h"

/* The result for one prompt: its table's numbers and the metric. */
struct part {
	int rows, cols;
	const float *value;	 /* [rows, cols] */
	double metric, unedited; /* with the edits, and without */
	double expected, actual; /* of its check; NaN: it has none */
};

struct mean;

struct mean *mean_new(void);
void mean_free(struct mean *m); /* NULL is fine */
/* One more; all have the same shape. Cells that are no finite number do not count. */
void mean_add(struct mean *m, const struct part *p);
int mean_count(const struct mean *m);
/*
 * So far: a new table with axes and title of `first`, the table of the first prompt, whose tokens become numbers where there are
 * several prompts. The check is the one that is furthest off.
 */
struct table *mean_table(const struct mean *m, const struct table *first, struct err *err);
void mean_metric(const struct mean *m, double *value, double *unedited);

#endif
