/*
 * term_keys.c - see term_keys.h. Bytes are gathered as they come and taken when they are whole: a sequence, a character or a paste
 * may arrive in pieces over a slow line.
 */
#include "tui/terminal/term_keys.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"

enum {
	ESC_MS = 25,	    /* after it an Esc is the key */
	SEQUENCE_MS = 1000, /* nobody types what a sequence begins with: the rest will come */
	PASTE_MS = 2000,    /* of silence within a paste: its end is lost */
	DOUBLE_CLICK_MS = 400,
	PASTE_LIMIT = 1 << 20,
	SEQUENCE_MOST = 64,
	MARK_MOST = 16,
};

static const char paste_begins[] = "\033[200~", paste_ends[] = "\033[201~";

/* Keys by their names in terminfo: where a terminal sends something of its own. */
static const struct {
	const char *name;
	enum key_kind kind;
	unsigned mods;
} named[] = {
	{ "kcuu1", K_UP, 0 },
	{ "kcud1", K_DOWN, 0 },
	{ "kcub1", K_LEFT, 0 },
	{ "kcuf1", K_RIGHT, 0 },
	{ "khome", K_HOME, 0 },
	{ "kend", K_END, 0 },
	{ "kfnd", K_HOME, 0 },
	{ "kslt", K_END, 0 },
	{ "kpp", K_PAGE_UP, 0 },
	{ "knp", K_PAGE_DOWN, 0 },
	{ "kdch1", K_DELETE, 0 },
	{ "kich1", K_INSERT, 0 },
	{ "kcbt", K_TAB, MOD_SHIFT },
	{ "kLFT", K_LEFT, MOD_SHIFT },
	{ "kRIT", K_RIGHT, MOD_SHIFT },
	{ "kri", K_UP, MOD_SHIFT },
	{ "kind", K_DOWN, MOD_SHIFT },
	{ "kent", K_ENTER, 0 },
	{ "kf1", K_F1, 0 },
	{ "kf2", K_F2, 0 },
	{ "kf3", K_F3, 0 },
	{ "kf4", K_F4, 0 },
	{ "kf5", K_F5, 0 },
	{ "kf6", K_F6, 0 },
	{ "kf7", K_F7, 0 },
	{ "kf8", K_F8, 0 },
	{ "kf9", K_F9, 0 },
	{ "kf10", K_F10, 0 },
	{ "kf11", K_F11, 0 },
	{ "kf12", K_F12, 0 },
};
enum { NAMED = sizeof named / sizeof *named };

static struct {
	const char *sends[NAMED]; /* terminfo's; "" where it has none */
	struct str in;		  /* that came and is not taken yet */
	long at;		  /* milliseconds: when the last of it came */
	long quiet_at;		  /* when there was last nothing more to read: silence is counted up to here */
	bool pasting;		  /* `in` is within a paste, which `paste` is so far */
	size_t mark; /* bytes of the mark that begins a paste which were taken for keys, last of all: the rest may come yet */
	struct str paste;
	long click_at; /* when and where the last one was */
	int click_x, click_y;
	bool sync;	  /* the terminal can hold a frame back until it is whole */
	unsigned answers; /* to that question */
} keys;

void term_keys_start(void)
{
	for (int i = 0; i < NAMED; i++) {
		const char *string = tigetstr(named[i].name);

		keys.sends[i] = string && string != (const char *)-1 ? string : "";
	}
	keys.sync = keys.pasting = false;
	keys.mark = 0;
	keys.answers = 0;
	str_init(&keys.in);
	str_init(&keys.paste);
}

