/* scheduler.c - see scheduler.h. */
#include "engine/session/scheduler_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/model/tokenizer/tokenizer.h"

enum { SHOW_EVERY_MS = 100, SPARED_MS = 250, STARVED_MS = 1000, PATIENT_MS = 3000 }; /* see is_spared */

struct scheduler *scheduler_new(struct mailbox *mailbox)
{
	struct scheduler *d = xcalloc(1, sizeof *d);

	d->mailbox = mailbox;
	d->session = session_new();
	d->draft = xcalloc(1, sizeof *d->draft);
	d->draft->answering = -1;
	return d;
}

void scheduler_free(struct scheduler *d)
{
	if (d->has_job)
		job_done(&d->job);
	notes_done(&d->notes);
	snapshot_free(d->draft);
	session_free(d->session);
	free(d);
}

/* ---- levels ---- */

static void enter(struct scheduler *d, struct level *level)
{
	level->below = d->top;
	d->top = level;
	mailbox_enter(d->mailbox, &level->work);
}

static void leave(struct scheduler *d)
{
	mailbox_leave(d->mailbox);
	d->top = d->top->below;
}

/* What the screen is told: whose table a piece is. */
static int pane_of(const struct piece *piece)
{
	return piece->kind == PIECE_TABLE ? piece->pane : -1;
}

void scheduler_assign(struct level *level, int pane)
{
	if (pane >= 0) {
		level->piece.pane = pane;
		mailbox_assign(level->scheduler->mailbox, &level->work, pane_of(&level->piece));
	} else {
		level->unwanted = true;
		mailbox_assign(level->scheduler->mailbox, &level->work, -1);
		atomic_store(&level->work.task.stop, true);
	}
}

void scheduler_publish(struct scheduler *d, enum work_state state, const char *what)
{
	d->draft->state = state;
	snprintf(d->draft->what, sizeof d->draft->what, "%s", what);
	d->draft->milliseconds = clock_now() - d->asked_at;
	mailbox_publish(d->mailbox, d->draft);
}

static const char *what_is(const struct scheduler *d, struct piece piece)
{
	return piece.kind == PIECE_TABLE    ? d->job.pane[piece.pane].analysis->name
	       : piece.kind == PIECE_BEFORE ? "without the edits"
					    : "generating";
}

void scheduler_publish_piece(struct scheduler *d, const struct level *level)
{
	d->draft->answering = level->piece.kind == PIECE_TABLE ? level->piece.pane : -1;
	d->draft->queued = pieces_waiting(d);
	scheduler_publish(d, level->piece.kind >= PIECE_TEXT ? WORK_GENERATING : WORK_ANSWERING, what_is(d, level->piece));
}

/* ---- what the prepared job says before any technique has run ---- */

static struct snapshot_guess guess(const struct model *m, const struct run *r)
{
	int known = tokenizer_size(m->tokenizer) < m->config.V ? tokenizer_size(m->tokenizer) : m->config.V;
	struct snapshot_guess g = { 0 };
	struct str s;

	if (!r)
		return g;
	g.id = session_predict(r, known, &g.probability);
	str_init(&s);
	tokenizer_show(m->tokenizer, g.id, &s);
	g.show = str_take(&s);
	return g;
}

static void describe(struct scheduler *scheduler)
{
	struct snapshot *d = scheduler->draft;
	const struct model *m = session_model(scheduler->session);
	const struct run *foil = session_foil(scheduler->session);

	snapshot_describe(d, scheduler->session);
	snapshot_free_guesses(d);
	d->next = guess(m, session_run(scheduler->session));
	d->next_unedited = guess(m, session_unedited(scheduler->session));
	d->next_foil = guess(m, foil);
}

/* What answers would take, for this job's panes and for the list of techniques. */
static void foresee(struct scheduler *d)
{
	struct job_pane pane;

	for (int i = 0; i < d->draft->panes; i++)
		d->draft->pane[i].forecast = session_forecast(d->session, &d->job.pane[i]);
	for (int i = 0; analysis_list[i]; i++) {
		job_pane_init(&pane, analysis_list[i]);
		d->draft->forecast[i] = session_forecast(d->session, &pane);
	}
}

void scheduler_set_error(struct scheduler *d, const struct err *err, struct job_fault fault)
{
	free(d->draft->error);
	d->draft->error = err->kind == ERR_NONE || err->kind == ERR_CANCELLED ? NULL : xstrdup(err->text);
	d->draft->error_kind = err->kind;
	d->draft->fault = fault;
}

/* ---- a newer job ---- */

static bool wants_top(const struct scheduler *d, const struct job *job)
{
	int pane;

	return !d->top->unwanted && scheduler_wants(d, job, d->top->piece, &pane);
}

/*
 * A held key asks faster than can be answered. Were each question dropped for the next, nothing would be seen until the key is let
 * go: the quick pieces of one are made all the same, when none were for a while, and when that does not take long; longer where
 * nothing was seen for long, as on a busy machine, which would otherwise never show anything.
 */
static bool is_spared(const struct scheduler *d)
{
	double now = clock_now();

	return now - d->answered_at > SHOW_EVERY_MS &&
	       now - d->asked_at < (now - d->answered_at > STARVED_MS ? PATIENT_MS : SPARED_MS);
}

