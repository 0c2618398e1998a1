/*
 * grid.c - rows × columns as coloured cells: a heatmap; a lens, with words over their values; attention, a triangle of squares.
 * Layer 0 is at the bottom. A cell carries its number where that can be read.
 */
#include "tui/figure/parts.h"

#include <math.h>
#include <string.h>

#define WORD_LEAST 26.0 /* so wide is a cell that holds a word, at least */
#define WORD_MOST 62.0
#define WORD_H 19.0
#define NUMBER_H 13.0
#define SQUARE_MOST 22.0
#define PLAIN_MOST 14.0
#define LEAST 1.5    /* of a cell, either way */
#define MOST_H 800.0 /* the rows shrink to stay within it */
#define SLANT 45.0
#define BASE 0.36 /* from the middle of a line of type to its base, in its size */

enum { HINT_CELLS = 2500 }; /* more would make the file large, and the cells are too small to be pointed at */

/* Where everything is, from the picture's upper left corner. */
struct plan_of_grid {
	double label_w, left, cell_w, cell_h, head_h, angle;
	int row_step, col_step; /* every so many labels are written */
	bool words, numbers;
	struct number_form form;
};

/* ---- the plan ---- */

static double widest_word(const struct table *t)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;
	double widest = 0;

	for (size_t i = 0; i < cells && widest < WORD_MOST; i++)
		if (t->word_show[i])
			widest = fmax(widest, svg_width(t->word_show[i], SIZE_LABEL, true));
	return widest;
}

static double within(double x, double lo, double hi)
{
	return fmax(lo, fmin(hi, x));
}

/* How far labels are apart that would otherwise touch: every one, or every second, fifth, tenth … */
static int step_for(double cell, double label)
{
	static const int steps[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000 };
	size_t i = 0;

	while (i + 1 < sizeof steps / sizeof *steps && steps[i] * cell < label)
		i++;
	return steps[i];
}

/* Cells of words and numbers are as wide as these want; where there are too many columns numbers are left out, words never. */
static void cell_size(const struct figure *f, struct plan_of_grid *p)
{
	const struct table *t = f->t;
	double number_w = p->form.width * SIZE_NUMBER * 0.602 + 3, room = (f->most_w - p->label_w) / t->cols.n;
	bool square = t->look == LOOK_ATTENTION;

	p->words = t->word_show && t->cols.n > 0;
	p->numbers = room >= number_w && MOST_H / t->rows.n >= SIZE_NUMBER + 2;
	if (p->words) {
		p->cell_w = within(fmin(widest_word(t) + 5, room), WORD_LEAST, WORD_MOST);
		p->cell_h = WORD_H;
		p->numbers = true;
	} else if (p->numbers) {
		p->cell_w = fmin(room, fmax(number_w, square ? SQUARE_MOST : 0));
		p->cell_h = square ? p->cell_w : NUMBER_H;
	} else {
		p->cell_w = within(room, LEAST, PLAIN_MOST);
		p->cell_h = square ? p->cell_w : within(p->cell_w, 2 * LEAST, NUMBER_H);
	}
	if (!p->words && !square)
		p->cell_h = fmax(LEAST, fmin(p->cell_h, MOST_H / t->rows.n));
}

/* Column labels are upright where they fit, else at a slant, else on end. */
static void place_heads(const struct table *t, struct plan_of_grid *p)
{
	double widest = figure_labels_width(&t->cols), first = t->cols.n ? figure_label_width(&t->cols, 0) : 0;

	p->col_step = 1;
	p->head_h = SIZE_LABEL * 1.4 + ROOM;
	if (label_is_number(&t->cols)) {
		p->col_step = step_for(p->cell_w, widest + 2);
	} else if (widest + 2 > p->cell_w) {
		p->angle = p->cell_w >= SIZE_LABEL * 1.4 * 1.42 ? -SLANT : -90;
		p->col_step = step_for(p->cell_w, SIZE_LABEL * 1.4);
		p->head_h = (p->angle < -SLANT ? widest : (widest + SIZE_LABEL) * 0.71) + ROOM;
	}
	/* The first slanted label reaches out to the left, below the row labels. */
	if (p->angle == -SLANT)
		p->left = fmax(0, first * 0.71 - p->label_w - p->cell_w / 2);
}

