/* utf8.c - stepping, widths, clusters, and that nothing reaches a terminal that it could obey. */
#include "engine/base/utf8.h"
#include "tests/tap.h"

#include <stdlib.h>

static void test_decode(void)
{
	static const struct {
		const char *bytes;
		int32_t c;
		size_t length;
	} rows[] = {
		{ "a", 'a', 1 },
		{ "\xC3\xA9", 0xE9, 2 },
		{ "\xE2\x82\xAC", 0x20AC, 3 },
		{ "\xF0\x9F\x98\x80", 0x1F600, 4 },
		{ "\x80", -1, 1 },
		{ "\xC3", -1, 1 },
		{ "\xC0\xAF", -1, 1 },
		{ "\xE0\x80\xAF", -1, 1 }, /* overlong */
		{ "\xED\xA0\x80", -1, 1 },
		{ "\xF4\x90\x80\x80", -1, 1 },
		{ "\xFF", -1, 1 },
		{ "\xE2\x82", -1, 1 },
	};
	char out[4];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int32_t c;
		size_t n = utf8_decode(rows[i].bytes, strlen(rows[i].bytes), &c);

		CHECK_THAT(c == rows[i].c && n == rows[i].length, "row %zu: U+%X, %zu bytes", i, (unsigned)c, n);
		CHECK(utf8_valid(rows[i].bytes, strlen(rows[i].bytes)) == (rows[i].c >= 0));
		CHECK(rows[i].c < 0 || (utf8_encode(c, out) == n && !memcmp(out, rows[i].bytes, n)));
	}
}

