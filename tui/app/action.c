/* action.c - see action.h. */
#include "tui/app/action.h"

#include <string.h>

const struct action actions[ACTION_COUNT] = {
#define ACTION(id, words, keys, where, wants, footer, group, label, help) \
	[ACTION_##id] = { #id, words, keys, where, wants, footer, group, label, help, act_##id },
#include "tui/app/actions.def"
#undef ACTION
};

/* The next of the words in *s, which are separated by spaces; NULL at the end. */
static const char *next_word(const char **s, size_t *n)
{
	const char *word = *s + strspn(*s, " ");

	*n = strcspn(word, " ");
	*s = word + *n;
	return *n ? word : NULL;
}

static bool has_key(const struct action *action, const struct key *key)
{
	const char *keys = action->keys, *word;
	struct key own;
	char name[16];
	size_t n;

	while ((word = next_word(&keys, &n))) {
		if (n >= sizeof name)
			continue;
		memcpy(name, word, n);
		name[n] = '\0';
		if (key_parse(name, &own) && key_same(&own, key))
			return true;
	}
	return false;
}

const struct action *action_for_key(const struct key *key, unsigned where)
{
	for (int i = 0; i < ACTION_COUNT; i++)
		if ((actions[i].where & where) && has_key(&actions[i], key))
			return &actions[i];
	return NULL;
}

const struct action *action_for_word(const char *wanted, size_t length, bool *ambiguous)
{
	const struct action *begins = NULL;

	*ambiguous = false;
	for (int i = 0; i < ACTION_COUNT; i++) {
		const char *words = actions[i].words, *word;
		size_t n;

		while ((word = next_word(&words, &n))) {
			if (n < length || strncmp(word, wanted, length))
				continue;
			if (n == length)
				return &actions[i];
			if (begins && begins != &actions[i])
				*ambiguous = true;
			begins = &actions[i];
		}
	}
	return *ambiguous ? NULL : begins;
}

const char *wants_word(enum wants wants)
{
	static const char *const words[WANTS_COUNT] = {
		[WANTS_NOTHING] = "",	       [WANTS_EDIT] = "EDIT",
		[WANTS_SETTING] = "KEY=VALUE", [WANTS_METRIC] = "METRIC",
		[WANTS_TEXT] = "TEXT",	       [WANTS_ANALYSIS] = "TECHNIQUE",
		[WANTS_PRESET] = "PRESET",     [WANTS_THEME] = "THEME",
		[WANTS_MODEL] = "MODEL",       [WANTS_NUMBER] = "N",
		[WANTS_NAME] = "NAME",	       [WANTS_DIFF] = "none|edits|foil|on-foil",
		[WANTS_PROMPTS] = "FILE|none", [WANTS_CIRCUIT] = "FILE.yaml",
		[WANTS_VIEW] = "VIEW",	       [WANTS_FILE] = "[screen] FILE",
		[WANTS_SAVE] = "NAME|FILE",    [WANTS_COPY] = "[cell|row|column|table] [tsv|csv|markdown]",
	};

	return words[wants];
}

void action_keys(const struct action *action, int most, bool ascii, struct str *out)
{
	static const struct {
		const char *name, *shown;
	} shown[] = {
		{ "Space", "␣" }, { "Up", "↑" }, { "Down", "↓" }, { "Left", "←" }, { "Right", "→" }, { "Enter", "⏎" },
	};
	const char *keys = action->keys, *word;
	bool first = true;
	size_t n;

	while (most-- > 0 && (word = next_word(&keys, &n))) {
		const char *special = NULL;

		for (size_t i = 0; !ascii && i < sizeof shown / sizeof *shown; i++)
			if (n == strlen(shown[i].name) && !memcmp(word, shown[i].name, n))
				special = shown[i].shown;
		if (!first)
			str_add_char(out, ' ');
		first = false;
		if (special)
			str_add(out, special);
		else
			str_add_n(out, word, n);
	}
}
