/*
 * regex_translate.h - regular expressions as tokenizers write them (Oniguruma, Ruby's syntax), rewritten for PCRE2.
 *
 * What differs where tokenizers care: \s, \w and [:punct:] cover other characters (PCRE2's \s has U+180E), and so does a
 * script (\p{Han}); a class may hold classes, "[^(\s|[.,])]"; "X{1,3}+" repeats a repetition where PCRE2 would make it possessive;
 * "{,3}" and \u0061 are written otherwise.
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_REGEX_TRANSLATE_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_REGEX_TRANSLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

/* Appends the pattern in PCRE2's syntax. What has no counterpart here (a negated class inside a class) is an error. */
bool dialect_translate(const char *pattern, size_t n, struct str *out, struct err *err);

#endif
