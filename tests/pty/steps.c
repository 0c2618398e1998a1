/*
 * steps.c - PROGRAM FILE.steps: plays a script of keys and expectations on a program in a pseudo-terminal; a step is a TAP
 * line.
 *
 * A script is lines of `word argument`; # begins a comment; `sanitized word argument` is a step of sanitizer builds only,
 * `unsanitized …` one of the others. The program gets an empty home of its own. What a word does is in the table at the end of
 * this file.
 */
#include "tests/pty/latency.h"
#include "tests/pty/picture.h"
#include "tests/pty/pty.h"
#include "tests/remove_tree.h"
#include "tests/tap.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Programs under a sanitizer take several times as long. */
enum { SLOWER = INSTRUMENTED ? 5 : 1, WAIT_MS = 60000 * SLOWER, QUIET_MS = 150, AT_WORK_MS = 10000, WORDS = 40 };

static struct script_stage {
	const char *program, *script;
	struct pty *pty;
	int line, w, h;
	int64_t started;  /* when the program was */
	int64_t patience; /* milliseconds that a wait may take */
	long memory;	  /* KB, at the last `grown` without a number */
	char home[64];
} stage = { .w = 80, .h = 24, .patience = WAIT_MS };

#define STEP(ok, ...) tap_check((ok), stage.script, stage.line, __VA_ARGS__)

static void print_screen(void)
{
	for (int y = 0; stage.pty && y < pty_height(stage.pty); y++)
		printf("# |%s\n", pty_row(stage.pty, y));
}

static bool on_screen(const char *text)
{
	for (int y = 0; y < pty_height(stage.pty); y++)
		if (strstr(pty_row(stage.pty, y), text))
			return true;
	return false;
}

/* Waits until the text is there (or is not); false when the time is over or the program is. */
static bool wait_for(const char *text, bool there)
{
	int64_t deadline = pty_now() + stage.patience;
	bool over = false;
	int code;

	while (on_screen(text) != there) {
		if (!pty_read(stage.pty, deadline))
			return on_screen(text) == there;
		if (!over && (over = pty_state(stage.pty, &code) > PTY_STOPPED))
			deadline = pty_now() + QUIET_MS; /* for what it wrote at its end */
	}
	return true;
}

/*
 * Reads until nothing comes any more, and nothing will: on a busy machine silence alone may be a program that waits for its
 * turn.
 */
static void settle(void)
{
	int64_t deadline = pty_now() + stage.patience, at_work = pty_now() + AT_WORK_MS;
	bool more = true;

	while (pty_now() < deadline && (more || (pty_now() < at_work && pty_busy(stage.pty))))
		more = pty_read(stage.pty, pty_now() + QUIET_MS);
}

static bool wait_for_state(enum pty_state state, int code)
{
	int64_t deadline = pty_now() + stage.patience;
	enum pty_state now;
	int is;

	while ((now = pty_state(stage.pty, &is)) == PTY_RUNNING)
		if (!pty_read(stage.pty, deadline))
			break;
	if (now != state || (state != PTY_STOPPED && is != code))
		printf("# it %s %d\n",
		       now == PTY_RUNNING   ? "still runs,"
		       : now == PTY_STOPPED ? "was stopped by"
		       : now == PTY_EXITED  ? "exited with"
					    : "was killed by",
		       is);
	return now == state && (state == PTY_STOPPED || is == code);
}

/* Splits at blanks; "…" holds a word together. Changes the text. */
static int split(char *text, char **word, int limit)
{
	int n = 0;

	while (n < limit) {
		bool quoted;

		while (*text == ' ')
			text++;
		if (!*text)
			break;
		quoted = *text == '"';
		word[n++] = text += quoted;
		while (*text && *text != (quoted ? '"' : ' '))
			text++;
		if (*text)
			*text++ = '\0';
	}
	return n;
}

static int signal_number(const char *name)
{
	for (int i = 1; i < NSIG; i++) {
		const char *abbreviation = sigabbrev_np(i);

		if (abbreviation && !strcmp(abbreviation, name))
			return i;
	}
	return strcmp(name, "RTMIN") ? 0 : SIGRTMIN;
}

static bool step_size(char *argument)
{
	if (sscanf(argument, "%dx%d", &stage.w, &stage.h) != 2)
		return false;
	if (stage.pty)
		pty_resize(stage.pty, stage.w, stage.h);
	return true;
}

