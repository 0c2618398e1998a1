/* ranking.c - words with a bar each: what comes next, how likely, and how likely it was before the edits. */
#include "tui/figure/parts.h"

#include <math.h>
#include <string.h>

#define BAR_W 170.0
#define ROW_H 12.0
#define BAR_H 7.0
#define BASE 0.36
#define BAR_SHADE 0.65f

enum { WORD_COLUMNS = 24 };

struct lanes_of_figure {
	struct ranking column;
	struct number_form form, logit_form;
	double word_w, number_x, bar_x, logit_x, was_x, w, greatest;
	bool was;
};

static const char *word_of(const struct table *t, int row)
{
	const char *word = t->word_show ? t->word_show[table_cell(t, row, 0)] : t->rows.show[row];

	return word ? word : "";
}

static double value(const struct table *t, int row, int col)
{
	return col < 0 ? (double)NAN : (double)t->value[table_cell(t, row, col)];
}

static struct lanes_of_figure lanes(const struct figure *f)
{
	const struct table *t = f->t;
	struct lanes_of_figure l = { .column = ranking_columns(t) };

	l.form = ranking_form(t, l.column.main);
	l.logit_form = number_form(t, l.column.beside < 0 ? l.column.main : l.column.beside);
	for (int r = 0; r < t->rows.n; r++) {
		double now = value(t, r, l.column.main), before = value(t, r, l.column.before);

		l.word_w = fmax(l.word_w, fmin(svg_width(word_of(t, r), SIZE_LABEL, true), WORD_COLUMNS * SIZE_LABEL * 0.602));
		l.greatest = fmax(l.greatest, fmax(isfinite(now) ? fabs(now) : 0, isfinite(before) ? fabs(before) : 0));
		l.was = l.was || (isfinite(before) && before != now);
	}
	l.word_w += 2 * ROOM;
	l.number_x = l.word_w + 2 * ROOM + l.form.width * SIZE_NUMBER * 0.602;
	l.bar_x = l.number_x + 2 * ROOM;
	l.logit_x = l.bar_x + BAR_W + 2 * ROOM + (l.column.beside < 0 ? 0 : fmax(l.logit_form.width, 5) * SIZE_NUMBER * 0.602);
	l.was_x = l.logit_x + 2 * ROOM;
	l.w = l.was ? l.was_x + (l.form.width + 4) * SIZE_NUMBER * 0.602 : l.logit_x;
	return l;
}

static void ranking_size(const struct figure *f, double *w, double *h)
{
	*w = lanes(f).w;
	*h = ROW_H * (f->t->rows.n + 1);
}

static void draw_heads(const struct figure *f, const struct lanes_of_figure *l, double x, double y)
{
	struct svg_type head = figure_label(f, SVG_START), end = figure_label(f, SVG_END);

	head.italic = end.italic = true;
	svg_text(f->out, x + l->bar_x, y + SIZE_LABEL, head, f->t->cols.show[l->column.main]);
	if (l->column.beside >= 0)
		svg_text(f->out, x + l->logit_x, y + SIZE_LABEL, end, f->t->cols.show[l->column.beside]);
	if (l->was)
		svg_text(f->out, x + l->was_x, y + SIZE_LABEL, head, "unedited");
}

static void draw_word(const struct figure *f, const struct lanes_of_figure *l, int row, double x, double middle)
{
	struct str word;

	str_init(&word);
	figure_cut(word_of(f->t, row), WORD_COLUMNS, &word);
	svg_box(f->out, x, middle - SIZE_LABEL * 0.68, l->word_w, SIZE_LABEL * 1.36, theme_ink(f->theme, STYLE_POPUP).bg,
		figure_ink(f, STYLE_BORDER));
	svg_text(f->out, x + ROOM, middle + SIZE_LABEL * BASE, figure_label(f, SVG_START), word.s);
	str_done(&word);
}

static int32_t bar_ink(const struct figure *f, double now)
{
	if (f->t->scale == SCALE_DIVERGING)
		return figure_ink(f, now < 0 ? STYLE_NEGATIVE : STYLE_POSITIVE);
	return theme_ramp(f->theme, RAMP_PROBABILITY, BAR_SHADE).bg;
}

static void draw_row(const struct figure *f, const struct lanes_of_figure *l, int row, double x, double middle)
{
	double now = value(f->t, row, l->column.main), before = value(f->t, row, l->column.before),
	       unit = l->greatest > 0 ? BAR_W / l->greatest : 0;
	struct svg_type type = figure_label(f, SVG_END);
	char number[NUMBER_BYTES];

	type.size = SIZE_NUMBER;
	type.color = figure_ink(f, STYLE_TEXT);
	draw_word(f, l, row, x, middle);
	svg_text(f->out, x + l->number_x, middle + SIZE_NUMBER * BASE, type, number_print(&l->form, (float)now, number));
	if (isfinite(before) && before != now)
		svg_box(f->out, x + l->bar_x, middle - BAR_H / 2, fabs(before) * unit, BAR_H, theme_ink(f->theme, STYLE_TEXT).bg,
			figure_ink(f, STYLE_GHOST));
	if (isfinite(now))
		svg_rect(f->out, x + l->bar_x, middle - BAR_H / 2, fabs(now) * unit, BAR_H, bar_ink(f, now));
	if (l->column.beside >= 0)
		svg_text(f->out, x + l->logit_x, middle + SIZE_NUMBER * BASE, type,
			 number_print(&l->logit_form, (float)value(f->t, row, l->column.beside), number));
	type.anchor = SVG_START;
	if (isfinite(before) && before != now)
		svg_text(f->out, x + l->was_x, middle + SIZE_NUMBER * BASE, type, number_print(&l->form, (float)before, number));
}

static void ranking_draw(const struct figure *f, double x, double y)
{
	struct lanes_of_figure l = lanes(f);

	draw_heads(f, &l, x, y);
	for (int r = 0; r < f->t->rows.n; r++)
		draw_row(f, &l, r, x, y + (r + 1.5) * ROW_H);
}

const struct picture picture_ranking = { .size = ranking_size, .draw = ranking_draw };
