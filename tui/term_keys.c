/*
 * term_keys.c - see term_keys.h. The other file that knows ncurses: it decodes what terminfo describes, we teach it the rest.
 */
#include "tui/term_keys.h"

#include <curses.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "tui/term.h"

enum {
	ESC_MILLISECONDS = 25, DOUBLE_CLICK_MILLISECONDS = 400, PASTE_MILLISECONDS = 250, CUT_MILLISECONDS = 100, PENDING = 16, PASTE_LIMIT = 1 << 20,
	/* Codes for sequences that we teach ncurses (it keeps 16 bits of them): above its own and its extended names. */
	CODE_PASTE = 0x4000, CODE_PASTE_END, CODE_SYNC, CODE_NO_SYNC, CODE_NAMED,	/* CODE_NAMED + kind * 8 + mods */
};

static struct {
	struct key pending[PENDING];	/* keys after an Esc that was no sequence, the next first */
	int pendings;
	mbstate_t character;		/* that has begun to come */
	struct str paste;
	struct timespec click;		/* when and where the last one was */
	int click_x, click_y;
	bool sync;			/* the terminal can hold a frame back until it is whole */
	unsigned answers;		/* to that question */
} keys;

static void teach_keys(void)
{
	static const struct {
		enum key_kind kind;
		char final;
		int number;
	} sequences[] = {
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
	define_key("\033[0n", CODE_NO_SYNC);
	for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
		if (!sequences[i].number) {	/* also where terminfo expects the application's form \033O… */
			snprintf(sequence, sizeof sequence, "\033[%c", sequences[i].final);
			define_key(sequence, CODE_NAMED + (int)sequences[i].kind * 8);
		}
		for (int mods = 1; mods < 8; mods++) {	/* xterm's: 1 Shift, 2 Alt, 4 Ctrl */
			int ours = (mods & 1 ? MOD_SHIFT : 0) | (mods & 2 ? MOD_ALT : 0) | (mods & 4 ? MOD_CTRL : 0);

			if (sequences[i].number)
				snprintf(sequence, sizeof sequence, "\033[%d;%d~", sequences[i].number, mods + 1);
			else
				snprintf(sequence, sizeof sequence, "\033[1;%d%c", mods + 1, sequences[i].final);
			define_key(sequence, CODE_NAMED + (int)sequences[i].kind * 8 + ours);
		}
	}
}

void term_keys_start(void)
{
	set_escdelay(ESC_MILLISECONDS);
	keys.pendings = 0;
	keys.character = (mbstate_t){ 0 };
	keys.sync = false;
	keys.answers = 0;
	str_init(&keys.paste);
	teach_keys();
}

void term_keys_stop(void)
{
	str_done(&keys.paste);
}

bool term_keys_sync(void)
{
	return keys.sync;
}

unsigned term_keys_answers(void)
{
	return keys.answers;
}

static void take_answer(wint_t code)
{
	keys.sync |= code == CODE_SYNC;
	keys.answers += code == CODE_SYNC || code == CODE_NO_SYNC;
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
};

static bool is_second_click(int x, int y)
{
	struct timespec now;
	long since;
	bool again;

	clock_gettime(CLOCK_MONOTONIC, &now);
	since = (now.tv_sec - keys.click.tv_sec) * 1000 + (now.tv_nsec - keys.click.tv_nsec) / 1000000;
	again = since < DOUBLE_CLICK_MILLISECONDS && keys.click_x == x && keys.click_y == y;
	keys.click = again ? (struct timespec){ 0 } : now;
	keys.click_x = x;
	keys.click_y = y;
	return again;
}

/*
 * The next character or code, as get_wch() gives them; ERR: there is none now. ncurses' own puts up to fifteen characters that follow a
 * byte which is no character's into one, drops them, and says then that there are none; and what has come of a character, when
 * the line cuts it in two.
 */
