/* shell_word.c - see shell_word.h. */
#include "tui/app/shell_word.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/utf8.h"

/* Nothing in it that utf8_safe() would change. */
static bool is_plain(const char *s, size_t n)
{
	struct str safe;
	bool plain;

	str_init(&safe);
	utf8_safe(&safe, s, n, false);
	plain = safe.n == n && !memcmp(safe.s, s, n);
	str_done(&safe);
	return plain;
}

/* Three octal digits a byte: every shell that knows $'…' ends them there, whatever comes next. */
static void add_octal(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "\\%03o", (unsigned char)s[i]);
}

static void add_escaped(struct str *out, const char *word)
{
	size_t n = strlen(word);

	str_add(out, "$'");
	for (size_t i = 0, step; i < n; i += step) {
		int32_t c;

		step = utf8_decode(word + i, n - i, &c);
		if (c == '\n')
			str_add(out, "\\n");
		else if (c == '\\')
			str_add(out, "\\\\");
		else if (c == '\'' || c == '!' || !is_plain(word + i, step)) /* ! is history to an interactive shell */
			add_octal(out, word + i, step);
		else
			str_add_n(out, word + i, step);
	}
	str_add_char(out, '\'');
}

void shell_word(struct str *out, const char *word)
{
	if (!is_plain(word, strlen(word))) {
		add_escaped(out, word);
		return;
	}
	str_add_char(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			str_add(out, "'\\''");
		else
			str_add_char(out, *word);
	}
	str_add_char(out, '\'');
}
