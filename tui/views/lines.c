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
#include "tui/views/views.h"

/* Eight dots to a cell of the screen, two columns by four rows. */
enum { DOT_COLS = 2, DOT_ROWS = 4, SERIES_MOST = 64, LEGEND_MOST = 24, LEGEND_FROM = 46, AXIS_H = 2, NO_SERIES = -1 };

static bool is_way(enum dim dim)
{
	return dim == DIM_LAYER || dim == DIM_STEP || dim == DIM_POSITION;
}

/* Curves run along the columns where these are a way and the rows are not, or are a lesser one: layers come before
 * positions. */
static bool along_cols(const struct table *t)
{
	if (is_way(t->rows.dim) && is_way(t->cols.dim))
		return t->rows.dim == DIM_POSITION && t->cols.dim != DIM_POSITION;
	return is_way(t->cols.dim);
}

const struct axis *lines_way(const struct table *t)
{
	return along_cols(t) ? &t->cols : &t->rows;
}

const struct axis *lines_series(const struct table *t)
{
	return along_cols(t) ? &t->rows : &t->cols;
}

/* One unit for all: unlike columns have no axis in common. Queries against keys are no curves. */
static enum fit lines_fits(const struct table *t)
{
	enum { SHORTEST = 3 };
	const bool square = t->look == LOOK_ATTENTION;

	if (!is_way(lines_way(t)->dim) || square || lines_way(t)->n < SHORTEST || lines_series(t)->n > SERIES_MOST)
		return FITS_NOT;
	if (t->look == LOOK_LINES)
		return FITS_BEST;
	return t->units > 1 ? FITS_NOT : FITS;
}

float lines_value(const struct table *t, int series, int i)
{
	return t->value[along_cols(t) ? table_cell(t, series, i) : table_cell(t, i, series)];
}

static int cursor_series(const struct view *v)
{
	int at = along_cols(v->table) ? v->row : v->col;

	return at < 0 ? NO_SERIES : clamp(at, 0, lines_series(v->table)->n - 1);
}

static int cursor_way(const struct view *v)
{
	int at = along_cols(v->table) ? v->col : v->row;

	return at < 0 ? -1 : clamp(at, 0, lines_way(v->table)->n - 1);
}

/* ---- up and down ---- */

struct scale_y {
	double lo, hi;
	bool ranks; /* by factors, 1 at the top */
};

static double height_of(const struct scale_y *s, double x)
{
	return s->ranks ? -log(fmax(x, 1)) : x;
}

/* All values, of the table without the edits too, so that a curve moves and the axis does not; and what is neutral,
 * where it is near. */
static struct scale_y scale_for(const struct view *v)
{
	const struct table *tables[] = { v->table, v->edited ? v->ground : NULL, v->before };
	struct scale_y s = { INFINITY, -INFINITY, v->table->scale == SCALE_RANK };

	for (int k = 0; k < 3; k++)
		for (int i = 0; tables[k] && i < tables[k]->rows.n * tables[k]->cols.n; i++) {
			double y = height_of(&s, (double)tables[k]->value[i]);

			if (isfinite(y)) {
				s.lo = fmin(s.lo, y);
				s.hi = fmax(s.hi, y);
			}
		}
	if (!(s.hi >= s.lo))
		return (struct scale_y){ 0, 1, s.ranks };
	if (!s.ranks && isfinite(v->table->neutral)) {
		s.lo = fmin(s.lo, (double)v->table->neutral);
		s.hi = fmax(s.hi, (double)v->table->neutral);
	}
	if (s.hi - s.lo <= 0)
		s.hi = s.lo + 1;
	return s;
}

/* 0 at the bottom, 1 at the top; NaN for what is none. */
static double part_of(const struct scale_y *s, double x)
{
	return (height_of(s, x) - s->lo) / (s->hi - s->lo);
}

static double value_of_part(const struct scale_y *s, double part)
{
	double y = s->lo + part * (s->hi - s->lo);

	return s->ranks ? exp(-y) : y;
}

/* ---- the plan ---- */

static int legend_width(const struct view *v, int w)
{
	const struct axis *series = lines_series(v->table);
	int label = clamp(label_columns(series, 14), 1, 14), number = number_form(v->table, ALL_COLUMNS).width;

	return w < LEGEND_FROM ? 0 : clamp(2 + label + 1 + number, 8, LEGEND_MOST);
}

