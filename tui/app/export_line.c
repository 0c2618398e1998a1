/* export_line.c - see export_line.h. */
#include "tui/app/export_line.h"

#include <string.h>

static bool take_word(const char **text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*text, word, n))
		return false;
	*text += n;
	*text += strspn(*text, " ");
	return true;
}

static size_t without_blanks(const char *text, size_t n)
{
	while (n && text[n - 1] == ' ')
		n--;
	return n;
}

struct export_line export_line_read(const char *line)
{
	static const char theme[] = "theme=";
	struct export_line out = { 0 };
	const char *space;

	out.overwrite = take_word(&line, "!");
	out.screen = take_word(&line, "screen ");
	out.file = line;
	out.file_bytes = without_blanks(line, strlen(line));
	space = strrchr(line, ' ');
	out.last = space && without_blanks(line, (size_t)(space - line)) ? space + 1 : NULL;
	if (out.last && !strncmp(out.last, theme, strlen(theme))) {
		out.theme = out.last + strlen(theme);
		out.file_bytes = without_blanks(line, (size_t)(space - line));
	}
	return out;
}
