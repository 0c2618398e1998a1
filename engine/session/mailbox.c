/* mailbox.c - see mailbox.h. */
#include "engine/session/mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/clock.h"

/* A job and its number, as mailbox_ask() returned it. */
struct letter {
	struct job *job; /* NULL: none */
	unsigned serial;
};

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fd;
	/* under the lock */
	struct letter pending;	   /* that nobody has read */
	struct letter opened;	   /* that the worker has read; the worker alone frees it */
	bool opened_void;	   /* and that was cancelled since */
	unsigned serial;	   /* of the newest job */
	unsigned serial_published; /* of the newest snapshot */
	bool closed, cancelled;
	struct snapshot *published; /* a copy that nobody has looked at; NULL: none */
	struct window window[JOB_PANES];
	struct work *top;
	/* the screen's */
	struct snapshot *shown;
};

static void drop_job(struct job *job)
{
	if (job)
		job_done(job);
	free(job);
}

struct mailbox *mailbox_new(struct err *err)
{
	struct mailbox *m = xcalloc(1, sizeof *m);

	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->fd < 0) {
		err_set(err, ERR_MEMORY, "the system has no file descriptor left for answers");
		free(m);
		return NULL;
	}
	m->shown = xcalloc(1, sizeof *m->shown);
	m->shown->answering = -1;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->wake, NULL);
	return m;
}

void mailbox_free(struct mailbox *m)
{
	drop_job(m->pending.job);
	drop_job(m->opened.job);
	snapshot_free(m->published);
	snapshot_free(m->shown);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	close(m->fd);
	free(m);
}

/* ---- under the lock ---- */

/* Something newer waits: the work will see at its next step. */
static void disturb(struct mailbox *m)
{
	if (m->top)
		atomic_store(&m->top->task.call, true);
}

static void stop_all(struct mailbox *m)
{
	for (struct work *w = m->top; w; w = w->below)
		atomic_store(&w->task.stop, true);
}

static bool any_waits(const struct mailbox *m)
{
	return m->pending.job || (m->opened.job && !m->opened_void);
}

/* How far each pane is, from the work that is made for it. */
static void tell_progress(const struct mailbox *m, struct snapshot *s)
{
	s->done = s->total = 0;
	s->left = 0;
	for (int i = 0; i < s->panes; i++) {
		s->pane[i].done = s->pane[i].total = 0;
		s->pane[i].left = 0;
	}
	for (struct work *w = m->top; w; w = w->below) {
		int done = atomic_load_explicit(&w->task.done, memory_order_relaxed),
		    total = atomic_load_explicit(&w->task.total, memory_order_relaxed);
		double left = pace_left(&w->pace, clock_now(), done, total);

		if (w == m->top) {
			s->done = done;
			s->total = total;
			s->left = left;
		}
		if (w->pane < 0 || w->pane >= s->panes)
			continue;
		s->pane[w->pane].done = done;
		s->pane[w->pane].total = total;
		s->pane[w->pane].left = left;
	}
}

/* ---- the screen's side ---- */

unsigned mailbox_ask(struct mailbox *m, const struct job *job)
{
	struct job *copy = xmalloc(sizeof *copy), *old;
	unsigned serial;

	job_copy(copy, job);
	pthread_mutex_lock(&m->lock);
	old = m->pending.job;
	serial = ++m->serial;
	m->pending = (struct letter){ copy, serial };
	disturb(m);
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	drop_job(old);
	return serial;
}

void mailbox_cancel(struct mailbox *m)
{
	struct job *old;

	pthread_mutex_lock(&m->lock);
	old = m->pending.job;
	m->pending.job = NULL;
	m->opened_void = m->cancelled = true;
	stop_all(m);
	pthread_mutex_unlock(&m->lock);
	drop_job(old);
}

void mailbox_skip(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	if (m->top && m->top->can_skip) {
		m->top->skipped = true;
		atomic_store(&m->top->task.stop, true);
	}
	pthread_mutex_unlock(&m->lock);
}

