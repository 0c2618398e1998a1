/*
 * monkey.c - PROGRAM [--seed N [--until K]] [--seconds S] [--actions N] [--slow MS] [--patience N] [--verbose]: random keys,
 * pastes, clicks, sizes, commands and ends on the real program in a pseudo-terminal, while all work is slow.
 *
 * PROGRAM is lmscope-inject (engine/base/inject.h), best of a folder with sanitizers. A seed is a life in a home of its own: a
 * start, then --actions actions, among them ends and new starts. Lives follow each other, seed after seed, until the --seconds are
 * over. What is done depends on the seed alone (monkey_acts.h): when something is found, `--seed N --until K` does the same again,
 * up to action K.
 *
 * After each action, or when the program rests, it must hold that
 *   - the program is alive, or ended as it was asked to, with no word from a sanitizer
 *   - a key is answered within 200 ms, or four times what the idle program takes here; time that the machine gave to others is not
 *     counted
 *   - no pane shows numbers of another question for longer than a second more without saying that they are stale
 *     (tui/app/witness.h): views wait for a pause in typing, and for a terminal that lags
 *   - a question that cannot be answered does not become the document's
 *   - a terminal that takes no output holds nothing up: keys are taken all the same
 *   - a signal ends it, also while the terminal takes no output; a terminal that still listens is as it was before. (Within a
 *     second: frozen.steps asks that of a quiet machine; here, beside whatever else runs, within six.)
 *   - the saved session is what the program would save: at its end, or (when it rests or is killed) a moment ago
 *   - no temporary file is left over after an end that was not SIGKILL
 * All these times are for a machine on which four keys of the idle program take 200 ms at most. It is measured at the start,
 * whatever else runs there then; where they take longer, every time is so many times as long, but for no more than --patience,
 * which is 10. How to see that it finds what it was made for: monkey_finds.sh.
 */
#include "tests/pty/monkey.h"
#include "tests/remove_tree.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct monkey monkey;

long monkey_allowed(long ms)
{
	return (long)((double)ms * monkey.slowness);
}

bool monkey_found(const char *format, ...)
{
	va_list ap;

	if (*monkey.why)
		return false;
	va_start(ap, format);
	vsnprintf(monkey.why, sizeof monkey.why, format, ap);
	va_end(ap);
	return false;
}

/* ---- a life ---- */

