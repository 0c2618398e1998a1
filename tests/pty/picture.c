/*
 * picture.c - see picture.h. A row is drawn in runs of equal colours: first the paper, then the ink. Each run of text says how wide
 * it is, so that the columns stand in line whatever the viewer's font; blocks and boxes are stretched to meet.
 */
#include "tests/pty/picture.h"

#include <stdio.h>
#include <string.h>

enum { CELL_W = 8, CELL_H = 16, BASELINE = 12, MARGIN = 8 };

static bool same_ink(struct pty_cell a, struct pty_cell b)
{
	return a.ink == b.ink && a.bold == b.bold && a.underline == b.underline;
}

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&' || *text == '<' || *text == '>')
			fprintf(out, "&#%d;", *text);
		else
			putc(*text, out);
	}
}

static void draw_paper(FILE *out, struct pty *p, int y, unsigned ground)
{
	for (int x = 0, end; x < pty_width(p); x = end) {
		unsigned paper = pty_cell_at(p, x, y).paper;

		for (end = x + 1; end < pty_width(p) && pty_cell_at(p, end, y).paper == paper; end++)
			;
		if (paper != ground)
			fprintf(out, "<rect x='%d' y='%d' width='%d' height='%d' fill='#%06x'/>\n", MARGIN + x * CELL_W,
				MARGIN + y * CELL_H, (end - x) * CELL_W, CELL_H, paper);
	}
}

static void draw_ink(FILE *out, struct pty *p, int y)
{
	for (int x = 0, end; x < pty_width(p); x = end) {
		struct pty_cell first = pty_cell_at(p, x, y);

		end = x + 1;
		if (!strcmp(first.text, " ") || !first.text[0])
			continue;
		while (end < pty_width(p)) {
			struct pty_cell next = pty_cell_at(p, end, y);

			if (next.text[0] && (!same_ink(first, next) || !strcmp(next.text, " ")))
				break;
			end++;
		}
		fprintf(out, "<text x='%d' y='%d' textLength='%d' lengthAdjust='spacingAndGlyphs' fill='#%06x'%s%s>", MARGIN + x * CELL_W,
			MARGIN + y * CELL_H + BASELINE, (end - x) * CELL_W, first.ink, first.bold ? " font-weight='bold'" : "",
			first.underline ? " text-decoration='underline'" : "");
		for (int i = x; i < end; i++)
			put_escaped(out, pty_cell_at(p, i, y).text);
		fprintf(out, "</text>\n");
	}
}

bool picture_write(struct pty *p, const char *path)
{
	FILE *out = fopen(path, "w");
	int w = pty_width(p) * CELL_W + 2 * MARGIN, h = pty_height(p) * CELL_H + 2 * MARGIN;
	unsigned ground = pty_cell_at(p, pty_width(p) - 1, pty_height(p) - 1).paper;

	if (!out)
		return false;
	fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d' "
		"font-family='DejaVu Sans Mono,Menlo,Consolas,monospace' font-size='13' xml:space='preserve'>\n"
		"<rect width='100%%' height='100%%' rx='6' fill='#%06x'/>\n", w, h, w, h, ground);
	for (int y = 0; y < pty_height(p); y++)
		draw_paper(out, p, y, ground);
	for (int y = 0; y < pty_height(p); y++)
		draw_ink(out, p, y);
	fprintf(out, "</svg>\n");
	return fclose(out) == 0;
}
