/*
 * worker.c - see worker.h.
 *
 * The thread keeps a snapshot of its own ("draft"), changes it as work goes on, and publishes copies of it. Under one lock: the
 * pending job, the published copy that nobody has looked at, the serial. Nothing is computed and nothing is freed under the lock.
 */
#include "engine/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/signals.h"
#include "engine/model/tokenizer.h"
#include "engine/session.h"

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fd;
	/* under the lock */
	struct job *pending;
	unsigned serial;		/* of the newest job */
	bool quit;
	struct snapshot *published;
	/* the thread's */
	struct session *session;
	struct task task;
	struct snapshot *draft;
	double asked_at;
	/* the screen's */
	struct snapshot *shown;
};

/* Hands a copy of the draft to the screen. One event for a burst: a copy that was not looked at is replaced. */
static void publish(struct worker *w, enum work_state state, const char *what)
{
	struct snapshot *copy, *old;
	uint64_t one = 1;

	w->draft->state = state;
	snprintf(w->draft->what, sizeof w->draft->what, "%s", what);
	w->draft->milliseconds = clock_now() - w->asked_at;
	copy = snapshot_copy(w->draft);
	pthread_mutex_lock(&w->lock);
	old = w->published;
	w->published = copy;
	pthread_mutex_unlock(&w->lock);
	snapshot_free(old);
	if (write(w->fd, &one, sizeof one) < 0)
		return;	/* the counter is full: there is news enough */
}

/* ---- the thread's work ---- */

static int32_t predict(const struct run *r, int known, double *probability)
{
	int V = r->model->config.V, best = 0;
	float *p = xmalloc((size_t)V * sizeof *p);

	for (int i = 1; i < known; i++)
		if (r->last_logits[i] > r->last_logits[best])
			best = i;
	memcpy(p, r->last_logits, (size_t)V * sizeof *p);
	kernel_softmax(p, (size_t)V);
	*probability = (double)p[best];
	free(p);
	return best;
}

static char *show_token(const struct tokenizer *t, int32_t id)
{
	struct str s;

	str_init(&s);
	tokenizer_show(t, id, &s);
	return str_take(&s);
}

/* What the prepared job says before any technique has run. */
static void describe(struct worker *w)
{
	struct snapshot *d = w->draft;
	const struct model *m = session_model(w->session);
	const struct run *run = session_run(w->session), *unedited = session_unedited(w->session);
	int known = tokenizer_size(m->tokenizer) < m->config.V ? tokenizer_size(m->tokenizer) : m->config.V;

	d->has_model = true;
	model_facts_of(m, &d->model);
	snapshot_set_tokens(&d->token, &d->tokens, m->tokenizer, run);
	snapshot_set_tokens(&d->foil, &d->foil_tokens, m->tokenizer, session_foil(w->session));
	memcpy(d->metric_spec, session_metric(w->session)->spec, sizeof d->metric_spec);
	d->metric_unit = metric_table[session_metric(w->session)->kind].unit;
	free(d->next_show);
	free(d->next_show_unedited);
	d->next_id = predict(run, known, &d->next_probability);
	d->next_show = show_token(m->tokenizer, d->next_id);
	d->next_show_unedited = show_token(m->tokenizer, predict(unedited, known, &d->next_probability_unedited));
}

static void take_notes(struct worker *w, struct notes *notes)
{
	snapshot_free_notes(w->draft);
	w->draft->note = notes->line;
	w->draft->notes = notes->n;
	*notes = (struct notes){ 0 };
}

static void set_error(struct worker *w, const struct err *err)
{
	free(w->draft->error);
	w->draft->error = err->kind == ERR_NONE || err->kind == ERR_CANCELLED ? NULL : xstrdup(err->text);
	w->draft->error_kind = err->kind;
}

/* The panes of a new job, with the old tables where the technique is the same, marked stale until they are answered. */
static void begin_panes(struct worker *w, const struct job *job)
{
	struct snapshot *d = w->draft;

	for (int i = 0; i < JOB_PANES; i++) {
		struct snapshot_pane *p = &d->pane[i];

		table_unref(p->before);
		p->before = NULL;
		if (i >= job->panes || (i < d->panes && p->question.analysis != job->pane[i].analysis)) {
			table_unref(p->table);
			free(p->error);
			*p = (struct snapshot_pane){ 0 };
		}
		if (i < job->panes) {
			p->question = job->pane[i];
			p->stale = true;
		}
	}
	d->panes = job->panes;
}

