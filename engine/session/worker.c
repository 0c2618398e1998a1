/*
 * worker.c - see worker.h.
 *
 * The thread keeps a snapshot of its own (the scheduler's "draft"), changes it as work proceeds, and publishes copies of it. Under
 * one lock: the pending job, the published copy that nobody has looked at, the serial, and the list of what is under way. Nothing
 * is computed and nothing is freed under the lock.
 */
#include "engine/session/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/signals.h"
#include "engine/session/scheduler.h"

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fd;
	/* under the lock, and the scheduler's `top` too */
	struct job *pending;
	unsigned serial;	      /* of the newest job */
	unsigned serial_of_scheduler; /* of the newest published */
	bool quit, cancelled;
	struct snapshot *published;
	struct window window[JOB_PANES];
	/* the thread's */
	struct scheduler scheduler;
	/* the screen's */
	struct snapshot *shown;
};

/* ---- the scheduler's side: see scheduler.h ---- */

/* How far each pane is, from the levels that are made for it. Under the lock. */
static void tell_progress(const struct worker *w, struct snapshot *s)
{
	struct level *top = w->scheduler.top;

	s->done = s->total = 0;
	s->left = 0;
	for (int i = 0; i < s->panes; i++) {
		s->pane[i].done = s->pane[i].total = 0;
		s->pane[i].left = 0;
	}
	for (struct level *l = top; l; l = l->below) {
		int done = atomic_load_explicit(&l->task.done, memory_order_relaxed),
		    total = atomic_load_explicit(&l->task.total, memory_order_relaxed);
		double left = pace_left(&l->pace, clock_now(), done, total);

		if (l == top) {
			s->done = done;
			s->total = total;
			s->left = left;
		}
		if (l->unwanted || l->piece.kind != PIECE_TABLE || l->piece.pane >= s->panes)
			continue;
		s->pane[l->piece.pane].done = done;
		s->pane[l->piece.pane].total = total;
		s->pane[l->piece.pane].left = left;
	}
}

/* One event for a burst: a copy that was not looked at is replaced. */
void worker_publish(struct worker *w)
{
	struct snapshot *copy = snapshot_copy(w->scheduler.draft), *old;
	uint64_t one = 1;

	pthread_mutex_lock(&w->lock);
	tell_progress(w, copy);
	w->serial_of_scheduler = copy->serial;
	old = w->published;
	w->published = copy;
	pthread_mutex_unlock(&w->lock);
	snapshot_free(old);
	if (write(w->fd, &one, sizeof one) < 0)
		return; /* the counter is full: there is news enough */
}

/* Something newer waits: the scheduler will see at its next step. Under the lock. */
static void disturb(struct level *top)
{
	if (top)
		atomic_store(&top->task.call, true);
}

void worker_enter(struct worker *w, struct level *level)
{
	pthread_mutex_lock(&w->lock);
	level->below = w->scheduler.top;
	w->scheduler.top = level;
	if (w->pending)
		disturb(level);
	if (w->cancelled)
		atomic_store(&level->task.stop, true);
	pthread_mutex_unlock(&w->lock);
}

void worker_leave(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->scheduler.top = w->scheduler.top->below;
	pthread_mutex_unlock(&w->lock);
}

void worker_assign(struct worker *w, struct level *level, int pane)
{
	pthread_mutex_lock(&w->lock);
	if (pane >= 0) {
		level->piece.pane = pane;
	} else {
		level->unwanted = true;
		atomic_store(&level->task.stop, true);
	}
	pthread_mutex_unlock(&w->lock);
}

struct job *worker_take(struct worker *w, bool (*wanted)(struct scheduler *d, const struct job *job), unsigned *serial)
{
	struct job *job = NULL;

	pthread_mutex_lock(&w->lock);
	if (w->pending && !w->quit && (!wanted || wanted(&w->scheduler, w->pending))) {
		job = w->pending;
		w->pending = NULL;
		w->cancelled = false;
		*serial = w->serial;
	}
	pthread_mutex_unlock(&w->lock);
	return job;
}

