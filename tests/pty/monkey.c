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
#include "tests/pty/monkey_acts.h"
#include "tests/pty/monkey_waits.h"
#include "tests/pty/pty.h"
#include "tests/remove_tree.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A change is saved after so long at the latest (tui/app/remember.c). */
enum { SAVED_MS = 1500, DOCS = 64 };
enum { KEY_MS = 200, STALE_MS = 200, VIEWS_MS = 1000, END_MS = 6000, SHOWN = 12 };
enum { LEAVE_MS = INSTRUMENTED ? 20000 : 5000, PATIENCE_MS = 20000, REST_MS = 2500, MOST_SLOWNESS = 10 };

struct monkey_options {
	const char *program;
	long seed, until, seconds, actions, slow, patience;
	bool one, verbose;
};

/* What the program has told of its last frame: see tui/app/witness.h. */
struct told {
	char line[1 << 16];
	size_t n;
	int fd;
	unsigned frames, probes, keys; /* F9: those that a frame came after; those that were taken */
	long age, age_then;	       /* of the last frame; of the last whole one */
	bool idle;
	int64_t at;	     /* when the last whole frame came */
	double waited;	     /* and what waits_ms() was then */
	int64_t blind_until; /* the terminal took nothing until a moment ago */
	/* what would have been saved, the newest first; yaml NULL: none, or not known */
	struct {
		char *yaml;
		int64_t from;
	} doc[DOCS];
	bool wrong, unanswered; /* it shows another question unmarked; the question cannot be answered */
	char what[8192];
};

static struct monkey {
	struct monkey_options options;
	struct pty *pty;
	struct told told;
	char folder[64], home[96], fifo[96], errors[96];
	uint64_t seed;
	int number;
	struct act act;
	unsigned probes; /* sent to this program */
	long limit;	 /* milliseconds within which a key is answered */
	double slowness; /* how many times as long as expected this machine takes */
	double worst;
	long answered, actions, starts;
	bool killed; /* by SIGKILL, so that files may be left */
	char why[10000];
} monkey;

/* A time that is allowed, for this machine. */
static long allowed(long ms)
{
	return (long)((double)ms * monkey.slowness);
}

