/* str.c - see str.h. */
#include "engine/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"

static void reserve(struct str *s, size_t more)
{
	size_t need = s->n + more + 1;

	if (need <= s->capacity)
		return;
	s->capacity = need > 2 * s->capacity ? need : 2 * s->capacity;
	s->s = xrealloc(s->s, s->capacity);
}

void str_init(struct str *s)
{
	*s = (struct str){ 0 };
	reserve(s, 31);
	s->s[0] = '\0';
}

void str_done(struct str *s)
{
	free(s->s);
	*s = (struct str){ 0 };
}

void str_clear(struct str *s)
{
	s->n = 0;
	s->s[0] = '\0';
}

void str_add_n(struct str *s, const char *bytes, size_t n)
{
	reserve(s, n);
	if (n)
		memcpy(s->s + s->n, bytes, n);
	s->n += n;
	s->s[s->n] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_n(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	str_add_n(s, &c, 1);
}

void str_addf(struct str *s, const char *format, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	reserve(s, (size_t)n);
	vsnprintf(s->s + s->n, (size_t)n + 1, format, again);
	va_end(again);
	s->n += (size_t)n;
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

size_t str_shorten(char *s, size_t n, size_t most)
{
	static const char dots[] = "\xE2\x80\xA6";
	size_t head = most / 2, tail = n - (most - head - 3);

	if (n <= most)
		return n;
	while (head > 0 && continues(s[head])) /* whole characters */
		head--;
	while (tail < n && continues(s[tail]))
		tail++;
	memcpy(s + head, dots, 3);
	memmove(s + head + 3, s + tail, n - tail);
	n = head + 3 + n - tail;
	s[n] = '\0';
	return n;
}

size_t str_shorten_words(char *s, size_t n, size_t most)
{
	size_t out = 0;

	for (size_t at = 0; at < n;) {
		char *end = memchr(s + at, ' ', n - at);
		size_t length = end ? (size_t)(end - s) - at : n - at, kept;

		memmove(s + out, s + at, length);
		kept = length > most ? str_shorten(s + out, length, most) : length;
		out += kept;
		at += length;
		if (at < n)
			s[out++] = s[at++];
	}
	s[out] = '\0';
	return out;
}

void str_add_name(struct str *s, const char *name)
{
	enum { MOST = 80 };
	size_t before = s->n;

	str_add(s, name);
	s->n = before + str_shorten(s->s + before, s->n - before, MOST);
}

char *str_take(struct str *s)
{
	char *text = s->s;

	*s = (struct str){ 0 };
	return text;
}