struct window worker_visible(struct worker *w, int pane)
{
	struct window window;

	pthread_mutex_lock(&w->lock);
	window = w->window[pane];
	pthread_mutex_unlock(&w->lock);
	return window;
}

bool worker_waits(struct worker *w)
{
	bool waiting;

	pthread_mutex_lock(&w->lock);
	waiting = w->pending != NULL;
	pthread_mutex_unlock(&w->lock);
	return waiting;
}

bool worker_cancelled(struct worker *w)
{
	bool cancelled;

	pthread_mutex_lock(&w->lock);
	cancelled = w->cancelled;
	pthread_mutex_unlock(&w->lock);
	return cancelled;
}

/* ---- the thread ---- */

static void *run_thread(void *context)
{
	struct worker *w = context;
	unsigned serial;

	/*
	 * The screen goes first; but not the work of everybody else on the machine, since a person waits for this. A thread's own
	 * priority is set through its id, and failing to is no harm.
	 */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 5);
	for (bool quit = false; !quit;) {
		struct job *job = worker_take(w, NULL, &serial);

		if (job)
			scheduler_work(&w->scheduler, job, serial);
		pthread_mutex_lock(&w->lock);
		while (!w->pending && !w->quit)
			pthread_cond_wait(&w->wake, &w->lock);
		quit = w->quit;
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

/* ---- the screen's side ---- */

/* Under the lock. */
static void stop_all(struct worker *w)
{
	for (struct level *l = w->scheduler.top; l; l = l->below)
		atomic_store(&l->task.stop, true);
}

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
	scheduler_done(&w->scheduler);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

/* As much stack as it needs, whatever the limit on the main thread's is. */
static bool start_thread(struct worker *w)
{
	enum { STACK = 4 << 20 };
	pthread_attr_t attr;
	bool started;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	started = !pthread_create(&w->thread, &attr, run_thread, w);
	pthread_attr_destroy(&attr);
	return started;
}

struct worker *worker_new(struct err *err)
{
	struct worker *w = xcalloc(1, sizeof *w);
	sigset_t before;
	bool started;

	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	scheduler_init(&w->scheduler, w);
	w->shown = xcalloc(1, sizeof *w->shown);
	w->shown->answering = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	signals_block(&before); /* signals are the screen's */
	started = w->fd >= 0 && start_thread(w);
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
	w->quit = w->cancelled = true;
	stop_all(w);
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
	disturb(w->scheduler.top);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	drop_job(old);
	return serial;
}

void worker_look_at(struct worker *w, const struct window window[JOB_PANES])
{
	pthread_mutex_lock(&w->lock);
	memcpy(w->window, window, sizeof w->window);
	pthread_mutex_unlock(&w->lock);
}

void worker_cancel(struct worker *w)
{
	struct job *old;

	pthread_mutex_lock(&w->lock);
	old = w->pending;
	w->pending = NULL;
	w->cancelled = true;
	stop_all(w);
	pthread_mutex_unlock(&w->lock);
	drop_job(old);
}

void worker_skip(struct worker *w)
{
	struct level *top;

	pthread_mutex_lock(&w->lock);
	top = w->scheduler.top;
	if (top && top->piece.kind != PIECE_NONE) {
		top->skipped = true;
		atomic_store(&top->task.stop, true);
	}
	pthread_mutex_unlock(&w->lock);
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
		count = 0; /* nothing new: the progress below still is */
	pthread_mutex_lock(&w->lock);
	fresh = w->published;
	w->published = NULL;
	if (fresh) {
		old = w->shown;
		w->shown = fresh;
	}
	if (w->shown->serial == w->serial_of_scheduler)
		tell_progress(w, w->shown);
	pthread_mutex_unlock(&w->lock);
	snapshot_free(old);
	return w->shown;
}
