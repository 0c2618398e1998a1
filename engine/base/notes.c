/* notes.c - see notes.h. */
#include "engine/base/notes.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"

bool notes_have(const struct notes *notes, const char *line)
{
	for (int i = 0; notes && i < notes->n; i++)
		if (!strcmp(notes->line[i], line))
			return true;
	return false;
}

void notes_add(struct notes *notes, const char *format, ...)
{
	char text[1000];
	va_list ap;

	if (!notes)
		return;
	va_start(ap, format);
	err_sentence(text, sizeof text, format, ap);
	va_end(ap);
	if (notes_have(notes, text))
		return;
	if (notes->n == NOTES_MOST) {
		free(notes->line[0]);
		memmove(notes->line, notes->line + 1, (size_t)--notes->n * sizeof *notes->line);
	}
	notes->line = xrealloc(notes->line, (size_t)(notes->n + 1) * sizeof *notes->line);
	notes->line[notes->n++] = xstrdup(text);
}

void notes_done(struct notes *notes)
{
	for (int i = 0; i < notes->n; i++)
		free(notes->line[i]);
	free(notes->line);
	*notes = (struct notes){ 0 };
}
