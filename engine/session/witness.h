/*
 * witness.h - what each table answers, noted where it is made and from what it was made of, so that a test can hold it against what
 * the screen asks. Part of lmscope-inject alone (engine/base/inject.h); in the program itself nothing is noted.
 *
 * A question is lines of NAME=VALUE in a fixed order. A value "*" has no part in the answer.
 */
#ifndef LMSCOPE_ENGINE_SESSION_WITNESS_H
#define LMSCOPE_ENGINE_SESSION_WITNESS_H

#include "engine/analysis/table.h"
#include "engine/base/str.h"
#include "engine/session/job.h"

enum witness_side { WITNESS_EDITED, WITNESS_UNEDITED, WITNESS_FOIL };

/* Whose run a table is made of. */
struct witness_view {
	const struct job *job;
	enum witness_side side;
	const char *metric;    /* as it was resolved; NULL: not known */
	int extent[DIM_COUNT]; /* of the model and the run: negative arguments count from there */
};

#ifdef LMSCOPE_INJECT

/* The question of one side's table, differences aside. */
void witness_question(const struct witness_view *v, const struct job_pane *pane, struct str *out);
void witness_made(const struct table *t, const struct witness_view *v, const struct job_pane *pane);
/* t is a less b, or (b NULL) a copy of a. */
void witness_copied(const struct table *t, const struct table *a, const struct table *b);
/* Adds what was noted; false: nothing was, or too long ago. */
bool witness_find(const struct table *t, struct str *out);
bool witness_same(const char *asked, const char *answered);

#else

static inline void witness_made(const struct table *t, const struct witness_view *v, const struct job_pane *pane)
{
	(void)t;
	(void)v;
	(void)pane;
}

static inline void witness_copied(const struct table *t, const struct table *a, const struct table *b)
{
	(void)t;
	(void)a;
	(void)b;
}

#endif
#endif
