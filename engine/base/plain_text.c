/* plain_text.c - see plain_text.h. */
#include "engine/base/plain_text.h"

#include <string.h>

size_t plain_text_mark(const char *bytes, size_t n)
{
	static const char mark[] = "\xEF\xBB\xBF";

	return n >= 3 && !memcmp(bytes, mark, 3) ? 3 : 0;
}

size_t plain_text_tidy(char *bytes, size_t n)
{
	size_t out = 0;

	for (size_t i = plain_text_mark(bytes, n); i < n; i++)
		if (bytes[i] != '\r' || i + 1 == n || bytes[i + 1] != '\n')
			bytes[out++] = bytes[i];
	if (out < n)
		bytes[out] = '\0';
	return out;
}

bool plain_text_check(const char *bytes, size_t n, const char *where, struct err *err)
{
	bool utf16 = n >= 2 && (!memcmp(bytes, "\xFF\xFE", 2) || !memcmp(bytes, "\xFE\xFF", 2));

	return !utf16 || err_set(err, ERR_FILE, "%s: this is UTF-16, as some Windows programs write it; save it as UTF-8", where);
}
