/*
 * svg.h - an SVG, element by element, that strict XML parsers read. Text stays text: it can be selected and searched, and whatever
 * bytes a model or a person wrote come out as characters that XML has, with controls made visible.
 *
 * Lengths are in points. Colours are inks as the theme gives them: 0xRRGGBB, an index of the palette, or INK_DEFAULT.
 */
#ifndef LMSCOPE_TUI_FIGURE_SVG_H
#define LMSCOPE_TUI_FIGURE_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

/* Where a text is set: its anchor is its beginning, its middle or its end. */
enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

struct svg_type {
	double size;
	int32_t color;
	enum svg_anchor anchor;
	bool mono, bold, italic;
	double angle; /* degrees, clockwise about the anchor */
};

/* `about` is the figure's text for those who cannot see it; NULL: none. */
void svg_begin(struct str *out, double w, double h, const char *title, const char *about);
void svg_end(struct str *out);

void svg_rect(struct str *out, double x, double y, double w, double h, int32_t fill);
/* Rounded, with a thin line around it. */
void svg_box(struct str *out, double x, double y, double w, double h, int32_t fill, int32_t line);
void svg_line(struct str *out, double x1, double y1, double x2, double y2, int32_t color, double width);
/* From one point up to another, upright at both ends. */
void svg_curve(struct str *out, double x1, double y1, double x2, double y2, int32_t color, double width);
void svg_text(struct str *out, double x, double y, struct svg_type type, const char *text);
/* A group; `hint` is what a browser shows under the mouse (NULL: nothing). */
void svg_group(struct str *out, const char *hint);
void svg_group_turned(struct str *out, double angle, double x, double y);
void svg_group_end(struct str *out);
/* A rectangle filled from left to right with n colours, and a thin line around it; `id` is the gradient's, unique in the file. */
void svg_gradient(struct str *out, const char *id, double x, double y, double w, double h, const int32_t *color, int n,
		  int32_t line);

/* Any bytes as XML's character data, between tags or within quotes. */
void svg_characters(struct str *out, const char *bytes, size_t n);
/* #rrggbb; `usual` where the ink is the terminal's own. */
void svg_color(struct str *out, int32_t ink, int32_t usual);
/* At most two decimals, whatever the locale. */
void svg_number(struct str *out, double x);

/* About as wide as a viewer will set it: exact for the monospaced type. */
double svg_width(const char *text, double size, bool mono);

#endif