static bool step_env(char *argument)
{
	char *value = strchr(argument, '=');

	if (!value)
		return unsetenv(argument) == 0;
	*value++ = '\0';
	return setenv(argument, value, 1) == 0;
}

static bool step_start(char *argument)
{
	char *argv[WORDS + 2] = { (char *)stage.program }, *in_home[WORDS] = { NULL };
	int n = split(argument, argv + 1, WORDS);

	for (int i = 0; i < n; i++)
		if (!strncmp(argv[i + 1], "~/", 2) && asprintf(&in_home[i], "%s%s", stage.home, argv[i + 1] + 1) > 0)
			argv[i + 1] = in_home[i];
	pty_free(stage.pty);
	stage.started = pty_now();
	stage.pty = pty_start(argv, stage.w, stage.h);
	for (int i = 0; i < n; i++)
		free(in_home[i]);
	return stage.pty != NULL;
}

static bool step_shell(char *argument)
{
	return system(argument) == 0;
}

static bool step_until(char *argument)
{
	return wait_for(argument, true);
}

/* MS TEXT: it is there at most so long after the start. */
static bool step_within(char *argument)
{
	long limit = strtol(argument, &argument, 10);
	bool there = *argument == ' ' && wait_for(argument + 1, true);

	printf("# %lld ms after the start\n", (long long)(pty_now() - stage.started));
	return there && pty_now() - stage.started <= limit;
}

/* N MEDIAN P99 KEY...: the keys in turn, N times; milliseconds to the last byte on the screen. */
static bool step_latency(char *argument)
{
	char *word[WORDS];
	int words = split(argument, word, WORDS);
	struct latency l;

	if (words < 4 || !latency_measure(stage.pty, word + 3, words - 3, atoi(word[0]), &l))
		return false;
	printf("# %d keys: median %.1f ms, p99 %.1f ms, worst %.1f ms; %zu bytes\n", l.answered, l.median, l.p99, l.worst, l.bytes);
	return l.median <= atof(word[1]) && l.p99 <= atof(word[2]);
}

static bool step_held(char *argument)
{
	char *word[WORDS];
	int words = split(argument, word, WORDS);
	double late;

	if (words < 4)
		return false;
	pty_bytes(stage.pty);
	late = latency_held(stage.pty, word + 3, words - 3, atoi(word[0]), atoi(word[1]));
	printf("# still %.0f ms after the last of %s keys; %zu bytes\n", late, word[0], pty_bytes(stage.pty));
	return late >= 0 && late <= atof(word[2]);
}

/* EVERY LIMIT TEXT */
static bool step_typed(char *argument)
{
	char *rest;
	long every = strtol(argument, &rest, 10), limit = strtol(rest, &rest, 10);
	double late = *rest ? latency_typed(stage.pty, rest + 1, (int)every) : -1;

	printf("# nine in ten characters are shown %.0f ms after their keys\n", late);
	return late >= 0 && late <= (double)limit;
}

static bool step_speed(char *argument)
{
	pty_set_speed(stage.pty, atol(argument));
	return true;
}

static bool step_gone(char *argument)
{
	return wait_for(argument, false);
}

static bool step_expect(char *argument)
{
	return on_screen(argument);
}

static bool step_absent(char *argument)
{
	return !on_screen(argument);
}

static bool step_key(char *argument)
{
	char *name[WORDS];
	int n = split(argument, name, WORDS);

	pty_bytes(stage.pty);
	for (int i = 0; i < n; i++)
		if (!pty_key(stage.pty, name[i]))
			return false;
	return n > 0;
}

/* N NAME...: the keys N times; after each round the program has the time to show what it wants to. */
static bool step_repeat(char *argument)
{
	int n = (int)strtol(argument, &argument, 10);
	char *name[WORDS];
	int words = split(argument, name, WORDS);

	if (INSTRUMENTED && n > 100) /* long repeats are there to judge memory, which is not judged under sanitizers */
		n /= 20;
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < words; k++)
			if (!pty_key(stage.pty, name[k]))
				return false;
		if (pty_read(stage.pty, pty_now() + 50))
			while (pty_read(stage.pty, pty_now()))
				;
	}
	return n > 0 && words > 0;
}

/* Nothing: remembers how much memory the program has in use. KB: it has grown by at most so much since. */
static bool step_grown(char *argument)
{
	long kb;

	settle();
	kb = pty_memory(stage.pty);
	if (!*argument) {
		stage.memory = kb;
		return kb > 0;
	}
	printf("# %ld KB, %+ld\n", kb, kb - stage.memory);
	return kb > 0 && kb - stage.memory <= atol(argument);
}

