/*
 * glyph.h - the shapes that the screen is drawn with: text cut into what fits a cell, lines that join, and ASCII forms.
 */
#ifndef LMSCOPE_TUI_DRAW_GLYPH_H
#define LMSCOPE_TUI_DRAW_GLYPH_H

#include <stddef.h>
#include <stdint.h>

enum { GLYPH_BYTES = 20, GLYPH_MARKS = 4 }; /* a base character and its combining marks: what ncurses keeps in a cell */

struct glyph {
	char text[GLYPH_BYTES]; /* UTF-8, NUL-terminated */
	int width;		/* 1 or 2 */
};

/*
 * Takes the next glyph off s[n] (n >= 1) and returns the bytes used. Terminals disagree about sequences, so a glyph is what
 * they all draw alike: a base and its marks; of joined emoji the first, skin tones and variation selectors left out; flags as
 * letters. Controls become their pictures (␛), what is invisible or not UTF-8 a visible stand-in.
 */
size_t glyph_next(const char *s, size_t n, struct glyph *g);

/* Lines: the arms of a box-drawing glyph, 0 for anything else, and the glyph with these arms. */
enum { ARM_UP = 1, ARM_DOWN = 2, ARM_LEFT = 4, ARM_RIGHT = 8 };
unsigned glyph_arms(const char *text);
const char *glyph_line(unsigned arms);

/* The ASCII character that stands for a glyph. */
char glyph_ascii(const char *text);

#endif
