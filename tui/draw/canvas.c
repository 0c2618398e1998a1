/* canvas.c - see canvas.h. */
#include "tui/draw/canvas.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "tui/draw/glyph.h"

_Static_assert((int)CELL_BYTES == (int)GLYPH_BYTES, "a cell holds a glyph");

bool rect_holds(struct rect r, int x, int y)
{
	return x >= r.x && x < r.x + r.w && y >= r.y && y < r.y + r.h;
}

static struct rect rect_overlap(struct rect a, struct rect b)
{
	int left = a.x > b.x ? a.x : b.x, right = a.x + a.w < b.x + b.w ? a.x + a.w : b.x + b.w;
	int top = a.y > b.y ? a.y : b.y, bottom = a.y + a.h < b.y + b.h ? a.y + a.h : b.y + b.h;

	return (struct rect){ left, top, right > left ? right - left : 0, bottom > top ? bottom - top : 0 };
}

struct rect rect_inset(struct rect r, int by)
{
	return (struct rect){ r.x + by, r.y + by, r.w > 2 * by ? r.w - 2 * by : 0, r.h > 2 * by ? r.h - 2 * by : 0 };
}

/* ---- cells ---- */

static const struct cell blank = { .text = " ", .width = 1, .ink = { INK_DEFAULT, INK_DEFAULT, 0, 0 } };

static struct cell *cell_at(struct canvas *c, int x, int y)
{
	return &c->cell[(size_t)y * (size_t)c->w + (size_t)x];
}

/* A wide character of which one half is about to be drawn over becomes spaces. */
static void part_wide(struct canvas *c, int x, int y)
{
	struct cell *cell = cell_at(c, x, y);
	struct cell *other = cell->width == 0 ? cell - 1 : cell->width == 2 ? cell + 1 : NULL;

	if (!other)
		return;
	strcpy(cell->text, " ");
	strcpy(other->text, " ");
	cell->width = other->width = 1;
}

/* One glyph into the grid: the half of a wide one that the clip hides takes its other half with it. */
static void put(struct canvas *c, int x, int y, struct ink ink, const char *text, int width)
{
	int shown = 0;

	for (int i = 0; i < width; i++)
		shown += rect_holds(c->clip, x + i, y);
	for (int i = 0; i < width; i++) {
		struct cell *cell;

		if (!rect_holds(c->clip, x + i, y))
			continue;
		part_wide(c, x + i, y);
		cell = cell_at(c, x + i, y);
		*cell = blank;
		cell->ink = ink;
		if (shown < width)
			continue;
		snprintf(cell->text, sizeof cell->text, "%s", i ? "" : text);
		cell->width = (uint8_t)(i ? 0 : width);
	}
}

void canvas_init(struct canvas *c, int w, int h)
{
	*c = (struct canvas){ 0 };
	canvas_reset(c, w, h, blank.ink);
}

void canvas_done(struct canvas *c)
{
	free(c->cell);
	*c = (struct canvas){ 0 };
}

void canvas_reset(struct canvas *c, int w, int h, struct ink ink)
{
	assert(w >= 0 && h >= 0);
	if (w != c->w || h != c->h || !c->cell)
		c->cell = xrealloc(c->cell, (size_t)w * (size_t)h * sizeof *c->cell);
	c->w = w;
	c->h = h;
	c->clip = (struct rect){ 0, 0, w, h };
	c->cursor_x = c->cursor_y = -1;
	for (int i = 0; i < w * h; i++) {
		c->cell[i] = blank;
		c->cell[i].ink = ink;
	}
}

struct rect canvas_clip(struct canvas *c, struct rect r)
{
	struct rect before = c->clip;

	c->clip = rect_overlap(before, r);
	return before;
}

void canvas_unclip(struct canvas *c, struct rect before)
{
	c->clip = before;
}

