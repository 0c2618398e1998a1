/* worker.c - see worker.h. */
#include "engine/session/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/polite.h"
#include "engine/base/signals.h"
#include "engine/session/mailbox.h"
#include "engine/session/scheduler.h"

struct worker {
	pthread_t thread;
	struct mailbox *mailbox;
};

/* ---- the thread ---- */

static void *run_thread(void *context)
{
	struct mailbox *mailbox = context;
	struct scheduler *d = scheduler_new(mailbox);

	/* The screen goes first; but not the work of everybody else on the machine, since a person waits for this. */
	polite_thread(5);
	while (mailbox_wait(mailbox))
		scheduler_work(d);
	scheduler_free(d);
	return NULL;
}

/* As much stack as it needs, whatever the limit on the main thread's is. */
static bool start_thread(struct worker *w)
{
	enum { STACK = 4 << 20 };
	pthread_attr_t attr;
	bool started;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	started = !pthread_create(&w->thread, &attr, run_thread, w->mailbox);
	pthread_attr_destroy(&attr);
	return started;
}

/* ---- the screen ---- */

struct worker *worker_new(struct err *err)
{
	struct worker *w = xcalloc(1, sizeof *w);
	sigset_t before;
	bool started = false;

	if ((w->mailbox = mailbox_new(err))) {
		signals_block(&before); /* signals are the screen's */
		started = start_thread(w);
		signals_restore(&before);
		if (!started) {
			mailbox_free(w->mailbox);
			err_set(err, ERR_MEMORY, "the background thread could not be started");
		}
	}
	if (started)
		return w;
	free(w);
	return NULL;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	mailbox_close(w->mailbox);
	pthread_join(w->thread, NULL);
	mailbox_free(w->mailbox);
	free(w);
}

unsigned worker_ask(struct worker *w, const struct job *job)
{
	return mailbox_ask(w->mailbox, job);
}

void worker_cancel(struct worker *w)
{
	mailbox_cancel(w->mailbox);
}

void worker_skip(struct worker *w)
{
	mailbox_skip(w->mailbox);
}

void worker_look_at(struct worker *w, const struct window window[JOB_PANES])
{
	mailbox_look_at(w->mailbox, window);
}

int worker_fd(const struct worker *w)
{
	return mailbox_fd(w->mailbox);
}

const struct snapshot *worker_look(struct worker *w)
{
	return mailbox_look(w->mailbox);
}
