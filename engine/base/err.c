/* err.c - see err.h. */
#include "engine/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"

enum { WORD = 300 }; /* bytes of a word, such as a path; longer ones are shortened */

/*
 * Keeps what is written when there is no memory to do better: the sentence may be about that. It must not end in half a
 * character.
 */
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

/* A name from a file may have any length; what is wrong with it is printed after it, and must not be lost. */
void err_sentence(char *text, size_t capacity, const char *format, va_list ap)
{
	va_list again;
	char *whole;
	int n;

	va_copy(again, ap);
	n = vsnprintf(text, capacity, format, ap);
	if (n > WORD && (whole = malloc((size_t)n + 1))) {
		size_t length = (size_t)vsnprintf(whole, (size_t)n + 1, format, again);

		length = str_shorten_words(whole, length, WORD);
		length = str_shorten(whole, length, capacity - 1);
		memcpy(text, whole, length + 1);
		free(whole);
	}
	va_end(again);
	trim_torn_character(text, capacity);
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list ap;

	err->kind = kind;
	va_start(ap, format);
	err_sentence(err->text, sizeof err->text, format, ap);
	va_end(ap);
	return false;
}

static void join(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void join(struct err *err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	err_sentence(err->text, sizeof err->text, format, ap);
	va_end(ap);
}

bool err_in(struct err *err, const char *format, ...)
{
	char place[sizeof err->text], text[sizeof err->text];
	va_list ap;

	va_start(ap, format);
	err_sentence(place, sizeof place, format, ap);
	va_end(ap);
	memcpy(text, err->text, sizeof text);
	join(err, "%s: %s", place, text);
	return false;
}
