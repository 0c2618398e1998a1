/* changes.h - in what a question differs from the one before: for undo's words and for the log's. */
#ifndef LMSCOPE_TUI_DRAW_CHANGES_H
#define LMSCOPE_TUI_DRAW_CHANGES_H

#include "engine/session/job.h"

/* Where several parts differ, the first of these. */
enum change { CHANGE_MODEL, CHANGE_PROMPT, CHANGE_FOIL, CHANGE_METRIC, CHANGE_EDIT, CHANGE_BOS, CHANGE_NONE };
enum change change_between(const struct job *was, const struct job *now);

/* The first edit that only one of the two has, or that is on in only one; NULL: there is none. */
const struct job_edit *change_edit(const struct job *was, const struct job *now);

#endif
