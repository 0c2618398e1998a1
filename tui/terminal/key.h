/*
 * key.h - what a person did: a key with its modifiers, the mouse, pasted text. And the names of keys: "C-r", "Esc", "Space",
 * "S-Tab".
 *
 * Names are what actions.def binds, what help shows and what scripted tests type; key_parse and key_print are each other's inverse.
 */
#ifndef LMSCOPE_TUI_TERMINAL_KEY_H
#define LMSCOPE_TUI_TERMINAL_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

enum key_kind {
	K_NONE,
	K_CHAR, /* `c` is the character; Space is K_CHAR ' ' */
	K_ENTER,
	K_TAB,
	K_ESC,
	K_BACKSPACE,
	K_DELETE,
	K_INSERT,
	K_UP,
	K_DOWN,
	K_LEFT,
	K_RIGHT,
	K_HOME,
	K_END,
	K_PAGE_UP,
	K_PAGE_DOWN,
	K_F1,
	K_F2,
	K_F3,
	K_F4,
	K_F5,
	K_F6,
	K_F7,
	K_F8,
	K_F9,
	K_F10,
	K_F11,
	K_F12,
	/* a button went down at x, y: `button` 1 left, 2 middle, 3 right; `again` for the second of a double click */
	K_CLICK,
	K_DRAG,
	K_RELEASE, /* the left button: moved while it is down, let go */
	K_WHEEL_UP,
	K_WHEEL_DOWN,
	K_PASTE,  /* `paste` is the text, as it came: it may hold anything */
	K_RESIZE, /* the terminal has another size now: term_size */
	K_LOST,	  /* the terminal is gone */
};

enum { MOD_CTRL = 1, MOD_ALT = 2, MOD_SHIFT = 4 }; /* Shift only for named keys: S-Tab, S-Up */

struct key {
	enum key_kind kind;
	unsigned mods;
	int32_t c;	  /* of K_CHAR: with MOD_CTRL the lower-case letter: C-r is 'r' */
	int x, y, button; /* of the mouse: cell from 0 */
	bool again;
	const char *paste; /* [paste_n] of K_PASTE, NUL-terminated; owned by the giver until the next key */
	size_t paste_n;
};

/* "C-r", "M-x", "Space", "PgUp", "F5", "ß". Mouse: "Click", "WheelUp". false: not a key's name. */
bool key_parse(const char *name, struct key *key);
void key_print(const struct key *key, struct str *out);
/* The key that sends this character: 18 is C-r, 13 Enter, 27 Esc. */
struct key key_of_character(int32_t c);
/* The mouse's report after "\033[<": BUTTON;COLUMN;ROW and M (down) or m (up). false, and no key: nothing that we use. */
bool key_of_mouse(const char *report, struct key *key);
/* The same key (characters, names and modifiers; the mouse by kind alone). */
bool key_same(const struct key *a, const struct key *b);

#endif
