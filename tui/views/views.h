/*
 * views.h - between view.c and the views: a plan says where everything of a table is in its rectangle. Drawing, the
 * mouse and the keys all go by the same plan.
 *
 *     label  head head head head  axis		<- head_y
 *        29  cell cell cell cell
 *        28  cell cell cell cell
 *     0.00 ░▒▓█ 1.00 · layer 12–29 of 30	<- foot
 */
#ifndef LMSCOPE_TUI_VIEWS_VIEWS_H
#define LMSCOPE_TUI_VIEWS_VIEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/views/view.h"

/* From this width on there is a column of space on either side. */
enum { MARGIN_FROM = 30 };

struct plan {
	enum zoom zoom;			 /* never ZOOM_AUTO */
	struct rect cells;		 /* what all shown cells cover */
	int label_x, label_w;		 /* of row labels */
	int head_y;			 /* of column labels; -1: none */
	int cell_w;			 /* columns of a cell */
	int stack;			 /* cells above one another in a line: 2 with half blocks, */
	int lines;			 /* or so many lines for a cell */
	int number_w;			 /* columns of a number beside the word of a cell; 0: none */
	int pool_rows, pool_cols;	 /* table rows and columns in one cell: 1 but in fit mode */
	int rows, cols;			 /* cells in all, after pooling */
	int page_rows, page_cols;	 /* how many can be shown, */
	int blocks, block_rows, block_w; /* in so many blocks side by side, of so many rows, block_w columns from one to the next */
	int top, left;			 /* from here, as the screen counts */
	double threshold;		 /* of the edges that are shown */
	int cursor_line; /* where views that have other lines than the table's rows have the cursor, counted as `rows`;
			     -1: it is a row */
	int foot_y, foot_lines;
	struct span span; /* of the colours; */
	bool held;	  /* it is that of the table without edits */
	bool upwards;	  /* row 0 at the bottom */
};

/* Whether a view can draw a table; FITS_BEST: it is the one that the table's look asks for. */
enum fit { FITS_NOT, FITS, FITS_BEST };

/*
 * A view: a row of views.def, and a file of this folder. Rows, columns and cells are the table's. What is NULL is as in
 * a grid: the cell under the mouse, a step to the next row or column, the sign of a note at the cell's left edge.
 */
struct view_kind {
	bool has_columns;			 /* the cursor moves sideways */
	bool has_legend;			 /* data is painted with a ramp */
	unsigned zooms;				 /* bits 1 << ZOOM_…: those besides ZOOM_AUTO that make another picture */
	enum fit (*fits)(const struct table *t); /* it has a row and a column at least */
	void (*plan)(const struct view *v, enum zoom zoom, struct plan *p); /* all but top, left and foot_y */
	void (*draw)(struct canvas *c, const struct view *v, const struct plan *p);
	struct view_need (*need)(const struct view *v, enum zoom zoom);
	/* row or col -1: of all, as on a label. false: nothing is there. */
	bool (*hit)(const struct view *v, const struct plan *p, int x, int y, int *row, int *col);
	/* Where the cursor goes from *row, *col, which are within the table. Where there was no room to draw, the plan
	 * has no cells. */
	void (*move)(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col);
	/* Where the sign of a note on a cell goes; false: there is no room for it. */
	bool (*sign)(const struct view *v, const struct plan *p, int row, int col, int *x, int *y);
	void (*says)(const struct view *v, const struct plan *p,
		     struct str *out); /* remarks for the foot, a line each; NULL: none */
};
#define VIEW(id, name, picture, title) extern const struct view_kind view_##id;
#include "tui/views/views.def"
#undef VIEW

/* Of a table that fits as lines: the axis that curves run along, what each of them is of, and its value there. */
const struct axis *lines_way(const struct table *t);
const struct axis *lines_series(const struct table *t);
float lines_value(const struct table *t, int series, int i);
/* Of a table that fits as a graph: the layer that a node is in, 0 below the first; its token's column, and that token.
 */
