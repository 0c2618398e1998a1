/* term_paint.c - see term_paint.h. */
#include "tui/terminal/term_paint.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "engine/base/utf8.h"
#include "tui/terminal/term_pen.h"

static const struct cell *cell_of(const struct canvas *c, int x, int y)
{
	return &c->cell[(size_t)y * (size_t)c->w + (size_t)x];
}

/* Nothing but its background is seen. */
static bool is_blank(const struct cell *cell)
{
	return cell->text[0] == ' ' && !cell->text[1] && !(cell->ink.attr & (INK_REVERSE | INK_UNDERLINE));
}

static bool looks_alike(const struct cell *a, const struct cell *b)
{
	if (is_blank(a) && is_blank(b))
		return a->ink.bg == b->ink.bg;
	return a->width == b->width && a->ink.fg == b->ink.fg && a->ink.bg == b->ink.bg && a->ink.attr == b->ink.attr &&
	       !strcmp(a->text, b->text);
}

/* The ink that a cell needs, given the one that is there: a blank takes any that has its background. */
static struct ink needed(const struct cell *cell)
{
	struct ink now, ink = cell->ink;

	if (!is_blank(cell) || !pen_has(&now))
		return ink;
	ink.fg = now.fg;
	ink.attr = now.attr & (uint8_t) ~(INK_REVERSE | INK_UNDERLINE);
	return ink;
}

static bool has_ink_for(const struct cell *cell)
{
	struct ink now, ink = needed(cell);

	return pen_has(&now) && now.fg == ink.fg && now.bg == ink.bg && now.attr == ink.attr;
}

/*
 * The glyph as the C library sees it: where it does not agree about the columns, a question mark keeps the grid. Returns the
 * bytes.
 */
static size_t glyph(const struct cell *cell, char text[CELL_BYTES])
{
	size_t n = strlen(cell->text), i = 0, out = 0;
	int32_t c;

	while (i < n) {
		size_t step = utf8_decode(cell->text + i, n - i, &c);

		if (wcwidth((wchar_t)c) == (i ? 0 : cell->width)) {
			memcpy(text + out, cell->text + i, step);
			out += step;
		} else if (!i) {
			break;
		}
		i += step;
	}
	if (!out) {
		memcpy(text, "? ", 2);
		out = cell->width == 2 ? 2 : 1;
	}
	return out;
}

/* The n cells from x on have been sent. */
static void sent(struct canvas *shown, const struct canvas *wanted, int x, int y, int n)
{
	memcpy(&shown->cell[(size_t)y * (size_t)shown->w + (size_t)x], cell_of(wanted, x, y), (size_t)n * sizeof *wanted->cell);
}

/* One character without marks, which the C library takes as it is. */
static bool is_single(const struct cell *cell)
{
	char text[CELL_BYTES];
	size_t n = strlen(cell->text);
	int32_t c;

	return utf8_decode(cell->text, n, &c) == n && glyph(cell, text) == n;
}

static void write_cell(struct str *out, struct canvas *shown, const struct canvas *c, int x, int y)
{
	const struct cell *cell = cell_of(c, x, y);
	char text[CELL_BYTES];

	sent(shown, c, x, y, cell->width == 2 && x + 1 < c->w ? 2 : 1);
	pen_ink(out, needed(cell));
	str_add_n(out, text, glyph(cell, text));
	pen_moved(cell->width, c->w);
	if (cell->width == 2)
		pen_lost(); /* terminals disagree about the widths of some */
}

/* To x in this row: on over the cells between, where that is shorter than to jump, or by a jump. */
static void go(struct str *out, struct canvas *shown, const struct canvas *c, int x, int y)
{
	int from, jump = pen_distance(x, y, &from), bytes = 0;
	char text[CELL_BYTES];

	for (int i = from; from >= 0 && i < x && bytes < jump; i++) {
		const struct cell *cell = cell_of(c, i, y);

		bytes += cell->width == 1 && has_ink_for(cell) ? (int)glyph(cell, text) : PEN_FAR;
	}
	if (jump < PEN_FAR && from < x && bytes < jump)
		for (int i = from; i < x; i++)
			write_cell(out, shown, c, i, y);
	else
		pen_go(out, x, y);
}

