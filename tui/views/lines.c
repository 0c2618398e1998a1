/*
 * lines.c - values along an axis as curves: over layers, over steps of a training, over positions. The other axis is
 * short; each of its rows is a curve, named at its right. Where there are no braille glyphs a curve is a row of digits:
 * 0 at the bottom of the range, 9 at its top.
 *
 *      .8┤              ⢀⡠⠤⠒⠊   x = ·Paris
 *        │     ⢀⣀⡠⠤⠔⠒⠉⠁         the others
 *       0┤⠤⠤⠤⠒⠉
 *        └┴────┴────▲────┴
 *         0    5   ‹10› 15
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "tui/views/lines_layout.h"

/* One unit for all: unlike columns have no axis in common. Queries against keys are no curves. */
static enum fit lines_fits(const struct table *t)
{
	enum { SHORTEST = 3 };
	const bool square = t->look == LOOK_ATTENTION;

	if (!lines_is_way(lines_way(t)->dim) || square || lines_way(t)->n < SHORTEST || lines_series(t)->n > SERIES_MOST)
		return FITS_NOT;
	if (t->look == LOOK_LINES)
		return FITS_BEST;
	return t->units > 1 ? FITS_NOT : FITS;
}

/* ---- curves ---- */

/* The dots that are set, and of which curve the ink is: the one that was drawn last. */
struct plot {
	int w, h;
	unsigned char *bits;
	int *series;
};

static void set_dot(struct plot *plot, int x, int y, int series)
{
	static const unsigned char bit[DOT_ROWS][DOT_COLS] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };
	int cell = y / DOT_ROWS * plot->w + x / DOT_COLS;

	plot->bits[cell] |= bit[y % DOT_ROWS][x % DOT_COLS];
	plot->series[cell] = series;
}

/* From one dot to the next without a gap. */
static void join(struct plot *plot, int x, int y, int to_x, int to_y, int series)
{
	int steps = abs(to_x - x) > abs(to_y - y) ? abs(to_x - x) : abs(to_y - y);

	for (int i = 0; i <= steps; i++)
		set_dot(plot, steps ? x + (int)lround((double)i * (to_x - x) / steps) : x,
			steps ? y + (int)lround((double)i * (to_y - y) / steps) : y, series);
}

static void add_curve(struct plot *plot, const struct table *t, const struct lines_scale *s, int series, int ink)
{
	int n = lines_way(t)->n, last_x = -1, last_y = 0, dots = plot->w * DOT_COLS, high = plot->h * DOT_ROWS;

	for (int i = 0; i < n; i++) {
		double part = lines_part(s, (double)lines_value(t, series, i));
		int x = lines_dot(i, n, dots), y;

		if (!isfinite(part)) {
			last_x = -1;
			continue;
		}
		y = clamp((int)lround((1 - part) * (high - 1)), 0, high - 1);
		join(plot, last_x < 0 ? x : last_x, last_x < 0 ? y : last_y, x, y, ink);
		last_x = x;
		last_y = y;
	}
}

/* How far a curve goes from what is neutral, or from its own least value: the strongest are named, and drawn over the
 * others. */
static double strength_of(const struct view *v, const struct plan *p, int series)
{
	double most = 0;

	for (int i = 0; i < lines_way(v->table)->n; i++) {
		float x = lines_value(v->table, series, i);

		if (isfinite(x))
			most = fmax(most, (double)span_strength(&p->span, x));
	}
	return most;
}

struct ranked_series {
	int series;
	double strength;
};

static int weaker_first(const void *a, const void *b)
{
	const struct ranked_series *one = a, *other = b;

	if (one->strength != other->strength)
		return one->strength < other->strength ? -1 : 1;
	return other->series - one->series;
}

/* All of them, the weakest first. */
static int rank(const struct view *v, const struct plan *p, struct ranked_series out[SERIES_MOST])
{
	int n = clamp(lines_series(v->table)->n, 0, SERIES_MOST);

	for (int i = 0; i < n; i++)
		out[i] = (struct ranked_series){ i, strength_of(v, p, i) };
	qsort(out, (size_t)n, sizeof *out, weaker_first);
	return n;
}

static struct ink curve_ink(const struct view *v, int place, int n, bool here)
{
	struct ink ink;

	if (v->stale)
		return theme_ink(v->theme, STYLE_STALE);
	ink = theme_bar_ink(v->theme, RAMP_SEQUENTIAL, n > 1 ? 0.35f + 0.65f * (float)place / (float)(n - 1) : 0.9f);
	if (here) {
		ink.fg = theme_ink(v->theme, STYLE_TEXT).fg;
		ink.mark = theme_ink(v->theme, STYLE_TEXT).mark;
		ink.attr |= INK_BOLD;
	}
	return ink;
}

static const char *braille(unsigned char bits, char out[4])
{
	out[0] = (char)0xE2;
	out[1] = (char)(0xA0 | bits >> 6);
	out[2] = (char)(0x80 | (bits & 0x3F));
	out[3] = '\0';
	return out;
}

