/* scheduler.c - see scheduler.h. */
#include "engine/session/scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/session/session.h"

enum { SHOW_EVERY_MS = 100, SPARED_MS = 250, STARVED_MS = 1000, PATIENT_MS = 3000 }; /* see is_spared */

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

/* The level is from now on for that pane of the job; or (-1) for none, and stops. */
static void assign(struct level *level, int pane)
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

static void publish(struct scheduler *d, enum work_state state, const char *what)
{
	d->draft->state = state;
	snprintf(d->draft->what, sizeof d->draft->what, "%s", what);
	d->draft->milliseconds = clock_now() - d->asked_at;
	mailbox_publish(d->mailbox, d->draft);
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

static void set_error(struct scheduler *d, const struct err *err, struct job_fault fault)
{
	free(d->draft->error);
	d->draft->error = err->kind == ERR_NONE || err->kind == ERR_CANCELLED ? NULL : xstrdup(err->text);
	d->draft->error_kind = err->kind;
	d->draft->fault = fault;
}

/* ---- which piece comes when ---- */

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

static bool is_slow(const struct job_pane *pane)
{
	return pane->over || pane->analysis->cost >= COST_RUNS;
}

static int rank_of_table(const struct job_pane *pane)
{
	const enum cost cost = pane->analysis->cost;

	return pane->over		 ? RANK_CORPUS
	       : cost == COST_TRAINING	 ? RANK_TRAINING
	       : is_slow(pane)		 ? RANK_SWEEP
	       : cost == COST_VOCABULARY ? RANK_LENS
					 : RANK_QUICK;
}

static int rank_of(const struct job *job, struct piece piece)
{
	const struct job_pane *pane = &job->pane[piece.pane];

	switch (piece.kind) {
	case PIECE_TABLE:
		return rank_of_table(pane) + (piece.pane != job->focus);
	case PIECE_BEFORE:
		return is_slow(pane) ? RANK_SWEEP_BEFORE : RANK_BEFORE;
	default:
		return RANK_TEXT + (piece.kind == PIECE_PLAIN_TEXT);
	}
}

static bool under_way(const struct scheduler *d, struct piece piece)
{
	for (const struct level *l = d->top; l; l = l->below)
		if (!l->unwanted && l->piece.kind == piece.kind && l->piece.pane == piece.pane)
			return true;
	return false;
}

static bool is_edited(const struct scheduler *d)
{
	return session_run(d->session) != session_unedited(d->session);
}

static bool is_there(const struct scheduler *d, struct piece piece)
{
	const struct snapshot_pane *p = &d->draft->pane[piece.pane];

	switch (piece.kind) {
	case PIECE_TABLE:
		return p->stopped || (!p->stale && !(p->table && p->table->unfinished));
	case PIECE_BEFORE: /* mostly known from the question before */
		return d->has_before[piece.pane] || !is_edited(d) || p->question.shown != SHOWN_RUN || p->question.over;
	case PIECE_TEXT:
		return d->has_text || !d->job.generate;
	default:
		return d->has_plain_text || !d->job.generate || !is_edited(d);
	}
}

/* The most urgent of what is missing, if it is more urgent than `below`. */
static bool choose(const struct scheduler *d, int below, struct piece *best)
{
	bool any = false;

	for (int kind = PIECE_TABLE; kind <= PIECE_PLAIN_TEXT; kind++)
		for (int i = 0; i < (kind <= PIECE_BEFORE ? d->draft->panes : 1); i++) {
			struct piece piece = { (enum piece_kind)kind, i };

			if (rank_of(&d->job, piece) >= below || is_there(d, piece) || under_way(d, piece))
				continue;
			below = rank_of(&d->job, piece);
			*best = piece;
			any = true;
		}
	return any;
}

static int how_many_wait(const struct scheduler *d)
{
	int n = 0;

	for (int kind = PIECE_TABLE; kind <= PIECE_PLAIN_TEXT; kind++)
		for (int i = 0; i < (kind <= PIECE_BEFORE ? d->draft->panes : 1); i++) {
			struct piece piece = { (enum piece_kind)kind, i };

			n += kind != PIECE_BEFORE && !is_there(d, piece) && !under_way(d, piece);
		}
	return n;
}

/* ---- a newer job ---- */

static int find_pane(const struct job *job, const struct job_pane *pane)
{
	for (int i = 0; i < job->panes; i++)
		if (job_pane_equal(&job->pane[i], pane))
			return i;
	return -1;
}

/* Whether a job asks for a piece of the job on the scheduler, and as which of its panes. */
static bool wants(const struct scheduler *d, const struct job *job, struct piece piece, int *pane)
{
	bool unedited = piece.kind == PIECE_BEFORE || piece.kind == PIECE_PLAIN_TEXT;

	if (unedited && !job_edited(job))
		return false;
	if (piece.kind >= PIECE_TEXT) {
		*pane = 0;
		return job_same_ground(&d->job, job, !unedited) && d->job.generate == job->generate;
	}
	*pane = find_pane(job, &d->job.pane[piece.pane]);
	return *pane >= 0 && job_pane_same_ground(&d->job, job, &job->pane[*pane], !unedited);
}

static bool wants_top(const struct scheduler *d, const struct job *job)
{
	int pane;

	return !d->top->unwanted && wants(d, job, d->top->piece, &pane);
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

/* The job takes the scheduler: pieces that are there or under way stay if it wants them. */
static void adopt_job(struct scheduler *d, const struct job *job)
{
	struct snapshot *s = d->draft;
	struct snapshot_pane pane[JOB_PANES] = { 0 };
	bool has_before[JOB_PANES] = { false };
	int at;

	for (int i = 0; i < job->panes; i++) {
		int from = d->has_job ? find_pane(&d->job, &job->pane[i]) : -1;
		bool same = from >= 0 && d->prepared && job_pane_same_ground(&d->job, job, &job->pane[i], true),
		     alike = i < s->panes && s->pane[i].question.analysis == job->pane[i].analysis;

		from = from >= 0 ? from : alike ? i : -1;
		pane[i].question = job->pane[i];
		if (from < 0) {
			pane[i].stale = true;
			continue;
		}
		pane[i].stale = !same || s->pane[from].stale;
		pane[i].table = table_ref(s->pane[from].table);
		pane[i].older = table_ref(s->pane[from].older);
		pane[i].error = s->pane[from].error ? xstrdup(s->pane[from].error) : NULL;
		pane[i].before = same ? table_ref(s->pane[from].before) : NULL;
		has_before[i] = same && d->has_before[from];
		/*
		 * What was stopped waits to be asked for: a question that changes nothing for it, as a move's, does not begin it
		 * again.
		 */
		pane[i].stopped = same && s->pane[from].stopped && job->again == d->job.again;
	}
	for (struct level *l = d->top; l; l = l->below) {
		if (l->unwanted || l->piece.kind == PIECE_NONE)
			continue;
		assign(l, wants(d, job, l->piece, &at) ? at : -1);
	}
	for (int i = 0; i < s->panes; i++) {
		table_unref(s->pane[i].table);
		table_unref(s->pane[i].before);
		table_unref(s->pane[i].older);
		free(s->pane[i].error);
	}
	memcpy(s->pane, pane, sizeof pane);
	memcpy(d->has_before, has_before, sizeof has_before);
	s->panes = job->panes;
}

static void keep_texts(struct scheduler *d, const struct job *job)
{
	struct piece text = { PIECE_TEXT, 0 }, plain = { PIECE_PLAIN_TEXT, 0 };
	struct snapshot *s = d->draft;
	int pane;
	bool keep = d->has_job && wants(d, job, text, &pane) && (d->has_text || under_way(d, text));
	bool keep_plain = d->has_job && wants(d, job, plain, &pane) && (d->has_plain_text || under_way(d, plain));

	if (!keep) {
		snapshot_free_tokens(s->generated, s->generated_tokens);
		s->generated = NULL;
		s->generated_tokens = 0;
	}
	if (!keep_plain) {
		snapshot_free_tokens(s->plain, s->plain_tokens);
		s->plain = NULL;
		s->plain_tokens = 0;
	}
	d->has_text = d->has_text && keep;
	d->has_plain_text = d->has_plain_text && keep_plain;
}

/* The edits count for it. */
static bool is_of_runs(const struct job_pane *pane)
{
	return pane->over || job_pane_reads_run(pane);
}

/*
 * The same lines, and yet another run: a file that an edit reads was written again. Nothing that was read from the run answers
 * this.
 */
static void forget_answers(struct scheduler *d)
{
	for (int i = 0; i < d->draft->panes; i++)
		if (is_of_runs(&d->job.pane[i])) {
			d->draft->pane[i].stale = true;
			d->has_before[i] = false;
		}
	d->has_text = d->has_plain_text = false;
	for (struct level *l = d->top->below; l; l = l->below)
		if (l->piece.kind >= PIECE_TEXT || is_of_runs(&d->job.pane[l->piece.pane]))
			assign(l, -1);
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

	keep_texts(d, job);
	adopt_job(d, job);
	if (d->has_job)
		job_done(&d->job);
	d->job = *job;
	free(job);
	d->has_job = true;
	d->prepared = false;
	d->asked_at = clock_now();
	notes_done(&d->notes);
	s->serial = serial;
	set_error(d, &err, (struct job_fault){ JOB_WHOLE, 0 }); /* that of the job before */
	snprintf(what, sizeof what, "loading %s", strrchr(name, '/') && strrchr(name, '/')[1] ? strrchr(name, '/') + 1 : name);
	enter(d, &level);
	s->unprepared = !same;
	if (!same)
		publish(d, s->has_model ? WORK_RUNNING : WORK_LOADING, s->has_model ? "running" : what);
	d->prepared = session_prepare(d->session, &d->job, &level.work.task, &d->notes, &err);
	set_error(d, &err, session_fault(d->session));
	if (same && d->prepared && session_run(d->session) != run) {
		forget_answers(d);
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
		publish(d, WORK_ANSWERING, "");
	}
	return d->prepared;
}

/* ---- making pieces ---- */

static const char *what_is(const struct scheduler *d, struct piece piece)
{
	return piece.kind == PIECE_TABLE    ? d->job.pane[piece.pane].analysis->name
	       : piece.kind == PIECE_BEFORE ? "without the edits"
					    : "generating";
}

static void publish_piece(struct scheduler *d, const struct level *level)
{
	d->draft->answering = level->piece.kind == PIECE_TABLE ? level->piece.pane : -1;
	d->draft->queued = how_many_wait(d);
	publish(d, level->piece.kind >= PIECE_TEXT ? WORK_GENERATING : WORK_ANSWERING, what_is(d, level->piece));
}

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
		answer_all(d, rank_of(&d->job, level->piece));
		taken = true;
	}
	give_way(level, rank_of(&d->job, level->piece) < RANK_LENS);
	if (taken && !atomic_load(&level->work.task.stop))
		publish_piece(d, level);
}

