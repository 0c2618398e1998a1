/*
 * bars.c - one column of signed values as horizontal bars around zero: what each component adds, with its number.
 *
 *     0.attn   0.31  ▕▏
 *     0.mlp   -1.20 ▐█│        was -0.90
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/views/views.h"

enum { LABEL_MAX = 16, BAR_MIN = 6, WAS_W = 12 };

void bar_draw(struct canvas *c, int x, int y, int eighths, struct ink ink, bool ascii)
{
	static const char *const part[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	bool left = eighths < 0;
	int n = left ? -eighths : eighths, whole = ascii ? (n + 4) / 8 : n / 8, rest = ascii ? 0 : n % 8;

	canvas_repeat(c, left ? x - whole : x, y, whole, ink, "█");
	if (rest && !left)
		canvas_text(c, x + whole, y, ink, part[rest]);
	if (rest && left) { /* there are no blocks that grow leftwards: the other part of the cell, reversed */
		ink.attr ^= INK_REVERSE;
		canvas_text(c, x - whole - 1, y, ink, part[8 - rest]);
	}
}

/* The shown column: the one under the cursor, or the first. */
static int shown_column(const struct view *v)
{
	return v->col < 0 ? 0 : clamp(v->col, 0, v->table->cols.n - 1);
}

static void bars_plan(const struct view *v, enum zoom zoom, struct plan *p)
{
	struct rect r = v->rect;
	int margin = r.w >= MARGIN_FROM, foot = r.h >= 10 ? 3 : r.h >= 4 ? 2 : r.h >= 3;

	(void)zoom; /* bars have but one */
	p->zoom = ZOOM_NUMBER;
	p->label_w = clamp(label_columns(&v->table->rows, LABEL_MAX), 1, clamp(r.w / 3, 2, LABEL_MAX));
	p->label_x = r.x + margin;
	p->cells = (struct rect){ p->label_x + p->label_w + 1, r.y, 0, 0 };
	p->cells.w = r.x + r.w - p->cells.x;
	p->cell_w = p->cells.w > 0 ? p->cells.w : 1;
	p->rows = v->table->rows.n;
	p->cols = p->page_cols = 1;
	p->foot_lines = 0;
	p->page_rows = clamp(r.h - (foot ? 1 : 0), 1, p->rows);
	p->foot_lines = foot_lines(v, &view_bars, p, foot);
	p->page_rows = clamp(r.h - p->foot_lines, 1, p->rows);
	p->cells.h = p->page_rows;
}

static struct view_need bars_need(const struct view *v, enum zoom zoom)
{
	enum { SOME = 4, FOOT = 1, FOOT_MOST = 3, BAR_WANT = 20, BAR_MOST = 60 };
	int rows = v->table->rows.n, label = 1 + clamp(label_columns(&v->table->rows, LABEL_MAX), 1, LABEL_MAX) + 1;
	int number = number_form(v->table, shown_column(v)).width + 2;

	(void)zoom;
	return (struct view_need){
		.min = { (rows < SOME ? rows : SOME) + FOOT, label + number + BAR_MIN },
		.want = { rows + FOOT, label + number + BAR_WANT + (v->before ? WAS_W : 0) },
		.most = { rows + FOOT_MOST, label + number + BAR_MOST + WAS_W },
	};
}

struct bar_ground bar_ground_of(const struct view *v, int col, int x, int w)
{
	struct bar_ground g = { .x = x, .w = w };
	double lo = 0, hi = 0;

	for (int pass = 0; pass < 3; pass++) {
		const struct table *t = pass == 0 ? v->table : pass == 1 ? v->before : v->table->unfinished ? v->older : NULL;

		for (int r = 0; t && col < t->cols.n && r < t->rows.n; r++) {
			double value = (double)t->value[table_cell(t, r, col)];

			if (isfinite(value)) {
				lo = fmin(lo, value);
				hi = fmax(hi, value);
			}
		}
	}
	if (hi - lo <= 0 || w < 2)
		return g;
	g.zero = lo < 0 ? clamp((int)lround(w * -lo / (hi - lo)), 1, hi > 0 ? w - 1 : w) : 0;
	g.eighths = fmin(lo < 0 ? g.zero * 8 / -lo : INFINITY, hi > 0 ? (w - g.zero) * 8 / hi : INFINITY);
	return g;
}

