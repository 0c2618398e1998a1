/*
 * change.h - where an edit first changes what a run has. A patch between prompts that begin alike changes nothing before the first
 * unlike token, and zero nothing where there is nothing: work that need not be done.
 */
#ifndef LMSCOPE_ENGINE_RUN_CHANGE_H
#define LMSCOPE_ENGINE_RUN_CHANGE_H

#include "engine/run/run.h"

/*
 * The first position at which the edit, after those that the run has, changes the stored value; r->T when there is none.
 * Where that cannot be told from what a run keeps (scores, writes that are added to a head's), the first position that it covers.
 */
int change_first(const struct edit *edit, const struct run *r);

#endif