/* The whole table of a pane makes room for parts of the next one, and stays beside them. */
static void put_aside(struct snapshot_pane *p)
{
	if (p->table && p->table->unfinished) {
		table_unref(p->table);
	} else if (p->table) {
		table_unref(p->older);
		p->older = p->table;
	}
	p->table = NULL;
}

/* The run of a job that is prepared begins: of a long prompt it takes minutes. */
static void show_running(void *context, const char *which)
{
	struct scheduler *d = context;
	char what[64];

	d->draft->unprepared = true;
	snprintf(what, sizeof what, "running the %s: layer", which);
	publish(d, WORK_RUNNING, what);
}

/* What a slow table has so far. */
static void show_partial(void *context, struct table *so_far)
{
	struct scheduler *d = context;
	struct snapshot_pane *p = &d->draft->pane[d->top->piece.pane];

	if (d->top->unwanted) {
		table_unref(so_far);
		return;
	}
	put_aside(p);
	free(p->error);
	p->table = so_far;
	p->error = NULL;
	p->stale = false;
	publish_piece(d, d->top);
}

static struct window visible(void *context)
{
	const struct scheduler *d = context;

	return mailbox_visible(d->mailbox, d->top->piece.pane);
}

static void set_table(struct scheduler *d, int pane, struct table *t, const struct err *err)
{
	struct snapshot_pane *p = &d->draft->pane[pane];

	table_unref(p->table);
	table_unref(p->older);
	free(p->error);
	p->older = NULL;
	p->table = t;
	p->error = t ? NULL : xstrdup(err->text);
	p->stale = false;
}