/* The cells from x on that are the same as the one at x. */
static int run_of(const struct canvas *c, int x, int y)
{
	int n = 1;

	while (x + n < c->w && looks_alike(cell_of(c, x, y), cell_of(c, x + n, y)))
		n++;
	return n;
}

/* The last cell of the run [x, x + n) that changes, as a count. */
static int changed_in(const struct canvas *shown, const struct canvas *wanted, int x, int y, int n)
{
	while (n > 1 && looks_alike(cell_of(shown, x + n - 1, y), cell_of(wanted, x + n - 1, y)))
		n--;
	return n;
}

/* Writes the cell at x and what goes with it in one sequence; returns how many cells that were. */
static int write_from(struct str *out, struct canvas *shown, const struct canvas *wanted, int x, int y)
{
	enum {
		ERASED = 4, /* as long as the sequence, about */
		/* columns at the edge: after REP libvterm, Neovim's terminal, takes the last but one for the last */
		SHY = 2,
	};
	const struct cell *cell = cell_of(wanted, x, y);
	int run = cell->width == 1 ? run_of(wanted, x, y) : 1, changed = changed_in(shown, wanted, x, y, run);
	int repeated;

	if (is_blank(cell) && changed >= ERASED && pen_erases(cell->ink)) {
		pen_ink(out, needed(cell));
		if (x + run == wanted->w) {
			pen_erase_line(out);
			sent(shown, wanted, x, y, run);
			return run;
		}
	}
	write_cell(out, shown, wanted, x, y);
	repeated = x + changed > wanted->w - SHY ? wanted->w - SHY - x - 1 : changed - 1;
	if (cell->width == 1 && is_single(cell) && pen_repeat(out, repeated, strlen(cell->text))) {
		pen_moved(repeated, wanted->w);
		changed = repeated + 1;
	} else if (!is_blank(cell) || !pen_erases(cell->ink) || !pen_erase(out, changed - 1)) {
		return cell->width ? cell->width : 1;
	}
	sent(shown, wanted, x, y, changed);
	return changed;
}

/* ---- the order within a row ---- */

/*
 * A row is written in pieces, each of one ink. To switch the ink takes three times the bytes of a jump, so what has the ink that is
 * there is often better written first, wherever in the row it is.
 */
struct piece {
	int x, end;
	struct ink ink;
	bool blank; /* any ink with its background will do */
	bool done;
};
enum { PIECES = 64, JUMP = 5, FROM_ELSEWHERE = 8 };

static int color_cost(int32_t from, int32_t to)
{
	return from == to ? 0 : to == INK_DEFAULT ? 3 : to < INK_PALETTE ? 17 : 9;
}

static int ink_cost(struct ink from, const struct piece *to)
{
	int cost = color_cost(from.bg, to->ink.bg);

	if (!to->blank)
		cost += color_cost(from.fg, to->ink.fg) + (from.attr != to->ink.attr ? 3 : 0);
	return cost ? cost + 2 : 0;
}

static int jump_cost(int from, int to)
{
	return from == to ? 0 : from < 0 ? FROM_ELSEWHERE : JUMP;
}

static struct ink ink_after(struct ink from, const struct piece *p)
{
	if (!p->blank)
		return p->ink;
	from.bg = p->ink.bg;
	from.attr &= (uint8_t) ~(INK_REVERSE | INK_UNDERLINE);
	return from;
}