static void draw_plot(struct canvas *c, const struct plan *p, const struct plot *plot, const struct ink *inks)
{
	char glyph[4];

	for (int y = 0; y < plot->h; y++)
		for (int x = 0; x < plot->w; x++)
			if (plot->bits[y * plot->w + x])
				canvas_text(c, p->cells.x + x, p->cells.y + y, inks[plot->series[y * plot->w + x]],
					    braille(plot->bits[y * plot->w + x], glyph));
}

/* What is neutral, and where the cursor is: under the curves. */
static void draw_ground(struct canvas *c, const struct view *v, const struct plan *p, const struct lines_scale *s)
{
	struct ink line = theme_ink(v->theme, STYLE_BORDER);
	int cursor = lines_cursor_way(v);

	canvas_fill(c, p->cells, theme_ink(v->theme, STYLE_TEXT));
	for (int y = 0; cursor >= 0 && y < p->cells.h; y++)
		canvas_text(c, lines_column(v, p, cursor), p->cells.y + y, line, "┊");
	if (!s->ranks && isfinite(v->table->neutral) && s->lo < (double)v->table->neutral) {
		int y = p->cells.y +
			clamp((int)lround((1 - lines_part(s, (double)v->table->neutral)) * (p->cells.h * DOT_ROWS - 1)) / DOT_ROWS,
			      0, p->cells.h - 1);

		canvas_repeat(c, p->cells.x, y, p->cells.w, line, "╌");
	}
}

/* The scale at the left: its ends and its middle. */
static void draw_scale(struct canvas *c, const struct view *v, const struct plan *p, const struct lines_scale *s)
{
	struct number_form form = number_form(v->table, ALL_COLUMNS);
	struct ink dim = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_DIM), line = theme_ink(v->theme, STYLE_BORDER);
	char number[NUMBER_BYTES];
	int h = p->cells.h;

	for (int y = 0; y < h; y++) {
		bool tick = y == 0 || y == h - 1 || (h >= 7 && y == (h - 1) / 2);

		canvas_text(c, p->cells.x - 1, p->cells.y + y, line, tick ? "┤" : "│");
		if (tick && p->label_w)
			canvas_field(c, p->label_x, p->cells.y + y, p->label_w, ALIGN_RIGHT, dim,
				     number_print(&form, (float)lines_value_of_part(s, h > 1 ? 1 - (double)y / (h - 1) : 1),
						  number));
	}
}

/* Labels of the way: as many as have room beside each other, and the cursor's. */
static void draw_way(struct canvas *c, const struct view *v, const struct plan *p)
{
	const struct axis *axis = lines_way(v->table);
	struct ink line = theme_ink(v->theme, STYLE_BORDER);
	int cursor = lines_cursor_way(v), free_from = p->cells.x, x, w, end = v->rect.x + v->rect.w, own_x = end, own_w = 0;
	bool ascii = theme_ascii(v->theme);

	if (p->head_y < 0)
		return;
	canvas_text(c, p->cells.x - 1, p->head_y, line, ascii ? "+" : "└");
	canvas_repeat(c, p->cells.x, p->head_y, p->cells.w, line, ascii ? "-" : "─");
	if (cursor >= 0) {
		own_w = canvas_columns(axis->show[cursor], strlen(axis->show[cursor]));
		own_x = clamp(lines_column(v, p, cursor), p->cells.x, clamp(end - own_w, p->cells.x, end));
		canvas_text(c, lines_column(v, p, cursor), p->head_y, theme_ink(v->theme, STYLE_LABEL_CURSOR), ascii ? "^" : "▲");
	}
	for (int i = 0; i < axis->n; i++) {
		x = lines_column(v, p, i);
		w = canvas_columns(axis->show[i], strlen(axis->show[i]));
		if (x < free_from || x + w > p->cells.x + p->cells.w || (x + w >= own_x && x <= own_x + own_w) || i == cursor)
			continue;
		canvas_text(c, x, p->head_y + 1,
			    search_finds(v, axis->show[i]) ? theme_ink(v->theme, STYLE_MATCH) : theme_ink(v->theme, STYLE_DIM),
			    axis->show[i]);
		free_from = x + w + 2;
	}
	if (cursor >= 0)
		canvas_text(c, own_x, p->head_y + 1, label_ink(v, axis->show[cursor], true), axis->show[cursor]);
}

static float last_value(const struct table *t, int series)
{
	float last = NAN;

	for (int i = 0; i < lines_way(t)->n; i++)
		if (isfinite(lines_value(t, series, i)))
			last = lines_value(t, series, i);
	return last;
}