static void set_before(struct scheduler *d, int pane, struct table *t)
{
	struct snapshot_pane *p = &d->draft->pane[pane];

	table_unref(p->before);
	p->before = t;
	d->has_before[pane] = true;
}

static bool add_token(void *context, int32_t id, double probability)
{
	struct level *level = context;
	struct scheduler *d = level->scheduler;
	bool plain = level->piece.kind == PIECE_PLAIN_TEXT;
	struct snapshot_token **list = plain ? &d->draft->plain : &d->draft->generated;
	int *n = plain ? &d->draft->plain_tokens : &d->draft->generated_tokens;

	if (level->unwanted || atomic_load(&level->work.task.stop))
		return false;
	*list = xrealloc(*list, (size_t)(*n + 1) * sizeof **list);
	(*list)[*n] = snapshot_make_token(session_model(d->session)->tokenizer, id);
	(*list)[(*n)++].probability = probability;
	publish_piece(d, level);
	return true;
}

static void make_text(struct scheduler *d, struct level *level, struct err *err)
{
	bool plain = level->piece.kind == PIECE_PLAIN_TEXT;

	d->draft->generating = true;
	session_generate(d->session, !plain, d->job.generate, add_token, level, &level->work.task, err);
	d->draft->generating = false;
	if (level->unwanted || atomic_load(&level->work.task.stop))
		return;
	*(plain ? &d->has_plain_text : &d->has_text) = true;
	set_error(d, err, (struct job_fault){ JOB_GENERATE, 0 });
}