static void make_world(void)
{
	char options[400];

	snprintf(monkey.folder, sizeof monkey.folder, "/tmp/lmscope-monkey-XXXXXX");
	if (!mkdtemp(monkey.folder))
		abort();
	snprintf(monkey.home, sizeof monkey.home, "%s/home", monkey.folder);
	snprintf(monkey.fifo, sizeof monkey.fifo, "%s/witness", monkey.folder);
	snprintf(monkey.errors, sizeof monkey.errors, "%s/errors", monkey.folder);
	pty_errors_to(monkey.errors);
	if (mkdir(monkey.home, 0700) || mkfifo(monkey.fifo, 0600) ||
	    (monkey.told.fd = open(monkey.fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0)
		abort();
	(void)fcntl(monkey.told.fd, F_SETPIPE_SZ, 1 << 20);
	if (chdir(monkey.home)) /* where it exports to */
		abort();
	setenv("HOME", monkey.home, 1);
	setenv("LMSCOPE_WITNESS", monkey.fifo, 1);
	snprintf(options, sizeof options,
		 "detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1:"
		 "exitcode=99:handle_abort=0:log_path=%s/report",
		 monkey.folder);
	setenv("ASAN_OPTIONS", options, 1);
	snprintf(options, sizeof options, "print_stacktrace=1:halt_on_error=1:exitcode=99:log_path=%s/report", monkey.folder);
	setenv("UBSAN_OPTIONS", options, 1);
	snprintf(options, sizeof options, "halt_on_error=1:second_deadlock_stack=1:exitcode=99:log_path=%s/report", monkey.folder);
	setenv("TSAN_OPTIONS", options, 1);
	monkey.killed = false;
}

static void end_world(void)
{
	pty_free(monkey.pty);
	monkey.pty = NULL;
	close(monkey.told.fd);
	if (chdir("/"))
		abort();
	remove_tree(monkey.folder);
}

static void print_screen(void)
{
	for (int y = 0; monkey.pty && y < pty_height(monkey.pty); y++)
		printf("# |%s\n", pty_row(monkey.pty, y));
}

static void report(void)
{
	printf("# seed %llu, action %d: %s\n", (unsigned long long)monkey.seed, monkey.number, monkey.why);
	for (int i = monkey.number < SHOWN ? 0 : monkey.number - SHOWN + 1; i <= monkey.number; i++) {
		struct act a;
		char text[400];

		act_make(monkey.seed, i, &a);
		act_print(&a, text, sizeof text);
		printf("# %5d: %s\n", i, text);
	}
	print_screen();
	monkey_sanitizer_spoke();
	printf("# again: monkey %s --seed %llu --until %d --slow %ld\n", monkey.options.program, (unsigned long long)monkey.seed,
	       monkey.number, monkey.options.slow);
	fflush(stdout);
}

/* One seed, up to so many actions or the deadline. */
static bool live_once(uint64_t seed, long actions, int64_t deadline)
{
	bool fine = true;

	monkey.seed = seed;
	make_world();
	for (monkey.number = 0; fine && monkey.number <= actions && pty_now() < deadline; monkey.number += fine)
		fine = monkey_do_action();
	if (fine && !monkey_runs())
		fine = monkey_found("it is gone");
	if (!fine)
		report();
	end_world();
	return fine;
}

/* The same with all that others took, until the frame comes. */
static double probe_as_it_is(void)
{
	int64_t start = pty_now();

	return monkey_probe() < 0 ? -1 : (double)(pty_now() - start);
}

/* How long the idle program takes for keys that draw much, on this machine, in this build, beside what else runs there. */
static bool measure(void)
{
	static const char *const keys[] = { "C-l", "?", "C-l", "Esc", "z", "z", "t", "C-l", "Esc" };
	const struct act a = { .w = 200, .h = 60, .argument = { "demo", "-p", "The capital of France is" }, .arguments = 3 };
	const double most = (double)monkey.options.patience;
	double worst = 0;

	monkey.slowness = MOST_SLOWNESS;
	monkey.limit = PATIENCE_MS;
	make_world();
	if (!monkey_start(&a) || !monkey_rest())
		return false;
	for (size_t i = 0; i < 4 * sizeof keys / sizeof *keys; i++) {
		double took;

		pty_key(monkey.pty, keys[i % (sizeof keys / sizeof *keys)]);
		if (!strcmp(keys[i % (sizeof keys / sizeof *keys)], "Esc"))
			monkey_live(60);
		took = probe_as_it_is();
		if (!monkey_runs() && monkey_sanitizer_spoke())
			return monkey_found("a sanitizer has found something in the idle program");
		if (took < 0)
			return monkey_found(monkey_runs() ? "the idle program does not answer" : "the idle program has ended");
		worst = took > worst ? took : worst;
		monkey_live(20);
	}
	end_world();
	monkey.slowness = 4 * worst / KEY_MS < 1 ? 1 : 4 * worst / KEY_MS > most ? most : 4 * worst / KEY_MS;
	monkey.limit = monkey_allowed(KEY_MS);
	printf("# a key of the idle program takes at most %.0f ms; the limit is %ld ms\n", worst, monkey.limit);
	return true;
}

/* ---- */

static bool read_options(int argc, char **argv, struct monkey_options *o)
{
	*o = (struct monkey_options){
		.seed = 1, .until = -1, .seconds = 120, .actions = 250, .slow = 20, .patience = MOST_SLOWNESS
	};
	for (int i = 1; i < argc; i++) {
		long *number = !strcmp(argv[i], "--seed")	? &o->seed
			       : !strcmp(argv[i], "--until")	? &o->until
			       : !strcmp(argv[i], "--seconds")	? &o->seconds
			       : !strcmp(argv[i], "--actions")	? &o->actions
			       : !strcmp(argv[i], "--patience") ? &o->patience
			       : !strcmp(argv[i], "--slow")	? &o->slow
								: NULL;
		char *rest = NULL;

		if (number && i + 1 < argc) {
			*number = strtol(argv[++i], &rest, 10);
			if (*rest)
				return false;
		} else if (!strcmp(argv[i], "--verbose")) {
			o->verbose = true;
		} else if (*argv[i] != '-' && !o->program) {
			o->program = argv[i];
		} else {
			return false;
		}
	}
	return o->program != NULL;
}

int main(int argc, char **argv)
{
	struct monkey_options *o = &monkey.options;
	int64_t start, deadline;
	bool fine;
	long lives = 0;
	char slow[30];

	if (!read_options(argc, argv, o)) {
		fprintf(stderr,
			"usage: monkey PROGRAM [--seed N [--until K]] [--seconds S] [--actions N] [--slow MS] [--patience N] "
			"[--verbose]\n");
		return 2;
	}
	if (!(o->program = realpath(o->program, NULL))) {
		fprintf(stderr, "monkey: there is no such program\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	for (const char *const *name = (const char *const[]){ "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "NO_COLOR",
							      "COLORTERM", "LINES", "COLUMNS", "TMUX", "HF_HOME", NULL };
	     *name; name++)
		unsetenv(*name);
	fine = measure();
	snprintf(slow, sizeof slow, "%ld", o->slow);
	setenv("LMSCOPE_SLOW", slow, 1);
	start = pty_now();
	deadline = start + (o->until >= 0 ? 24 * 3600 : o->seconds) * (int64_t)1000;
	for (uint64_t seed = (uint64_t)o->seed; fine && pty_now() < deadline; seed++, lives++) {
		fine = live_once(seed, o->until >= 0 ? o->until : o->actions, deadline);
		if (o->until >= 0)
			break;
	}
	printf("# %ld actions in %ld lives with %ld starts, %lld s; %ld keys were timed, the slowest took %.0f ms\n",
	       monkey.actions, lives, monkey.starts, (long long)(pty_now() - start) / 1000, monkey.answered, monkey.worst);
	tap_check(fine, __FILE__, __LINE__, "from seed %ld on%s%.300s", o->seed, fine ? ", nothing was found" : ": ", monkey.why);
	return tap_done();
}