/* The names at the right, each as near as can be to its curve's end, with its value at the cursor. */
static void draw_names(struct canvas *c, const struct view *v, const struct plan *p, const struct lines_scale *s,
		       const struct ranked_series *by, int n, const struct ink *inks)
{
	const struct axis *series = lines_series(v->table);
	struct number_form form = number_form(v->table, ALL_COLUMNS);
	int x = p->cells.x + p->cells.w + 1, w = v->rect.x + v->rect.w - x - 1, way = lines_cursor_way(v), h = p->cells.h,
	    here = lines_cursor_series(v);
	int line[SERIES_MOST], shown = 0;
	char number[NUMBER_BYTES];
	bool *taken;

	if (w < 5)
		return;
	taken = xcalloc((size_t)h, sizeof *taken);
	for (int k = n - 1; k >= 0 && shown < h; k--) { /* the strongest first */
		float value = last_value(v->table, by[k].series);
		int at, found = -1;

		if (isnan(value))
			continue;
		at = clamp((int)lround((1 - lines_part(s, (double)value)) * (h - 1)), 0, h - 1);
		for (int away = 0; away < h && found < 0; away++)
			found = at - away >= 0 && !taken[at - away]  ? at - away
				: at + away < h && !taken[at + away] ? at + away
								     : -1;
		line[k] = found;
		taken[found] = true;
		shown++;
		value = way >= 0 ? lines_value(v->table, by[k].series, way) : value;
		canvas_field(c, x, p->cells.y + line[k], w - form.width - 1, ALIGN_LEFT,
			     by[k].series == here ? label_ink(v, series->show[by[k].series], true) : inks[by[k].series],
			     series->show[by[k].series]);
		canvas_field(c, x + w - form.width, p->cells.y + line[k], form.width, ALIGN_RIGHT, theme_ink(v->theme, STYLE_DIM),
			     number_print(&form, value, number));
	}
	free(taken);
}

static void draw_curves(struct canvas *c, const struct view *v, const struct plan *p)
{
	const struct table *t = v->table;
	struct lines_scale s = lines_scale_of(v);
	struct ranked_series by[SERIES_MOST];
	int n = rank(v, p, by), here = lines_cursor_series(v);
	size_t cells = (size_t)p->cells.w * (size_t)p->cells.h;
	struct plot plot = { p->cells.w, p->cells.h, xcalloc(cells, 1), xcalloc(cells, sizeof(int)) };
	struct ink inks[SERIES_MOST + 1];

	for (int k = 0; k < n; k++)
		inks[by[k].series] = curve_ink(v, k, n, by[k].series == here);
	inks[SERIES_MOST] = theme_ink(v->theme, STYLE_GHOST);
	draw_ground(c, v, p, &s);
	if (here >= 0 && v->before && v->before->rows.n == t->rows.n && v->before->cols.n == t->cols.n)
		add_curve(&plot, v->before, &s, here, SERIES_MOST);
	for (int k = 0; k < n; k++)
		if (by[k].series != here)
			add_curve(&plot, t, &s, by[k].series, by[k].series);
	if (here >= 0)
		add_curve(&plot, t, &s, here, here);
	draw_plot(c, p, &plot, inks);
	draw_scale(c, v, p, &s);
	draw_names(c, v, p, &s, by, n, inks);
	free(plot.bits);
	free(plot.series);
}

/* A digit for the height at each column. */
static void draw_digits(struct canvas *c, const struct view *v, const struct plan *p)
{
	const struct table *t = v->table;
	const struct axis *series = lines_series(t);
	struct lines_scale s = lines_scale_of(v);
	int n = lines_way(t)->n;

	for (int line = 0; line < p->page_rows; line++) {
		int k = p->top + line, y = p->cells.y + line;
		struct ink ink = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_TEXT);

		canvas_field(c, p->label_x, y, p->label_w, ALIGN_RIGHT, label_ink(v, series->show[k], k == lines_cursor_series(v)),
			     series->show[k]);
		for (int i = 0; i < n; i++) {
			double part = lines_part(&s, (double)lines_value(t, k, i));
			bool here = k == lines_cursor_series(v) && i == lines_cursor_way(v);

			if (isfinite(part))
				canvas_text(c, lines_column(v, p, i), y, here ? cursor_ink(v, ink) : ink,
					    (char[]){ (char)('0' + clamp((int)(part * 10), 0, 9)), 0 });
		}
	}
}

static void lines_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	if (theme_ascii(v->theme))
		draw_digits(c, v, p);
	else
		draw_curves(c, v, p);
	draw_way(c, v, p);
}

static void lines_say(const struct view *v, const struct plan *p, struct str *out)
{
	const struct table *t = v->table;
	const char *unit = t->unit && t->unit[0] ? t->unit[0] : "";

	(void)p;
	str_addf(out, "%s%sover %s", unit, *unit ? " " : "", lines_way(t)->name ? lines_way(t)->name : dim_step(lines_way(t)->dim));
	if (t->scale == SCALE_RANK)
		str_add(out, ", 1 at the top, by factors");
	if (theme_ascii(v->theme)) {
		struct lines_scale s = lines_scale_of(v);
		struct number_form form = number_form(t, ALL_COLUMNS);
		char lo[NUMBER_BYTES], hi[NUMBER_BYTES];

		str_addf(out, "\n0: %s, 9: %s", number_print(&form, (float)lines_value_of_part(&s, 0), lo),
			 number_print(&form, (float)lines_value_of_part(&s, 1), hi));
	}
}

const struct view_kind view_lines = {
	.has_columns = true,
	.fits = lines_fits,
	.plan = lines_plan,
	.draw = lines_draw,
	.need = lines_need,
	.hit = lines_hit,
	.move = lines_move,
	.sign = lines_sign,
	.says = lines_say,
};
