/*
 * bars.c - each column of a table as bars around zero, with their numbers; several columns are side by side, each on its own scale.
 * The values before the edits are outlines; standard errors are lines.
 */
#include "tui/figure/parts.h"

#include <math.h>
#include <string.h>

#define BAR_W 190.0
#define ROW_H 11.0
#define BAR_H 7.0
#define BASE 0.36

static const int32_t NOTHING = INK_DEFAULT;

/* From which x zero is, and how many points a unit takes. */
struct ruler {
	double zero, unit;
};

static double number_w(const struct table *t, int col)
{
	return number_form(t, col).width * SIZE_NUMBER * 0.602 + 2 * ROOM;
}

static double panel_w(const struct table *t, int col)
{
	return number_w(t, col) + BAR_W + 4 * ROOM;
}

static void bars_size(const struct figure *f, double *w, double *h)
{
	*w = figure_labels_width(&f->t->rows) + ROOM;
	for (int c = 0; c < f->t->cols.n; c++)
		*w += panel_w(f->t, c);
	*h = ROW_H * (f->t->rows.n + 1);
}

static const struct table *table_before(const struct figure *f)
{
	const struct table *b = f->a->before;

	return b && b->rows.n == f->t->rows.n && b->cols.n == f->t->cols.n ? b : NULL;
}

static void stretch(double value, double *lo, double *hi)
{
	if (isfinite(value)) {
		*lo = fmin(*lo, value);
		*hi = fmax(*hi, value);
	}
}

static struct ruler ruler_of(const struct figure *f, int col)
{
	const struct table *t = f->t, *b = table_before(f);
	double lo = 0, hi = 0;

	for (int r = 0; r < t->rows.n; r++) {
		size_t cell = table_cell(t, r, col);
		double error = t->error && isfinite(t->error[cell]) ? (double)t->error[cell] : 0;

		stretch((double)t->value[cell] - error, &lo, &hi);
		stretch((double)t->value[cell] + error, &lo, &hi);
		stretch(b ? (double)b->value[cell] : 0, &lo, &hi);
	}
	return hi > lo ? (struct ruler){ BAR_W * -lo / (hi - lo), BAR_W / (hi - lo) } : (struct ruler){ 0, 0 };
}

static void bar(const struct figure *f, double zero, double length, double y, int32_t fill, int32_t line)
{
	double x = zero + fmin(0, length);

	if (line == NOTHING)
		svg_rect(f->out, x, y - BAR_H / 2, fabs(length), BAR_H, fill);
	else
		svg_box(f->out, x, y - BAR_H / 2, fabs(length), BAR_H, fill, line);
}

static void draw_value(const struct figure *f, const struct ruler *k, int row, int col, double x, double y)
{
	const struct table *t = f->t, *b = table_before(f);
	size_t cell = table_cell(t, row, col);
	double value = (double)t->value[cell], error = t->error ? (double)t->error[cell] : (double)NAN, zero = x + k->zero;

	if (b && isfinite(b->value[cell]) && b->value[cell] != t->value[cell])
		bar(f, zero, (double)b->value[cell] * k->unit, y, theme_ink(f->theme, STYLE_TEXT).bg, figure_ink(f, STYLE_GHOST));
	if (isfinite(value))
		bar(f, zero, value * k->unit, y, figure_ink(f, value < 0 ? STYLE_NEGATIVE : STYLE_POSITIVE), NOTHING);
	if (isfinite(value) && isfinite(error) && error > 0)
		svg_line(f->out, zero + (value - error) * k->unit, y, zero + (value + error) * k->unit, y,
			 figure_ink(f, STYLE_TEXT), 0.7);
}

static void draw_head(const struct figure *f, int col, double x, double y)
{
	const struct table *t = f->t;
	const char *unit = t->unit ? t->unit[t->units > 1 ? col : 0] : "";
	struct svg_type type = figure_label(f, SVG_START);
	struct str text;

	type.italic = true;
	str_init(&text);
	str_addf(&text, "%s%s%s", t->cols.show[col], *unit && strcmp(unit, t->cols.show[col]) ? ", " : "",
		 strcmp(unit, t->cols.show[col]) ? unit : "");
	svg_text(f->out, x, y + SIZE_LABEL, type, text.s);
	str_done(&text);
}

static void draw_panel(const struct figure *f, int col, double x, double y)
{
	const struct table *t = f->t;
	struct number_form form = number_form(t, col);
	struct ruler k = ruler_of(f, col);
	struct svg_type type = figure_label(f, SVG_END);
	double bars = x + number_w(t, col) + ROOM;
	char number[NUMBER_BYTES];

	type.size = SIZE_NUMBER;
	type.color = figure_ink(f, STYLE_TEXT);
	draw_head(f, col, bars, y);
	for (int r = 0; r < t->rows.n; r++) {
		double middle = y + (r + 1.5) * ROW_H;

		svg_text(f->out, bars - ROOM, middle + SIZE_NUMBER * BASE, type,
			 number_print(&form, t->value[table_cell(t, r, col)], number));
		draw_value(f, &k, r, col, bars, middle);
	}
	svg_line(f->out, bars + k.zero, y + ROW_H, bars + k.zero, y + (t->rows.n + 1) * ROW_H, figure_ink(f, STYLE_BORDER), 0.5);
}

static void bars_draw(const struct figure *f, double x, double y)
{
	double label = figure_labels_width(&f->t->rows);

	for (int r = 0; r < f->t->rows.n; r++)
		figure_label_draw(f, &f->t->rows, r, x + label, y + (r + 1.5) * ROW_H, SVG_END, 0);
	x += label + ROOM;
	for (int c = 0; c < f->t->cols.n; c++) {
		draw_panel(f, c, x, y);
		x += panel_w(f->t, c);
	}
}

const struct picture picture_bars = { .shows_before = true, .size = bars_size, .draw = bars_draw };