static bool found(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What is wrong; the first counts. Always false. */
static bool found(const char *format, ...)
{
	va_list ap;

	if (*monkey.why)
		return false;
	va_start(ap, format);
	vsnprintf(monkey.why, sizeof monkey.why, format, ap);
	va_end(ap);
	return false;
}

/* ---- what the program tells ---- */

static void take_doc(const char *yaml)
{
	struct told *t = &monkey.told;

	free(t->doc[DOCS - 1].yaml);
	memmove(&t->doc[1], &t->doc[0], sizeof t->doc - sizeof *t->doc);
	t->doc[0].yaml = yaml ? strdup(yaml) : NULL;
	t->doc[0].from = pty_now();
}

/* … since then: threads that have ended since take theirs along. */
static double waited_since(double before)
{
	double ms = waits_ms(pty_program(monkey.pty)) - before;

	return ms > 0 ? ms : 0;
}

static void take_line(char *line)
{
	struct told *t = &monkey.told;
	int idle, whole;
	unsigned frames, probes;
	long age;

	if (sscanf(line, "frame %u probes=%u age=%ld idle=%d whole=%d", &frames, &probes, &age, &idle, &whole) == 5) {
		t->frames = frames;
		t->probes = probes;
		t->idle = idle;
		t->age = age;
		if (whole) {
			t->at = pty_now();
			t->age_then = age;
			t->waited = waits_ms(pty_program(monkey.pty));
			t->wrong = t->unanswered = false;
		}
	} else if (sscanf(line, "key %u", &probes) == 1) {
		t->keys = probes;
	} else if (!strncmp(line, "unanswered ", 11)) {
		t->wrong = t->unanswered = true;
		snprintf(t->what, sizeof t->what, "%.8000s", line + 11);
	} else if (!strncmp(line, "doc ", 4)) {
		take_doc(line + 4);
	} else if ((!strncmp(line, "pane ", 5) || !strncmp(line, "before ", 7)) && !t->wrong) {
		t->wrong = true;
		snprintf(t->what, sizeof t->what, "%.8000s", line);
	}
}

static void listen(void)
{
	struct told *t = &monkey.told;
	ssize_t n;
	char *end;

	while ((n = read(t->fd, t->line + t->n, sizeof t->line - 1 - t->n)) > 0) {
		t->n += (size_t)n;
		t->line[t->n] = '\0';
		while ((end = memchr(t->line, '\n', t->n))) {
			*end = '\0';
			take_line(t->line);
			t->n -= (size_t)(end + 1 - t->line);
			memmove(t->line, end + 1, t->n);
		}
		if (t->n == sizeof t->line - 1) { /* a line too long to be of interest */
			t->n = 0;
			take_doc(NULL);
		}
	}
}

/* ---- the session ---- */

/* The session's file of the program, line breaks as in the witness's lines: heap; NULL: there is none. */
static char *read_session(void)
{
	char pattern[200], *bytes = NULL;
	size_t n = 0;
	glob_t files;
	FILE *in, *out;

	snprintf(pattern, sizeof pattern, "%s/.local/state/lmscope/sessions/*-%d*.yaml", monkey.home, (int)pty_program(monkey.pty));
	if (!glob(pattern, 0, NULL, &files) && (in = fopen(files.gl_pathv[0], "r"))) {
		out = open_memstream(&bytes, &n);
		for (int c; (c = getc(in)) != EOF;)
			if (c == '\n')
				fputs("%0a", out);
			else
				putc(c, out);
		fclose(in);
		fclose(out);
	}
	globfree(&files);
	return bytes;
}

/* What is saved was the state at some time in the last `ms`; 0: is the last. */
static bool session_is_state(int ms)
{
	const struct told *t = &monkey.told;
	char *saved = read_session();
	bool same = false;

	for (int i = 0; i < DOCS && !same; i++) {
		if (i && t->doc[i - 1].from < pty_now() - ms) /* replaced before that */
			break;
		same = !t->doc[i].yaml || (saved ? !strcmp(saved, t->doc[i].yaml) : ms && pty_now() - t->doc[i].from < ms);
		if (!ms)
			break;
	}
	if (!same && !saved)
		found("the session was not saved");
	if (!same && saved) {
		size_t at = 0;

		while (saved[at] && saved[at] == t->doc[0].yaml[at])
			at++;
		at -= at < 40 ? at : 40;
		found("the saved session is not the state: …%.200s… for …%.200s…", saved + at, t->doc[0].yaml + at);
	}
	free(saved);
	return same;
}

/* … a moment ago: changes are saved together. */
static bool session_was_state(void)
{
	return session_is_state((int)(allowed(SAVED_MS + 500) + monkey.limit));
}

/* ---- waiting ---- */

static bool runs(void)
{
	int code;

	return pty_state(monkey.pty, &code) == PTY_RUNNING;
}

/* Takes what comes, from the terminal and from the witness, until the deadline or something came. */
static void hear(int64_t deadline)
{
	struct pollfd fds[] = { { pty_fd(monkey.pty), POLLIN, 0 }, { monkey.told.fd, POLLIN, 0 } };
	int64_t left = deadline - pty_now();

	if (poll(fds, 2, left > 20 ? 20 : left > 0 ? (int)left : 0) > 0 && (fds[1].revents & POLLIN))
		listen();
	while (pty_read(monkey.pty, pty_now()))
		;
}

static bool panes_are_true(void)
{
	const struct told *t = &monkey.told;
	long age = t->age_then + (long)(pty_now() - t->at), limit = allowed(STALE_MS + VIEWS_MS) + monkey.limit;

	if (!t->wrong || age <= limit || pty_now() < t->blind_until)
		return true;
	age -= (long)waited_since(t->waited);
	if (age > limit && t->unanswered)
		return found("%ld ms after the question it is the document's, and cannot be answered: %s", age, t->what);
	return age <= limit ||
	       found("%ld ms after the question a pane shows numbers of another one, and does not say so: %s", age, t->what);
}

/* Goes on hearing for so long. False: something was found. */
static bool live(int ms)
{
	int64_t deadline = pty_now() + ms;

	do
		hear(deadline);
	while (pty_now() < deadline && runs() && panes_are_true());
	return panes_are_true();
}

static bool rest(void)
{
	int64_t deadline = pty_now() + REST_MS;

	while (pty_now() < deadline && runs())
		if (!live(300) || (monkey.told.idle && pty_now() - monkey.told.at > 250))
			break;
	return !*monkey.why && (!runs() || session_was_state());
}

/* Milliseconds that F9, which does nothing, takes to the frame after it; negative: the program is gone, or never answers. */
static double probe(void)
{
	double before = waits_ms(pty_program(monkey.pty)), took;
	int64_t start = pty_now();

	pty_key(monkey.pty, "F9");
	monkey.probes++;
	while (runs() && monkey.told.probes < monkey.probes && pty_now() < start + allowed(PATIENCE_MS)) {
		int64_t from = pty_now();

		hear(start + allowed(PATIENCE_MS));
		before -= waits_for_disk(pty_program(monkey.pty)) ? (double)(pty_now() - from) : 0;
	}
	took = (double)(pty_now() - start) - waited_since(before);
	return !runs() || monkey.told.probes < monkey.probes ? -1 : took > 0 ? took : 0;
}

static bool key_is_answered(void)
{
	double took = probe();

	if (!runs())
		return true;
	monkey.answered++;
	if (took < 0)
		return found("a key was not answered within %ld s", allowed(PATIENCE_MS) / 1000);
	monkey.worst = took > monkey.worst ? took : monkey.worst;
	return took <= (double)monkey.limit ||
	       found("a key was answered after %.0f ms; at most %ld are allowed here", took, monkey.limit);
}

/* ---- ends ---- */

static int look_for_leftover(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	size_t n = strlen(path);

	(void)info;
	(void)where;
	if (kind == FTW_F && n > 4 && !strcmp(path + n - 4, ".tmp"))
		found("left over: %s", path);
	return 0;
}

/* Prints what sanitizers wrote, and what the program wrote to standard error; says whether sanitizers did. */
static bool sanitizer_spoke(void)
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

static bool ended_well(bool in_time, int by, bool listened)
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
		return found("it does not end within %ld ms of SIG%s%s", allowed(END_MS) + monkey.limit, sigabbrev_np(by),
			     listened ? "" : " while the terminal takes nothing");
	if (sanitizer_spoke())
		return found("a sanitizer has found something");
	if (state == PTY_EXITED ? code != 0 && !by : code != by)
		return found(state == PTY_EXITED ? "it exited with %d" : "it was killed by signal %d", code);
	if (by == SIGKILL) {
		monkey.killed = true;
		return session_was_state();
	}
	listen();
	if (by && !session_is_state(0))
		return false;
	if (listened && (left = pty_left_behind(monkey.pty)))
		return found("left in the terminal: %s", left);
	if (!monkey.killed)
		nftw(monkey.home, look_for_leftover, 16, FTW_PHYS);
	return !*monkey.why;
}

