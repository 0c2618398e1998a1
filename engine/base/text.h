/*
 * text.h - two questions that everyone has about texts.
 */
#ifndef LMSCOPE_ENGINE_BASE_TEXT_H
#define LMSCOPE_ENGINE_BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

/* Equal, or both NULL: the text of a field that may be missing. */
static inline bool text_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static inline bool text_ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

#endif