/* The quick ones first: a lens reads the vocabulary for every cell, a causal sweep runs the model again and again. */
static int turn_of(const struct analysis *a)
{
	return a->topic == TOPIC_CAUSAL ? 2 : a->topic == TOPIC_LENS ? 1 : 0;
}

/* What a slow pane has so far. */
static void show_partial(void *context, struct table *so_far)
{
	struct worker *w = context;
	struct snapshot_pane *p = &w->draft->pane[w->draft->answering];

	table_unref(p->table);
	free(p->error);
	p->table = so_far;
	p->error = NULL;
	p->stale = false;
	publish(w, WORK_ANSWERING, p->question.analysis->name);
}

static bool answer_pane(struct worker *w, int i, struct notes *notes)
{
	struct snapshot_pane *p = &w->draft->pane[i];
	struct err err = { 0 };
	struct table *t;

	w->draft->answering = i;
	atomic_store(&w->task.total, 0);	/* it may not tell how far it is */
	publish(w, WORK_ANSWERING, p->question.analysis->name);
	t = session_answer(w->session, i, &w->task, notes, &err);
	w->draft->answering = -1;
	if (err.kind == ERR_CANCELLED)
		return false;
	table_unref(p->table);
	free(p->error);
	p->table = t;
	p->error = t ? NULL : xstrdup(err.text);
	p->stale = false;
	publish(w, WORK_ANSWERING, "");
	return true;
}

/* Answers the panes one by one; false when a newer job came. */
static bool answer_panes(struct worker *w, struct notes *notes)
{
	for (int turn = 0; turn <= 2; turn++)
		for (int i = 0; i < w->draft->panes; i++)
			if (turn_of(w->draft->pane[i].question.analysis) == turn && !answer_pane(w, i, notes))
				return false;
	return true;
}

/* Then what they were without the edits: mostly known from the question before. */
static bool answer_befores(struct worker *w, struct notes *notes)
{
	struct err err = { 0 };

	for (int i = 0; i < w->draft->panes && err.kind != ERR_CANCELLED; i++) {
		w->draft->pane[i].before = session_before(w->session, i, &w->task, notes, &err);
		if (w->draft->pane[i].before)
			publish(w, WORK_ANSWERING, "without the edits");
	}
	return err.kind != ERR_CANCELLED;
}

static bool add_token(struct worker *w, struct snapshot_token **list, int *n, int32_t id)
{
	*list = xrealloc(*list, (size_t)(*n + 1) * sizeof **list);
	(*list)[(*n)++] = snapshot_make_token(session_model(w->session)->tokenizer, id);
	publish(w, WORK_GENERATING, "generating");
	return !atomic_load(&w->task.stop);
}

static bool add_generated(void *context, int32_t id)
{
	struct worker *w = context;

	return add_token(w, &w->draft->generated, &w->draft->generated_tokens, id);
}

static bool add_plain(void *context, int32_t id)
{
	struct worker *w = context;

	return add_token(w, &w->draft->plain, &w->draft->plain_tokens, id);
}

static void forget_generated(struct snapshot *d)
{
	snapshot_free_tokens(d->generated, d->generated_tokens);
	snapshot_free_tokens(d->plain, d->plain_tokens);
	d->generated = d->plain = NULL;
	d->generated_tokens = d->plain_tokens = 0;
}

static void generate(struct worker *w, int n, struct err *err)
{
	struct snapshot *d = w->draft;

	d->generating = true;
	if (session_generate(w->session, true, n, add_generated, w, &w->task, err) && session_run(w->session) != session_unedited(w->session))
		session_generate(w->session, false, n, add_plain, w, &w->task, err);
	d->generating = false;
}

/* A newer job waits: what this one came to does not interest anybody any more. */
static bool superseded(struct worker *w)
{
	bool waiting;

	pthread_mutex_lock(&w->lock);
	waiting = w->pending != NULL;
	pthread_mutex_unlock(&w->lock);
	return waiting;
}