void canvas_fill(struct canvas *c, struct rect r, struct ink ink)
{
	r = rect_overlap(r, c->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			put(c, x, y, ink, " ", 1);
}

/* ---- text ---- */

int canvas_text_n(struct canvas *c, int x, int y, struct ink ink, const char *text, size_t n)
{
	struct glyph g;
	int columns = 0;

	for (size_t i = 0; i < n; columns += g.width) {
		i += glyph_next(text + i, n - i, &g);
		put(c, x + columns, y, ink, g.text, g.width);
	}
	return columns;
}

int canvas_text(struct canvas *c, int x, int y, struct ink ink, const char *text)
{
	return canvas_text_n(c, x, y, ink, text, strlen(text));
}

int canvas_textf(struct canvas *c, int x, int y, struct ink ink, const char *format, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return canvas_text(c, x, y, ink, text);
}

int canvas_columns(const char *text, size_t n)
{
	struct glyph g;
	int columns = 0;

	for (size_t i = 0; i < n; columns += g.width)
		i += glyph_next(text + i, n - i, &g);
	return columns;
}

/* The most bytes of text that take at most w columns. */
static size_t fitting(const char *text, size_t n, int w, int *columns)
{
	struct glyph g;
	size_t i = 0;

	*columns = 0;
	while (i < n) {
		size_t step = glyph_next(text + i, n - i, &g);

		if (*columns + g.width > w)
			break;
		*columns += g.width;
		i += step;
	}
	return i;
}

void canvas_field(struct canvas *c, int x, int y, int w, enum align align, struct ink ink, const char *text)
{
	size_t n = strlen(text);
	int columns, before;
	size_t fits;
	bool cut;

	if (w <= 0)
		return;
	fits = fitting(text, n, w, &columns);
	cut = fits < n;
	if (cut) {
		fits = fitting(text, n, w - 1, &columns);
		columns++;
	}
	before = align == ALIGN_LEFT ? 0 : align == ALIGN_RIGHT ? w - columns : (w - columns) / 2;
	canvas_repeat(c, x, y, before, ink, " ");
	canvas_text_n(c, x + before, y, ink, text, fits);
	if (cut)
		put(c, x + before + columns - 1, y, ink, "…", 1);
	canvas_repeat(c, x + before + columns, y, w - before - columns, ink, " ");
}

/*
 * The bytes of the next line of a paragraph, w columns wide: to the last space that fits. *next is where the line after it
 * starts.
 */
static size_t line_of(const char *text, int w, size_t *next)
{
	size_t end = strcspn(text, "\n"), fits;
	int columns;

	fits = fitting(text, end, w, &columns);
	if (fits == end) {
		*next = end + (text[end] == '\n');
		return end;
	}
	for (size_t space = fits; space > 0; space--)
		if (text[space] == ' ') {
			*next = space + 1;
			return space;
		}
	if (!fits) { /* not even one glyph fits: continue all the same */
		struct glyph g;

		fits = glyph_next(text, end, &g);
	}
	*next = fits;
	return fits;
}

int canvas_paragraph(struct canvas *c, struct rect r, int skip, struct ink ink, const char *text)
{
	struct rect before = canvas_clip(c, r);
	int rows = 0;

	for (size_t next; *text && r.w > 0; text += next, rows++) {
		size_t n = line_of(text, r.w, &next);

		canvas_text_n(c, r.x, r.y + rows - skip, ink, text, n);
	}
	canvas_unclip(c, before);
	return rows;
}

void canvas_repeat(struct canvas *c, int x, int y, int n, struct ink ink, const char *glyph)
{
	for (int i = 0; i < n; i++)
		put(c, x + i, y, ink, glyph, 1);
}

/* ---- lines ---- */

static void join(struct canvas *c, int x, int y, struct ink ink, unsigned arms)
{
	if (rect_holds(c->clip, x, y))
		put(c, x, y, ink, glyph_line(arms | glyph_arms(cell_at(c, x, y)->text)), 1);
}

void canvas_box(struct canvas *c, struct rect r, struct ink ink)
{
	if (r.w < 2 || r.h < 2)
		return;
	for (int i = 0; i < 4; i++)
		join(c, i & 1 ? r.x + r.w - 1 : r.x, i & 2 ? r.y + r.h - 1 : r.y, ink,
		     (i & 1 ? ARM_LEFT : ARM_RIGHT) | (i & 2 ? ARM_UP : ARM_DOWN));
	for (int i = 0; i < 2; i++) {
		for (int x = 1; x < r.w - 1; x++)
			join(c, r.x + x, i ? r.y + r.h - 1 : r.y, ink, ARM_LEFT | ARM_RIGHT);
		for (int y = 1; y < r.h - 1; y++)
			join(c, i ? r.x + r.w - 1 : r.x, r.y + y, ink, ARM_UP | ARM_DOWN);
	}
}

void canvas_tint_lines(struct canvas *c, struct rect r, struct ink ink)
{
	r = rect_overlap(r, c->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			if (glyph_arms(cell_at(c, x, y)->text))
				cell_at(c, x, y)->ink = ink;
}

void canvas_reground(struct canvas *c, struct rect r, int32_t from, int32_t to)
{
	r = rect_overlap(r, c->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			if (cell_at(c, x, y)->ink.bg == from)
				cell_at(c, x, y)->ink.bg = to;
}

/* ---- out ---- */

/* The cell so many columns on is, or is not, a blank of a text that cell i is part of. */
static bool same_text(const struct canvas *c, int i, int by, bool empty)
{
	const struct cell *here = &c->cell[i], *there = here + by;

	return i % c->w + by >= 0 && i % c->w + by < c->w && !strcmp(there->text, " ") == empty && there->width == 1 &&
	       there->ink.fg == here->ink.fg && there->ink.bg == here->ink.bg && there->ink.attr == here->ink.attr;
}

/*
 * A dot between words, with a blank on either side, parts them. Any other is the mark of a space in a token, and no full stop:
 * values next to nothing are drawn with theme_dot().
 */
static bool is_space_mark(const struct canvas *c, int i)
{
	return !strcmp(c->cell[i].text, "·") &&
	       !(same_text(c, i, -2, false) && same_text(c, i, -1, true) && same_text(c, i, 1, true) && same_text(c, i, 2, false));
}

void canvas_to_ascii(struct canvas *c)
{
	for (int i = 0; i < c->w * c->h; i++) {
		struct cell *cell = &c->cell[i];
		char ascii = !cell->width ? ' ' : is_space_mark(c, i) ? '_' : glyph_ascii(cell->text);

		cell->text[0] = ascii;
		cell->text[1] = '\0';
		cell->width = 1;
	}
}

void canvas_dump(const struct canvas *c, struct str *out)
{
	for (int y = 0; y < c->h; y++) {
		size_t end = out->n;

		for (int x = 0; x < c->w; x++) {
			const char *text = c->cell[(size_t)y * (size_t)c->w + (size_t)x].text;

			str_add(out, text);
			if (strcmp(text, " ") && *text)
				end = out->n;
		}
		out->n = end;
		str_add_char(out, '\n');
	}
}

void canvas_dump_marks(const struct canvas *c, struct str *out)
{
	for (int y = 0; y < c->h; y++) {
		for (int x = 0; x < c->w; x++) {
			char mark = c->cell[(size_t)y * (size_t)c->w + (size_t)x].ink.mark;

			str_add_char(out, mark ? mark : ' ');
		}
		str_add_char(out, '\n');
	}
}
