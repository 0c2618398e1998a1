/*
 * lines_layout.h - where curves are drawn: along which axis they run, how high a value is, which column an index has. For the files
 * of the view (lines.c draws, lines_walk.c is its mouse and its keys), and for figures.
 */
#ifndef LMSCOPE_TUI_VIEWS_LINES_LAYOUT_H
#define LMSCOPE_TUI_VIEWS_LINES_LAYOUT_H

#include "tui/views/views.h"

/* Eight dots to a cell of the screen, two columns by four rows. */
enum { DOT_COLS = 2, DOT_ROWS = 4, SERIES_MOST = 64 };

/* Curves run along such a dimension. */
bool lines_is_way(enum dim dim);
/* Curves run along the columns of the table; otherwise along its rows. */
bool lines_along_cols(const struct table *t);
/* The curve that the cursor is on, and where on it; -1: on none. */
int lines_cursor_series(const struct view *v);
int lines_cursor_way(const struct view *v);

/* ---- up and down ---- */

struct lines_scale {
	double lo, hi;
	bool ranks; /* by factors, 1 at the top */
};
/* Of all values of n tables, the first of which says what they are (the others may be NULL), and of what is neutral there. */
struct lines_scale lines_scale(const struct table *const *tables, int n);
/* Of a view: the table without the edits, too, so that a curve moves and the axis does not. */
struct lines_scale lines_scale_of(const struct view *v);
/* As a height: of ranks -log. */
double lines_height(const struct lines_scale *s, double x);
/* 0 at the bottom, 1 at the top; NaN for what is none. And back. */
double lines_part(const struct lines_scale *s, double x);
double lines_value_of_part(const struct lines_scale *s, double part);

/* ---- to the side ---- */

/* Columns of dots, or of digits, from the first of n points to the last. */
int lines_dot(int i, int n, int dots);
int lines_column(const struct view *v, const struct plan *p, int i);

void lines_plan(const struct view *v, enum zoom zoom, struct plan *p);
struct view_need lines_need(const struct view *v, enum zoom zoom);

/* ---- lines_walk.c ---- */

bool lines_hit(const struct view *v, const struct plan *p, int x, int y, int *row, int *col);
void lines_move(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col);
bool lines_sign(const struct view *v, const struct plan *p, int row, int col, int *x, int *y);

#endif
