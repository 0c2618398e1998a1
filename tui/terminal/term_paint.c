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

/* ---- the order of what is written ---- */

/*
 * What changes is written in pieces, each of one ink and in one row. To switch the ink takes more bytes than most jumps, so what
 * has the ink that is there is often better written first, wherever it is: the rest of a frame's side, row after row.
 */
struct row_piece {
	int x, end, y;
	struct ink ink;
	bool blank; /* any ink with its background will do */
	bool done;
};
enum { PIECES = 256, JUMP = 4, FROM_ELSEWHERE = 8 };

/* What is written next goes from here; x < 0: nobody knows where that is. */
struct pen {
	int x, y;
	struct ink ink;
};

static int color_cost(int32_t from, int32_t to)
{
	return from == to ? 0 : to == INK_DEFAULT ? 3 : to < INK_PALETTE ? 17 : 9;
}

static int ink_cost(struct ink from, const struct row_piece *to)
{
	int cost = color_cost(from.bg, to->ink.bg);

	if (!to->blank)
		cost += color_cost(from.fg, to->ink.fg) + (from.attr != to->ink.attr ? 3 : 0);
	return cost ? cost + 2 : 0;
}

static int jump_cost(const struct pen *from, const struct row_piece *to)
{
	int down = to->y - from->y, cost;

	if (from->x < 0)
		return FROM_ELSEWHERE;
	cost = (from->x == to->x ? 0 : JUMP) + (!down ? 0 : down > 0 && down < JUMP ? down : JUMP);
	return cost < FROM_ELSEWHERE ? cost : FROM_ELSEWHERE;
}

/* After the piece is written. */
static struct pen after(struct pen from, const struct row_piece *p)
{
	struct pen to = { p->end, p->y, p->ink };

	if (p->blank) {
		to.ink = from.ink;
		to.ink.bg = p->ink.bg;
		to.ink.attr &= (uint8_t) ~(INK_REVERSE | INK_UNDERLINE);
	}
	return to;
}

static bool is_plain(struct ink ink)
{
	return !(ink.attr & (INK_REVERSE | INK_UNDERLINE));
}

/* The cell at x belongs to the piece that ends there. It is then in it. */
static bool joins(struct row_piece *p, const struct canvas *wanted, int x)
{
	const struct cell *cell = cell_of(wanted, x, p->y);
	bool blank = is_blank(cell), goes = p->ink.bg == cell->ink.bg;

	if (blank)
		goes &= is_plain(p->ink);
	else if (!p->blank)
		goes &= looks_alike(cell, cell_of(wanted, x - 1, p->y)) ||
			(p->ink.fg == cell->ink.fg && p->ink.attr == cell->ink.attr);
	if (!goes && cell->width) /* or the right half of a wide one */
		return false;
	if (p->blank && !blank)
		p->ink = cell->ink;
	p->blank &= blank;
	p->end = x + 1;
	return true;
}

static struct row_piece piece_at(const struct canvas *wanted, int x, int y)
{
	const struct cell *cell = cell_of(wanted, x, y);

	return (struct row_piece){ cell->width || !x ? x : x - 1, x + 1, y, cell->ink, is_blank(cell), false };
}

/* The pieces from (*x, *y) on of what changes before the row `to`, from left to right and down; (*x, *y) is where they end. */
static int find_pieces(struct row_piece *piece, const struct canvas *shown, const struct canvas *wanted, int *x, int *y, int to)
{
	int n = 0;

	for (; *y < to; *x = 0, ++*y) {
		int last = *y == wanted->h - 1 && pen_scrolls() ? wanted->w - 1 : wanted->w;

		for (; *x < last; ++*x) {
			struct row_piece *p = n && piece[n - 1].y == *y && piece[n - 1].end == *x ? &piece[n - 1] : NULL;

			if (looks_alike(cell_of(shown, *x, *y), cell_of(wanted, *x, *y)))
				continue;
			if (p && joins(p, wanted, *x))
				continue;
			if (n == PIECES)
				return n;
			piece[n++] = piece_at(wanted, *x, *y);
		}
	}
	return n;
}

/* The next piece that takes the least; NULL: all are done. */
static struct row_piece *cheapest(struct row_piece *piece, int n, const struct pen *from)
{
	struct row_piece *best = NULL;
	int least = 0;

	for (int i = 0; i < n; i++) {
		int cost = piece[i].done ? 0 : jump_cost(from, &piece[i]) + ink_cost(from->ink, &piece[i]);

		if (!piece[i].done && (!best || cost < least)) {
			best = &piece[i];
			least = cost;
		}
	}
	return best;
}

/* What the pieces take, about: in their order, or the cheapest one next. */
static int plan_cost(struct row_piece *piece, int n, struct pen from, bool in_order)
{
	int sum = 0;

	for (int i = 0; i < n; i++) {
		struct row_piece *p = in_order ? &piece[i] : cheapest(piece, n, &from);

		sum += jump_cost(&from, p) + ink_cost(from.ink, p);
		from = after(from, p);
		p->done = true;
	}
	for (int i = 0; i < n; i++)
		piece[i].done = false;
	return sum;
}

static void write_piece(struct str *out, const struct row_piece *p, struct canvas *shown, const struct canvas *wanted)
{
	for (int x = p->x; x < p->end;) {
		/* sent with another piece */
		if (looks_alike(cell_of(shown, x, p->y), cell_of(wanted, x, p->y)) && cell_of(shown, x, p->y)->width) {
			x++;
			continue;
		}
		if (!p->blank)
			pen_ink(out, p->ink); /* blanks at its start have it too */
		go(out, shown, wanted, x, p->y);
		x += write_from(out, shown, wanted, x, p->y);
	}
}

/* False: the terminal's ink is not known. */
static bool here(struct pen *s)
{
	pen_place(&s->x, &s->y);
	return pen_has(&s->ink);
}

static void write_pieces(struct str *out, struct row_piece *piece, int n, struct canvas *shown, const struct canvas *wanted)
{
	struct pen from;
	bool in_order = !here(&from) || plan_cost(piece, n, from, true) <= plan_cost(piece, n, from, false);

	for (int i = 0; i < n; i++) {
		struct row_piece *p;

		here(&from);
		p = in_order ? &piece[i] : cheapest(piece, n, &from);
		write_piece(out, p, shown, wanted);
		p->done = true;
	}
}

static int changed_cells(const struct canvas *shown, const struct canvas *wanted, int y)
{
	int changed = 0;

	for (int x = 0; x < wanted->w; x++)
		changed += !looks_alike(cell_of(shown, x, y), cell_of(wanted, x, y));
	return changed;
}

int paint_rows(struct str *out, struct canvas *shown, const struct canvas *wanted, int from, int to)
{
	struct row_piece piece[PIECES];
	int changed = 0;

	for (int y = from; y < to; y++)
		changed += changed_cells(shown, wanted, y);
	for (int x = 0, y = from; y < to;) {
		int n = find_pieces(piece, shown, wanted, &x, &y, to);

		write_pieces(out, piece, n, shown, wanted);
	}
	for (int y = from; y < to; y++)
		sent(shown, wanted, 0, y, wanted->w);
	return changed;
}