/* The pieces from *x on of what changes in the row; *x is where they end. */
static int find_pieces(struct piece *piece, const struct canvas *shown, const struct canvas *wanted, int y, int *x, int last)
{
	int n = 0;

	for (; *x < last; (*x)++) {
		const struct cell *cell = cell_of(wanted, *x, y);
		struct piece *p = n ? &piece[n - 1] : NULL;
		bool blank = is_blank(cell), joins;

		if (looks_alike(cell_of(shown, *x, y), cell))
			continue;
		joins = p && p->end == *x && p->ink.bg == cell->ink.bg &&
			(blank ? !(p->ink.attr & (INK_REVERSE | INK_UNDERLINE))
			       : p->blank || looks_alike(cell, cell_of(wanted, *x - 1, y)) ||
					 (p->ink.fg == cell->ink.fg && p->ink.attr == cell->ink.attr));
		joins |= p && p->end == *x && !cell->width; /* the right half of a wide one */
		if (!joins && n == PIECES)
			break;
		if (!joins)
			piece[n++] = (struct piece){ cell->width || !*x ? *x : *x - 1, *x, cell->ink, blank, false };
		p = &piece[n - 1];
		if (p->blank && !blank)
			p->ink = cell->ink;
		p->blank &= blank;
		p->end = *x + 1;
	}
	return n;
}

/* The next piece that takes the least; NULL: all are done. */
static struct piece *cheapest(struct piece *piece, int n, int from, struct ink ink, int *cost)
{
	struct piece *best = NULL;

	for (int i = 0; i < n; i++) {
		int c = piece[i].done ? 0 : jump_cost(from, piece[i].x) + ink_cost(ink, &piece[i]);

		if (!piece[i].done && (!best || c < *cost)) {
			best = &piece[i];
			*cost = c;
		}
	}
	return best;
}

/* What the pieces take, about: in their order from left to right, or the cheapest one next. */
static int plan_cost(struct piece *piece, int n, int from, struct ink ink, bool in_order)
{
	int sum = 0, cost = 0;

	for (int i = 0; i < n; i++) {
		struct piece *p = in_order ? &piece[i] : cheapest(piece, n, from, ink, &cost);

		sum += jump_cost(from, p->x) + ink_cost(ink, p);
		ink = ink_after(ink, p);
		from = p->end;
		p->done = true;
	}
	for (int i = 0; i < n; i++)
		piece[i].done = false;
	return sum;
}

static void write_piece(struct str *out, const struct piece *p, struct canvas *shown, const struct canvas *wanted, int y)
{
	for (int x = p->x; x < p->end;) {
		/* sent with another piece */
		if (looks_alike(cell_of(shown, x, y), cell_of(wanted, x, y)) && cell_of(shown, x, y)->width) {
			x++;
			continue;
		}
		if (!p->blank)
			pen_ink(out, p->ink); /* blanks at its start have it too */
		go(out, shown, wanted, x, y);
		x += write_from(out, shown, wanted, x, y);
	}
}

static void write_pieces(struct str *out, struct piece *piece, int n, struct canvas *shown, const struct canvas *wanted, int y)
{
	struct ink ink;
	int from, cost;
	bool in_order;

	pen_distance(0, y, &from);
	in_order = !pen_has(&ink) || plan_cost(piece, n, from, ink, true) <= plan_cost(piece, n, from, ink, false);
	for (int i = 0; i < n; i++) {
		struct piece *p;

		pen_has(&ink);
		pen_distance(0, y, &from);
		p = in_order ? &piece[i] : cheapest(piece, n, from, ink, &cost);
		write_piece(out, p, shown, wanted, y);
		p->done = true;
	}
}

static int paint_row(struct str *out, struct canvas *shown, const struct canvas *wanted, int y)
{
	int changed = 0, last = y == wanted->h - 1 && pen_scrolls() ? wanted->w - 1 : wanted->w;
	struct piece piece[PIECES];

	for (int x = 0; x < wanted->w; x++)
		changed += !looks_alike(cell_of(shown, x, y), cell_of(wanted, x, y));
	for (int x = 0; x < last;) {
		int n = find_pieces(piece, shown, wanted, y, &x, last);

		write_pieces(out, piece, n, shown, wanted, y);
	}
	sent(shown, wanted, 0, y, wanted->w);
	return changed;
}

int paint_rows(struct str *out, struct canvas *shown, const struct canvas *wanted, int from, int to)
{
	int changed = 0;

	for (int y = from; y < to; y++)
		changed += paint_row(out, shown, wanted, y);
	return changed;
}
