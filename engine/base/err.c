/* err.c - see err.h. */
#include "engine/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A sentence that was cut must not end in half a character: steps back over a torn UTF-8 sequence at the end. */
static void trim_torn_character(char *text, size_t capacity)
{
	size_t n = strlen(text);

	if (n + 1 < capacity)
		return;
	while (n > 0 && ((unsigned char)text[n - 1] & 0xC0) == 0x80)
		n--;
	if (n > 0 && ((unsigned char)text[n - 1] & 0x80))
		n--;
	text[n] = '\0';
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list ap;

	err->kind = kind;
	err->item = 0;
	va_start(ap, format);
	vsnprintf(err->text, sizeof err->text, format, ap);
	va_end(ap);
	trim_torn_character(err->text, sizeof err->text);
	return false;
}

bool err_in(struct err *err, const char *format, ...)
{
	char place[sizeof err->text];
	char whole[2 * sizeof err->text + 2];
	va_list ap;

	va_start(ap, format);
	vsnprintf(place, sizeof place, format, ap);
	va_end(ap);
	snprintf(whole, sizeof whole, "%s: %s", place, err->text);
	memcpy(err->text, whole, sizeof err->text - 1);
	err->text[sizeof err->text - 1] = '\0';
	trim_torn_character(err->text, sizeof err->text);
	return false;
}