static void give_way(struct level *level, bool quick)
{
	if (!mailbox_waits(level->scheduler->mailbox))
		return;
	if (quick && is_spared(level->scheduler))
		atomic_store(&level->work.task.call, true); /* ask again at the next step */
	else
		atomic_store(&level->work.task.stop, true);
}

static void interrupted_early(void *context)
{
	give_way(context, true);
}

/* Puts a job on the scheduler and prepares the session for it; false: not prepared, and the draft may say why. */
static bool begin(struct scheduler *d, struct job *job, unsigned serial)
{
	struct level level = { .work = { .task = { .called = interrupted_early, .called_context = &level }, .pane = -1 },
			       .scheduler = d };
	struct snapshot *s = d->draft;
	struct err err = { 0 };
	const char *name = job->model ? job->model : "demo";
	bool same = d->has_job && d->prepared && job_same_ground(&d->job, job, true);
	const struct run *run = same ? session_run(d->session) : NULL;
	char what[96];

	scheduler_adopt(d, job);
	if (d->has_job)
		job_done(&d->job);
	d->job = *job;
	free(job);
	d->has_job = true;
	d->prepared = false;
	d->asked_at = clock_now();
	notes_done(&d->notes);
	s->serial = serial;
	scheduler_set_error(d, &err, (struct job_fault){ JOB_WHOLE, 0 }); /* that of the job before */
	snprintf(what, sizeof what, "loading %s", strrchr(name, '/') && strrchr(name, '/')[1] ? strrchr(name, '/') + 1 : name);
	enter(d, &level);
	s->unprepared = !same;
	if (!same)
		scheduler_publish(d, s->has_model ? WORK_RUNNING : WORK_LOADING, s->has_model ? "running" : what);
	d->prepared = session_prepare(d->session, &d->job, &level.work.task, &d->notes, &err);
	scheduler_set_error(d, &err, session_fault(d->session));
	if (same && d->prepared && session_run(d->session) != run) {
		scheduler_forget(d);
		s->unprepared = true;
		same = false;
	}
	if (d->prepared && !same) {
		describe(d);
		s->has_metric = session_metric_values(d->session, &s->metric, &s->metric_unedited, &level.work.task, &err);
		d->prepared = err.kind != ERR_CANCELLED;
	}
	leave(d);
	s->unprepared = !d->prepared;
	if (d->prepared) {
		foresee(d);
		scheduler_publish(d, WORK_ANSWERING, "");
	}
	return d->prepared;
}

/* ---- one piece after the other ---- */

static void answer_all(struct scheduler *d, int below);

/* A newer job has come while a piece is made: what is more urgent in it is answered now, if the piece is wanted there too. */
static void interrupted(void *context)
{
	struct level *level = context;
	struct scheduler *d = level->scheduler;
	const struct job *next;
	struct job *job;
	unsigned serial;
	bool taken = false;

	while ((next = mailbox_read(d->mailbox)) && wants_top(d, next) && (job = mailbox_take(d->mailbox, &serial))) {
		begin(d, job, serial);
		answer_all(d, piece_rank(&d->job, level->piece));
		taken = true;
	}
	give_way(level, piece_rank(&d->job, level->piece) < RANK_LENS);
	if (taken && !atomic_load(&level->work.task.stop))
		scheduler_publish_piece(d, level);
}

static void make(struct scheduler *d, struct piece piece)
{
	struct level level = {
		.work = { .task = { .called = interrupted, .called_context = &level }, .pane = pane_of(&piece), .can_skip = true },
		.scheduler = d,
		.piece = piece
	};

	enter(d, &level);
	scheduler_publish_piece(d, &level);
	piece_make(d, &level);
	leave(d);
	d->draft->answering = -1;
	d->draft->queued = 0;
	if (level.work.skipped && !level.unwanted)
		piece_give_up(d, level.piece);
	if (piece.kind == PIECE_TABLE && piece_is_slow(&d->job.pane[level.piece.pane])) /* it was measured */
		foresee(d);
	if (!level.unwanted)
		scheduler_publish(d, WORK_ANSWERING, "");
}

/* All that is missing and more urgent than `below`, until a newer job comes or this one is cancelled. */
static void answer_all(struct scheduler *d, int below)
{
	struct piece piece;

	while (d->prepared && !mailbox_cancelled(d->mailbox)) {
		bool waits = mailbox_waits(d->mailbox), quick = piece_choose(d, RANK_LENS < below ? RANK_LENS : below, &piece);

		if (!quick)
			d->answered_at = clock_now();
		if ((waits && !(quick && is_spared(d))) || (!quick && !piece_choose(d, below, &piece)))
			return;
		make(d, piece);
	}
}

void scheduler_work(struct scheduler *d)
{
	unsigned serial;
	struct job *job = mailbox_read(d->mailbox) ? mailbox_take(d->mailbox, &serial) : NULL;

	if (!job)
		return;
	session_watch(d->session, piece_show_partial, piece_visible, piece_show_running, d);
	begin(d, job, serial);
	answer_all(d, RANK_ALL);
	snapshot_free_notes(d->draft);
	d->draft->note = d->notes.line;
	d->draft->notes = d->notes.n;
	d->notes = (struct notes){ 0 };
	if (!mailbox_waits(d->mailbox))
		scheduler_publish(d, WORK_IDLE, mailbox_cancelled(d->mailbox) ? "cancelled" : "");
}
