/* lines_walk.c - see lines_layout.h: what the mouse and the keys mean on curves. */
#include <math.h>
#include <stdlib.h>

#include "tui/views/lines_layout.h"

static void go(const struct view *v, int series, int way, int *row, int *col)
{
	*row = lines_along_cols(v->table) ? series : way;
	*col = lines_along_cols(v->table) ? way : series;
}

/* The curve that is nearest to a line of the plot. */
static int nearest_series(const struct view *v, const struct plan *p, int way, int y)
{
	struct lines_scale s = lines_scale_of(v);
	double wanted = 1 - (y - p->cells.y + 0.5) / p->cells.h, least = INFINITY;
	int best = 0;

	for (int k = 0; k < lines_series(v->table)->n; k++) {
		double away = fabs(lines_part(&s, (double)lines_value(v->table, k, way)) - wanted);

		if (away < least) {
			least = away;
			best = k;
		}
	}
	return best;
}

bool lines_hit(const struct view *v, const struct plan *p, int x, int y, int *row, int *col)
{
	int n = lines_way(v->table)->n, way = 0, least = p->cells.w + 1;
	bool ascii = theme_ascii(v->theme);

	if (x < p->cells.x || x >= p->cells.x + p->cells.w || y < p->cells.y ||
	    y >= p->cells.y + (ascii ? p->page_rows : p->cells.h))
		return false;
	for (int i = 0; i < n; i++)
		if (abs(lines_column(v, p, i) - x) < least) {
			least = abs(lines_column(v, p, i) - x);
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
	const struct lines_scale s = { 0, 1, t->scale == SCALE_RANK };
	double from = lines_height(&s, (double)lines_value(t, series, way)), best_height = 0;
	int best = -1;

	from = isfinite(from) ? from : 0;
	for (int k = 0; k < lines_series(t)->n; k++) {
		double height = lines_height(&s, (double)lines_value(t, k, way)), away;

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

void lines_move(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col)
{
	int n = lines_way(v->table)->n, way = lines_along_cols(v->table) ? *col : *row,
	    series = lines_along_cols(v->table) ? *row : *col, page = clamp(n / 5, 1, n);
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

bool lines_sign(const struct view *v, const struct plan *p, int row, int col, int *x, int *y)
{
	struct lines_scale s = lines_scale_of(v);
	int way = lines_along_cols(v->table) ? col : row, series = lines_along_cols(v->table) ? row : col;
	double part = lines_part(&s, (double)lines_value(v->table, series, way));

	*x = lines_column(v, p, way);
	*y = p->cells.y +
	     (theme_ascii(v->theme) ? series - p->top : clamp((int)lround((1 - part) * (p->cells.h - 1)), 0, p->cells.h - 1) - 1);
	return isfinite(part) && *y >= p->cells.y && *y < p->cells.y + p->cells.h;
}