static int next(wint_t *c)
{
	int got;

	while ((got = wgetch(stdscr)) != ERR && got < KEY_MIN) {
		const char byte = (char)got;
		bool within = !mbsinit(&keys.character);
		wchar_t wide;
		size_t status = mbrtowc(&wide, &byte, 1, &keys.character);

		if (status == (size_t)-2)
			continue;
		*c = status == (size_t)-1 ? 0xFFFD : (wint_t)wide;
		if (status == (size_t)-1) {
			keys.character = (mbstate_t){ 0 };
			if (within)
				ungetch(got);	/* it may begin the next */
		}
		return OK;
	}
	if (got == ERR)
		return ERR;
	*c = (wint_t)got;
	return KEY_CODE_YES;
}

/* The line has cut the mark of the paste's end in two: then it comes as characters. */
static bool takes_end_off(struct str *text)
{
	static const char end[] = "\033[201~";
	const size_t n = sizeof end - 1;

	if (text->n < n || memcmp(text->s + text->n - n, end, n))
		return false;
	text->s[text->n -= n] = '\0';
	return true;
}

/* Everything up to the end of the paste, as UTF-8; gives up where the end does not come. */
static struct key paste(void)
{
	bool returned = false;	/* the last character was a carriage return */
	wint_t c;
	int got;

	str_clear(&keys.paste);
	wtimeout(stdscr, PASTE_MILLISECONDS);
	while ((got = next(&c)) != ERR && !(got == KEY_CODE_YES && c == CODE_PASTE_END)) {
		char text[4];

		if (got == KEY_CODE_YES)
			take_answer(c);
		if (got == OK && keys.paste.n < PASTE_LIMIT && !(returned && c == '\n'))
			str_add_n(&keys.paste, text, utf8_encode(c == '\r' ? '\n' : (int32_t)c, text));
		returned = got == OK && c == '\r';
		if (takes_end_off(&keys.paste))
			break;
	}
	nodelay(stdscr, TRUE);
	return (struct key){ .kind = K_PASTE, .paste = keys.paste.s, .paste_n = keys.paste.n };
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
	take_answer(code);
	if (code >= CODE_NAMED)
		return (struct key){ .kind = (code - CODE_NAMED) / 8, .mods = (code - CODE_NAMED) % 8 };
	return (struct key){ .kind = K_NONE };
}

/* To be given next, before those that wait. */
static void put_first(struct key key)
{
	if (keys.pendings == PENDING || key.kind == K_NONE)
		return;
	memmove(keys.pending + 1, keys.pending, (size_t)keys.pendings++ * sizeof *keys.pending);
	keys.pending[0] = key;
}

/* The rest of a control sequence that ncurses does not know: the mouse, or nothing of ours. false: there is no rest. */
static bool sequence(struct key *key)
{
	char text[40];
	size_t n = 0;
	wint_t c;
	int got;

	/* A line may cut a sequence in two; the end of it would be typed. */
	wtimeout(stdscr, CUT_MILLISECONDS);
	while ((got = next(&c)) == OK && n < sizeof text - 1) {
		text[n++] = (char)c;
		if (c >= 0x40 && c <= 0x7E)
			break;
	}
	nodelay(stdscr, TRUE);
	if (got == KEY_CODE_YES)	/* it breaks off, and this is the next key */
		put_first(function(c));
	text[n] = '\0';
	if (!strcmp(text, "200~")) {
		*key = paste();
		return true;
	}
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
	int got = next(&c);

	if (got == ERR)
		return key;
	if (got == KEY_CODE_YES || c == 0x1B) {
		put_first(got == OK ? after_escape() : function(c));
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

static bool take_pending(struct key *key)
{
	if (!keys.pendings)
		return false;
	*key = keys.pending[0];
	memmove(keys.pending, keys.pending + 1, (size_t)--keys.pendings * sizeof *keys.pending);
	return true;
}

bool term_keys_read(struct key *key)
{
	wint_t c;
	int got;

	while (!take_pending(key)) {
		if ((got = next(&c)) == ERR) {
			*key = (struct key){ .kind = is_lost() ? K_LOST : K_NONE };
			return key->kind == K_LOST;
		}
		*key = got == KEY_CODE_YES ? function(c) : c == 0x1B ? after_escape() : key_of_character((int32_t)c);
		if (key->kind != K_NONE)
			return true;
	}
	return true;
}
