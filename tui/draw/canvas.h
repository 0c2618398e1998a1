/*
 * canvas.h - the screen as cells in memory. Views and panes draw here; term.c shows it; tests read it as text.
 *
 * A cell is one grapheme cluster, reduced to what every terminal agrees on (a base character and its combining marks; of an
 * emoji sequence the first; flags as two letters), with its ink. A wide character owns two cells: the right one has width 0.
 * Whatever is drawn, each row adds up to exactly `w` columns, and no cell ever holds a control character: text from a model
 * may be given as it is. Everything is clipped to the clip rectangle.
 *
 * Lines join: a box drawn over another's edge makes ┬ ├ ┼ of it, so neighbouring panes share their borders by overlapping one
 * column or row.
 */
#ifndef LMSCOPE_TUI_DRAW_CANVAS_H
#define LMSCOPE_TUI_DRAW_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

/* A colour: INK_DEFAULT (the terminal's own), INK_RGB(0xRRGGBB), or INK_INDEX(n), one of the terminal's palette. */
enum { INK_DEFAULT = -1, INK_PALETTE = 1 << 24 };
#define INK_RGB(rgb) ((int32_t)(rgb))
#define INK_INDEX(n) ((int32_t)(INK_PALETTE | (n)))

enum { INK_BOLD = 1, INK_DIM = 2, INK_ITALIC = 4, INK_UNDERLINE = 8, INK_REVERSE = 16 };

/* How a cell is painted. Made by the theme (theme.h), for the depth of colour that the terminal has. */
struct ink {
	int32_t fg, bg;
	uint8_t attr;
	char mark; /* what canvas_dump_marks shows: the role's letter, or a digit of the ramp */
};

enum { CELL_BYTES = 20 }; /* a base character and four marks */

struct cell {
	char text[CELL_BYTES]; /* UTF-8, NUL-terminated; " " when empty */
	uint8_t width;	       /* 1 or 2; 0: the right half of the cell to the left */
	struct ink ink;
};

struct rect {
	int x, y, w, h;
};

struct canvas {
	int w, h;
	struct rect clip;
	struct cell *cell;	/* [h, w] */
	int cursor_x, cursor_y; /* where the terminal's own cursor blinks; -1: hidden */
};

void canvas_init(struct canvas *c, int w, int h);
void canvas_done(struct canvas *c);
/* Blank again, perhaps at another size; clip is all of it, the cursor hidden. */
void canvas_reset(struct canvas *c, int w, int h, struct ink ink);

/* Narrows the clip rectangle to its overlap with r; returns what it was, for canvas_unclip. */
struct rect canvas_clip(struct canvas *c, struct rect r);
void canvas_unclip(struct canvas *c, struct rect before);

void canvas_fill(struct canvas *c, struct rect r, struct ink ink);
/* Text at x, y; returns the columns it took (also beyond the clip). A wide character that would be cut becomes a space. */
int canvas_text(struct canvas *c, int x, int y, struct ink ink, const char *text);
int canvas_text_n(struct canvas *c, int x, int y, struct ink ink, const char *text, size_t n);
int canvas_textf(struct canvas *c, int x, int y, struct ink ink, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same in exactly w columns, padded with spaces: cut with "…" at the end where it is longer. */
enum align { ALIGN_LEFT, ALIGN_RIGHT, ALIGN_CENTRE };
void canvas_field(struct canvas *c, int x, int y, int w, enum align align, struct ink ink, const char *text);
/* Paragraphs, wrapped at spaces into r; returns the rows it needs (perhaps more than r.h). `skip` rows are left out first. */
int canvas_paragraph(struct canvas *c, struct rect r, int skip, struct ink ink, const char *text);
/* One glyph, repeated n times to the right. */
void canvas_repeat(struct canvas *c, int x, int y, int n, struct ink ink, const char *glyph);

/* Lines that join with what is there. A box's edges are the outermost cells of r. */
void canvas_box(struct canvas *c, struct rect r, struct ink ink);
/* New ink for the lines in r; whatever else is there is left alone. */
void canvas_tint_lines(struct canvas *c, struct rect r, struct ink ink);
/* Another background in place of one. */
void canvas_reground(struct canvas *c, struct rect r, int32_t from, int32_t to);

/* Columns of any text as it would be drawn here. */
int canvas_columns(const char *text, size_t n);

/* Every glyph to ASCII, for terminals without UTF-8: boxes to + - |, shades to the ramp " .:-=+*#%@", the rest to ?. */
void canvas_to_ascii(struct canvas *c);

/* The cells as lines of text; spaces at the ends of lines are left out. */
void canvas_dump(const struct canvas *c, struct str *out);
/* The same grid of marks: which ink is where. */
void canvas_dump_marks(const struct canvas *c, struct str *out);

/* Rectangles. */
bool rect_holds(struct rect r, int x, int y);
struct rect rect_inset(struct rect r, int by); /* never negative */

#endif