static void work(struct worker *w, const struct job *job)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct snapshot *d = w->draft;
	const char *name = job->model ? job->model : "demo";
	char what[96];
	bool ok;

	forget_generated(d);
	begin_panes(w, job);
	snprintf(what, sizeof what, "loading %s", strrchr(name, '/') && strrchr(name, '/')[1] ? strrchr(name, '/') + 1 : name);
	publish(w, d->has_model ? WORK_RUNNING : WORK_LOADING, d->has_model ? "running" : what);
	ok = session_prepare(w->session, job, &w->task, &notes, &err);
	set_error(w, &err);
	if (ok) {
		describe(w);
		d->has_metric = session_metric_values(w->session, &d->metric, &d->metric_unedited, &w->task, &err);
		publish(w, WORK_ANSWERING, "");
		ok = answer_panes(w, &notes) && answer_befores(w, &notes);
	}
	if (ok && job->generate)
		generate(w, job->generate, &err);
	take_notes(w, &notes);
	set_error(w, &err);
	if (!superseded(w))
		publish(w, WORK_IDLE, atomic_load(&w->task.stop) ? "cancelled" : "");
}

static void *run_thread(void *context)
{
	struct worker *w = context;

	/* the screen goes first; a thread's own priority is set through its id, and failing to is no harm */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
	pthread_mutex_lock(&w->lock);
	while (!w->quit) {
		struct job *job = w->pending;

		if (!job) {
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		w->pending = NULL;
		w->draft->serial = w->serial;
		atomic_store(&w->task.stop, false);
		pthread_mutex_unlock(&w->lock);
		w->asked_at = clock_now();
		work(w, job);
		job_done(job);
		free(job);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the screen's side ---- */

static void drop_job(struct job *job)
{
	if (job)
		job_done(job);
	free(job);
}

/* Everything but the thread. */
static void worker_done(struct worker *w)
{
	drop_job(w->pending);
	snapshot_free(w->published);
	snapshot_free(w->shown);
	snapshot_free(w->draft);
	session_free(w->session);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

struct worker *worker_new(struct err *err)
{
	struct worker *w = xcalloc(1, sizeof *w);
	sigset_t before;
	int started;

	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->session = session_new();
	session_watch(w->session, show_partial, w);
	w->draft = xcalloc(1, sizeof *w->draft);
	w->shown = xcalloc(1, sizeof *w->shown);
	w->draft->answering = w->shown->answering = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	signals_block(&before);	/* signals are the screen's */
	started = w->fd >= 0 && !pthread_create(&w->thread, NULL, run_thread, w);
	signals_restore(&before);
	if (started)
		return w;
	err_set(err, ERR_MEMORY, "the background thread could not be started");
	worker_done(w);
	return NULL;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	atomic_store(&w->task.stop, true);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	worker_done(w);
}

unsigned worker_ask(struct worker *w, const struct job *job)
{
	struct job *copy = xmalloc(sizeof *copy), *old;
	unsigned serial;

	job_copy(copy, job);
	pthread_mutex_lock(&w->lock);
	old = w->pending;
	w->pending = copy;
	serial = ++w->serial;
	atomic_store(&w->task.stop, true);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	drop_job(old);
	return serial;
}

void worker_cancel(struct worker *w)
{
	struct job *old;

	pthread_mutex_lock(&w->lock);
	old = w->pending;
	w->pending = NULL;
	atomic_store(&w->task.stop, true);
	pthread_mutex_unlock(&w->lock);
	drop_job(old);
}

int worker_fd(const struct worker *w)
{
	return w->fd;
}

const struct snapshot *worker_look(struct worker *w)
{
	struct snapshot *fresh, *old = NULL;
	uint64_t count;

	if (read(w->fd, &count, sizeof count) < 0)
		count = 0;	/* nothing new: the progress below still is */
	pthread_mutex_lock(&w->lock);
	fresh = w->published;
	w->published = NULL;
	pthread_mutex_unlock(&w->lock);
	if (fresh) {
		old = w->shown;
		w->shown = fresh;
	}
	snapshot_free(old);
	w->shown->done = atomic_load_explicit(&w->task.done, memory_order_relaxed);
	w->shown->total = atomic_load_explicit(&w->task.total, memory_order_relaxed);
	return w->shown;
}
