/* cells.c - see cells.h. */
#include "tui/figure/cells.h"

#include <string.h>

#include "tui/figure/svg.h"

/* As high as the type's own lines, so that boxes and half blocks meet. */
enum { CELL_W = 8, CELL_H = 15, BASELINE = 12, MARGIN = 8 };
static const int32_t PAPER = 0xFFFFFF, TYPE = 0x000000;

static struct cell cell_at(const struct canvas *c, int x, int y)
{
	struct cell cell = c->cell[(size_t)y * (size_t)c->w + (size_t)x];

	if (cell.ink.attr & INK_REVERSE) {
		int32_t fg = cell.ink.fg;

		cell.ink.fg = cell.ink.bg == INK_DEFAULT ? INK_RGB(PAPER) : cell.ink.bg;
		cell.ink.bg = fg == INK_DEFAULT ? INK_RGB(TYPE) : fg;
	}
	return cell;
}

static bool is_blank(const struct cell *cell)
{
	return !cell->text[0] || !strcmp(cell->text, " ");
}

/* ---- SVG: first the paper of a row, then the ink ---- */

static void rect(struct str *out, int x, int y, int w, int32_t fill)
{
	str_addf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"", MARGIN + x * CELL_W, MARGIN + y * CELL_H,
		 w * CELL_W, CELL_H);
	svg_color(out, fill, PAPER);
	str_add(out, "\"/>\n");
}

static void draw_paper(const struct canvas *c, int y, int32_t ground, struct str *out)
{
	for (int x = 0, end; x < c->w; x = end) {
		int32_t paper = cell_at(c, x, y).ink.bg;

		for (end = x + 1; end < c->w && cell_at(c, end, y).ink.bg == paper; end++)
			;
		if (paper != ground)
			rect(out, x, y, end - x, paper);
	}
}

static bool same_type(const struct cell *a, const struct cell *b)
{
	return a->ink.fg == b->ink.fg && a->ink.attr == b->ink.attr;
}

/* Where the run ends that begins at x: cells of one ink without a blank between. */
static int end_of_run(const struct canvas *c, int x, int y)
{
	struct cell first = cell_at(c, x, y);
	int end = x + 1;

	for (; end < c->w; end++) {
		struct cell next = cell_at(c, end, y);

		if (next.width && (is_blank(&next) || !same_type(&first, &next)))
			break;
	}
	return end;
}

static void draw_run(const struct canvas *c, int x, int end, int y, struct str *out)
{
	struct cell first = cell_at(c, x, y);

	str_addf(out, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\" fill=\"", MARGIN + x * CELL_W,
		 MARGIN + y * CELL_H + BASELINE, (end - x) * CELL_W);
	svg_color(out, first.ink.fg, TYPE);
	str_addf(out, "\"%s%s%s%s>", first.ink.attr & INK_BOLD ? " font-weight=\"bold\"" : "",
		 first.ink.attr & INK_ITALIC ? " font-style=\"italic\"" : "",
		 first.ink.attr & INK_UNDERLINE ? " text-decoration=\"underline\"" : "",
		 first.ink.attr & INK_DIM ? " fill-opacity=\".6\"" : "");
	for (; x < end; x++) {
		struct cell cell = cell_at(c, x, y);

		if (cell.width)
			svg_characters(out, cell.text, strlen(cell.text));
	}
	str_add(out, "</text>\n");
}

static void draw_ink(const struct canvas *c, int y, struct str *out)
{
	for (int x = 0, end; x < c->w; x = end) {
		struct cell first = cell_at(c, x, y);

		end = is_blank(&first) ? x + 1 : end_of_run(c, x, y);
		if (!is_blank(&first))
			draw_run(c, x, end, y, out);
	}
}

void cells_svg(const struct canvas *c, struct str *out)
{
	int w = c->w * CELL_W + 2 * MARGIN, h = c->h * CELL_H + 2 * MARGIN;
	int32_t ground = cell_at(c, c->w - 1, c->h - 1).ink.bg;

	str_addf(out,
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		 "width=\"%d\" height=\"%d\" font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" font-size=\"13\" "
		 "xml:space=\"preserve\">\n"
		 "<rect width=\"100%%\" height=\"100%%\" rx=\"6\" fill=\"",
		 w, h, w, h);
	svg_color(out, ground, PAPER);
	str_add(out, "\"/>\n");
	for (int y = 0; y < c->h; y++)
		draw_paper(c, y, ground, out);
	for (int y = 0; y < c->h; y++)
		draw_ink(c, y, out);
	str_add(out, "</svg>\n");
}

/* ---- SGR ---- */

/* 3 or 4: the foreground's or the background's codes begin so. */
static void add_color(struct str *out, int32_t ink, int ground)
{
	int index = ink & 255;

	if (ink == INK_DEFAULT)
		return;
	if (!(ink & INK_PALETTE))
		str_addf(out, ";%d8;2;%d;%d;%d", ground, (int)(ink >> 16 & 255), (int)(ink >> 8 & 255), index);
	else if (index < 8)
		str_addf(out, ";%d%d", ground, index);
	else if (index < 16)
		str_addf(out, ";%d%d", ground + 6, index - 8);
	else
		str_addf(out, ";%d8;5;%d", ground, index);
}

static void add_ink(struct str *out, struct ink ink)
{
	static const struct {
		uint8_t attr;
		char code;
	} codes[] = { { INK_BOLD, '1' }, { INK_DIM, '2' }, { INK_ITALIC, '3' }, { INK_UNDERLINE, '4' }, { INK_REVERSE, '7' } };

	str_add(out, "\033[0");
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (ink.attr & codes[i].attr)
			str_addf(out, ";%c", codes[i].code);
	add_color(out, ink.fg, 3);
	add_color(out, ink.bg, 4);
	str_add_char(out, 'm');
}

static bool same_ink(struct ink a, struct ink b)
{
	return a.fg == b.fg && a.bg == b.bg && a.attr == b.attr;
}

/* A blank cell on the ground that the whole canvas has, with nothing that would be seen on it. */
static bool is_empty(const struct cell *cell, int32_t ground)
{
	return is_blank(cell) && cell->ink.bg == ground && !(cell->ink.attr & (INK_UNDERLINE | INK_REVERSE));
}

void cells_ans(const struct canvas *c, struct str *out)
{
	static const struct ink plain = { INK_DEFAULT, INK_DEFAULT, 0, 0 };
	int32_t ground = c->w && c->h ? c->cell[(size_t)c->w * (size_t)c->h - 1].ink.bg : INK_DEFAULT;

	for (int y = 0; y < c->h; y++) {
		const struct cell *row = c->cell + (size_t)y * (size_t)c->w;
		struct ink now = plain;
		int end = c->w;

		/* A ground of its own fills the whole rectangle; the terminal's need not be written. */
		while (end > 0 && ground == INK_DEFAULT && is_empty(&row[end - 1], ground))
			end--;
		for (int x = 0; x < end; x++) {
			if (!row[x].width)
				continue;
			if (!same_ink(row[x].ink, now))
				add_ink(out, row[x].ink);
			now = row[x].ink;
			str_add(out, row[x].text);
		}
		str_add(out, same_ink(now, plain) ? "\n" : "\033[0m\n");
	}
}