/* ---- starts ---- */

static bool start(const struct act *a)
{
	char *argv[ACT_ARGUMENTS + 2] = { (char *)monkey.options.program };

	for (int i = 0; i < a->arguments; i++)
		argv[i + 1] = (char *)a->argument[i];
	pty_free(monkey.pty);
	listen();
	monkey.told.n = 0;
	monkey.told.probes = monkey.told.keys = monkey.probes = monkey.told.frames = 0;
	monkey.told.wrong = monkey.told.unanswered = monkey.told.idle = false;
	monkey.told.blind_until = 0;
	for (int i = 0; i < DOCS; i++)
		take_doc(NULL);
	monkey.starts++;
	if (!(monkey.pty = pty_start(argv, a->w, a->h)))
		return found("no pseudo-terminal is to be had");
	for (int64_t deadline = pty_now() + allowed(PATIENCE_MS); !monkey.told.frames && runs() && pty_now() < deadline;)
		hear(deadline);
	return monkey.told.frames || found("it does not start");
}

/* A program that has ended by itself (q, Ctrl-C) is started again, with what the number of the action says. */
static bool start_again(void)
{
	struct act a;

	act_make(monkey.seed + 0x5EED0000u + (uint64_t)monkey.number, 0, &a);
	return start(&a);
}

/* ---- actions ---- */

static void press_all(const struct act *a, bool listening)
{
	for (int i = 0; i < a->keys && runs(); i++) {
		pty_key(monkey.pty, a->key[i]);
		if (a->gap && a->kind == ACT_KEYS && listening)
			live(a->gap);
	}
}

static void send_bytes(const struct act *a)
{
	size_t from = 0;

	for (int i = 0; i <= a->cuts && runs(); i++) {
		size_t to = i < a->cuts ? a->cut[i] : a->n;

		pty_send(monkey.pty, a->text + from, to - from);
		from = to;
		if (i < a->cuts && a->gap)
			live(a->gap);
	}
}

/* Nobody reads. The witness is heard. */
static void read_nothing(int ms)
{
	for (int64_t deadline = pty_now() + ms; pty_now() < deadline && runs(); listen())
		pty_wait(monkey.pty, pty_now() + 20 < deadline ? pty_now() + 20 : deadline);
	monkey.told.blind_until = pty_now() + allowed(VIEWS_MS);
}

