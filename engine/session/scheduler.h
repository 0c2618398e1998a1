/*
 * scheduler.h - the thread's half of the worker: one job after the other becomes a snapshot, piece by piece. See worker.h.
 *
 * A job is split into pieces: the table of each pane, each without the edits, a text. The quick ones come first. When a newer job
 * comes while a slow piece is made that this job wants too, the piece is not given up: it waits while what is more urgent in the
 * newer job is answered on top of it, and then resumes. Pieces that nobody wants any more stop within a layer.
 */
#ifndef LMSCOPE_ENGINE_SESSION_SCHEDULER_H
#define LMSCOPE_ENGINE_SESSION_SCHEDULER_H

#include "engine/base/pace.h"
#include "engine/base/task.h"
#include "engine/session/session.h"
#include "engine/session/snapshot.h"

enum piece_kind { PIECE_NONE, PIECE_TABLE, PIECE_BEFORE, PIECE_TEXT, PIECE_PLAIN_TEXT };
struct piece {
	enum piece_kind kind;
	int pane;
};

/* A piece under way, or the preparing of a job (PIECE_NONE: whatever is newer stops it). */
struct level {
	struct task task;
	struct scheduler *scheduler;
	struct level *below; /* that waits meanwhile */
	struct piece piece;  /* as the job on the scheduler counts panes */
	bool unwanted;	     /* that job has no use for it */
	bool skipped;	     /* the screen has stopped this one */
	struct pace pace;    /* for the screen */
};

struct worker;

struct scheduler {
	struct worker *worker;
	struct session *session;
	struct snapshot *draft;				      /* changes as work proceeds; copies of it are published */
	struct job job;					      /* that the draft is of */
	bool has_job, prepared;				      /* the session is prepared for it */
	bool has_before[JOB_PANES], has_text, has_plain_text; /* pieces that are there; a table is when it is not stale */
	struct notes notes;
	double asked_at, answered_at; /* when the job came; when quick pieces were last all there */
	struct level *top;	      /* read by the screen under the worker's lock */
};

void scheduler_init(struct scheduler *d, struct worker *w);
void scheduler_done(struct scheduler *d);
/* Answers a job until all is answered, or a newer one waits that wants none of what is under way. Takes the job. */
void scheduler_work(struct scheduler *d, struct job *job, unsigned serial);

/* ---- What the mailbox does for the scheduler (worker.c) ---- */

/* Hands a copy of the draft to the screen. */
void worker_publish(struct worker *w);
/* From here on, newer jobs and cancelling reach this level's task, and no other. */
void worker_enter(struct worker *w, struct level *level);
void worker_leave(struct worker *w);
/* What is under way is now for that pane; or (-1) for none, and stops. The screen reads both. */
void worker_assign(struct worker *w, struct level *level, int pane);
/* The newest job, if there is one and `wanted` (NULL: always) says so; then it is the caller's. */
struct job *worker_take(struct worker *w, bool (*wanted)(struct scheduler *d, const struct job *job), unsigned *serial);
/* What of a pane's table is on the screen, as far as that is known. */
struct window worker_visible(struct worker *w, int pane);
bool worker_waits(struct worker *w);	 /* a newer job is there */
bool worker_cancelled(struct worker *w); /* the screen has cancelled what was asked last */

#endif