static void make_table(struct scheduler *d, struct level *level, struct err *err)
{
	bool before = level->piece.kind == PIECE_BEFORE;
	struct table *t = before ? session_before(d->session, level->piece.pane, &level->work.task, &d->notes, err)
				 : session_answer(d->session, level->piece.pane, &level->work.task, &d->notes, err);

	if (level->unwanted || err->kind == ERR_CANCELLED)
		table_unref(t);
	else if (before)
		set_before(d, level->piece.pane, t);
	else
		set_table(d, level->piece.pane, t, err);
}

/* The screen did not want to wait for it: until it is asked for again, what there is of it will do. */
static void give_up(struct scheduler *d, struct piece piece)
{
	switch (piece.kind) {
	case PIECE_TABLE:
		d->draft->pane[piece.pane].stopped = true;
		break;
	case PIECE_BEFORE:
		d->has_before[piece.pane] = true;
		break;
	case PIECE_TEXT:
		d->has_text = true;
		break;
	default:
		d->has_plain_text = true;
	}
}

static void make(struct scheduler *d, struct piece piece)
{
	struct level level = {
		.work = { .task = { .called = interrupted, .called_context = &level }, .pane = pane_of(&piece), .can_skip = true },
		.scheduler = d,
		.piece = piece
	};
	struct err err = { 0 };

	enter(d, &level);
	publish_piece(d, &level);
	if (piece.kind >= PIECE_TEXT)
		make_text(d, &level, &err);
	else
		make_table(d, &level, &err);
	leave(d);
	d->draft->answering = -1;
	d->draft->queued = 0;
	if (level.work.skipped && !level.unwanted)
		give_up(d, level.piece);
	if (piece.kind == PIECE_TABLE && is_slow(&d->job.pane[level.piece.pane])) /* it was measured */
		foresee(d);
	if (!level.unwanted)
		publish(d, WORK_ANSWERING, "");
}

/* All that is missing and more urgent than `below`, until a newer job comes or this one is cancelled. */
static void answer_all(struct scheduler *d, int below)
{
	struct piece piece;

	while (d->prepared && !mailbox_cancelled(d->mailbox)) {
		bool waits = mailbox_waits(d->mailbox), quick = choose(d, RANK_LENS < below ? RANK_LENS : below, &piece);

		if (!quick)
			d->answered_at = clock_now();
		if ((waits && !(quick && is_spared(d))) || (!quick && !choose(d, below, &piece)))
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
	session_watch(d->session, show_partial, visible, show_running, d);
	begin(d, job, serial);
	answer_all(d, RANK_ALL);
	snapshot_free_notes(d->draft);
	d->draft->note = d->notes.line;
	d->draft->notes = d->notes.n;
	d->notes = (struct notes){ 0 };
	if (!mailbox_waits(d->mailbox))
		publish(d, WORK_IDLE, mailbox_cancelled(d->mailbox) ? "cancelled" : "");
}
