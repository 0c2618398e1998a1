/*
 * term.c - see term.h. What is on the screen is kept here (term.shown); the difference is sent (term_paint.h), without waiting
 * (term_out.h).
 */
#include "tui/terminal/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/base/utf8.h"
#include "tui/terminal/clipboard.h"
#include "tui/terminal/term_keys.h"
#include "tui/terminal/term_out.h"
#include "tui/terminal/term_pace.h"
#include "tui/terminal/term_paint.h"
#include "tui/terminal/term_pen.h"

enum {
	LEAVE_MS = 300,
	HELD_MS = 100,
	STUCK_MS = 1000,
	WHOLE = 200,	  /* bytes of a frame that need no brackets */
	COPIES = 1 << 20, /* bytes for a terminal that takes nothing */
};

static struct {
	bool on, ascii, mouse;
	struct termios modes, raw; /* as we found them; ours */
	struct canvas shown;	   /* what was sent to the terminal last */
	const char *instead;	   /* the entry of terminfo that is used in place of TERM's; NULL: TERM's own */
	bool repaint;
	int cursor_shown;  /* 0, 1; -1: not known */
	char restore[400]; /* for term_restore_raw */
	size_t restore_n;
	atomic_flag held; /* see hold() */
} term = { .held = ATOMIC_FLAG_INIT };

/*
 * One at a time speaks with the terminal: the loop, for a frame or a key, or what crashes in another thread. After that the loop
 * does no more, and the program ends.
 */
static void hold(void)
{
	const struct timespec pause = { 1, 0 };

	while (atomic_flag_test_and_set(&term.held))
		nanosleep(&pause, NULL);
}

static void release(void)
{
	atomic_flag_clear(&term.held);
}

static void add(const char *text)
{
	str_add(out_buffer(), text);
}

/* ---- starting and stopping ---- */

/* One mode a sequence: some terminals (those made with libvterm) hear only the first of several. */
static const char modes_on[] = "\033[?2004h", mouse_on[] = "\033[?1000h\033[?1002h\033[?1006h";
static const char modes_off[] = "\033[?2026l\033[?1006l\033[?1002l\033[?1000l\033[?2004l";

static void ask(int cells)
{
	add(pace_question());
	pace_asked(cells);
}

bool term_slow(void)
{
	return pace_slow();
}

int term_behind(void)
{
	return out_pending() ? STUCK_MS : pace_behind();
}

int term_out_fd(void)
{
	return out_pending() ? out_fd() : -1;
}

void term_flush(void)
{
	hold();
	out_flush();
	release();
}

/* Answers that are still to come would be typed into the shell. */
static void hear_the_last(void)
{
	long end = clock_ms() + LEAVE_MS, left;
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	struct key key;

	while (pace_to_come(0) && (left = end - clock_ms()) > 0)
		if (poll(&in, 1, (int)left) <= 0 || (term_keys_read(&key) && key.kind == K_LOST))
			return;
}

/* The same for term_restore_raw: an answer ends in its only letter. */
static void drop_the_last(void)
{
	long end = clock_ms() + LEAVE_MS, left;
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned heard = 0;

	while (pace_to_come(heard) && (left = end - clock_ms()) > 0) {
		char text[64];
		ssize_t n = poll(&in, 1, (int)left) > 0 ? read(STDIN_FILENO, text, sizeof text) : 0;

		if (n <= 0)
			return;
		for (ssize_t i = 0; i < n; i++)
			heard += text[i] == 'y' || text[i] == 'n';
	}
}

static void prepare_restore(void)
{
	static const char *const names[] = { "sgr0", "cnorm", "rmkx", "rmcup" };
	struct str all;

	str_init(&all);
	str_add(&all, modes_off);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		pen_add(&all, names[i]);
	term.restore_n = all.n < sizeof term.restore ? all.n : 0;
	memcpy(term.restore, all.s, term.restore_n);
	str_done(&all);
}

/*
 * Names of terminals that xterm's description fits well enough: on another machine than their own terminfo often does not know
 * them. Terminals that say that they have many colours (COLORTERM, or their name) do, too.
 */