static struct plan_of_grid plan_grid(const struct figure *f)
{
	const struct table *t = f->t;
	struct plan_of_grid p = { .form = number_form(t, ALL_COLUMNS) };

	p.label_w = fmax(figure_labels_width(&t->rows), t->rows.name ? svg_width(t->rows.name, SIZE_LABEL, true) : 0) + ROOM;
	cell_size(f, &p);
	place_heads(t, &p);
	p.row_step = step_for(p.cell_h, SIZE_LABEL * (t->rows.id ? 1.36 : 1.1));
	return p;
}

static double name_h(const struct table *t)
{
	return t->rows.name ? SIZE_LABEL + ROOM : 0;
}

static void grid_size(const struct figure *f, double *w, double *h)
{
	struct plan_of_grid p = plan_grid(f);
	const char *name = f->t->cols.name;

	*w = p.left + p.label_w + p.cell_w * f->t->cols.n + (name ? svg_width(name, SIZE_LABEL, true) + 2 * ROOM : 0);
	*h = name_h(f->t) + p.cell_h * f->t->rows.n + ROOM + p.head_h;
}

/* ---- drawing ---- */

static int line_of(const struct table *t, int row)
{
	return t->rows.dim == DIM_LAYER ? t->rows.n - 1 - row : row;
}

static void draw_labels(const struct figure *f, const struct plan_of_grid *p, double x, double y)
{
	const struct table *t = f->t;
	struct svg_type type = figure_label(f, SVG_END);

	type.italic = true;
	if (t->rows.name)
		svg_text(f->out, x - ROOM, y - ROOM, type, t->rows.name);
	for (int r = 0; r < t->rows.n; r += p->row_step)
		figure_label_draw(f, &t->rows, r, x - ROOM, y + (line_of(t, r) + 0.5) * p->cell_h, SVG_END, 0);
}

static void draw_heads(const struct figure *f, const struct plan_of_grid *p, double x, double y)
{
	const struct table *t = f->t;
	struct svg_type type = figure_label(f, SVG_START);

	for (int c = 0; c < t->cols.n; c += p->col_step)
		figure_label_draw(f, &t->cols, c, x + (c + 0.5) * p->cell_w, y + ROOM + SIZE_LABEL * 0.7,
				  p->angle < 0 ? SVG_END : SVG_MIDDLE, p->angle);
	type.italic = true;
	if (t->cols.name)
		svg_text(f->out, x + p->cell_w * t->cols.n + 2 * ROOM, y + ROOM + SIZE_LABEL * (0.7 + BASE), type, t->cols.name);
}

/* What a browser says of a cell: "layer 3 · position ·to: ·the .25". */
static void write_hint(const struct table *t, const struct number_form *form, int row, int col, struct str *out)
{
	size_t cell = table_cell(t, row, col);
	char number[NUMBER_BYTES];

	str_addf(out, "%s %s · %s %s:", t->rows.name ? t->rows.name : "", t->rows.show[row], t->cols.name ? t->cols.name : "",
		 t->cols.show[col]);
	if (t->word_show && t->word_show[cell])
		str_addf(out, " %s", t->word_show[cell]);
	str_addf(out, " %s", number_print(form, t->value[cell], number));
}

/* What is nothing at these decimals is a dot, so that the eye is not held by it. */
static const char *cell_number(const struct number_form *form, float x, char number[NUMBER_BYTES])
{
	const char *text = number_print(form, x, number);

	return form->decimals && text[strspn(text, "0.")] == '\0' ? "·" : text;
}

static struct ink cell_ink(const struct figure *f, const struct span *span, int row, int col)
{
	return value_ink(f->theme, span, span_paint(span, f->t, f->a->sink_in, row, col));
}

