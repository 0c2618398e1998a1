/* byte_alphabet.c - see byte_alphabet.h. */
#include "engine/model/tokenizer/byte_alphabet.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/utf8.h"

static bool prints_as_itself(int32_t c)
{
	return (c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174 && c <= 255);
}

/* The ranges of bytes that do not print: 0-32, 127-160, 173; their characters are counted on from U+0100. */
static int32_t character_of(unsigned char byte)
{
	if (prints_as_itself(byte))
		return byte;
	return byte <= 32 ? 256 + byte : byte <= 160 ? 256 + 33 + (byte - 127) : 256 + 67;
}

static int byte_of(int32_t c)
{
	if (c < 256)
		return prints_as_itself(c) ? (int)c : -1;
	c -= 256;
	return c <= 32 ? (int)c : c < 67 ? (int)(127 + c - 33) : c == 67 ? 173 : -1;
}

void alphabet_encode(struct str *out, const char *bytes, size_t n)
{
	char character[4];

	for (size_t i = 0; i < n; i++)
		str_add_n(out, character, utf8_encode(character_of((unsigned char)bytes[i]), character));
}

bool alphabet_decode(struct str *out, const char *text, size_t n)
{
	size_t before = out->n;
	int32_t c;

	for (size_t i = 0; i < n;) {
		int byte;

		i += utf8_decode(text + i, n - i, &c);
		byte = c < 0 ? -1 : byte_of(c);
		if (byte < 0) {
			out->s[out->n = before] = '\0';
			return false;
		}
		str_add_char(out, (char)(unsigned char)byte);
	}
	return true;
}

int alphabet_hex_byte(const char *text, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *high, *low;

	if (n != 6 || memcmp(text, "<0x", 3) || text[5] != '>')
		return -1;
	high = text[3] ? strchr(digits, toupper((unsigned char)text[3])) : NULL;
	low = text[4] ? strchr(digits, toupper((unsigned char)text[4])) : NULL;
	return high && low ? (int)((high - digits) * 16 + (low - digits)) : -1;
}
