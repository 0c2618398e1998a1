/*
 * utf8.h - stepping through UTF-8, widths on a terminal, and making any bytes safe to show (the door to utf8proc).
 */
#ifndef LMSCOPE_ENGINE_BASE_UTF8_H
#define LMSCOPE_ENGINE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

/* Decodes the first character of s[n] (n >= 1): its length in bytes. Not UTF-8 (overlong, surrogate, torn): *c = -1, 1. */
size_t utf8_decode(const char *s, size_t n, int32_t *c);
/* Writes c to out[4]; returns the bytes written. */
size_t utf8_encode(int32_t c, char *out);
bool utf8_valid(const char *s, size_t n);
/* A letter, mark, digit or connector (underscore, joiners), and letters in circles: what a word is made of. */
bool utf8_is_word(int32_t c);

/* Columns on a terminal: 0 (combining, format), 1 or 2; -1 for what has no glyph (controls). */
int utf8_width(int32_t c);
/* Length in bytes of the first grapheme cluster of s[n] and its columns (emoji with modifiers are one, two columns wide). */
size_t utf8_cluster(const char *s, size_t n, int *width);
/* Columns of a whole (safe) string. */
int utf8_columns(const char *s, size_t n);

/* Appends the bytes so that a terminal can be given them: C0, C1, DEL become their control pictures (U+2400…) or \xNN,
 * bidirectional controls and other format characters \u{N}, bytes that are not UTF-8 \xNN. Newline and tab too, unless
 * keep_layout. Never emits ESC. */
void utf8_safe(struct str *out, const char *s, size_t n, bool keep_layout);
/* A JSON text, with the characters that must not reach a terminal as \uXXXX: it reads back to the same. */
void utf8_safe_json(struct str *out, const char *json, size_t n);
/* The same bytes for JSON: invalid ones become U+FFFD. Returns true when something had to be replaced. */
bool utf8_replace_invalid(struct str *out, const char *s, size_t n);

/* Unicode normalisation, heap strings. NULL when s is not UTF-8. */
char *utf8_nfc(const char *s, size_t n, size_t *out_n);
char *utf8_nfkc(const char *s, size_t n, size_t *out_n);
char *utf8_nfd(const char *s, size_t n, size_t *out_n);
char *utf8_nfkd(const char *s, size_t n, size_t *out_n);
/* The same for small letters, each character by itself. */
char *utf8_lower(const char *s, size_t n, size_t *out_n);

#endif
