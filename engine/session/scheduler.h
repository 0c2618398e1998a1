/*
 * scheduler.h - decides in the worker's thread what is done next: one job after the other becomes a snapshot, piece by piece.
 *
 * A job is split into pieces: the table of each pane, each without the edits, a text. The quick ones come first. When a newer job
 * comes while a slow piece is made that this job wants too, the piece is not given up: it waits while what is more urgent in the
 * newer job is answered on top of it, and then resumes. Pieces that nobody wants any more stop within a layer.
 *
 * It has the session, and a snapshot of its own (the draft) that changes as work proceeds; the mailbox gets copies. All calls go
 * down: worker.h starts the thread, this works in it, mailbox.h knows neither.
 */
#ifndef LMSCOPE_ENGINE_SESSION_SCHEDULER_H
#define LMSCOPE_ENGINE_SESSION_SCHEDULER_H

#include "engine/session/mailbox.h"

struct scheduler;

struct scheduler *scheduler_new(struct mailbox *mailbox);
void scheduler_free(struct scheduler *d);
/*
 * Takes the job that waits, if one does, and answers it until all is answered, or a newer one waits that wants none of what is
 * under way.
 */
void scheduler_work(struct scheduler *d);

#endif
