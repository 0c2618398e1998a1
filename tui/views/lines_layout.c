/* lines_layout.c - see lines_layout.h. */
#include "tui/views/lines_layout.h"

#include <math.h>

enum { LEGEND_MOST = 24, LEGEND_FROM = 46, AXIS_H = 2, NO_SERIES = -1 };

bool lines_is_way(enum dim dim)
{
	return dim == DIM_LAYER || dim == DIM_STEP || dim == DIM_POSITION;
}

/* Curves run along the columns where these are a way and the rows are not, or are a lesser one: layers come before
 * positions. */
bool lines_along_cols(const struct table *t)
{
	if (lines_is_way(t->rows.dim) && lines_is_way(t->cols.dim))
		return t->rows.dim == DIM_POSITION && t->cols.dim != DIM_POSITION;
	return lines_is_way(t->cols.dim);
}

const struct axis *lines_way(const struct table *t)
{
	return lines_along_cols(t) ? &t->cols : &t->rows;
}

const struct axis *lines_series(const struct table *t)
{
	return lines_along_cols(t) ? &t->rows : &t->cols;
}

float lines_value(const struct table *t, int series, int i)
{
	return t->value[lines_along_cols(t) ? table_cell(t, series, i) : table_cell(t, i, series)];
}

int lines_cursor_series(const struct view *v)
{
	int at = lines_along_cols(v->table) ? v->row : v->col;

	return at < 0 ? NO_SERIES : clamp(at, 0, lines_series(v->table)->n - 1);
}

int lines_cursor_way(const struct view *v)
{
	int at = lines_along_cols(v->table) ? v->col : v->row;

	return at < 0 ? -1 : clamp(at, 0, lines_way(v->table)->n - 1);
}

/* ---- up and down ---- */

double lines_height(const struct lines_scale *s, double x)
{
	return s->ranks ? -log(fmax(x, 1)) : x;
}

struct lines_scale lines_scale(const struct table *const *tables, int n)
{
	const struct table *t = tables[0];
	struct lines_scale s = { INFINITY, -INFINITY, t->scale == SCALE_RANK };

	for (int k = 0; k < n; k++)
		for (int i = 0; tables[k] && i < tables[k]->rows.n * tables[k]->cols.n; i++) {
			double y = lines_height(&s, (double)tables[k]->value[i]);

			if (isfinite(y)) {
				s.lo = fmin(s.lo, y);
				s.hi = fmax(s.hi, y);
			}
		}
	if (!(s.hi >= s.lo))
		return (struct lines_scale){ 0, 1, s.ranks };
	if (!s.ranks && isfinite(t->neutral)) {
		s.lo = fmin(s.lo, (double)t->neutral);
		s.hi = fmax(s.hi, (double)t->neutral);
	}
	if (s.hi - s.lo <= 0)
		s.hi = s.lo + 1;
	return s;
}

struct lines_scale lines_scale_of(const struct view *v)
{
	const struct table *tables[] = { v->table, v->edited ? v->ground : NULL, v->before };

	return lines_scale(tables, 3);
}

double lines_part(const struct lines_scale *s, double x)
{
	return (lines_height(s, x) - s->lo) / (s->hi - s->lo);
}

double lines_value_of_part(const struct lines_scale *s, double part)
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

void lines_plan(const struct view *v, enum zoom zoom, struct plan *p)
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
	p->cursor_line = ascii && lines_cursor_series(v) >= 0 ? lines_cursor_series(v) : 0;
	p->head_y = axis ? p->cells.y + (ascii ? p->page_rows : p->cells.h) : -1; /* of the axis, which is below */
}

struct view_need lines_need(const struct view *v, enum zoom zoom)
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

int lines_dot(int i, int n, int dots)
{
	return n > 1 ? (int)lround((double)i * (dots - 1) / (n - 1)) : 0;
}

int lines_column(const struct view *v, const struct plan *p, int i)
{
	bool ascii = theme_ascii(v->theme);
	int per = ascii ? 1 : DOT_COLS;

	return p->cells.x + lines_dot(i, lines_way(v->table)->n, p->cells.w * per) / per;
}
