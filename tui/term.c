/*
 * term.c - see term.h. ncurses keeps what is on the screen and sends the difference; we give it the rows that changed.
 */
#include "tui/term.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
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
#include "engine/base/utf8.h"
#include "tui/clipboard.h"
#include "tui/direct_color.h"

enum {
	ESC_MILLISECONDS = 25, DOUBLE_CLICK_MILLISECONDS = 400, PASTE_MILLISECONDS = 250, PASTE_LIMIT = 1 << 20,
	/* Codes for sequences that we teach ncurses (it keeps 16 bits of them): above its own and its extended names. */
	CODE_PASTE = 0x4000, CODE_PASTE_END, CODE_SYNC, CODE_NO_SYNC, CODE_NAMED,	/* CODE_NAMED + kind * 8 + mods */
};

static struct {
	bool on, ascii, mouse;
	SCREEN *screen;
	struct termios modes;		/* as we found them */
	struct canvas shown;		/* what was given to ncurses last */
	bool repaint, sync;
	int cursor_shown;		/* 0, 1; -1: not known */
	struct key pending;		/* the key after an Esc that was no sequence */
	struct str paste;
	struct timespec click;		/* when and where the last one was */
	int click_x, click_y;
	char restore[400];		/* for term_restore_raw */
	size_t restore_n;
} term;

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

/* Terminals that answer when asked whether they can hold a frame back until it is whole (DECRQM of mode 2026). */
static bool answers_queries(const char *name)
{
	static const char *const kinds[] = { "xterm", "tmux", "foot", "alacritty", "kitty", "wezterm", "contour", "ghostty" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strncmp(name, kinds[i], strlen(kinds[i])))
			return true;
	return false;
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

static void teach_keys(void)
{
	static const struct {
		enum key_kind kind;
		char final;
		int number;
	} keys[] = {
		{ K_UP, 'A', 0 }, { K_DOWN, 'B', 0 }, { K_RIGHT, 'C', 0 }, { K_LEFT, 'D', 0 }, { K_HOME, 'H', 0 }, { K_END, 'F', 0 },
		{ K_INSERT, '~', 2 }, { K_DELETE, '~', 3 }, { K_PAGE_UP, '~', 5 }, { K_PAGE_DOWN, '~', 6 },
	};
	char sequence[20];

	define_key(NULL, KEY_MOUSE);	/* terminfo often names an older form than the one that we ask for and read: see key_of_mouse */
	define_key("\033[200~", CODE_PASTE);
	define_key("\033[201~", CODE_PASTE_END);
	for (int state = 0; state <= 4; state++) {
		snprintf(sequence, sizeof sequence, "\033[?2026;%d$y", state);
		define_key(sequence, state == 1 || state == 2 ? CODE_SYNC : CODE_NO_SYNC);
	}
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (!keys[i].number) {	/* also where terminfo expects the application's form \033O… */
			snprintf(sequence, sizeof sequence, "\033[%c", keys[i].final);
			define_key(sequence, CODE_NAMED + (int)keys[i].kind * 8);
		}
		for (int mods = 1; mods < 8; mods++) {	/* xterm's: 1 Shift, 2 Alt, 4 Ctrl */
			int ours = (mods & 1 ? MOD_SHIFT : 0) | (mods & 2 ? MOD_ALT : 0) | (mods & 4 ? MOD_CTRL : 0);

			if (keys[i].number)
				snprintf(sequence, sizeof sequence, "\033[%d;%d~", keys[i].number, mods + 1);
			else
				snprintf(sequence, sizeof sequence, "\033[1;%d%c", mods + 1, keys[i].final);
			define_key(sequence, CODE_NAMED + (int)keys[i].kind * 8 + ours);
		}
	}
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
	const char *name = termname();

	send_text(modes_on);
	if (term.mouse)
		send_text(mouse_on);	/* moves are told while a button is down, not always */
	if (name && answers_queries(name))
		send_text("\033[?2026$p");
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
	set_escdelay(ESC_MILLISECONDS);
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
	term.sync = false;
	term.pending.kind = K_NONE;
	canvas_init(&term.shown, 0, 0);
	str_init(&term.paste);
	teach_keys();
	prepare_restore();
	refresh();
	enter();
	term.on = true;
	return true;
}

