/*
 * byte_alphabet.h - the printable alphabet of GPT-2: each of the 256 bytes as one character, so that a vocabulary of bytes can be
 * written as text. Bytes that print as themselves in Latin-1 (33-126, 161-172, 174-255) are themselves; the other 68 are
 * U+0100 and up, in order: a space is U+0120 "Ġ", a newline U+010A "Ċ".
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_BYTE_ALPHABET_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_BYTE_ALPHABET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

/* Appends the characters of the bytes. */
void alphabet_encode(struct str *out, const char *bytes, size_t n);
/* Appends the bytes of the characters; false (out unchanged) when one is not of the alphabet. */
bool alphabet_decode(struct str *out, const char *text, size_t n);

/* The other way to write a byte, "<0xE2>": its value, or -1 when the text is something else. */
int alphabet_hex_byte(const char *text, size_t n);

#endif
