/*
 * worker.h - the thread that answers the screen's jobs (a pthread door): what the screen knows of the engine's work.
 *
 * It owns a session. A new job cancels, within one layer, work that it does not need; work that it still needs resumes after the
 * new job's quick panes (scheduler.h). Whatever is in a snapshot never changes; the screen holds it until its next look. Tables
 * come one by one as they are done, the quick ones first, and slow ones also as far as they are (table->unfinished).
 */
#ifndef LMSCOPE_ENGINE_SESSION_WORKER_H
#define LMSCOPE_ENGINE_SESSION_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/session/job.h"
#include "engine/session/snapshot.h"

struct worker;

struct worker *worker_new(struct err *err); /* NULL: the thread could not be started */
void worker_free(struct worker *w);	    /* cancels and joins */

/* Copies the job; returns its serial. */
unsigned worker_ask(struct worker *w, const struct job *job);
void worker_cancel(struct worker *w);
/* Stops what is being done now, and nothing else: what waits comes next. */
void worker_skip(struct worker *w);
/* What of each pane's table is on the screen now: slow ones are made from there on. No part of the question. */
void worker_look_at(struct worker *w, const struct window window[JOB_PANES]);
/* Readable when there is news: one byte per burst; worker_look drains it. */
int worker_fd(const struct worker *w);
/* The newest snapshot, valid until the next look. Never NULL. */
const struct snapshot *worker_look(struct worker *w);

#endif