static bool key_is_taken(void)
{
	double before = waits_ms(pty_program(monkey.pty)), took = 0;
	int64_t start = pty_now();

	pty_key(monkey.pty, "F9");
	monkey.probes++;
	while (runs() && monkey.told.keys < monkey.probes && took <= (double)monkey.limit + (double)allowed(VIEWS_MS)) {
		read_nothing(20);
		took = (double)(pty_now() - start) - waited_since(before);
	}
	return !runs() || monkey.told.keys >= monkey.probes ||
	       found("a terminal that takes no output holds it up: no key is taken");
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
	for (int64_t deadline = pty_now() + allowed(END_MS); pty_now() < deadline && runs();)
		hear(deadline);
	if (pty_state(monkey.pty, &code) != PTY_STOPPED)
		return true; /* a paste that has no end yet has taken it */
	while (pty_read(monkey.pty, pty_now() + 30))
		;
	if (pty_left_behind(monkey.pty))
		return found("while it is stopped, left in the terminal: %s", pty_left_behind(monkey.pty));
	pty_continue(monkey.pty);
	/* Until it has the terminal again, C-c is not a key but the end. */
	for (int64_t deadline = pty_now() + allowed(END_MS); pty_now() < deadline && runs() && !pty_left_behind(monkey.pty);)
		pty_read(monkey.pty, pty_now() + 30);
	monkey.told.blind_until = pty_now() + allowed(VIEWS_MS);
	return true;
}

static bool end(const struct act *a)
{
	int64_t deadline;
	double before;
	int by = a->signal;
	bool by_keys = a->keys && !a->stalled;

	if (a->frozen)
		pty_freeze(monkey.pty, true);
	press_all(a, !a->stalled);
	if (a->stalled)
		read_nothing(300);
	if (by_keys) {
		for (deadline = pty_now() + LEAVE_MS / 4; pty_now() < deadline && runs();)
			hear(deadline);
		if (!runs())
			return ended_well(true, 0, true) && start_again();
	}
	if (by)
		pty_signal(monkey.pty, by);
	else
		pty_hang_up(monkey.pty);
	deadline = pty_now() + allowed(END_MS) + monkey.limit;
	before = waits_ms(pty_program(monkey.pty));
	for (; runs() && pty_now() < deadline + (int64_t)waited_since(before);
	     before -= waits_for_disk(pty_program(monkey.pty)) ? 20 : 0)
		if (a->stalled || !by)
			read_nothing(20);
		else
			hear(deadline);
	if (runs()) /* the news of the end may be on its way */
		pty_wait(monkey.pty, pty_now() + 200);
	return ended_well(!runs(), by ? by : SIGHUP, !a->stalled && by) && start_again();
}

static bool perform(const struct act *a)
{
	switch (a->kind) {
	case ACT_START:
		return start(a);
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

static bool do_action(void)
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
	if (!perform(a) || !live(a->pause + (ends_in_escape(a) ? 60 : 0)))
		return false;
	if (a->kind != ACT_END && a->probe && runs() && !key_is_answered())
		return false;
	if (a->rest && runs() && !rest())
		return false;
	if (pty_state(monkey.pty, &code) == PTY_STOPPED)
		pty_continue(monkey.pty);
	return runs() || *monkey.why || (ended_well(true, 0, true) && start_again());
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
	sanitizer_spoke();
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
		fine = do_action();
	if (fine && !runs())
		fine = found("it is gone");
	if (!fine)
		report();
	end_world();
	return fine;
}

/* The same with all that others took, until the frame comes. */
static double probe_as_it_is(void)
{
	int64_t start = pty_now();

	return probe() < 0 ? -1 : (double)(pty_now() - start);
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
	if (!start(&a) || !rest())
		return false;
	for (size_t i = 0; i < 4 * sizeof keys / sizeof *keys; i++) {
		double took;

		pty_key(monkey.pty, keys[i % (sizeof keys / sizeof *keys)]);
		if (!strcmp(keys[i % (sizeof keys / sizeof *keys)], "Esc"))
			live(60);
		took = probe_as_it_is();
		if (!runs() && sanitizer_spoke())
			return found("a sanitizer has found something in the idle program");
		if (took < 0)
			return found(runs() ? "the idle program does not answer" : "the idle program has ended");
		worst = took > worst ? took : worst;
		live(20);
	}
	end_world();
	monkey.slowness = 4 * worst / KEY_MS < 1 ? 1 : 4 * worst / KEY_MS > most ? most : 4 * worst / KEY_MS;
	monkey.limit = allowed(KEY_MS);
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