static bool step_type(char *argument)
{
	pty_bytes(stage.pty);
	pty_send(stage.pty, argument, strlen(argument));
	return true;
}

static bool step_paste(char *argument)
{
	pty_send(stage.pty, "\033[200~", 6);
	pty_send(stage.pty, argument, strlen(argument));
	pty_send(stage.pty, "\033[201~", 6);
	return true;
}

/* TEXT with \xHH for any byte; at each | the line is cut: nothing more comes for 60 ms. */
static bool step_pieces(char *argument)
{
	enum { CUT_MS = 60 };

	for (char *at = argument; *at; at++) {
		unsigned byte = (unsigned char)*at;
		char c;

		if (*at == '|') {
			for (int64_t until = pty_now() + CUT_MS; pty_now() < until;)
				pty_read(stage.pty, until);
			continue;
		}
		if (!strncmp(at, "\\x", 2) && sscanf(at + 2, "%2x", &byte) == 1)
			at += 3;
		c = (char)byte;
		pty_send(stage.pty, &c, 1);
	}
	return true;
}

static bool step_click(char *argument)
{
	for (int y = 0; y < pty_height(stage.pty); y++) {
		const char *row = pty_row(stage.pty, y), *at = strstr(row, argument);
		int x = 0;

		if (!at)
			continue;
		for (const char *c = row; c < at; c++) /* one column a character: enough for the screens that are clicked on */
			x += ((unsigned char)*c & 0xC0) != 0x80;
		pty_click(stage.pty, x, y);
		return true;
	}
	return false;
}

static bool step_signal(char *argument)
{
	int number = signal_number(argument);

	pty_signal(stage.pty, number);
	return number != 0;
}

static bool step_hangup(char *argument)
{
	(void)argument;
	pty_hang_up(stage.pty);
	return true;
}

static bool step_exit(char *argument)
{
	int number = signal_number(argument);

	return number ? wait_for_state(PTY_KILLED, number) : wait_for_state(PTY_EXITED, atoi(argument));
}

static bool step_stopped(char *argument)
{
	(void)argument;
	return wait_for_state(PTY_STOPPED, 0);
}

static bool step_continue(char *argument)
{
	(void)argument;
	pty_continue(stage.pty);
	return true;
}

static bool step_restored(char *argument)
{
	const char *left = pty_left_behind(stage.pty);

	(void)argument;
	if (left)
		printf("# %s\n", left);
	return !left;
}

static bool step_bytes(char *argument)
{
	size_t bytes;

	settle();
	bytes = pty_bytes(stage.pty);
	printf("# %zu bytes\n", bytes);
	return bytes <= (size_t)atol(argument);
}

/* The most that a full redraw may take: 24 bytes for each change of colour, 3 for each cell. */
static size_t budget(void)
{
	int changes = 0, cells = pty_width(stage.pty) * pty_height(stage.pty);
	struct pty_cell before = { .text = "" };

	for (int y = 0; y < pty_height(stage.pty); y++)
		for (int x = 0; x < pty_width(stage.pty); x++) {
			struct pty_cell cell = pty_cell_at(stage.pty, x, y);

			changes += cell.ink != before.ink || cell.paper != before.paper || cell.bold != before.bold ||
				   cell.underline != before.underline;
			before = cell;
		}
	printf("# %d changes of colour, %d cells\n", changes, cells);
	return (size_t)(24 * changes + 3 * cells);
}

static bool step_redraw(char *argument)
{
	size_t bytes, most;

	(void)argument;
	settle();
	pty_bytes(stage.pty);
	if (!pty_key(stage.pty, "C-l"))
		return false;
	settle();
	bytes = pty_bytes(stage.pty);
	most = budget();
	printf("# %zu bytes, at most %zu\n", bytes, most);
	return bytes > 0 && bytes <= most;
}

static struct pty_cell *all_cells(void)
{
	int w = pty_width(stage.pty), h = pty_height(stage.pty);
	struct pty_cell *cell = calloc((size_t)w * (size_t)h, sizeof *cell);

	for (int i = 0; i < w * h; i++)
		cell[i] = pty_cell_at(stage.pty, i % w, i / w);
	return cell;
}

/* What differs to the eye; the ink of a blank and the right half of a wide character do not. */
static bool cells_differ(const struct pty_cell *a, const struct pty_cell *b)
{
	bool half = !a->text[0], blank = !strcmp(a->text, " ");

	if (strcmp(a->text, b->text) || half)
		return strcmp(a->text, b->text) != 0;
	return a->paper != b->paper || a->underline != b->underline || (!blank && (a->ink != b->ink || a->bold != b->bold));
}

