/* mailbox.c - what screen and worker leave for each other, each side played here by turns: no thread, no engine. */
#include "engine/session/mailbox.h"
#include "tests/tap.h"

#include <stdlib.h>

static unsigned ask(struct mailbox *m, const char *prompt)
{
	struct job job;
	unsigned serial;

	job_init(&job);
	job_set(&job.prompt, prompt);
	serial = mailbox_ask(m, &job);
	job_done(&job);
	return serial;
}

static void drop(struct job *job)
{
	if (job)
		job_done(job);
	free(job);
}

static void test_newest_wins(struct mailbox *m)
{
	const struct job *read;
	struct job *job;
	unsigned first = ask(m, "one"), second = ask(m, "two"), serial = 0;

	CHECK(second > first && mailbox_waits(m) && mailbox_wait(m));
	read = mailbox_read(m);
	CHECK_THAT(read && !strcmp(read->prompt, "two"), "the newest job is read");
	CHECK_THAT(mailbox_waits(m) && mailbox_read(m) == read, "a job that was only read still waits");
	first = ask(m, "three");
	job = mailbox_take(m, &serial);
	CHECK_THAT(job == read && serial == second, "what was read is taken, whatever came since");
	drop(job);
	CHECK_THAT(!mailbox_take(m, &serial), "a job that nobody has read is not taken");
	read = mailbox_read(m);
	CHECK_THAT(read && !strcmp(read->prompt, "three"), "the job that came since is next");
	job = mailbox_take(m, &serial);
	CHECK(job == read && serial == first && !mailbox_waits(m) && !mailbox_read(m));
	drop(job);
}

static void test_cancel(struct mailbox *m)
{
	struct work outer = { .pane = 0 }, inner = { .pane = -1, .can_skip = true };
	struct job *job;
	unsigned serial;

	mailbox_enter(m, &outer);
	mailbox_enter(m, &inner);
	ask(m, "one");
	CHECK_THAT(atomic_load(&inner.task.call) && !atomic_load(&outer.task.call), "a new job calls the work on top alone");
	CHECK(mailbox_read(m) != NULL);
	mailbox_cancel(m);
	CHECK_THAT(atomic_load(&inner.task.stop) && atomic_load(&outer.task.stop), "cancelling stops all work");
	CHECK_THAT(mailbox_cancelled(m) && !mailbox_waits(m), "nothing waits once it is cancelled");
	CHECK_THAT(!mailbox_take(m, &serial) && !mailbox_read(m), "a job that was cancelled after it was read is not taken");
	mailbox_leave(m);
	mailbox_leave(m);
	ask(m, "two");
	job = mailbox_read(m) ? mailbox_take(m, &serial) : NULL;
	CHECK_THAT(job && !mailbox_cancelled(m), "the next job is not cancelled");
	drop(job);
}

static void test_skip(struct mailbox *m)
{
	struct work table = { .pane = 0, .can_skip = true }, preparing = { .pane = -1 };

	mailbox_enter(m, &table);
	mailbox_enter(m, &preparing);
	mailbox_skip(m);
	CHECK_THAT(!atomic_load(&preparing.task.stop) && !preparing.skipped, "preparing is not skipped");
	mailbox_leave(m);
	mailbox_skip(m);
	CHECK_THAT(atomic_load(&table.task.stop) && table.skipped, "a piece is");
	mailbox_leave(m);
	mailbox_skip(m); /* nothing to skip */
}

static void test_snapshots(struct mailbox *m)
{
	struct snapshot draft = { .serial = 7, .panes = 2, .answering = -1 };
	struct work work = { .pane = 1 };
	const struct snapshot *seen;

	atomic_store(&work.task.done, 3);
	atomic_store(&work.task.total, 10);
	mailbox_enter(m, &work);
	mailbox_publish(m, &draft);
	seen = mailbox_look(m);
	CHECK_THAT(seen->serial == 7 && seen->done == 3 && seen->pane[1].total == 10 && !seen->pane[0].total,
		   "a snapshot says how far its pane is");
	atomic_store(&work.task.done, 4);
	CHECK_THAT(mailbox_look(m) == seen && seen->pane[1].done == 4, "progress is told without a new snapshot");
	mailbox_assign(m, &work, -1);
	seen = mailbox_look(m);
	CHECK_THAT(!seen->pane[1].total && seen->total == 10, "work for no pane is no pane's progress");
	mailbox_leave(m);
}

int main(void)
{
	struct err err = { 0 };
	struct mailbox *m = mailbox_new(&err);

	if (!CHECK(m != NULL))
		return tap_done();
	test_newest_wins(m);
	test_cancel(m);
	test_skip(m);
	test_snapshots(m);
	ask(m, "left there");
	mailbox_close(m);
	CHECK_THAT(!mailbox_wait(m) && !mailbox_read(m), "a closed mailbox gives nothing more");
	mailbox_free(m);
	return tap_done();
}
