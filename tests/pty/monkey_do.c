/* monkey_do.c - see monkey.h: what the monkey does. */
#include "tests/pty/monkey.h"

#include "tests/pty/monkey_waits.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void press_all(const struct act *a, bool listening)
{
	for (int i = 0; i < a->keys && monkey_runs(); i++) {
		pty_key(monkey.pty, a->key[i]);
		if (a->gap && a->kind == ACT_KEYS && listening)
			monkey_live(a->gap);
	}
}

static void send_bytes(const struct act *a)
{
	size_t from = 0;

	for (int i = 0; i <= a->cuts && monkey_runs(); i++) {
		size_t to = i < a->cuts ? a->cut[i] : a->n;

		pty_send(monkey.pty, a->text + from, to - from);
		from = to;
		if (i < a->cuts && a->gap)
			monkey_live(a->gap);
	}
}

/* Nobody reads. The witness is heard. */
static void read_nothing(int ms)
{
	for (int64_t deadline = pty_now() + ms; pty_now() < deadline && monkey_runs(); monkey_listen())
		pty_wait(monkey.pty, pty_now() + 20 < deadline ? pty_now() + 20 : deadline);
	monkey.told.blind_until = pty_now() + monkey_allowed(VIEWS_MS);
}

static bool key_is_taken(void)
{
	double before = waits_ms(pty_program(monkey.pty)), took = 0;
	int64_t start = pty_now();

	pty_key(monkey.pty, "F9");
	monkey.probes++;
	while (monkey_runs() && monkey.told.keys < monkey.probes &&
	       took <= (double)monkey.limit + (double)monkey_allowed(VIEWS_MS)) {
		read_nothing(20);
		took = (double)(pty_now() - start) - monkey_waited_since(before);
	}
	return !monkey_runs() || monkey.told.keys >= monkey.probes ||
	       monkey_found("a terminal that takes no output holds it up: no key is taken");
}

static bool stall(const struct act *a)
{
	bool fine;

	if (a->frozen)
		pty_freeze(monkey.pty, true);
	press_all(a, false);
	read_nothing(a->gap);
	fine = key_is_taken();
	if (a->frozen)
		pty_freeze(monkey.pty, false);
	return fine;
}

static bool suspend(void)
{
	int code;

	pty_key(monkey.pty, "C-z");
	for (int64_t deadline = pty_now() + monkey_allowed(END_MS); pty_now() < deadline && monkey_runs();)
		monkey_hear(deadline);
	if (pty_state(monkey.pty, &code) != PTY_STOPPED)
		return true; /* a paste that has no end yet has taken it */
	while (pty_read(monkey.pty, pty_now() + 30))
		;
	if (pty_left_behind(monkey.pty))
		return monkey_found("while it is stopped, left in the terminal: %s", pty_left_behind(monkey.pty));
	pty_continue(monkey.pty);
	/* Until it has the terminal again, C-c is not a key but the end. */
	for (int64_t deadline = pty_now() + monkey_allowed(END_MS);
	     pty_now() < deadline && monkey_runs() && !pty_left_behind(monkey.pty);)
		pty_read(monkey.pty, pty_now() + 30);
	monkey.told.blind_until = pty_now() + monkey_allowed(VIEWS_MS);
	return true;
}

static bool end(const struct act *a)
{
	int64_t deadline;
	double before;
	int by = a->signal;
	bool by_keys = a->keys && !a->stalled && !a->amid, kept;

	if (a->frozen)
		pty_freeze(monkey.pty, true);
	press_all(a, !a->stalled);
	if (a->stalled)
		read_nothing(300);
	if (by_keys) {
		for (deadline = pty_now() + LEAVE_MS / 4; pty_now() < deadline && monkey_runs();)
			monkey_hear(deadline);
		if (!monkey_runs())
			return monkey_ended_well(true, 0, true) && monkey_start_again();
	}
	if (a->amid && !monkey_live(a->gap))
		return false;
	if (!monkey_runs())
		return monkey_ended_well(true, 0, true) && monkey_start_again();
	if (by)
		pty_signal(monkey.pty, by);
	else
		pty_hang_up(monkey.pty);
	deadline = pty_now() + monkey_allowed(END_MS) + monkey.limit;
	before = waits_ms(pty_program(monkey.pty));
	for (; monkey_runs() && pty_now() < deadline + (int64_t)monkey_waited_since(before);
	     before -= waits_for_disk(pty_program(monkey.pty)) ? 20 : 0)
		if (a->stalled || !by)
			read_nothing(20);
		else
			monkey_hear(deadline);
	if (monkey_runs()) /* the news of the end may be on its way */
		pty_wait(monkey.pty, pty_now() + 200);
	kept = by == SIGKILL && monkey_session_is_kept();
	return monkey_ended_well(!monkey_runs(), by ? by : SIGHUP, !a->stalled && by) && monkey_start_again() &&
	       (!kept || monkey_session_is_offered());
}

static bool perform(const struct act *a)
{
	switch (a->kind) {
	case ACT_START:
		return monkey_start(a);
	case ACT_KEYS:
		press_all(a, true);
		return true;
	case ACT_BYTES:
		send_bytes(a);
		return true;
	case ACT_RESIZE:
		pty_resize(monkey.pty, a->w, a->h);
		return true;
	case ACT_SUSPEND:
		return suspend();
	case ACT_STALL:
		return stall(a);
	default:
		return end(a);
	}
}

/* An Esc that is followed at once would be Alt. */
static bool ends_in_escape(const struct act *a)
{
	return (a->keys && !strcmp(a->key[a->keys - 1], "Esc")) || (a->n && a->text[a->n - 1] == '\x1B');
}

bool monkey_do_action(void)
{
	const struct act *a = &monkey.act;
	int code;

	act_make(monkey.seed, monkey.number, &monkey.act);
	if (monkey.options.verbose) {
		char text[400];

		act_print(a, text, sizeof text);
		printf("# %d: %s\n", monkey.number, text);
		fflush(stdout);
	}
	monkey.actions++;
	if (!perform(a) || !monkey_live(a->pause + (ends_in_escape(a) ? 60 : 0)))
		return false;
	if (a->kind != ACT_END && a->probe && monkey_runs() && !monkey_key_is_answered())
		return false;
	if (a->rest && monkey_runs() && !monkey_rest())
		return false;
	if (pty_state(monkey.pty, &code) == PTY_STOPPED)
		pty_continue(monkey.pty);
	return monkey_runs() || *monkey.why || (monkey_ended_well(true, 0, true) && monkey_start_again());
}