static int eighths_of(const struct bar_ground *g, double value)
{
	return isfinite(value) ? (int)lround(value * g->eighths) : 0;
}

void bar_of(struct canvas *c, const struct view *v, const struct bar_ground *g, int y, double now, double before, bool older)
{
	bool ascii = theme_ascii(v->theme);
	int to = eighths_of(g, now), was = eighths_of(g, before);
	struct ink ghost = theme_ink(v->theme, STYLE_GHOST);
	struct ink ink = theme_ink(v->theme, v->stale || older ? STYLE_STALE : now < 0 ? STYLE_NEGATIVE : STYLE_POSITIVE);
	int cells = (abs(was) + 4) / 8;

	if (isfinite(before) && was != to)
		canvas_repeat(c, g->x + g->zero - (was < 0 ? cells : 0), y, cells, ghost, "░");
	if (g->zero > 0 && g->zero < g->w)
		canvas_text(c, g->x + g->zero, y, theme_ink(v->theme, STYLE_BORDER), "▏");
	bar_draw(c, g->x + g->zero, y, to, ink, ascii);
}

static void draw_row(struct canvas *c, const struct view *v, const struct plan *p, const struct bar_ground *g,
		     const struct number_form *form, int y, int row)
{
	const struct table *t = v->table, *b = v->before;
	int col = shown_column(v);
	bool here = v->row >= 0 && clamp(v->row, 0, t->rows.n - 1) == row,
	     same_shape = b && b->rows.n == t->rows.n && b->cols.n > col;
	const char *label = t->rows.show[row];
	double older = (double)older_value(v, row, col), now = isnan(older) ? (double)t->value[table_cell(t, row, col)] : older;
	double before = same_shape ? (double)b->value[table_cell(b, row, col)] : (double)NAN;
	struct ink ink = isnan(older) ? theme_ink(v->theme, STYLE_TEXT) : older_ink(v);
	char number[NUMBER_BYTES], was[NUMBER_BYTES + 8];

	canvas_field(c, p->label_x, y, p->label_w, ALIGN_RIGHT, label_ink(v, label, here), label);
	canvas_field(c, p->cells.x, y, form->width, ALIGN_RIGHT, here ? cursor_ink(v, ink) : ink,
		     number_print(form, (float)now, number));
	if (here)
		cursor_brackets(c, v, p->cells.x - 1, y, form->width + 2);
	bar_of(c, v, g, y, now, before, !isnan(older));
	if (same_shape && g->x + g->w + WAS_W <= v->rect.x + v->rect.w + 1 && isfinite(before) && before != now) {
		snprintf(was, sizeof was, "was %s", number_print(form, (float)before, number));
		canvas_field(c, g->x + g->w + 1, y, WAS_W - 2, ALIGN_RIGHT, theme_ink(v->theme, STYLE_GHOST), was);
	}
}

static void bars_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	int col = shown_column(v), end = v->rect.x + v->rect.w;
	struct number_form form = number_form(v->table, col);
	int x = p->cells.x + form.width + 2;
	bool was = v->before && end - x >= BAR_MIN + WAS_W;
	struct bar_ground g = bar_ground_of(v, col, x, clamp(end - x - (was ? WAS_W : 1), 0, end));

	for (int i = 0; i < p->page_rows; i++)
		draw_row(c, v, p, &g, &form, p->cells.y + i, plan_table_row(p, v->table, p->top + i));
}

/* More columns than one only where the technique says that one at a time is to be seen; bars begin at zero. */
static enum fit bars_fits(const struct table *t)
{
	return t->look == LOOK_BARS ? FITS_BEST : t->look == LOOK_TREE || (t->cols.n == 1 && t->neutral == 0) ? FITS : FITS_NOT;
}

const struct view_kind view_bars = { .fits = bars_fits, .plan = bars_plan, .draw = bars_draw, .need = bars_need };
