/*
 * term.c - see term.h. ncurses keeps what is on the screen and sends the difference; we give it the rows that changed.
 */
#include "tui/term.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/base/utf8.h"
#include "tui/clipboard.h"
#include "tui/direct_color.h"
#include "tui/term_keys.h"
#include "tui/term_pace.h"

enum { LEAVE_MS = 300, HELD_MS = 100 };

static struct {
	bool on, ascii, mouse;
	SCREEN *screen;
	struct termios modes;		/* as we found them */
	struct canvas shown;		/* what was given to ncurses last */
	bool repaint;
	int cursor_shown;		/* 0, 1; -1: not known */
	char restore[400];		/* for term_restore_raw */
	size_t restore_n;
	atomic_flag held;		/* see hold() */
} term = { .held = ATOMIC_FLAG_INIT };

/*
 * One at a time speaks with the terminal: the loop, for a frame or a key, or what crashes in another thread. After that the loop does no
 * more, and the program ends.
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

static void send(const char *text, size_t n)
{
	while (n) {
		ssize_t sent = write(STDOUT_FILENO, text, n);

		if (sent < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (sent > 0) {
			text += sent;
			n -= (size_t)sent;
		}
	}
}

static void send_text(const char *text)
{
	send(text, strlen(text));
}

/* ---- starting and stopping ---- */

/* One mode a sequence: some terminals (those made with libvterm) hear only the first of several. */
static const char modes_on[] = "\033[?2004h", mouse_on[] = "\033[?1000h\033[?1002h\033[?1006h";
static const char modes_off[] = "\033[?2026l\033[?1006l\033[?1002l\033[?1000l\033[?2004l";

static void ask(int cells)
{
	send_text(pace_question());
	pace_asked(cells);
}

bool term_slow(void)
{
	return pace_slow();
}

int term_behind(void)
{
	return pace_behind();
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

/* A capability without its padding notes "$<5>". */
static void add_capability(const char *string)
{
	for (; string && string != (char *)-1 && *string && term.restore_n < sizeof term.restore - 1; string++) {
		const char *end = string[0] == '$' && string[1] == '<' ? strchr(string, '>') : NULL;

		if (end)
			string = end;
		else
			term.restore[term.restore_n++] = *string;
	}
}

static void prepare_restore(void)
{
	static const char *const names[] = { "sgr0", "cnorm", "rmkx", "rmcup" };

	term.restore_n = 0;
	add_capability(modes_off);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		add_capability(tigetstr(names[i]));
}

/* Where the terminal says that it has all colours, ncurses is given its entry in terminfo with colours as red, green, blue. */
static SCREEN *open_screen(void)
{
	const char *name = getenv("TERM"), *colors = getenv("COLORTERM"), *terminfo = getenv("TERMINFO");
	bool all = name && colors && (!strcmp(colors, "truecolor") || !strcmp(colors, "24bit"));
	char *kept = terminfo ? xstrdup(terminfo) : NULL;
	SCREEN *screen = NULL;

	for (int i = 0; all && !screen && direct_color[i].name; i++)
		if (!strcmp(direct_color[i].name, name)) {
			setenv("TERMINFO", direct_color[i].terminfo, 1);
			screen = newterm(NULL, stdout, stdin);
			if (kept)
				setenv("TERMINFO", kept, 1);
			else
				unsetenv("TERMINFO");
		}
	free(kept);
	return screen ? screen : newterm(NULL, stdout, stdin);
}

static enum depth find_depth(void)
{
	const char *no_color = getenv("NO_COLOR");

	if (!has_colors())
		return DEPTH_MONO;
	start_color();
	use_default_colors();
	if (no_color && *no_color)
		return DEPTH_MONO;
	if (COLORS > 1 << 16)
		return DEPTH_TRUE;
	return COLORS >= 256 ? DEPTH_256 : COLORS >= 16 ? DEPTH_16 : COLORS >= 8 ? DEPTH_8 : DEPTH_MONO;
}

static void enter(void)
{
	send_text(modes_on);
	if (term.mouse)
		send_text(mouse_on);	/* moves are told while a button is down, not always */
	pace_start(termname());
	if (pace_question())
		ask(0);
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
	term.screen = open_screen();
	if (!term.screen)
		return err_set(err, ERR_USAGE, "TERM is '%s', which this machine's terminfo does not know", name ? name : "");
	set_term(term.screen);
	raw();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	typeahead(-1);
	what->depth = find_depth();
	what->ascii = term.ascii = wish.ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	term.mouse = !wish.no_mouse;
	canvas_init(&term.shown, 0, 0);
	term_keys_start();
	prepare_restore();
	refresh();
	enter();
	term.on = true;
	return true;
}

static void leave(void)
{
	hear_the_last();
	send_text(modes_off);
	endwin();
}

void term_stop(void)
{
	if (!term.on)
		return;
	term.on = false;
	leave();
	delscreen(term.screen);
	canvas_done(&term.shown);
	term_keys_stop();
}

void term_restore_raw(void)
{
	const struct timespec pause = { 0, 1000000 };

	if (!term.on)
		return;
	for (int i = 0; i < HELD_MS && atomic_flag_test_and_set(&term.held); i++)	/* at most: the loop may be what crashed */
		nanosleep(&pause, NULL);
	(void)!write(STDOUT_FILENO, term.restore, term.restore_n);
	drop_the_last();
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &term.modes);	/* keys for the explorer are no commands for the shell */
}

void term_suspend(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL }, ours;

	if (!term.on)
		return;
	leave();
	sigaction(SIGTSTP, &usual, &ours);
	kill(0, SIGTSTP);	/* to the whole job, as the terminal itself would; we go on from here after fg */
	sigaction(SIGTSTP, &ours, NULL);
	enter();	/* the next term_show does the rest: ncurses comes back with its first refresh */
}