void mailbox_look_at(struct mailbox *m, const struct window window[JOB_PANES])
{
	pthread_mutex_lock(&m->lock);
	memcpy(m->window, window, sizeof m->window);
	pthread_mutex_unlock(&m->lock);
}

int mailbox_fd(const struct mailbox *m)
{
	return m->fd;
}

const struct snapshot *mailbox_look(struct mailbox *m)
{
	struct snapshot *fresh, *old = NULL;
	uint64_t count;

	if (read(m->fd, &count, sizeof count) < 0)
		count = 0; /* nothing new: the progress below still is */
	pthread_mutex_lock(&m->lock);
	fresh = m->published;
	m->published = NULL;
	if (fresh) {
		old = m->shown;
		m->shown = fresh;
	}
	if (m->shown->serial == m->serial_published)
		tell_progress(m, m->shown);
	pthread_mutex_unlock(&m->lock);
	snapshot_free(old);
	return m->shown;
}

void mailbox_close(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	m->closed = m->cancelled = true;
	stop_all(m);
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

/* ---- the worker's side ---- */

bool mailbox_wait(struct mailbox *m)
{
	bool open;

	pthread_mutex_lock(&m->lock);
	while (!any_waits(m) && !m->closed)
		pthread_cond_wait(&m->wake, &m->lock);
	open = !m->closed;
	pthread_mutex_unlock(&m->lock);
	return open;
}

const struct job *mailbox_read(struct mailbox *m)
{
	struct job *old = NULL;
	const struct job *job;

	pthread_mutex_lock(&m->lock);
	if (m->pending.job || m->opened_void) {
		old = m->opened.job;
		m->opened = m->pending;
		m->pending.job = NULL;
		m->opened_void = false;
	}
	job = m->closed ? NULL : m->opened.job;
	pthread_mutex_unlock(&m->lock);
	drop_job(old);
	return job;
}

struct job *mailbox_take(struct mailbox *m, unsigned *serial)
{
	struct job *job = NULL;

	pthread_mutex_lock(&m->lock);
	if (m->opened.job && !m->opened_void) {
		job = m->opened.job;
		*serial = m->opened.serial;
		m->opened.job = NULL;
		m->cancelled = m->closed;
	}
	pthread_mutex_unlock(&m->lock);
	return job;
}

bool mailbox_waits(struct mailbox *m)
{
	bool waiting;

	pthread_mutex_lock(&m->lock);
	waiting = any_waits(m);
	pthread_mutex_unlock(&m->lock);
	return waiting;
}

bool mailbox_cancelled(struct mailbox *m)
{
	bool cancelled;

	pthread_mutex_lock(&m->lock);
	cancelled = m->cancelled;
	pthread_mutex_unlock(&m->lock);
	return cancelled;
}

void mailbox_enter(struct mailbox *m, struct work *work)
{
	pthread_mutex_lock(&m->lock);
	work->below = m->top;
	m->top = work;
	if (any_waits(m))
		disturb(m);
	if (m->cancelled)
		atomic_store(&work->task.stop, true);
	pthread_mutex_unlock(&m->lock);
}

void mailbox_leave(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	m->top = m->top->below;
	pthread_mutex_unlock(&m->lock);
}

void mailbox_assign(struct mailbox *m, struct work *work, int pane)
{
	pthread_mutex_lock(&m->lock);
	work->pane = pane;
	pthread_mutex_unlock(&m->lock);
}

/* One event for a burst: a copy that was not looked at is replaced. */
void mailbox_publish(struct mailbox *m, const struct snapshot *s)
{
	struct snapshot *copy = snapshot_copy(s), *old;
	uint64_t one = 1;

	pthread_mutex_lock(&m->lock);
	tell_progress(m, copy);
	m->serial_published = copy->serial;
	old = m->published;
	m->published = copy;
	pthread_mutex_unlock(&m->lock);
	snapshot_free(old);
	if (write(m->fd, &one, sizeof one) < 0)
		return; /* the counter is full: there is news enough */
}

struct window mailbox_visible(struct mailbox *m, int pane)
{
	struct window window;

	pthread_mutex_lock(&m->lock);
	window = m->window[pane];
	pthread_mutex_unlock(&m->lock);
	return window;
}