static void leave(void)
{
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
	str_done(&term.paste);
}

void term_restore_raw(void)
{
	if (!term.on)
		return;
	(void)!write(STDOUT_FILENO, term.restore, term.restore_n);
	tcsetattr(STDIN_FILENO, TCSANOW, &term.modes);
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

static bool keep_row(struct canvas *c, const struct canvas *from, int y)
{
	size_t at = (size_t)y * (size_t)from->w, bytes = (size_t)from->w * sizeof *from->cell;

	if (!memcmp(&c->cell[at], &from->cell[at], bytes))
		return false;
	memcpy(&c->cell[at], &from->cell[at], bytes);
	return true;
}

void term_show(const struct canvas *given)
{
	struct canvas ascii = { 0 };
	const struct canvas *c = given;
	bool all = term.repaint || given->w != term.shown.w || given->h != term.shown.h, news = false;
	int w, h, cursor = given->cursor_x >= 0;

	if (!term.on)
		return;
	if (term.ascii) {
		canvas_init(&ascii, given->w, given->h);
		memcpy(ascii.cell, given->cell, (size_t)given->w * (size_t)given->h * sizeof *given->cell);
		canvas_to_ascii(&ascii);
		c = &ascii;
	}
	if (all) {
		canvas_reset(&term.shown, c->w, c->h, (struct ink){ INK_DEFAULT, INK_DEFAULT, 0, 0 });
		if (term.repaint)
			clearok(curscr, TRUE);
		erase();
	}
	term_size(&w, &h);
	/* Two rows at a time: given more, ncurses looks for scrolled blocks, and not every emulator on the way knows SU and SD. */
	for (int y = 0, rows = 0; y < c->h && y < h; y++)
		if (keep_row(&term.shown, c, y) || all) {
			if (!news && term.sync)
				send_text("\033[?2026h");
			news = true;
			show_row(c, y, c->w < w ? c->w : w);
			if (++rows % 2 == 0 && !all)
				refresh();
		}
	canvas_done(&ascii);
	term.repaint = false;
	if (cursor != term.cursor_shown)
		curs_set(cursor);
	term.cursor_shown = cursor;
	if (cursor)
		move(given->cursor_y, given->cursor_x);
	refresh();
	if (term.sync && news)
		send_text("\033[?2026l");
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
	if (fits && term.on)
		send(out.s, out.n);
	str_done(&out);
	return fits;
}

/* ---- in ---- */

int term_fd(void)
{
	return STDIN_FILENO;
}

static const struct {
	int code;
	enum key_kind kind;
	unsigned mods;
} named[] = {
	{ KEY_UP, K_UP, 0 }, { KEY_DOWN, K_DOWN, 0 }, { KEY_LEFT, K_LEFT, 0 }, { KEY_RIGHT, K_RIGHT, 0 },
	{ KEY_HOME, K_HOME, 0 }, { KEY_FIND, K_HOME, 0 }, { KEY_END, K_END, 0 }, { KEY_SELECT, K_END, 0 },
	{ KEY_PPAGE, K_PAGE_UP, 0 }, { KEY_NPAGE, K_PAGE_DOWN, 0 }, { KEY_DC, K_DELETE, 0 }, { KEY_IC, K_INSERT, 0 },
	{ KEY_BACKSPACE, K_BACKSPACE, 0 }, { KEY_ENTER, K_ENTER, 0 }, { KEY_BTAB, K_TAB, MOD_SHIFT },
	{ KEY_SLEFT, K_LEFT, MOD_SHIFT }, { KEY_SRIGHT, K_RIGHT, MOD_SHIFT }, { KEY_SR, K_UP, MOD_SHIFT }, { KEY_SF, K_DOWN, MOD_SHIFT },
	{ KEY_RESIZE, K_RESIZE, 0 },
};

static bool is_second_click(int x, int y)
{
	struct timespec now;
	long since;
	bool again;

	clock_gettime(CLOCK_MONOTONIC, &now);
	since = (now.tv_sec - term.click.tv_sec) * 1000 + (now.tv_nsec - term.click.tv_nsec) / 1000000;
	again = since < DOUBLE_CLICK_MILLISECONDS && term.click_x == x && term.click_y == y;
	term.click = again ? (struct timespec){ 0 } : now;
	term.click_x = x;
	term.click_y = y;
	return again;
}

/* Everything up to the end of the paste, as UTF-8; gives up where the end does not come. */
static struct key paste(void)
{
	wint_t c;
	int got;

	str_clear(&term.paste);
	wtimeout(stdscr, PASTE_MILLISECONDS);
	while ((got = get_wch(&c)) != ERR && !(got == KEY_CODE_YES && c == CODE_PASTE_END)) {
		char text[4];

		if (got == OK && term.paste.n < PASTE_LIMIT)
			str_add_n(&term.paste, text, utf8_encode(c == '\r' ? '\n' : (int32_t)c, text));
	}
	nodelay(stdscr, TRUE);
	return (struct key){ .kind = K_PASTE, .paste = term.paste.s, .paste_n = term.paste.n };
}

static struct key function(wint_t code)
{
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if ((wint_t)named[i].code == code)
			return (struct key){ .kind = named[i].kind, .mods = named[i].mods };
	if (code >= (wint_t)KEY_F(1) && code <= (wint_t)KEY_F(12))
		return (struct key){ .kind = K_F1 + (code - (wint_t)KEY_F(1)) };
	if (code == CODE_PASTE)
		return paste();
	if (code == CODE_SYNC)
		term.sync = true;
	if (code >= CODE_NAMED)
		return (struct key){ .kind = (code - CODE_NAMED) / 8, .mods = (code - CODE_NAMED) % 8 };
	return (struct key){ .kind = K_NONE };
}

/* The rest of a control sequence that ncurses does not know: the mouse, or nothing of ours. false: there is no rest. */
static bool sequence(struct key *key)
{
	char text[40];
	size_t n = 0;
	wint_t c;

	wtimeout(stdscr, ESC_MILLISECONDS);
	while (get_wch(&c) == OK && n < sizeof text - 1) {
		text[n++] = (char)c;
		if (c >= 0x40 && c <= 0x7E)
			break;
	}
	nodelay(stdscr, TRUE);
	text[n] = '\0';
	*key = (struct key){ .kind = K_NONE };
	if (text[0] == '<' && key_of_mouse(text + 1, key))
		key->again = key->kind == K_CLICK && key->button == 1 && is_second_click(key->x, key->y);
	return n > 0;
}

/* After an Esc that stood at the start of nothing ncurses knows: Alt with a character, a sequence to be swallowed, or just Esc. */
static struct key after_escape(void)
{
	struct key key = { .kind = K_ESC };
	wint_t c;
	int got = get_wch(&c);

	if (got == ERR)
		return key;
	if (got == KEY_CODE_YES || c == 0x1B) {
		term.pending = got == OK ? after_escape() : function(c);
		return key;
	}
	if ((c == '[' || c == 'O') && sequence(&key))
		return key;
	key = key_of_character((int32_t)c);
	key.mods |= MOD_ALT;
	return key;
}

/* Nothing to read, or nobody there any more? */
static bool is_lost(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int waiting = 0;

	if (poll(&in, 1, 0) <= 0)
		return false;
	if (in.revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	return ioctl(STDIN_FILENO, FIONREAD, &waiting) == 0 && waiting == 0;
}

bool term_key(struct key *key)
{
	wint_t c;
	int got;

	if (term.pending.kind != K_NONE) {
		*key = term.pending;
		term.pending.kind = K_NONE;
		return true;
	}
	while ((got = get_wch(&c)) != ERR) {
		*key = got == KEY_CODE_YES ? function(c) : c == 0x1B ? after_escape() : key_of_character((int32_t)c);
		if (key->kind != K_NONE)
			return true;
	}
	*key = (struct key){ .kind = is_lost() ? K_LOST : K_NONE };
	return key->kind == K_LOST;
}
