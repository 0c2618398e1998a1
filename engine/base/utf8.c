/* utf8.c - see utf8.h. The only file that knows utf8proc. */
#include "engine/base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum {
	ZERO_WIDTH_NON_JOINER = 0x200C,
	ZERO_WIDTH_JOINER = 0x200D,
	DOTTED_CAPITAL_I = 0x130,
	DOT_ABOVE = 0x307,
	EMOJI_STYLE = 0xFE0F,	/* variation selector 16: the character before it is drawn as an emoji */
	DOTTED_CIRCLE = 0x25CC, /* what a combining mark without a base is shown on */
	REPLACEMENT = 0xFFFD,
	CONTROL_PICTURES = 0x2400,
	PICTURE_OF_DELETE = 0x2421,
	MARKS_KEPT = 4, /* combining marks in one cell; further ones are written out */
};

size_t utf8_decode(const char *s, size_t n, int32_t *c)
{
	utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)s, n < 4 ? (utf8proc_ssize_t)n : 4, c);

	if (bytes > 0)
		return (size_t)bytes;
	*c = -1;
	return 1;
}

size_t utf8_encode(int32_t c, char *out)
{
	return (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)out);
}

bool utf8_valid(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		int32_t c;

		i += utf8_decode(s + i, n - i, &c);
		if (c < 0)
			return false;
	}
	return true;
}

bool utf8_is_word(int32_t c)
{
	utf8proc_category_t category = utf8proc_category(c);

	return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL) || category == UTF8PROC_CATEGORY_PC ||
	       c == ZERO_WIDTH_JOINER || c == ZERO_WIDTH_NON_JOINER || (c >= 0x24B6 && c <= 0x24E9) ||
	       (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

/* Has no glyph that fonts agree on: controls, surrogates, unassigned and private characters, line separators. */
static bool is_shapeless(int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		return c < 0;
	}
}