static int scale_width(const struct view *v)
{
	return clamp(number_form(v->table, ALL_COLUMNS).width, 1, 8);
}

static void lines_plan(const struct view *v, enum zoom zoom, struct plan *p)
{
	struct rect r = v->rect;
	int foot = r.h >= 10 ? 2 : r.h >= 6, axis = r.h >= 5 ? AXIS_H : 0, n = lines_series(v->table)->n;
	bool ascii = theme_ascii(v->theme);

	(void)zoom;
	p->zoom = ZOOM_NUMBER;
	p->label_x = r.x;
	p->label_w = ascii	 ? clamp(label_columns(lines_series(v->table), 14), 1, clamp(r.w / 4, 2, 14))
		     : r.w >= 24 ? scale_width(v)
				 : 0;
	p->foot_lines = foot_lines(v, &view_lines, p, foot);
	p->cells = (struct rect){ r.x + p->label_w + 1, r.y, 0, r.h - p->foot_lines - axis };
	p->cells.w = clamp(r.x + r.w - p->cells.x - (ascii ? 0 : legend_width(v, r.w)), 1, r.w);
	p->cells.h = clamp(p->cells.h, 1, r.h);
	p->cell_w = p->cells.w;
	p->cols = p->page_cols = 1;
	p->rows = ascii ? n : 1; /* as digits, curves are lines that scroll */
	p->page_rows = ascii ? clamp(p->cells.h, 1, n) : 1;
	p->cursor_line = ascii && cursor_series(v) >= 0 ? cursor_series(v) : 0;
	p->head_y = axis ? p->cells.y + (ascii ? p->page_rows : p->cells.h) : -1; /* of the axis, which is below */
}

static struct view_need lines_need(const struct view *v, enum zoom zoom)
{
	enum { PLOT_MIN = 4, PLOT = 10, PLOT_MOST = 24, FOOT = 1, WIDE_MIN = 20, WIDE = 40, WIDE_MOST = 110 };
	int n = lines_series(v->table)->n, label = scale_width(v) + 1, legend = legend_width(v, LEGEND_FROM),
	    rows = theme_ascii(v->theme) ? n : PLOT;

	(void)zoom;
	return (struct view_need){
		.min = { PLOT_MIN + AXIS_H + FOOT, label + WIDE_MIN },
		.want = { rows + AXIS_H + FOOT, label + WIDE + legend },
		.most = { (rows > PLOT_MOST ? rows : PLOT_MOST) + AXIS_H + FOOT, label + WIDE_MOST + legend },
	};
}

/* Columns of dots, or of digits, from the first point to the last. */
static int dot_of(int i, int n, int dots)
{
	return n > 1 ? (int)lround((double)i * (dots - 1) / (n - 1)) : 0;
}