static bool is_like_xterm(const char *name)
{
	static const char *const names[] = { "xterm",	    "foot",    "alacritty", "wezterm", "kitty", "ghostty", "contour",
					     "rio",	    "konsole", "vte",	    "gnome",   "tmux",	"st-",	   "mintty",
					     "ms-terminal", "vscode",  "iterm",	    "rxvt",    "warp" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return !*name || getenv("COLORTERM") || strstr(name, "256color") || strstr(name, "-direct");
}

/*
 * Reads terminfo's entry: of ncurses no more is used, since its output waits for the terminal and its keys must come in one
 * piece.
 */
static bool find_terminal(const char *name, struct err *err)
{
	static const char *const others[] = { "xterm-256color", "xterm", "vt220" };

	term.instead = NULL;
	if (*name && pen_open(name))
		return true;
	for (size_t i = 0; is_like_xterm(name) && i < sizeof others / sizeof *others; i++)
		if (pen_open(others[i])) {
			term.instead = others[i];
			return true;
		}
	return err_set(err, ERR_USAGE,
		       "TERM is '%s', which this machine's terminfo does not know; if it is like xterm: "
		       "TERM=xterm-256color lmscope …",
		       name);
}

const char *term_instead(void)
{
	return term.instead;
}

/* Keys come one by one, as they are, Ctrl-C and Ctrl-Z too. */
static void make_raw(struct termios *modes)
{
	modes->c_iflag &= ~(tcflag_t)(BRKINT | IGNBRK | INPCK | ISTRIP | IXON | ICRNL | INLCR | IGNCR | PARMRK);
	modes->c_oflag &= ~(tcflag_t)ONLCR; /* a line feed goes straight down */
	modes->c_lflag &= ~(tcflag_t)(ICANON | ISIG | IEXTEN | ECHO | ECHONL);
	modes->c_cc[VMIN] = 1;
	modes->c_cc[VTIME] = 0;
}

static bool all_colors(void)
{
	const char *colors = getenv("COLORTERM");

	return colors && (!strcmp(colors, "truecolor") || !strcmp(colors, "24bit"));
}

static enum depth find_depth(void)
{
	const char *no_color = getenv("NO_COLOR");
	int colors = tigetnum("colors");

	if (colors < 8 || (no_color && *no_color))
		return DEPTH_MONO;
	if (colors > 1 << 16 || (colors >= 256 && all_colors()))
		return DEPTH_TRUE;
	return colors >= 256 ? DEPTH_256 : colors >= 16 ? DEPTH_16 : DEPTH_8;
}

static void enter(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &term.raw);
	pen_add(out_buffer(), "smcup");
	pen_add(out_buffer(), "smkx");
	add(modes_on);
	if (term.mouse)
		add(mouse_on); /* moves are told while a button is down, not always */
	pace_start(term.instead && getenv("TERM") && *getenv("TERM") ? getenv("TERM") : termname());
	if (pace_question())
		ask(0);
	out_flush();
	term.cursor_shown = -1;
	term.repaint = true;
}

bool term_start(struct term_wish wish, struct theme_for *what, struct err *err)
{
	const char *name = getenv("TERM");

	if (term.on)
		return true;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE, "The explorer needs a terminal; 'lmscope print' writes to files and pipes");
	if (tcgetattr(STDIN_FILENO, &term.modes))
		return err_set(err, ERR_USAGE, "The terminal does not tell its modes: %s", strerror(errno));
	if (!find_terminal(name ? name : "", err))
		return false;
	if (!pen_can_go())
		return err_set(err, ERR_ARGUMENT,
			       "TERM is '%s', a terminal that cannot put text anywhere on the screen; 'lmscope "
			       "print' writes line by line",
			       name);
	term.raw = term.modes;
	make_raw(&term.raw);
	what->depth = find_depth();
	what->ascii = term.ascii = wish.ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	term.mouse = !wish.no_mouse;
	canvas_init(&term.shown, 0, 0);
	out_start();
	pen_start(what->depth);
	term_keys_start();
	prepare_restore();
	enter();
	term.on = true;
	return true;
}

/* Fine in a signal handler, too. What the terminal was not sent yet would be drawn for nobody. */
static void give_back(void)
{
	out_last(term.restore, term.restore_n, LEAVE_MS);
	tcflush(STDIN_FILENO, TCIFLUSH);	       /* keys for the explorer are no commands for the shell */
	tcsetattr(STDIN_FILENO, TCSANOW, &term.modes); /* the other kinds wait until all output is taken */
}

static void leave(void)
{
	if (!out_pending())
		hear_the_last();
	give_back();
	str_clear(out_buffer());
	out_flush();
}

void term_stop(void)
{
	if (!term.on)
		return;
	term.on = false;
	leave();
	canvas_done(&term.shown);
	term_keys_stop();
	out_stop();
}

void term_restore_raw(void)
{
	const struct timespec pause = { 0, 1000000 };

	if (!term.on)
		return;
	for (int i = 0; i < HELD_MS && atomic_flag_test_and_set(&term.held); i++) /* at most: the loop may be what crashed */
		nanosleep(&pause, NULL);
	if (!out_pending())
		drop_the_last();
	give_back();
}

