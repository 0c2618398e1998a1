/*
 * action.h - everything a person can do, as rows of actions.def: its keys, where they count, its `:` word, and its help.
 *
 * The rows make the keymap, the footer, `?`, completion after `:`, the man page and the README's table of keys. An action is
 * a function act_ID(app, argument): by a key the argument is NULL, after `:` it is the rest of the line ("" when there is none).
 */
#ifndef LMSCOPE_TUI_APP_ACTION_H
#define LMSCOPE_TUI_APP_ACTION_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "tui/terminal/key.h"

struct app;

/* Where a key counts: what has the keyboard. Bits, so that a row may count in several places. */
enum where {
	W_MAIN = 1,	/* the panes */
	W_LIST = 2,	/* any list that is open over them */
	W_MENU = 4,	/* the list of techniques */
	W_FORM = 8,	/* the arguments of a technique */
	W_EDITS = 16,	/* the list of edits */
	W_LINE = 32,	/* a line that is being typed */
	W_HELP = 256,	/* the page of keys */
	W_LOG = 512,	/* the log of questions */
	W_TOUR = 128,	/* the panes, when a step of the tour is done */
	W_COMMAND = 64, /* … that Tab completes */
};

/* What an action's argument is, for completion and usage lines. */
enum wants {
	WANTS_NOTHING,
	WANTS_EDIT,
	WANTS_SETTING,
	WANTS_METRIC,
	WANTS_TEXT,
	WANTS_ANALYSIS,
	WANTS_PRESET,
	WANTS_THEME,
	WANTS_MODEL,
	WANTS_NUMBER,
	WANTS_NAME,
	WANTS_DIFF,
	WANTS_PROMPTS,
	WANTS_CIRCUIT,
	WANTS_VIEW,
	WANTS_FILE,
	WANTS_SAVE,
	WANTS_COPY,
	WANTS_COUNT,
};

struct action {
	const char *id;	   /* "ablate" */
	const char *words; /* after `:`, the first is shown: "quit q"; "": none */
	const char *keys;  /* names of key.h, separated by spaces; "": none */
	unsigned where;
	enum wants wants;
	int footer;	   /* place in the footer, 1 first; 0: not there. Rows with the same label share it: "[ ] layer" */
	const char *group; /* heading in `?` and the man page */
	const char *label; /* one word for the footer */
	const char *help;  /* a sentence */
	void (*act)(struct app *app, const char *argument);
};

enum action_id {
#define ACTION(id, words, keys, where, wants, footer, group, label, help) ACTION_##id,
#include "tui/app/actions.def"
#undef ACTION
	ACTION_COUNT,
};

/* clang-format off */
#define ACTION(id, words, keys, where, wants, footer, group, label, help) \
	void act_##id(struct app *app, const char *argument);
/* clang-format on */
#include "tui/app/actions.def"
#undef ACTION

extern const struct action actions[ACTION_COUNT];

/* What this key does there; NULL: nothing. The first row that fits wins, so rows of narrow places come before wide ones. */
const struct action *action_for_key(const struct key *key, unsigned where);
/* After `:`: the whole word, or else the only action that begins so. NULL with *ambiguous false: there is none. */
const struct action *action_for_word(const char *wanted, size_t length, bool *ambiguous);
/* The argument's name in usage lines: "EDIT", "KEY=VALUE"; "" for WANTS_NOTHING. */
const char *wants_word(enum wants wants);

/* Its keys for people, as they are on the keyboard: "␣", "[", "↑ k"; as words where there is only ASCII. At most `most`. */
void action_keys(const struct action *action, int most, bool ascii, struct str *out);

#endif