static bool step_faithful(char *argument)
{
	struct pty_cell *before, *after;
	int wrong = 0, w = pty_width(stage.pty), h = pty_height(stage.pty);

	(void)argument;
	settle();
	before = all_cells();
	if (!pty_key(stage.pty, "C-l"))
		return false;
	settle();
	after = all_cells();
	for (int i = 0; i < w * h; i++)
		if (cells_differ(&before[i], &after[i]) && wrong++ < 12)
			printf("# row %d, column %d: \"%s\" %06x on %06x, and drawn again \"%s\" %06x on %06x\n", i / w, i % w,
			       before[i].text, before[i].ink, before[i].paper, after[i].text, after[i].ink, after[i].paper);
	free(before);
	free(after);
	return !wrong;
}

static bool step_freeze(char *argument)
{
	(void)argument;
	pty_freeze(stage.pty, true);
	return true;
}

static bool step_thaw(char *argument)
{
	(void)argument;
	pty_freeze(stage.pty, false);
	return true;
}

/* N NAME: presses the key N times, and nobody reads what the program answers. */
static bool step_deaf(char *argument)
{
	int n = (int)strtol(argument, &argument, 10);
	const struct timespec pause = { 0, 30000000 };

	pty_go_deaf(stage.pty);
	for (int i = 0; i < n; i++) {
		if (*argument != ' ' || !pty_key(stage.pty, argument + 1))
			return false;
		nanosleep(&pause, NULL);
	}
	return n > 0;
}

static bool step_settle(char *argument)
{
	(void)argument;
	settle();
	return true;
}

/* FILE TEXT: waits until the file in the home has the text. */
static bool step_file(char *argument)
{
	int64_t deadline = pty_now() + stage.patience;
	char path[400], bytes[65536], *text = strchr(argument, ' ');

	if (!text)
		return false;
	*text++ = '\0';
	snprintf(path, sizeof path, "%s/%s", stage.home, argument);
	do {
		FILE *file = fopen(path, "r");
		size_t n = file ? fread(bytes, 1, sizeof bytes - 1, file) : 0;

		if (file)
			fclose(file);
		bytes[n] = '\0';
		if (file && strstr(bytes, text))
			return true;
		pty_read(stage.pty, pty_now() + 20);
	} while (pty_now() < deadline);
	printf("# %s:\n# %s\n", path, bytes);
	return false;
}

static bool step_patience(char *argument)
{
	stage.patience = atol(argument) * SLOWER;
	return stage.patience > 0;
}

static bool step_picture(char *argument)
{
	settle();
	return picture_write(stage.pty, argument);
}

static bool step_screen(char *argument)
{
	(void)argument;
	print_screen();
	return true;
}