void term_keys_stop(void)
{
	str_done(&keys.in);
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

static void take(size_t n)
{
	keys.in.n -= n;
	memmove(keys.in.s, keys.in.s + n, keys.in.n + 1);
}

/*
 * Silence is what was seen as such. Where this process did not run for a second, the rest of a sequence may have come meanwhile,
 * and the clock alone would call it late.
 */
static bool waited(int ms)
{
	return keys.quiet_at - keys.at >= ms;
}

/* ---- pastes ---- */

/* A line break is one, however the other side writes it. */
static void plain_breaks(struct str *text)
{
	size_t out = 0;

	for (size_t i = 0; i < text->n; i++)
		if (text->s[i] != '\r')
			text->s[out++] = text->s[i];
		else if (i + 1 == text->n || text->s[i + 1] != '\n')
			text->s[out++] = '\n';
	text->n = out;
	text->s[out] = '\0';
}

/*
 * The bytes at the end of `in` that may begin the mark that ends a paste, or an answer of the terminal: more will come in any
 * case.
 */
static size_t begun_mark(void)
{
	size_t from = keys.in.n < MARK_MOST ? 0 : keys.in.n - MARK_MOST;
	const char *escape = memchr(keys.in.s + from, '\033', keys.in.n - from);

	return escape ? keys.in.n - (size_t)(escape - keys.in.s) : 0;
}

/* False: its end has not come yet. */
static bool take_paste(struct key *key)
{
	char *end = memmem(keys.in.s, keys.in.n, paste_ends, sizeof paste_ends - 1);
	size_t n = end ? (size_t)(end - keys.in.s) : keys.in.n - begun_mark();

	if (!end && keys.in.n && waited(PASTE_MS))
		n = keys.in.n;
	if (keys.paste.n < PASTE_LIMIT)
		str_add_n(&keys.paste, keys.in.s, n);
	take(n + (end ? sizeof paste_ends - 1 : 0));
	if (!end && !waited(PASTE_MS))
		return false;
	keys.pasting = false;
	plain_breaks(&keys.paste);
	*key = (struct key){ .kind = K_PASTE, .paste = keys.paste.s, .paste_n = keys.paste.n };
	return true;
}

static void begin_paste(size_t mark)
{
	take(mark);
	str_clear(&keys.paste);
	keys.pasting = true;
	keys.mark = 0;
}

/* ---- sequences ---- */

static bool is_second_click(int x, int y)
{
	long now = clock_ms();
	bool again = now - keys.click_at < DOUBLE_CLICK_MS && keys.click_x == x && keys.click_y == y;

	keys.click_at = again ? now - DOUBLE_CLICK_MS : now;
	keys.click_x = x;
	keys.click_y = y;
	return again;
}

static struct key by_letter(char letter, unsigned mods)
{
	static const struct {
		char letter;
		enum key_kind kind;
	} letters[] = {
		{ 'A', K_UP }, { 'B', K_DOWN }, { 'C', K_RIGHT }, { 'D', K_LEFT }, { 'H', K_HOME },  { 'F', K_END },
		{ 'P', K_F1 }, { 'Q', K_F2 },	{ 'R', K_F3 },	  { 'S', K_F4 },   { 'M', K_ENTER },
	};

	if (letter >= 'a' && letter <= 'd') /* rxvt's Shift */
		return by_letter((char)(letter - 'a' + 'A'), mods | MOD_SHIFT);
	if (letter == 'Z')
		return (struct key){ .kind = K_TAB, .mods = MOD_SHIFT };
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].letter == letter)
			return (struct key){ .kind = letters[i].kind, .mods = mods };
	return (struct key){ .kind = K_NONE };
}

static struct key by_number(int number, unsigned mods)
{
	static const enum key_kind kinds[] = {
		[1] = K_HOME, [2] = K_INSERT, [3] = K_DELETE, [4] = K_END,  [5] = K_PAGE_UP, [6] = K_PAGE_DOWN, [7] = K_HOME,
		[8] = K_END,  [11] = K_F1,    [12] = K_F2,    [13] = K_F3,  [14] = K_F4,     [15] = K_F5,	[17] = K_F6,
		[18] = K_F7,  [19] = K_F8,    [20] = K_F9,    [21] = K_F10, [23] = K_F11,    [24] = K_F12,
	};

	if (number < 0 || number >= (int)(sizeof kinds / sizeof *kinds))
		return (struct key){ .kind = K_NONE };
	return (struct key){ .kind = kinds[number], .mods = mods };
}

