/* key.c - see key.h. */
#include "tui/terminal/key.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"

static const struct {
	enum key_kind kind;
	const char *name;
} names[] = {
	{ K_ENTER, "Enter" },
	{ K_TAB, "Tab" },
	{ K_ESC, "Esc" },
	{ K_BACKSPACE, "Backspace" },
	{ K_DELETE, "Delete" },
	{ K_INSERT, "Insert" },
	{ K_UP, "Up" },
	{ K_DOWN, "Down" },
	{ K_LEFT, "Left" },
	{ K_RIGHT, "Right" },
	{ K_HOME, "Home" },
	{ K_END, "End" },
	{ K_PAGE_UP, "PgUp" },
	{ K_PAGE_DOWN, "PgDn" },
	{ K_F1, "F1" },
	{ K_F2, "F2" },
	{ K_F3, "F3" },
	{ K_F4, "F4" },
	{ K_F5, "F5" },
	{ K_F6, "F6" },
	{ K_F7, "F7" },
	{ K_F8, "F8" },
	{ K_F9, "F9" },
	{ K_F10, "F10" },
	{ K_F11, "F11" },
	{ K_F12, "F12" },
	{ K_CLICK, "Click" },
	{ K_DRAG, "Drag" },
	{ K_RELEASE, "Release" },
	{ K_WHEEL_UP, "WheelUp" },
	{ K_WHEEL_DOWN, "WheelDown" },
	{ K_PASTE, "Paste" },
	{ K_RESIZE, "Resize" },
	{ K_LOST, "Lost" },
};
enum { NAMES = sizeof names / sizeof *names };

static const struct {
	char letter;
	unsigned mod;
} mods[] = { { 'C', MOD_CTRL }, { 'M', MOD_ALT }, { 'S', MOD_SHIFT } };

bool key_parse(const char *name, struct key *key)
{
	int32_t c;

	*key = (struct key){ 0 };
	for (size_t i = 0; i < sizeof mods / sizeof *mods; i++)
		if (name[0] == mods[i].letter && name[1] == '-' && name[2]) {
			key->mods |= mods[i].mod;
			name += 2;
		}
	for (size_t i = 0; i < NAMES; i++)
		if (!strcmp(names[i].name, name)) {
			key->kind = names[i].kind;
			return true;
		}
	if (!strcmp(name, "Space"))
		name = " ";
	if (!*name || utf8_decode(name, strlen(name), &c) != strlen(name) || c < ' ' || key->mods & MOD_SHIFT)
		return false;
	key->kind = K_CHAR;
	key->c = c;
	return true;
}

void key_print(const struct key *key, struct str *out)
{
	char text[5] = "";

	for (size_t i = 0; i < sizeof mods / sizeof *mods; i++)
		if (key->mods & mods[i].mod) {
			str_add_char(out, mods[i].letter);
			str_add_char(out, '-');
		}
	for (size_t i = 0; i < NAMES; i++)
		if (names[i].kind == key->kind)
			str_add(out, names[i].name);
	if (key->kind != K_CHAR)
		return;
	utf8_encode(key->c, text);
	str_add(out, key->c == ' ' ? "Space" : text);
}

struct key key_of_character(int32_t c)
{
	struct key key = { .kind = K_CHAR, .c = c };

	switch (c) {
	case '\r':
	case '\n':
		return (struct key){ .kind = K_ENTER };
	case '\t':
		return (struct key){ .kind = K_TAB };
	case '\b':
	case 0x7F:
		return (struct key){ .kind = K_BACKSPACE };
	case 0x1B:
		return (struct key){ .kind = K_ESC };
	}
	if (c < 0x20) {
		key.mods = MOD_CTRL;
		key.c = c == 0 ? ' ' : c + (c <= 26 ? 'a' - 1 : '@');
	}
	return key;
}

bool key_of_mouse(const char *report, struct key *key)
{
	enum { BUTTON = 3, MOVED = 32, WHEEL = 64 }; /* bits; 4, 8, 16 are Shift, Alt, Ctrl */
	int bits, x, y;
	char end;

	*key = (struct key){ 0 };
	if (sscanf(report, "%d;%d;%d%c", &bits, &x, &y, &end) != 4 || x < 1 || y < 1 || (end != 'M' && end != 'm'))
		return false;
	key->x = x - 1;
	key->y = y - 1;
	key->button = (bits & BUTTON) + 1;
	if (bits & WHEEL)
		key->kind = key->button == 1 ? K_WHEEL_UP : key->button == 2 ? K_WHEEL_DOWN : K_NONE;
	else if (bits & MOVED || end == 'm')
		key->kind = key->button != 1 ? K_NONE : end == 'm' ? K_RELEASE : K_DRAG;
	else
		key->kind = key->button <= 3 ? K_CLICK : K_NONE;
	return key->kind != K_NONE;
}

bool key_same(const struct key *a, const struct key *b)
{
	return a->kind == b->kind && a->mods == b->mods && (a->kind != K_CHAR || a->c == b->c);
}