static const struct script_step {
	const char *word;
	bool (*run)(char *argument);
	bool needs_program;
	const char *help;
	const char *unjudged; /* under a sanitizer, and why */
} steps[] = {
	{ "size", step_size, false, "WxH: of the terminal, before or after the start" },
	{ "env", step_env, false, "NAME=VALUE sets, NAME alone removes" },
	{ "patience", step_patience, false, "MS: how long a wait may take from here on; under a sanitizer five times that" },
	{ "shell", step_shell, false, "COMMAND: another program, with the same home" },
	{ "start", step_start, false, "[ARGUMENT]...: the program; ~/ is its home" },
	{ "until", step_until, true, "TEXT: waits for it" },
	{ "within", step_within, true, "MS TEXT: is there at most so long after the start" },
	{ "latency", step_latency, true,
	  "N MEDIAN P99 NAME...: presses keys N times in turn; milliseconds until their answers are "
	  "whole" },
	{ "held", step_held, true,
	  "N EVERY LIMIT NAME...: presses keys N times, one in EVERY ms; the screen is still LIMIT ms "
	  "after the last" },
	{ "typed", step_typed, true,
	  "EVERY LIMIT TEXT: types it, a character in EVERY ms; nine in ten are on the screen within "
	  "LIMIT ms" },
	{ "speed", step_speed, true, "N: the line carries N bytes a second; 0: all that comes" },
	{ "gone", step_gone, true, "TEXT: waits until it is on the screen no more" },
	{ "expect", step_expect, true, "TEXT: is on the screen now" },
	{ "absent", step_absent, true, "TEXT: is not" },
	{ "key", step_key, true, "NAME...: presses keys: q C-r Esc S-Tab Up Space" },
	{ "repeat", step_repeat, true, "N NAME...: presses keys N times" },
	{ "grown", step_grown, true, "remembers the memory in use; KB: it has grown at most so much since",
	  "memory is not measured under a sanitizer" },
	{ "type", step_type, true, "TEXT: types it" },
	{ "paste", step_paste, true, "TEXT: pastes it" },
	{ "pieces", step_pieces, true, "TEXT: sends it, \\xHH is a byte; at each | nothing comes for 60 ms" },
	{ "click", step_click, true, "TEXT: where it is" },
	{ "signal", step_signal, true, "NAME: sends TERM, HUP, SEGV..." },
	{ "hangup", step_hangup, true, "the connection is lost" },
	{ "stopped", step_stopped, true, "waits until it is stopped" },
	{ "continue", step_continue, true, "as fg does" },
	{ "exit", step_exit, true, "STATUS or SIGNAL: waits for that end" },
	{ "restored", step_restored, true, "the terminal is as it was before the start" },
	{ "settle", step_settle, true, "waits until nothing is written any more" },
	{ "bytes", step_bytes, true, "N: at most so many were written since the last key", "what is slow is drawn in more steps" },
	{ "redraw", step_redraw, true, "draws the whole screen again: at most 24 bytes a change of colour and 3 a cell" },
	{ "faithful", step_faithful, true, "the screen is the same when it is drawn again from nothing" },
	{ "freeze", step_freeze, true, "the terminal takes no output, as after Ctrl-S" },
	{ "thaw", step_thaw, true, "and takes it again" },
	{ "deaf", step_deaf, true, "N NAME: presses the key N times; from here on nobody reads what is written" },
	{ "file", step_file, true, "NAME TEXT: waits until that file in the home has the text" },
	{ "picture", step_picture, true, "FILE: the screen as an SVG" },
	{ "screen", step_screen, true, "prints the screen" },
};

/* "sanitized STEP", "unsanitized STEP": a step of one kind of build. Takes the word off; false: it is another kind's. */
static bool is_for_this_build(char **text)
{
	static const char *const kind[] = { "unsanitized ", "sanitized " };

	for (int i = 0; i < 2; i++)
		if (!strncmp(*text, kind[i], strlen(kind[i]))) {
			*text += strlen(kind[i]);
			return i == INSTRUMENTED;
		}
	return true;
}

/* False where there is no point in going on. */
static bool play(char *text)
{
	char *argument = text, shown[200];
	bool ok;

	while (*argument && *argument != ' ')
		argument++;
	snprintf(shown, sizeof shown, "%d: %.180s", stage.line, text);
	if (*argument)
		*argument++ = '\0';
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		if (strcmp(text, steps[i].word))
			continue;
		ok = (stage.pty || !steps[i].needs_program) && steps[i].run(argument);
		if (INSTRUMENTED && steps[i].unjudged && stage.pty) {
			tap_skip("%s: %s", shown, steps[i].unjudged);
			return true;
		}
		if (!STEP(ok, "%s", shown))
			print_screen();
		return ok;
	}
	return STEP(false, "%s: there is no such step", shown);
}

static void make_home(void)
{
	snprintf(stage.home, sizeof stage.home, "/tmp/lmscope-pty-XXXXXX");
	if (!mkdtemp(stage.home))
		abort();
	setenv("HOME", stage.home, 1);
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	for (const char *const *name = (const char *const[]){ "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "NO_COLOR",
							      "COLORTERM", "LINES", "COLUMNS", "TMUX", "HF_HOME", NULL };
	     *name; name++)
		unsetenv(*name);
}

int main(int argc, char **argv)
{
	char text[2000];
	FILE *script;

	if (argc != 3 || !(script = fopen(argv[2], "r"))) {
		fprintf(stderr, "usage: steps PROGRAM FILE.steps\n");
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
			fprintf(stderr, "  %-9s %s\n", steps[i].word, steps[i].help);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	stage.program = argv[1];
	stage.script = argv[2];
	make_home();
	while (fgets(text, sizeof text, script)) {
		char *start = text;

		stage.line++;
		text[strcspn(text, "\n")] = '\0';
		while (isspace((unsigned char)*start))
			start++;
		if (*start && *start != '#' && is_for_this_build(&start) && !play(start))
			break;
	}
	fclose(script);
	pty_free(stage.pty);
	remove_tree(stage.home);
	return tap_done();
}