/* The text of a whole control sequence, after "\033[". xterm's numbers of modifiers: 1 + (1 Shift, 2 Alt, 4 Ctrl). */
static struct key of_sequence(const char *text)
{
	struct key key = { .kind = K_NONE };
	char final = *text ? text[strlen(text) - 1] : '\0', *rest;
	int number = (int)strtol(text, &rest, 10), bits = *rest == ';' ? (int)strtol(rest + 1, &rest, 10) - 1 : 0;
	unsigned mods = (bits & 1 ? MOD_SHIFT : 0u) | (bits & 2 ? MOD_ALT : 0u) | (bits & 4 ? MOD_CTRL : 0u);

	if (text[0] == '<') {
		if (key_of_mouse(text + 1, &key))
			key.again = key.kind == K_CLICK && key.button == 1 && is_second_click(key.x, key.y);
		return key;
	}
	if (text[0] == '[') /* the Linux console's F1 … F5 */
		return text[1] >= 'A' && text[1] <= 'E' ? (struct key){ .kind = (enum key_kind)(K_F1 + (text[1] - 'A')) } : key;
	if (!final || *rest != final)
		return key;
	return final == '~' ? by_number(number, mods) : by_letter(final, mods);
}

/*
 * The bytes of the control sequence that `in` begins with; 0: it is not whole yet. A control character, such as the next key's
 * Esc, breaks one off.
 */
static size_t sequence_length(void)
{
	size_t n = keys.in.s[2] == '[' ? 3 : 2;

	while (n < keys.in.n && (unsigned char)keys.in.s[n] >= 0x20 && (unsigned char)keys.in.s[n] < 0x40)
		n++;
	if (n < keys.in.n)
		return n + ((unsigned char)keys.in.s[n] >= 0x20);
	return n > SEQUENCE_MOST ? n : 0;
}

/* The same for one that begins with Esc O. */
static size_t short_length(void)
{
	return keys.in.n == 2 ? 0 : (unsigned char)keys.in.s[2] >= 0x20 ? 3 : 2;
}

/* What terminfo tells of this terminal. True: *n are its bytes; 0: it may be one, and is not whole. */
static bool is_named(struct key *key, size_t *n)
{
	for (int i = 0; i < NAMED; i++) {
		size_t length = strlen(keys.sends[i]), there = keys.in.n < length ? keys.in.n : length;

		if (length < 2 || memcmp(keys.sends[i], keys.in.s, there) != 0)
			continue;
		*key = (struct key){ .kind = named[i].kind, .mods = named[i].mods };
		*n = there == length ? length : 0;
		if (*n)
			return true;
	}
	return false;
}

/* One character at `from`; 0: it is not whole yet. Returns its bytes. */
static size_t character(size_t from, struct key *key)
{
	unsigned char first = (unsigned char)keys.in.s[from];
	size_t whole = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1, left = keys.in.n - from;
	int32_t c;
	size_t n;

	if (left < whole && !waited(SEQUENCE_MS)) {
		size_t more = 1;

		while (more < left && ((unsigned char)keys.in.s[from + more] & 0xC0) == 0x80)
			more++;
		if (more == left)
			return 0;
	}
	n = utf8_decode(keys.in.s + from, left, &c);
	*key = c < 0 ? (struct key){ .kind = K_NONE } : key_of_character(c);
	return n;
}

/* What begins with Esc; 0 bytes: the rest may still come. */
static size_t after_escape(struct key *key)
{
	size_t n;

	if (is_named(key, &n))
		return n;
	*key = (struct key){ .kind = K_ESC };
	if (keys.in.n == 1) {
		keys.mark = waited(ESC_MS);
		return keys.mark;
	}
	if (keys.in.s[1] == '\033')
		return 1;
	if (keys.in.s[1] == '[' || keys.in.s[1] == 'O') {
		char text[SEQUENCE_MOST + 8];

		n = keys.in.s[1] == 'O' ? short_length() : sequence_length();
		if (!n && !waited(SEQUENCE_MS))
			return 0;
		if (n) {
			snprintf(text, sizeof text, "%.*s", (int)n - 2, keys.in.s + 2);
			*key = of_sequence(text);
			return n;
		}
	}
	n = character(1, key);
	key->mods |= MOD_ALT;
	return n ? n + 1 : 0;
}

