/*
 * mailbox.h - what screen and worker leave for each other, under one lock (a pthread door): a job in, snapshots out, and the stop
 * flags of the work under way.
 *
 * It calls nobody, computes nothing under the lock and frees nothing there. The screen's functions may be called from one thread
 * beside the worker's one.
 */
#ifndef LMSCOPE_ENGINE_SESSION_MAILBOX_H
#define LMSCOPE_ENGINE_SESSION_MAILBOX_H

#include <stdbool.h>

#include "engine/base/pace.h"
#include "engine/base/task.h"
#include "engine/session/job.h"
#include "engine/session/snapshot.h"

struct mailbox;

struct mailbox *mailbox_new(struct err *err); /* NULL: the system has no descriptor left */
void mailbox_free(struct mailbox *m);	      /* both threads are through with it */

/* ---- The screen's side: see worker.h ---- */

unsigned mailbox_ask(struct mailbox *m, const struct job *job);
void mailbox_cancel(struct mailbox *m);
void mailbox_skip(struct mailbox *m);
void mailbox_look_at(struct mailbox *m, const struct window window[JOB_PANES]);
int mailbox_fd(const struct mailbox *m);
const struct snapshot *mailbox_look(struct mailbox *m);
/* Stops all work and lets mailbox_wait() return false, from now on. */
void mailbox_close(struct mailbox *m);

/* ---- The worker's side ---- */

/* Work under way: the screen shows how far it is, and may stop it. */
struct work {
	struct task task;
	struct pace pace;   /* for the screen */
	struct work *below; /* that waits meanwhile */
	int pane;	    /* whose table this is; -1: nobody's */
	bool can_skip;	    /* mailbox_skip() stops it */
	bool skipped;	    /* and did */
};

/* Sleeps until a job waits; false: the mailbox was closed. */
bool mailbox_wait(struct mailbox *m);
/* The newest job that waits, to be looked at; NULL when there is none. It stays in the mailbox, valid until the next call. */
const struct job *mailbox_read(struct mailbox *m);
/* Takes what mailbox_read() gave last: then it is the caller's. NULL when it was cancelled since. */
struct job *mailbox_take(struct mailbox *m, unsigned *serial);
bool mailbox_waits(struct mailbox *m);	   /* a newer job is there */
bool mailbox_cancelled(struct mailbox *m); /* the screen has cancelled what was taken last */

/* Until mailbox_leave(), newer jobs call the work's task, and no other's; cancelling stops it. */
void mailbox_enter(struct mailbox *m, struct work *work);
void mailbox_leave(struct mailbox *m);
/* The work is from now on for this pane; -1: for none. */
void mailbox_assign(struct mailbox *m, struct work *work, int pane);
/* Hands a copy to the screen. */
void mailbox_publish(struct mailbox *m, const struct snapshot *s);
/* What of a pane's table is on the screen, as far as that is known. */
struct window mailbox_visible(struct mailbox *m, int pane);

#endif