static void test_width(void)
{
	static const struct {
		int32_t c;
		int width;
	} rows[] = {
		{ 'a', 1 },    { 0xE9, 1 },    { 0x4E2D, 2 },  { 0xFF21, 2 }, { 0x1F600, 2 }, { 0x2764, 1 },
		{ 0x2588, 1 }, { 0x2800, 1 },  { 0x301, 0 },   { 0xFE0F, 0 }, { 0x200B, 0 },  { 0x200D, 0 },
		{ 0x202E, 0 }, { 0x1161, 0 },  { 0xAC00, 2 },  { 0, -1 },     { 0x1B, -1 },   { 0x7F, -1 },
		{ 0x9B, -1 },  { 0x2028, -1 }, { 0xE000, -1 }, { 0x378, -1 }, { -1, -1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_THAT(utf8_width(rows[i].c) == rows[i].width, "U+%04X is %d columns", (unsigned)rows[i].c,
			   utf8_width(rows[i].c));
}

static void test_cluster(void)
{
	static const struct {
		const char *text;
		size_t length;
		int width;
	} rows[] = {
		{ "ab", 1, 1 },
		{ "e\xCC\x81x", 3, 1 },					    /* e and an acute accent */
		{ "\xE4\xB8\xAD\xE6\x96\x87", 3, 2 },			    /* 中文 */
		{ "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBBx", 11, 2 }, /* woman, joiner, laptop */
		{ "\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBDx", 8, 2 },		    /* thumb with a skin tone */
		{ "\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7x", 8, 2 },		    /* a flag */
		{ "\xE2\x9D\xA4\xEF\xB8\x8Fx", 6, 2 },			    /* heart in emoji style */
		{ "\xE2\x9D\xA4x", 3, 1 },
		{ "\xFF\xFF", 1, -1 },
		{ "\x1B[0m", 1, -1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int width;
		size_t n = utf8_cluster(rows[i].text, strlen(rows[i].text), &width);

		CHECK_THAT(n == rows[i].length && width == rows[i].width, "cluster %zu: %zu bytes, %d columns", i, n, width);
	}
	CHECK(utf8_columns("a\xE4\xB8\xAD\xCC\x81"
			   "b",
			   7) == 4);
	CHECK(utf8_columns("", 0) == 0);
}

static const char *safe(struct str *out, const char *text, size_t n, bool keep_layout)
{
	str_clear(out);
	utf8_safe(out, text, n, keep_layout);
	return out->s;
}

static void test_safe(void)
{
	struct str out;
	char wild[4];
	int bad = 0;

	str_init(&out);
	CHECK_TEXT(safe(&out, "\x1B[31mred\a\n\t\x7F", 12, false), "␛[31mred␇␊␉␡");
	CHECK_TEXT(safe(&out, "a\nb\tc\r", 6, true), "a\nb\tc␍");
	CHECK_TEXT(safe(&out,
			"\xC2\x9B"
			"31m",
			5, false),
		   "\\u{9B}31m");
	CHECK_TEXT(safe(&out,
			"\xE2\x80\xAE"
			"abc\xE2\x81\xA6",
			9, false),
		   "\\u{202E}abc\\u{2066}");
	CHECK_TEXT(safe(&out, "\xE2\x80\x8B\xEF\xBB\xBF\xD8\x9C", 8, false), "\\u{200B}\\u{FEFF}\\u{61C}");
	CHECK_TEXT(safe(&out,
			"\xE2\x82"
			"x\xFF",
			4, false),
		   "\\xE2\\x82x\\xFF");
	CHECK_TEXT(safe(&out, "\xCC\x81", 2, false), "\xE2\x97\x8C\xCC\x81"); /* a mark alone sits on a dotted circle */
	CHECK_TEXT(safe(&out, "e\xCC\x81", 3, false), "e\xCC\x81");
	safe(&out, "e\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81", 15, false);
	CHECK_TEXT(out.s, "e\xCC\x81\xCC\x81\xCC\x81\xCC\x81\\u{301}\\u{301}\\u{301}");
	CHECK_TEXT(safe(&out, "\0x", 2, false), "␀x");
	/* Every character alone: valid, and nothing in it moves the cursor, turns the text or hides. */
	for (int32_t c = 0; c <= 0x10FFFF; c++) {
		size_t n = utf8_encode(c, wild), k = 0;

		safe(&out, wild, n, false);
		while (k < out.n) {
			int32_t d;

			k += utf8_decode(out.s + k, out.n - k, &d);
			bad += d < 0x20 || (d >= 0x7F && d < 0xA0) || utf8_width(d) < 0 || (d >= 0x200B && d <= 0x200F) ||
			       (d >= 0x2028 && d <= 0x202E) || (d >= 0x2060 && d <= 0x206F) || d == 0x61C || d == 0xFEFF;
		}
	}
	CHECK_THAT(bad == 0, "every character is safe (%d are not)", bad);
	str_done(&out);
}

static void test_replace_and_normalise(void)
{
	struct str out;
	size_t n = 0;
	char *s;

	str_init(&out);
	CHECK(!utf8_replace_invalid(&out, "caf\xC3\xA9", 5) && out.n == 5);
	str_clear(&out);
	/* As Python's errors="replace": a torn character is one, bytes that cannot begin one are one each. */
	CHECK(utf8_replace_invalid(&out,
				   "a\xE2\x82"
				   "b\xFF\xFE\xF0\x9F\x98",
				   9));
	CHECK_TEXT(out.s, "a\xEF\xBF\xBD"
			  "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
	str_done(&out);
	s = utf8_nfc("e\xCC\x81", 3, &n);
	CHECK(s && n == 2 && !memcmp(s, "\xC3\xA9", 2));
	free(s);
	s = utf8_nfkc("\xEF\xAC\x81\0x", 5, &n); /* the ligature fi */
	CHECK(s && n == 4 && !memcmp(s, "fi\0x", 4));
	free(s);
	s = utf8_nfd("\xC3\xA9", 2, &n);
	CHECK(s && n == 3 && !memcmp(s, "e\xCC\x81", 3));
	free(s);
	s = utf8_nfkd("\xEF\xAC\x81\xC3\xA9", 5, &n);
	CHECK(s && n == 5 && !memcmp(s, "fie\xCC\x81", 5));
	free(s);
	s = utf8_lower("A\xC4\xB0\xCE\xA3\0", 6, &n); /* a dot stays above the small i */
	CHECK(s && n == 7 && !memcmp(s, "ai\xCC\x87\xCF\x83\0", 7));
	free(s);
	CHECK(!utf8_lower("\xFF", 1, &n));
	CHECK(!utf8_nfc("\xFF", 1, &n));
	s = utf8_nfc("", 0, &n);
	CHECK(s && n == 0);
	free(s);
}

int main(void)
{
	test_decode();
	test_width();
	test_cluster();
	test_safe();
	test_replace_and_normalise();
	return tap_done();
}