/*
 * Where a line is slow, the bytes of the mark may come so late that the first of them were taken for keys. What is pasted must not
 * be: the mark counts whenever it is whole, if nothing else came in between. How much of its rest `in` begins with; 0: with
 * something else.
 */
static size_t mark_continues(void)
{
	size_t rest = sizeof paste_begins - 1 - keys.mark, n = keys.in.n < rest ? keys.in.n : rest;

	return memcmp(keys.in.s, paste_begins + keys.mark, n) == 0 ? n : 0;
}

/* "[" is a key as well. */
static int mark_ms(size_t n)
{
	return n == 1 ? ESC_MS : SEQUENCE_MS;
}

/* Takes what is whole off `in`; false: nothing is. The key may be none: an answer, or a sequence of no use here. */
static bool take_key(struct key *key)
{
	size_t n;

	if (keys.pasting)
		return take_paste(key);
	if (!keys.in.n)
		return false;
	if (!(n = mark_continues()) && keys.mark) {
		keys.mark = 0;
		n = mark_continues();
	}
	if (keys.mark + n == sizeof paste_begins - 1) {
		begin_paste(n);
		return take_paste(key);
	}
	if (keys.mark && n && !waited(mark_ms(n)))
		return false;
	if (keys.mark && n) {
		*key = key_of_character(keys.in.s[0]);
		keys.mark++;
		take(1);
		return true;
	}
	n = keys.in.s[0] == '\033' ? after_escape(key) : character(0, key);
	take(n);
	return n > 0;
}

/*
 * What the terminal answered to a question, taken out of what it sent: it may have come in the middle of something. The bytes of
 * the answer that `at` begins with; 0: it is none.
 */
static size_t answer_length(const char *at, size_t left)
{
	static const char sync[] = "\033[?2026;", well[] = "\033[0n";
	const size_t n = sizeof sync - 1;

	if (left >= n + 3 && !memcmp(at, sync, n) && !memcmp(at + n + 1, "$y", 2)) {
		keys.sync |= at[n] == '1' || at[n] == '2';
		return n + 3;
	}
	return left >= sizeof well - 1 && !memcmp(at, well, sizeof well - 1) ? sizeof well - 1 : 0;
}

static void take_answers(void)
{
	size_t out = 0;

	for (size_t i = 0; i < keys.in.n;) {
		size_t n = keys.in.s[i] == '\033' ? answer_length(keys.in.s + i, keys.in.n - i) : 0;

		keys.answers += n > 0;
		if (!n)
			keys.in.s[out++] = keys.in.s[i++];
		i += n;
	}
	keys.in.n = out;
	keys.in.s[out] = '\0';
}

/* Reads what is there. False: there is nothing; *lost: and nobody either. */
static bool gather(bool *lost)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	const long now = clock_ms();
	char bytes[4096];
	ssize_t n;

	if (poll(&in, 1, 0) <= 0) {
		keys.quiet_at = now;
		return false;
	}
	n = read(STDIN_FILENO, bytes, sizeof bytes);
	*lost = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
	if (n <= 0)
		return false;
	str_add_n(&keys.in, bytes, (size_t)n);
	keys.at = clock_ms();
	take_answers();
	return true;
}

bool term_keys_read(struct key *key)
{
	bool lost = false;

	for (bool more = true;; more = gather(&lost)) {
		while (take_key(key))
			if (key->kind != K_NONE)
				return true;
		if (!more)
			break;
	}
	*key = (struct key){ .kind = lost ? K_LOST : K_NONE };
	return lost;
}

int term_keys_due(void)
{
	bool escape = keys.in.n == 1 && keys.in.s[0] == '\033';
	int most = keys.pasting ? PASTE_MS : !keys.in.n ? -1 : escape ? ESC_MS : keys.mark ? mark_ms(keys.in.n) : SEQUENCE_MS;
	long left = keys.at + most - clock_ms();

	return most < 0 ? -1 : left > 0 ? (int)left : 0;
}