static volatile sig_atomic_t continued;

static void on_continue(int signal)
{
	(void)signal;
	continued = 1;
}

bool term_suspend(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL }, resume = { .sa_handler = on_continue }, stops, continues;

	if (!term.on)
		return true;
	leave();
	continued = 0;
	sigaction(SIGTSTP, &usual, &stops);
	sigaction(SIGCONT, &resume, &continues);
	kill(0, SIGTSTP); /* to the whole job, as the terminal itself would; we are back here after fg */
	sigaction(SIGCONT, &continues, NULL);
	sigaction(SIGTSTP, &stops, NULL);
	enter();
	return continued;
}

/* ---- out ---- */

void term_size(int *w, int *h)
{
	struct winsize size;
	bool told = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row;
	int columns = tigetnum("cols"), lines = tigetnum("lines");

	*w = told ? size.ws_col : columns > 0 ? columns : 80;
	*h = told ? size.ws_row : lines > 0 ? lines : 24;
}

/* The canvas as it can be shown: `ascii` receives another one where only ASCII can, for canvas_done. */
static const struct canvas *showable(const struct canvas *given, struct canvas *ascii)
{
	*ascii = (struct canvas){ 0 };
	if (!term.ascii)
		return given;
	canvas_init(ascii, given->w, given->h);
	memcpy(ascii->cell, given->cell, (size_t)given->w * (size_t)given->h * sizeof *given->cell);
	canvas_to_ascii(ascii);
	return ascii;
}

static void show_cursor(const struct canvas *c)
{
	int cursor = c->cursor_x >= 0;

	if (cursor != term.cursor_shown)
		pen_add(out_buffer(), cursor ? "cnorm" : "civis");
	term.cursor_shown = cursor;
	if (cursor)
		pen_go(out_buffer(), c->cursor_x, c->cursor_y);
}

void term_show_line(const struct canvas *given)
{
	struct canvas ascii;
	int y = given->cursor_y;

	if (!term.on || term.repaint || out_pending() || given->cursor_x < 0 || given->w != term.shown.w ||
	    given->h != term.shown.h)
		return;
	hold();
	paint_rows(out_buffer(), &term.shown, showable(given, &ascii), y, y + 1);
	show_cursor(given);
	out_flush();
	canvas_done(&ascii);
	release();
}

/* A frame of some length is held back by the terminal until it is whole. */
static void bracket(size_t from)
{
	struct str *out = out_buffer();
	struct str frame;

	if (!term_keys_sync() || out->n - from < WHOLE)
		return;
	str_init(&frame);
	str_add_n(&frame, out->s + from, out->n - from);
	out->n = from;
	str_add(out, "\033[?2026h");
	str_add_n(out, frame.s, frame.n);
	str_add(out, "\033[?2026l");
	str_done(&frame);
}

void term_show(const struct canvas *given)
{
	bool all = term.repaint || given->w != term.shown.w || given->h != term.shown.h;
	struct canvas ascii;
	const struct canvas *c;
	size_t before = out_pending();
	int cells;

	if (!term.on || before)
		return;
	c = showable(given, &ascii);
	hold();
	if (all) {
		canvas_reset(&term.shown, c->w, c->h, (struct ink){ INK_DEFAULT, INK_DEFAULT, 0, 0 });
		pen_forget();
		pen_clear(out_buffer());
	}
	cells = paint_rows(out_buffer(), &term.shown, c, 0, c->h);
	canvas_done(&ascii);
	term.repaint = false;
	show_cursor(given);
	bracket(before);
	if (term_keys_answers() && cells)
		ask(cells);
	out_flush();
	release();
}

void term_repaint(void)
{
	term.repaint = true;
}

bool term_copy(const char *bytes, size_t n)
{
	struct str out, safe;
	bool fits;

	str_init(&out);
	str_init(&safe);
	utf8_safe(&safe, bytes, n, true);
	fits = clipboard_sequence(safe.s, safe.n, getenv("TMUX") != NULL, &out);
	if (fits && term.on && out_pending() < COPIES) {
		hold();
		str_add_n(out_buffer(), out.s, out.n);
		out_flush();
		release();
	}
	str_done(&safe);
	str_done(&out);
	return fits;
}

bool term_key(struct key *key)
{
	bool there;

	hold();
	there = term_keys_read(key);
	release();
	return there;
}

int term_due(void)
{
	return term_keys_due();
}

int term_fd(void)
{
	return STDIN_FILENO;
}
