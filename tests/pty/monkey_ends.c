/* monkey_ends.c - see monkey.h: how the program begins, and how it ended. */
#include "tests/pty/monkey.h"

#include <ftw.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- ends ---- */

static int look_for_leftover(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	size_t n = strlen(path);

	(void)info;
	(void)where;
	if (kind == FTW_F && n > 4 && !strcmp(path + n - 4, ".tmp"))
		monkey_found("left over: %s", path);
	return 0;
}

bool monkey_sanitizer_spoke(void)
{
	char command[400];

	snprintf(command, sizeof command, "cd %s && cat report.* errors 2>/dev/null | head -n 100 | sed 's/^/# /'", monkey.folder);
	fflush(stdout);
	if (system(command))
		return false;
	snprintf(command, sizeof command, "cd %s && { ls report.* || grep -E 'runtime error|Sanitizer' errors; } >/dev/null 2>&1",
		 monkey.folder);
	return system(command) == 0;
}

/* Where it is, when it should have gone or answered: for who has gdb. */
static void print_stacks(void)
{
	int p = (int)pty_program(monkey.pty);
	char command[400];

	snprintf(command, sizeof command,
		 "for t in /proc/%d/task/*; do echo \"# $(cat $t/comm) $(cut -d' ' -f3 $t/stat) $(cat $t/wchan) "
		 "$(cut -d' ' -f1 $t/syscall)\"; done; "
		 "gdb -p %d -batch -ex 'thread apply all bt 12' 2>/dev/null | grep -E '^(Thread|#)' | sed 's/^/# /'",
		 p, p);
	fflush(stdout);
	if (system(command))
		printf("# (no gdb)\n");
}

bool monkey_ended_well(bool in_time, int by, bool listened)
{
	int code;
	enum pty_state state;
	int64_t deadline = pty_now() + 300;
	const char *left;

	while (listened && pty_now() < deadline && pty_read(monkey.pty, pty_now() + 50)) /* what it wrote at its end */
		;
	state = pty_state(monkey.pty, &code);
	if (!in_time)
		print_stacks();
	if (!in_time)
		return monkey_found("it does not end within %ld ms of SIG%s%s", monkey_allowed(END_MS) + monkey.limit,
				    sigabbrev_np(by), listened ? "" : " while the terminal takes nothing");
	if (monkey_sanitizer_spoke())
		return monkey_found("a sanitizer has found something");
	if (state == PTY_EXITED ? code != 0 && !by : code != by)
		return monkey_found(state == PTY_EXITED ? "it exited with %d" : "it was killed by signal %d", code);
	if (by == SIGKILL) {
		monkey.killed = true;
		return monkey_session_was_state();
	}
	monkey_listen();
	if (by && !monkey_session_is_state(0))
		return false;
	if (listened && (left = pty_left_behind(monkey.pty)))
		return monkey_found("left in the terminal: %s", left);
	if (!monkey.killed)
		nftw(monkey.home, look_for_leftover, 16, FTW_PHYS);
	return !*monkey.why;
}

/* ---- starts ---- */

bool monkey_start(const struct act *a)
{
	char *argv[ACT_ARGUMENTS + 2] = { (char *)monkey.options.program };

	for (int i = 0; i < a->arguments; i++)
		argv[i + 1] = (char *)a->argument[i];
	pty_free(monkey.pty);
	monkey_listen();
	monkey.told.n = 0;
	monkey.told.probes = monkey.told.keys = monkey.probes = monkey.told.frames = 0;
	monkey.told.wrong = monkey.told.unanswered_now = monkey.told.idle = false;
	monkey.told.unanswered_frames = 0;
	monkey.told.blind_until = 0;
	for (int i = 0; i < DOCS; i++)
		monkey_take_doc(NULL);
	monkey.starts++;
	if (!(monkey.pty = pty_start(argv, a->w, a->h)))
		return monkey_found("no pseudo-terminal is to be had");
	for (int64_t deadline = pty_now() + monkey_allowed(PATIENCE_MS);
	     !monkey.told.frames && monkey_runs() && pty_now() < deadline;)
		monkey_hear(deadline);
	return monkey.told.frames || monkey_found("it does not start");
}

/* A program that has ended by itself (q, Ctrl-C) is started again, with what the number of the action says. */
bool monkey_start_again(void)
{
	struct act a;

	act_make(monkey.seed + 0x5EED0000u + (uint64_t)monkey.number, 0, &a);
	return monkey_start(&a);
}

/* A sentence about an edit that cannot be (-e) has the same line, and comes later. */
bool monkey_session_is_offered(void)
{
	struct act a;

	act_make(monkey.seed + 0x5EED0000u + (uint64_t)monkey.number, 0, &a);
	for (int i = 0; i < a.arguments; i++)
		if (!strcmp(a.argument[i], "-e"))
			return true;
	for (int64_t deadline = pty_now() + monkey_allowed(PATIENCE_MS); monkey_runs() && pty_now() < deadline;
	     monkey_hear(deadline))
		for (int y = 0; y < pty_height(monkey.pty); y++)
			if (strstr(pty_row(monkey.pty, y), "ended early"))
				return true;
	return !monkey_runs() || monkey_found("after SIGKILL the next start does not say that the session can be had again");
}