static void draw_texts(const struct figure *f, const struct plan_of_grid *p, const struct span *span, int row, int col, double x,
		       double y)
{
	const struct table *t = f->t;
	size_t cell = table_cell(t, row, col);
	struct ink ink = cell_ink(f, span, row, col);
	struct svg_type type = { .size = SIZE_NUMBER, .color = ink.fg, .anchor = SVG_MIDDLE, .mono = true };
	double middle = x + p->cell_w / 2, line = y + p->cell_h / 2;
	struct str text;
	char number[NUMBER_BYTES];

	str_init(&text);
	str_addf(&text, "%s%s", cell_number(&p->form, t->value[cell], number), t->mark && t->mark[cell] ? "!" : "");
	if (p->words) {
		svg_text(f->out, middle, line + p->cell_h * 0.36, type, text.s);
		str_clear(&text);
		if (t->word_show[cell])
			figure_cut(t->word_show[cell], (int)((p->cell_w - 2) / (SIZE_LABEL * 0.602)), &text);
		type.size = SIZE_LABEL;
		line -= p->cell_h * 0.2;
	}
	svg_text(f->out, middle, line + type.size * BASE, type, text.s);
	str_done(&text);
}

/* Cells of one colour beside each other are one rectangle where nothing is written in them. */
static int run_of(const struct figure *f, const struct plan_of_grid *p, const struct span *span, int row, int col)
{
	const struct table *t = f->t;
	int32_t color = cell_ink(f, span, row, col).bg;
	int n = 1;

	while (!p->numbers && col + n < t->cols.n && !isnan(t->value[table_cell(t, row, col + n)]) &&
	       cell_ink(f, span, row, col + n).bg == color)
		n++;
	return n;
}

static void draw_row(const struct figure *f, const struct plan_of_grid *p, const struct span *span, int row, double x, double y)
{
	const struct table *t = f->t;
	bool hints = p->numbers && t->rows.n * t->cols.n <= HINT_CELLS;
	struct str hint;
	int n;

	str_init(&hint);
	svg_group(f->out, NULL);
	for (int c = 0; c < t->cols.n; c += n) {
		float value = t->value[table_cell(t, row, c)];

		n = isnan(value) ? 1 : run_of(f, p, span, row, c);
		if (isnan(value))
			continue;
		str_clear(&hint);
		if (hints) {
			write_hint(t, &p->form, row, c, &hint);
			svg_group(f->out, hint.s);
		}
		svg_rect(f->out, x + c * p->cell_w, y, n * p->cell_w, p->cell_h, cell_ink(f, span, row, c).bg);
		if (p->numbers)
			draw_texts(f, p, span, row, c, x + c * p->cell_w, y);
		if (hints)
			svg_group_end(f->out);
	}
	svg_group_end(f->out);
	str_done(&hint);
}

/* Two lines, so that cells next to nothing are seen to lie in a grid. */
static void draw_axes(const struct figure *f, const struct plan_of_grid *p, double x, double y)
{
	double w = p->cell_w * f->t->cols.n, h = p->cell_h * f->t->rows.n;

	svg_line(f->out, x, y, x, y + h, figure_ink(f, STYLE_BORDER), 0.5);
	svg_line(f->out, x, y + h, x + w, y + h, figure_ink(f, STYLE_BORDER), 0.5);
}

static void grid_draw(const struct figure *f, double x, double y)
{
	struct plan_of_grid p = plan_grid(f);
	struct span span = span_of(f->t, NULL, f->a->sink_in);

	x += p.left + p.label_w;
	y += name_h(f->t);
	for (int r = 0; r < f->t->rows.n; r++)
		draw_row(f, &p, &span, r, x, y + line_of(f->t, r) * p.cell_h);
	draw_axes(f, &p, x, y);
	draw_labels(f, &p, x, y);
	draw_heads(f, &p, x, y + p.cell_h * f->t->rows.n);
}

const struct picture picture_grid = { .has_legend = true, .size = grid_size, .draw = grid_draw };
