/*
 * bytes.h - putting binary files together in memory: little-endian numbers and GGUF's strings, appended to a str.
 * Included once per test executable.
 */
#ifndef LMSCOPE_TESTS_BYTES_H
#define LMSCOPE_TESTS_BYTES_H

#include <stdint.h>
#include <string.h>

#include "engine/base/str.h"

static void put(struct str *out, const void *bytes, size_t n)
{
	str_add_n(out, bytes, n);
}

__attribute__((unused)) static void put_u32(struct str *out, uint32_t x)
{
	put(out, &x, sizeof x);
}

static void put_u64(struct str *out, uint64_t x)
{
	put(out, &x, sizeof x);
}

__attribute__((unused)) static void put_f32(struct str *out, float x)
{
	put(out, &x, sizeof x);
}

__attribute__((unused)) static void put_text(struct str *out, const char *text)
{
	put_u64(out, strlen(text));
	put(out, text, strlen(text));
}

__attribute__((unused)) static void put_zeros(struct str *out, size_t n)
{
	while (n--)
		str_add_char(out, '\0');
}

#endif