static int column_of(const struct view *v, const struct plan *p, int i)
{
	bool ascii = theme_ascii(v->theme);
	int per = ascii ? 1 : DOT_COLS;

	return p->cells.x + dot_of(i, lines_way(v->table)->n, p->cells.w * per) / per;
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

static void add_curve(struct plot *plot, const struct table *t, const struct scale_y *s, int series, int ink)
{
	int n = lines_way(t)->n, last_x = -1, last_y = 0, dots = plot->w * DOT_COLS, high = plot->h * DOT_ROWS;

	for (int i = 0; i < n; i++) {
		double part = part_of(s, (double)lines_value(t, series, i));
		int x = dot_of(i, n, dots), y;

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

struct ranked {
	int series;
	double strength;
};

static int weaker_first(const void *a, const void *b)
{
	const struct ranked *one = a, *other = b;

	if (one->strength != other->strength)
		return one->strength < other->strength ? -1 : 1;
	return other->series - one->series;
}

/* All of them, the weakest first. */
static int rank(const struct view *v, const struct plan *p, struct ranked out[SERIES_MOST])
{
	int n = clamp(lines_series(v->table)->n, 0, SERIES_MOST);

	for (int i = 0; i < n; i++)
		out[i] = (struct ranked){ i, strength_of(v, p, i) };
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
static void draw_ground(struct canvas *c, const struct view *v, const struct plan *p, const struct scale_y *s)
{
	struct ink line = theme_ink(v->theme, STYLE_BORDER);
	int cursor = cursor_way(v);

	canvas_fill(c, p->cells, theme_ink(v->theme, STYLE_TEXT));
	for (int y = 0; cursor >= 0 && y < p->cells.h; y++)
		canvas_text(c, column_of(v, p, cursor), p->cells.y + y, line, "┊");
	if (!s->ranks && isfinite(v->table->neutral) && s->lo < (double)v->table->neutral) {
		int y = p->cells.y +
			clamp((int)lround((1 - part_of(s, (double)v->table->neutral)) * (p->cells.h * DOT_ROWS - 1)) / DOT_ROWS, 0,
			      p->cells.h - 1);

		canvas_repeat(c, p->cells.x, y, p->cells.w, line, "╌");
	}
}

/* The scale at the left: its ends and its middle. */
static void draw_scale(struct canvas *c, const struct view *v, const struct plan *p, const struct scale_y *s)
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
				     number_print(&form, (float)value_of_part(s, h > 1 ? 1 - (double)y / (h - 1) : 1), number));
	}
}

/* Labels of the way: as many as have room beside each other, and the cursor's. */
static void draw_way(struct canvas *c, const struct view *v, const struct plan *p)
{
	const struct axis *axis = lines_way(v->table);
	struct ink line = theme_ink(v->theme, STYLE_BORDER);
	int cursor = cursor_way(v), free_from = p->cells.x, x, w, end = v->rect.x + v->rect.w, own_x = end, own_w = 0;
	bool ascii = theme_ascii(v->theme);

	if (p->head_y < 0)
		return;
	canvas_text(c, p->cells.x - 1, p->head_y, line, ascii ? "+" : "└");
	canvas_repeat(c, p->cells.x, p->head_y, p->cells.w, line, ascii ? "-" : "─");
	if (cursor >= 0) {
		own_w = canvas_columns(axis->show[cursor], strlen(axis->show[cursor]));
		own_x = clamp(column_of(v, p, cursor), p->cells.x, clamp(end - own_w, p->cells.x, end));
		canvas_text(c, column_of(v, p, cursor), p->head_y, theme_ink(v->theme, STYLE_LABEL_CURSOR), ascii ? "^" : "▲");
	}
	for (int i = 0; i < axis->n; i++) {
		x = column_of(v, p, i);
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
static void draw_names(struct canvas *c, const struct view *v, const struct plan *p, const struct scale_y *s,
		       const struct ranked *by, int n, const struct ink *inks)
{
	const struct axis *series = lines_series(v->table);
	struct number_form form = number_form(v->table, ALL_COLUMNS);
	int x = p->cells.x + p->cells.w + 1, w = v->rect.x + v->rect.w - x - 1, way = cursor_way(v), h = p->cells.h,
	    here = cursor_series(v);
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
		at = clamp((int)lround((1 - part_of(s, (double)value)) * (h - 1)), 0, h - 1);
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
	struct scale_y s = scale_for(v);
	struct ranked by[SERIES_MOST];
	int n = rank(v, p, by), here = cursor_series(v);
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
	struct scale_y s = scale_for(v);
	int n = lines_way(t)->n;

	for (int line = 0; line < p->page_rows; line++) {
		int k = p->top + line, y = p->cells.y + line;
		struct ink ink = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_TEXT);

		canvas_field(c, p->label_x, y, p->label_w, ALIGN_RIGHT, label_ink(v, series->show[k], k == cursor_series(v)),
			     series->show[k]);
		for (int i = 0; i < n; i++) {
			double part = part_of(&s, (double)lines_value(t, k, i));
			bool here = k == cursor_series(v) && i == cursor_way(v);

			if (isfinite(part))
				canvas_text(c, column_of(v, p, i), y, here ? cursor_ink(v, ink) : ink,
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

/* ---- the mouse and the keys ---- */

static void go(const struct view *v, int series, int way, int *row, int *col)
{
	*row = along_cols(v->table) ? series : way;
	*col = along_cols(v->table) ? way : series;
}

/* The curve that is nearest to a line of the plot. */
static int nearest_series(const struct view *v, const struct plan *p, int way, int y)
{
	struct scale_y s = scale_for(v);
	double wanted = 1 - (y - p->cells.y + 0.5) / p->cells.h, least = INFINITY;
	int best = 0;

	for (int k = 0; k < lines_series(v->table)->n; k++) {
		double away = fabs(part_of(&s, (double)lines_value(v->table, k, way)) - wanted);

		if (away < least) {
			least = away;
			best = k;
		}
	}
	return best;
}

static bool lines_hit(const struct view *v, const struct plan *p, int x, int y, int *row, int *col)
{
	int n = lines_way(v->table)->n, way = 0, least = p->cells.w + 1;
	bool ascii = theme_ascii(v->theme);

	if (x < p->cells.x || x >= p->cells.x + p->cells.w || y < p->cells.y ||
	    y >= p->cells.y + (ascii ? p->page_rows : p->cells.h))
		return false;
	for (int i = 0; i < n; i++)
		if (abs(column_of(v, p, i) - x) < least) {
			least = abs(column_of(v, p, i) - x);
			way = i;
		}
	go(v, ascii ? clamp(p->top + y - p->cells.y, 0, lines_series(v->table)->n - 1) : nearest_series(v, p, way, y), way, row,
	   col);
	return true;
}

/* The curve above or below at the cursor; equal ones one after the other. */
static int next_series(const struct view *v, int series, int way, bool up)
{
	const struct table *t = v->table;
	const struct scale_y s = { 0, 1, t->scale == SCALE_RANK };
	double from = height_of(&s, (double)lines_value(t, series, way)), best_height = 0;
	int best = -1;

	from = isfinite(from) ? from : 0;
	for (int k = 0; k < lines_series(t)->n; k++) {
		double height = height_of(&s, (double)lines_value(t, k, way)), away;

		height = isfinite(height) ? height : 0;
		away = up ? height - from : from - height;
		if (k == series || away < 0 || (away == 0 && (up ? k > series : k < series)))
			continue;
		if (best < 0 || away < best_height || (away == best_height && (up ? k > best : k < best))) {
			best = k;
			best_height = away;
		}
	}
	return best < 0 ? series : best;
}

static void lines_move(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col)
{
	int n = lines_way(v->table)->n, way = along_cols(v->table) ? *col : *row, series = along_cols(v->table) ? *row : *col,
	    page = clamp(n / 5, 1, n);
	bool ascii = theme_ascii(v->theme);

	(void)p;
	switch (move) {
	case VIEW_LEFT:
		way--;
		break;
	case VIEW_RIGHT:
		way++;
		break;
	case VIEW_PAGE_LEFT:
	case VIEW_PAGE_UP:
		way -= page;
		break;
	case VIEW_PAGE_RIGHT:
	case VIEW_PAGE_DOWN:
		way += page;
		break;
	case VIEW_FIRST:
		way = 0;
		break;
	case VIEW_LAST:
		way = n - 1;
		break;
	case VIEW_UP:
		series = ascii ? series - 1 : next_series(v, series, way, true);
		break;
	case VIEW_DOWN:
		series = ascii ? series + 1 : next_series(v, series, way, false);
		break;
	case VIEW_TOP:
		series = 0;
		break;
	case VIEW_BOTTOM:
		series = lines_series(v->table)->n - 1;
		break;
	}
	go(v, clamp(series, 0, lines_series(v->table)->n - 1), clamp(way, 0, n - 1), row, col);
}

static bool lines_sign(const struct view *v, const struct plan *p, int row, int col, int *x, int *y)
{
	struct scale_y s = scale_for(v);
	int way = along_cols(v->table) ? col : row, series = along_cols(v->table) ? row : col;
	double part = part_of(&s, (double)lines_value(v->table, series, way));

	*x = column_of(v, p, way);
	*y = p->cells.y +
	     (theme_ascii(v->theme) ? series - p->top : clamp((int)lround((1 - part) * (p->cells.h - 1)), 0, p->cells.h - 1) - 1);
	return isfinite(part) && *y >= p->cells.y && *y < p->cells.y + p->cells.h;
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
		struct scale_y s = scale_for(v);
		struct number_form form = number_form(t, ALL_COLUMNS);
		char lo[NUMBER_BYTES], hi[NUMBER_BYTES];

		str_addf(out, "\n0: %s, 9: %s", number_print(&form, (float)value_of_part(&s, 0), lo),
			 number_print(&form, (float)value_of_part(&s, 1), hi));
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