int graph_level(const struct table *t, int row);
int graph_column(const struct table *t, int row);
const char *graph_token(const struct table *t, int column);
/* One step from the plan's threshold, up or down; by 0: that itself. */
double graph_threshold(const struct view *v, const struct plan *p, int by);
bool grid_hit(const struct view *v, const struct view_kind *kind, const struct plan *p, int x, int y, int *row, int *col);
void grid_move(const struct view *v, const struct view_kind *kind, const struct plan *p, enum view_move move, int *row, int *col);
bool grid_sign(const struct view *v, const struct view_kind *kind, const struct plan *p, int row, int col, int *x, int *y);

/* ---- what views share ---- */

static inline int clamp(int x, int lo, int hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/* How numbers of a table (or of one of its columns) are written: so that all have the same decimals. */
struct number_form {
	int decimals;
	bool exponent; /* 1.2e9 */
	bool bare;     /* .71 for 0.71 */
	int width;     /* of the widest, in columns */
};
enum { ALL_COLUMNS = -1, NUMBER_BYTES = 64 };
struct number_form number_form(const struct table *t, int col);
/* With a typographic minus, as all numbers for people: what is wide is told by columns, not bytes. NaN: "". */
const char *number_print(const struct number_form *form, float x, char out[NUMBER_BYTES]);
/* A sentence of the engine with the same minus: there, as in files, it is a hyphen. */
void number_sentence(const char *text, struct str *out);

/* The values at half the ramp's strength where these are not half way, for legends: one, of a diverging range two, or
 * none (""). */
void span_half_print(const struct span *span, struct number_form form, char half[2][NUMBER_BYTES]);

/* The columns of a ranking that are drawn; and how its numbers are written. */
struct ranking ranking_columns(const struct table *t);
struct number_form ranking_form(const struct table *t, int main);

enum ramp ramp_of(enum scale scale);
/* The ink of a value on its ramp: what is as good as neutral has the background's own. Of a cell it is the value that
 * span_paint() gives. */
struct ink value_ink(const struct theme *theme, const struct span *span, float x);

/* What a cell that is not known yet was in the table before; NaN: it is known, or there is none. */
float older_value(const struct view *v, int row, int col);
/* The ink of such a value: muted, on the background's own. */
struct ink older_ink(const struct view *v);

/* The cursor's ink for text on a cell: the cell's own background. */
struct ink cursor_ink(const struct view *v, struct ink under);
/* ‹ › into the first and the last of w columns, where these are blank: when all cells are drawn. */
void cursor_brackets(struct canvas *c, const struct view *v, int x, int y, int w);
void cursor_bracket(struct canvas *c, const struct view *v, int x, int y, const char *glyph); /* one of them */

/* Screen order (0 at the top) and table order. */
int plan_screen_row(const struct plan *p, const struct table *t, int row);	 /* the cell's, after pooling */
int plan_table_row(const struct plan *p, const struct table *t, int screen_row); /* the first one in that cell */

int label_columns(const struct axis *axis, int enough); /* of the widest label; it is not looked for beyond `enough` */
bool label_is_number(const struct axis *axis);		/* 0, 1, 2 …: right-aligned, and may be left out between ticks */
struct ink label_ink(const struct view *v, const char *text, bool at_cursor);
bool search_finds(const struct view *v, const char *text);

/* The lines below: legend, what is shown of how many, footnote, check. foot_lines: how many it wants, at most `limit`.
 */
int foot_lines(const struct view *v, const struct view_kind *kind, const struct plan *p, int limit);
void foot_draw(struct canvas *c, const struct view *v, const struct view_kind *kind, const struct plan *p);

/* A horizontal bar of `eighths` of a column from x: to the right, or (negative) to the left of it. */
void bar_draw(struct canvas *c, int x, int y, int eighths, struct ink ink, bool ascii);
/* Where the bars of a column are: `w` columns from x, zero after `zero` of them, so many eighths to a unit. */
struct bar_ground {
	int x, w, zero;
	double eighths;
};
struct bar_ground bar_ground_of(const struct view *v, int col, int x, int w);
/*
 * A value's bar there, and beyond it, paler, how far it reached before the edits (NaN: nothing); `older`: it is an earlier
 * answer's.
 */
void bar_of(struct canvas *c, const struct view *v, const struct bar_ground *g, int y, double now, double before, bool older);

#endif
