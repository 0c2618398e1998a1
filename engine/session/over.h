/*
 * over.h - a pane over a file of prompts: what each prompt is asked. Inside the session, which answers it (session_answer).
 *
 * Each prompt is a question of its own: its text, its foil, and, unless the job has a metric, the logit of its answer (minus that
 * of its wrong answer). What it does not have is the job's. The job that is prepared stays so meanwhile.
 */
#ifndef LMSCOPE_ENGINE_SESSION_OVER_H
#define LMSCOPE_ENGINE_SESSION_OVER_H

#include "engine/session/session.h"

/* The mean of pane i of a job; counted. Found again when it was asked before, unless its parts are kept. */
struct table *over_answer(struct session *s, const struct job *job, int i, struct task *task, struct notes *notes, struct err *err);

/* What that would take: nothing where it is there. */
struct forecast over_forecast(struct session *s, const struct job_pane *pane);
/* Lets go what is kept for that. */
void over_done(struct session *s);

#endif
