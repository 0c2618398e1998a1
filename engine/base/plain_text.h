/*
 * plain_text.h - text as people's machines write it: with a byte order mark, with CR LF at the end of a line, in UTF-16.
 */
#ifndef LMSCOPE_ENGINE_BASE_PLAIN_TEXT_H
#define LMSCOPE_ENGINE_BASE_PLAIN_TEXT_H

#include <stddef.h>

#include "engine/base/err.h"

/* Bytes of UTF-8's byte order mark at the beginning, 3 or 0: it says how a file is encoded and is no part of its text. */
size_t plain_text_mark(const char *bytes, size_t n);
/* In place: takes away the mark, makes one "\n" of each CR LF, and returns the new length. A lone CR stays. */
size_t plain_text_tidy(char *bytes, size_t n);
/* False, with a sentence that begins with `where`, when the bytes begin with the mark of UTF-16. */
bool plain_text_check(const char *bytes, size_t n, const char *where, struct err *err);

#endif
