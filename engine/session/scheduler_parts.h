/*
 * scheduler_parts.h - within the scheduler: what its files share. scheduler_order.c decides which piece is the most urgent,
 * scheduler_adopt.c what a newer job keeps of what is there and under way, scheduler_pieces.c makes a piece and puts it into the
 * draft; scheduler.c takes jobs and starts all of it.
 */
#ifndef LMSCOPE_ENGINE_SESSION_SCHEDULER_PARTS_H
#define LMSCOPE_ENGINE_SESSION_SCHEDULER_PARTS_H

#include "engine/session/scheduler.h"
#include "engine/session/session.h"

enum piece_kind { PIECE_NONE, PIECE_TABLE, PIECE_BEFORE, PIECE_TEXT, PIECE_PLAIN_TEXT };
struct piece {
	enum piece_kind kind;
	int pane;
};

/* A piece under way, or the preparing of a job (PIECE_NONE: whatever is newer stops it). */
struct level {
	struct work work; /* what the screen sees of it, in the mailbox */
	struct scheduler *scheduler;
	struct level *below; /* that waits meanwhile */
	struct piece piece;  /* as the job on the scheduler counts panes */
	bool unwanted;	     /* that job has no use for it */
};

struct scheduler {
	struct mailbox *mailbox;
	struct session *session;
	struct snapshot *draft;				      /* changes as work proceeds; copies of it are published */
	struct job job;					      /* that the draft is of */
	bool has_job, prepared;				      /* the session is prepared for it */
	bool has_before[JOB_PANES], has_text, has_plain_text; /* pieces that are there; a table is when it is not stale */
	struct notes notes;
	double asked_at, answered_at; /* when the job came; when quick pieces were last all there */
	struct level *top;
};

/* Tells the screen: a copy of the draft in that state. */
void scheduler_publish(struct scheduler *d, enum work_state state, const char *what);
/* The same while a piece is made. */
void scheduler_publish_piece(struct scheduler *d, const struct level *level);
/* The level is from now on for that pane of the job; or (-1) for none, and stops. */
void scheduler_assign(struct level *level, int pane);
void scheduler_set_error(struct scheduler *d, const struct err *err, struct job_fault fault);

/* ---- scheduler_order.c ---- */

/*
 * A lens reads the vocabulary for every cell, a causal sweep runs the model again and again, a text is waited for by whoever asked
 * for it. A file of prompts and a training take minutes: everything else is answered between their steps.
 */
enum {
	RANK_QUICK = 0,
	RANK_LENS = 2,
	RANK_TEXT = 4,
	RANK_BEFORE = 6,
	RANK_SWEEP = 8,
	RANK_SWEEP_BEFORE = 10,
	RANK_CORPUS = 12,
	RANK_TRAINING = 14,
	RANK_ALL = 16
};

/* Takes so long that the screen says so. */
bool piece_is_slow(const struct job_pane *pane);
int piece_rank(const struct job *job, struct piece piece);
bool piece_under_way(const struct scheduler *d, struct piece piece);
/* The most urgent of what is missing, if it is more urgent than `below`. */
bool piece_choose(const struct scheduler *d, int below, struct piece *best);
int pieces_waiting(const struct scheduler *d);

/* ---- scheduler_adopt.c ---- */

/* Whether a job asks for a piece of the job on the scheduler, and as which of its panes. */
bool scheduler_wants(const struct scheduler *d, const struct job *job, struct piece piece, int *pane);
/* The job takes the scheduler: pieces that are there or under way stay if it wants them. */
void scheduler_adopt(struct scheduler *d, const struct job *job);
/*
 * The same lines, and yet another run: a file that an edit reads was written again. Nothing that was read from the run answers
 * this.
 */
void scheduler_forget(struct scheduler *d);

/* ---- scheduler_pieces.c ---- */

/* Makes the piece of a level, which is entered, and puts it into the draft. */
void piece_make(struct scheduler *d, struct level *level);
/* The screen did not want to wait for it: until it is asked for again, what there is of it will do. */
void piece_give_up(struct scheduler *d, struct piece piece);
/*
 * session_watch(): what a slow piece has so far, what of it is looked at, and that a run begins. The context is the scheduler.
 */
void piece_show_partial(void *context, struct table *so_far);
struct window piece_visible(void *context);
void piece_show_running(void *context, const char *which);

#endif