/* ---- out ---- */

void term_size(int *w, int *h)
{
	getmaxyx(stdscr, *h, *w);
}

/* terminfo's direct colours take the least eight numbers as the palette's. */
static int color_of(int32_t color)
{
	return color == INK_DEFAULT ? -1 : color < 8 ? 8 : (int)(color & (INK_PALETTE - 1));
}

static attr_t attributes_of(struct ink ink)
{
	return (ink.attr & INK_BOLD ? A_BOLD : 0) | (ink.attr & INK_DIM ? A_DIM : 0) | (ink.attr & INK_ITALIC ? A_ITALIC : 0) |
	       (ink.attr & INK_UNDERLINE ? A_UNDERLINE : 0) | (ink.attr & INK_REVERSE ? A_REVERSE : 0);
}

/* The glyph as the C library sees it: where it does not agree about the columns, a question mark keeps the grid. */
static void wide_text(const struct cell *cell, wchar_t out[CCHARW_MAX + 1])
{
	size_t n = strlen(cell->text), i = 0;
	int count = 0;
	int32_t c;

	while (i < n && count < CCHARW_MAX) {
		i += utf8_decode(cell->text + i, n - i, &c);
		if (wcwidth((wchar_t)c) == (count ? 0 : cell->width))
			out[count++] = (wchar_t)c;
		else if (!count)
			break;
	}
	if (!count)
		out[count++] = L'?';
	out[count] = L'\0';
}

static void show_row(const struct canvas *c, int y, int w)
{
	for (int x = 0; x < w; x++) {
		const struct cell *cell = &c->cell[(size_t)y * (size_t)c->w + (size_t)x];
		int pair = 0;
		wchar_t text[CCHARW_MAX + 1];
		cchar_t out;

		if (!cell->width)
			continue;
		if (cell->ink.fg != INK_DEFAULT || cell->ink.bg != INK_DEFAULT)
			pair = alloc_pair(color_of(cell->ink.fg), color_of(cell->ink.bg));
		if (pair < 0)
			pair = 0;
		wide_text(cell, text);
		setcchar(&out, text, attributes_of(cell->ink), 0, &pair);
		mvadd_wch(y, x, &out);
		if (cell->width == 2 && text[0] == L'?')
			mvaddch(y, x + 1, ' ');
	}
}

/* How many cells differ from what is shown; the row then is as given. */
static int keep_row(struct canvas *c, const struct canvas *from, int y)
{
	size_t at = (size_t)y * (size_t)from->w, bytes = (size_t)from->w * sizeof *from->cell;
	int cells = 0;

	if (!memcmp(&c->cell[at], &from->cell[at], bytes))
		return 0;
	for (int x = 0; x < from->w; x++)
		cells += memcmp(&c->cell[at + (size_t)x], &from->cell[at + (size_t)x], sizeof *from->cell) != 0;
	memcpy(&c->cell[at], &from->cell[at], bytes);
	return cells;
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

void term_show_line(const struct canvas *given)
{
	struct canvas ascii;
	const struct canvas *c;
	int y = given->cursor_y, w, h;

	term_size(&w, &h);
	if (!term.on || term.repaint || given->cursor_x < 0 || y >= h || given->w != term.shown.w || given->h != term.shown.h || given->w > w)
		return;
	c = showable(given, &ascii);
	hold();
	if (keep_row(&term.shown, c, y))
		show_row(c, y, c->w);
	canvas_done(&ascii);
	move(y, given->cursor_x);
	refresh();
	release();
}

void term_show(const struct canvas *given)
{
	struct canvas ascii;
	const struct canvas *c;
	bool all = term.repaint || given->w != term.shown.w || given->h != term.shown.h, news = false;
	int w, h, cells = 0, cursor = given->cursor_x >= 0;

	if (!term.on)
		return;
	c = showable(given, &ascii);
	hold();
	if (all) {
		canvas_reset(&term.shown, c->w, c->h, (struct ink){ INK_DEFAULT, INK_DEFAULT, 0, 0 });
		if (term.repaint)
			clearok(curscr, TRUE);
		erase();
	}
	term_size(&w, &h);
	/*
	 * Two rows at a time: given more, ncurses looks for scrolled blocks, and not every emulator on the way knows SU and SD. (It has
	 * a copy of the terminal's capabilities for itself, so that they cannot be taken from it.)
	 */
	for (int y = 0, rows = 0; y < c->h && y < h; y++) {
		int changed = keep_row(&term.shown, c, y);

		cells += changed;
		if (changed || all) {
			if (!news && term_keys_sync())
				send_text("\033[?2026h");
			news = true;
			show_row(c, y, c->w < w ? c->w : w);
			if (++rows % 2 == 0 && !all)
				refresh();
		}
	}
	canvas_done(&ascii);
	term.repaint = false;
	if (cursor != term.cursor_shown)
		curs_set(cursor);
	term.cursor_shown = cursor;
	if (cursor)
		move(given->cursor_y, given->cursor_x);
	refresh();
	if (term_keys_sync() && news)
		send_text("\033[?2026l");
	if (term_keys_answers() && news)
		ask(cells);
	release();
}

void term_repaint(void)
{
	term.repaint = true;
}

bool term_copy(const char *bytes, size_t n)
{
	struct str out;
	bool fits;

	str_init(&out);
	fits = clipboard_sequence(bytes, n, getenv("TMUX") != NULL, &out);
	if (fits && term.on) {
		hold();
		send(out.s, out.n);
		release();
	}
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

int term_fd(void)
{
	return STDIN_FILENO;
}