static bool is_mark(int32_t c)
{
	utf8proc_category_t category = utf8proc_category(c);

	return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

int utf8_width(int32_t c)
{
	/* Most of a screen: letters, and the lines and blocks that it is drawn with. */
	if ((c >= 0x20 && c < 0x7F) || (c >= 0x2500 && c <= 0x259F))
		return 1;
	if (is_shapeless(c))
		return -1;
	/* The Hangul vowels and finals join the syllable before them; the soft hyphen is a format character. */
	if (is_mark(c) || utf8proc_category(c) == UTF8PROC_CATEGORY_CF || (c >= 0x1160 && c <= 0x11FF) ||
	    (c >= 0xD7B0 && c <= 0xD7FF))
		return 0;
	return utf8proc_charwidth(c) == 2 ? 2 : 1;
}

static int boundclass(int32_t c)
{
	return (int)utf8proc_get_property(c)->boundclass;
}

size_t utf8_cluster(const char *s, size_t n, int *width)
{
	int32_t c, next, state = 0;
	size_t i = utf8_decode(s, n, &c);
	int widest = utf8_width(c);

	*width = widest;
	if (c < 0)
		return i;
	while (i < n) {
		size_t step = utf8_decode(s + i, n - i, &next);
		int w;

		if (next < 0 || utf8proc_grapheme_break_stateful(c, next, &state))
			break;
		w = utf8_width(next);
		/* ❤ alone is one column, with the emoji style two; so are the two letters of a flag. */
		if ((next == EMOJI_STYLE && boundclass(c) == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC) ||
		    boundclass(next) == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR)
			w = 2;
		widest = w > widest ? w : widest;
		c = next;
		i += step;
	}
	*width = widest;
	return i;
}

int utf8_columns(const char *s, size_t n)
{
	int columns = 0;

	for (size_t i = 0; i < n;) {
		int width;

		i += utf8_cluster(s + i, n - i, &width);
		columns += width > 0 ? width : 0;
	}
	return columns;
}

static void add_character(struct str *out, int32_t c)
{
	char bytes[4];

	str_add_n(out, bytes, utf8_encode(c, bytes));
}

void utf8_safe(struct str *out, const char *s, size_t n, bool keep_layout)
{
	int marks = -1; /* on the character before; -1: there is none that could carry one */

	for (size_t i = 0, step; i < n; i += step) {
		bool mark;
		int32_t c;

		step = utf8_decode(s + i, n - i, &c);
		mark = c >= 0 && is_mark(c);
		if (mark && marks < 0) {
			add_character(out, DOTTED_CIRCLE);
			marks = 0;
		}
		if (mark && marks < MARKS_KEPT) {
			str_add_n(out, s + i, step);
			marks++;
			continue;
		}
		if (!mark)
			marks = -1;
		if (c < 0) {
			str_addf(out, "\\x%02X", (unsigned char)s[i]);
		} else if (keep_layout && (c == '\n' || c == '\t')) {
			str_add_char(out, (char)c);
		} else if (c < 0x20) {
			add_character(out, CONTROL_PICTURES + c);
		} else if (c == 0x7F) {
			add_character(out, PICTURE_OF_DELETE);
		} else if (utf8_width(c) <= 0) {
			str_addf(out, "\\u{%X}", (unsigned)c);
		} else {
			str_add_n(out, s + i, step);
			marks = 0;
		}
	}
}

static void add_json_escape(struct str *out, int32_t c)
{
	if (c < 0x10000)
		str_addf(out, "\\u%04x", (unsigned)c);
	else
		str_addf(out, "\\u%04x\\u%04x", 0xD800 + ((unsigned)(c - 0x10000) >> 10),
			 0xDC00 + ((unsigned)(c - 0x10000) & 0x3FF));
}

void utf8_safe_json(struct str *out, const char *json, size_t n)
{
	int marks = 0;

	for (size_t i = 0, step; i < n; i += step) {
		int32_t c;
		bool mark;

		step = utf8_decode(json + i, n - i, &c);
		mark = c >= 0 && is_mark(c);
		marks = mark ? marks + 1 : 0;
		if (c < 0)
			str_add(out, "\\ufffd");
		else if (c == '\n' || (mark && marks <= MARKS_KEPT) || (!mark && utf8_width(c) > 0))
			str_add_n(out, json + i, step);
		else
			add_json_escape(out, c);
	}
}

/* How many bytes one U+FFFD stands for: the longest start of a character, as Unicode recommends and Python does. */
static size_t torn_length(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char first, last; /* lead bytes */
		unsigned char low, high;   /* what may follow them directly */
		size_t length;
	} leads[] = {
		{ 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 },
		{ 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 }, { 0xF0, 0xF0, 0x90, 0xBF, 4 },
		{ 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
	};

	for (size_t k = 0; k < sizeof leads / sizeof *leads; k++) {
		size_t i = 1;

		if (s[0] < leads[k].first || s[0] > leads[k].last)
			continue;
		if (n < 2 || s[1] < leads[k].low || s[1] > leads[k].high)
			return 1;
		while (++i < leads[k].length && i < n && (s[i] & 0xC0) == 0x80)
			;
		return i;
	}
	return 1;
}

bool utf8_replace_invalid(struct str *out, const char *s, size_t n)
{
	bool replaced = false;
	size_t kept = 0; /* everything before it is in `out` */

	for (size_t i = 0; i < n;) {
		int32_t c;
		size_t step = utf8_decode(s + i, n - i, &c);

		if (c < 0) {
			str_add_n(out, s + kept, i - kept);
			add_character(out, REPLACEMENT);
			step = torn_length((const unsigned char *)s + i, n - i);
			kept = i + step;
			replaced = true;
		}
		i += step;
	}
	str_add_n(out, s + kept, n - kept);
	return replaced;
}

static char *normalise(const char *s, size_t n, size_t *out_n, utf8proc_option_t options)
{
	utf8proc_uint8_t *out = NULL;
	utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &out, options);

	if (length < 0)
		return NULL;
	*out_n = (size_t)length;
	return (char *)out;
}

char *utf8_nfc(const char *s, size_t n, size_t *out_n)
{
	return normalise(s, n, out_n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

char *utf8_nfkc(const char *s, size_t n, size_t *out_n)
{
	return normalise(s, n, out_n, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
}

char *utf8_nfd(const char *s, size_t n, size_t *out_n)
{
	return normalise(s, n, out_n, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
}

char *utf8_nfkd(const char *s, size_t n, size_t *out_n)
{
	return normalise(s, n, out_n, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
}

char *utf8_lower(const char *s, size_t n, size_t *out_n)
{
	struct str out;

	str_init(&out);
	for (size_t i = 0; i < n;) {
		int32_t c;

		i += utf8_decode(s + i, n - i, &c);
		if (c < 0) {
			str_done(&out);
			return NULL;
		}
		add_character(&out, utf8proc_tolower(c));
		if (c == DOTTED_CAPITAL_I)
			add_character(&out, DOT_ABOVE);
	}
	*out_n = out.n;
	return out.s;
}
