/* glyph.c - see glyph.h. */
#include "tui/draw/glyph.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/utf8.h"

enum { ZERO_WIDTH_JOINER = 0x200D, REPLACEMENT = 0xFFFD, DOTTED_CIRCLE = 0x25CC, CONTROL_PICTURES = 0x2400, PICTURE_DEL = 0x2421 };

static bool is_flag_letter(int32_t c)
{
	return c >= 0x1F1E6 && c <= 0x1F1FF;
}

static bool is_skin_tone(int32_t c)
{
	return c >= 0x1F3FB && c <= 0x1F3FF;
}

static bool is_variation(int32_t c)
{
	return c >= 0xFE00 && c <= 0xFE0F;
}

/* Characters that only steer: direction, joining, variation. They must never reach a terminal. */
static bool is_format(int32_t c)
{
	static const struct {
		int32_t from, to;
	} range[] = {
		{ 0x00AD, 0x00AD }, { 0x061C, 0x061C }, { 0x180B, 0x180F }, { 0x200B, 0x200F }, { 0x2028, 0x202E },
		{ 0x2060, 0x206F }, { 0xFE00, 0xFE0F }, { 0xFEFF, 0xFEFF }, { 0xFFF9, 0xFFFB }, { 0xE0000, 0xE0FFF },
	};

	for (size_t i = 0; i < sizeof range / sizeof *range; i++)
		if (c >= range[i].from && c <= range[i].to)
			return true;
	return false;
}

/* What is drawn in place of a first character that cannot be in a cell. */
static int32_t stand_in(int32_t c)
{
	if (c < 0)
		return REPLACEMENT;
	if (c < 0x20)
		return CONTROL_PICTURES + c;
	if (c == 0x7F)
		return PICTURE_DEL;
	if (is_flag_letter(c))
		return 'A' + (c - 0x1F1E6);
	if (is_format(c))
		return REPLACEMENT;
	switch (utf8_width(c)) {
	case -1:
		return REPLACEMENT;
	case 0:
		return DOTTED_CIRCLE;
	default:
		return c;
	}
}

size_t glyph_next(const char *s, size_t n, struct glyph *g)
{
	int32_t c, base;
	size_t used = utf8_decode(s, n, &c), out;
	int marks = 0;

	base = stand_in(c);
	out = utf8_encode(base, g->text);
	g->width = utf8_width(base) == 2 ? 2 : 1;
	if (base != c)
		n = used; /* a stand-in is alone */
	while (used < n) {
		size_t step = utf8_decode(s + used, n - used, &c);

		if (c == ZERO_WIDTH_JOINER && g->width == 2 && used + step < n) {
			used += step; /* the next emoji goes with it, unseen */
			step = utf8_decode(s + used, n - used, &c);
		} else if (is_variation(c) || (g->width == 2 && is_skin_tone(c))) {
			;
		} else if (c >= 0x80 && !is_format(c) && utf8_width(c) == 0) {
			if (marks < GLYPH_MARKS && out + step < GLYPH_BYTES) {
				memcpy(g->text + out, s + used, step);
				out += step;
				marks++;
			}
		} else {
			break;
		}
		used += step;
	}
	g->text[out] = '\0';
	return used;
}

/* By the arms: up 1, down 2, left 4, right 8. One arm alone is drawn as a whole line. */
static const char *const lines[16] = {
	" ", "│", "│", "│", "─", "┘", "┐", "┤", "─", "└", "┌", "├", "─", "┴", "┬", "┼",
};

unsigned glyph_arms(const char *text)
{
	static const unsigned char whole[] = { 3, 12, 5, 6, 7, 9, 10, 11, 13, 14, 15 };

	for (size_t i = 0; i < sizeof whole; i++)
		if (!strcmp(lines[whole[i]], text))
			return whole[i];
	return 0;
}

const char *glyph_line(unsigned arms)
{
	return lines[arms & 15];
}

char glyph_ascii(const char *text)
{
	static const struct {
		char ascii;
		const char *glyphs;
	} forms[] = {
		{ '|', "│▏▎▍▌▐▕╎┆" }, { '-', "─−–—╌┄" }, { '+', "┌┐└┘├┤┬┴┼" }, { '#', "█▉▊▋■▓▀▄●◆" }, { ':', "░" },
		{ '=', "▒▬" },	      { '.', "·" },	 { '_', "␣" },	       { '<', "‹«←◀◂⟨" },     { '>', "›»→▶▸⟩" },
		{ '^', "↑▲▴" },	      { 'v', "↓▼▾" },	 { 'o', "○◌◦" },       { '*', "•✓★×" },	      { '\'', "‘’′" },
		{ '"', "“”″" },	      { 'x', "✗" },	 { '!', "≠" },	       { '~', "≈∼…" },
	};
	size_t n = strlen(text);

	if (n >= 1 && (unsigned char)text[0] < 0x80)
		return text[0];
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strstr(forms[i].glyphs, text))
			return forms[i].ascii;
	return '?';
}
