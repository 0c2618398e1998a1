/* grid.c - the mouse and the keys where a table is drawn as rows and columns, by its plan. See views.h. */
#include "tui/views/views.h"

/* Which block of rows is under column x. */
static int block_at(const struct plan *p, int x)
{
	return p->blocks > 1 ? clamp((x - p->label_x) / p->block_w, 0, p->blocks - 1) : 0;
}

bool grid_hit(const struct view *v, const struct view_kind *kind, const struct plan *p, int x, int y, int *row, int *col)
{
	bool sideways = kind->has_columns, on_row, on_col;
	int block = block_at(p, x), line, screen_row;

	x -= block * p->block_w;
	line = (y - p->cells.y) / p->lines * p->stack + block * p->block_rows;
	screen_row = p->top + line;
	on_row = y >= p->cells.y && y < p->cells.y + p->cells.h && screen_row < p->rows && line < p->page_rows;
	on_col = sideways && x >= p->cells.x && x < p->cells.x + p->cells.w;
	if (sideways && !on_col && x >= p->cells.x)
		return false; /* beside the table */
	if (!on_row && !(on_col && y == p->head_y))
		return false;
	*row = on_row ? plan_table_row(p, v->table, screen_row) : -1;
	*col = on_col ? clamp((p->left + (x - p->cells.x) / p->cell_w) * p->pool_cols, 0, v->table->cols.n - 1) : -1;
	return true;
}

bool grid_sign(const struct view *v, const struct view_kind *kind, const struct plan *p, int row, int col, int *x, int *y)
{
	int line = plan_screen_row(p, v->table, row) - p->top;

	*x = kind->has_columns ? p->cells.x + (col / p->pool_cols - p->left) * p->cell_w : p->cells.x - 1;
	*y = p->cells.y + line * p->lines;
	return p->stack == 1 && !p->block_w && (p->cell_w >= 2 || *x < p->cells.x) && line >= 0 && line < p->page_rows &&
	       *x >= p->cells.x - 1 && *x < p->cells.x + p->cells.w;
}

void grid_move(const struct view *v, const struct view_kind *kind, const struct plan *p, enum view_move move, int *row, int *col)
{
	const struct table *t = v->table;
	bool sideways = kind->has_columns;
	int page = p->page_rows > 1 ? p->page_rows - 1 : 1, page_cols = p->page_cols > 1 ? p->page_cols - 1 : 1;
	int down = t->rows.dim == DIM_LAYER ? -1 : 1, top = down > 0 ? 0 : t->rows.n - 1;

	switch (move) {
	case VIEW_UP:
		*row -= down;
		break;
	case VIEW_DOWN:
		*row += down;
		break;
	case VIEW_PAGE_UP:
		*row -= down * page;
		break;
	case VIEW_PAGE_DOWN:
		*row += down * page;
		break;
	case VIEW_TOP:
		*row = top;
		break;
	case VIEW_BOTTOM:
		*row = t->rows.n - 1 - top;
		break;
	case VIEW_LEFT:
		*col -= sideways;
		break;
	case VIEW_RIGHT:
		*col += sideways;
		break;
	case VIEW_PAGE_LEFT:
		*col -= sideways ? page_cols : 0;
		break;
	case VIEW_PAGE_RIGHT:
		*col += sideways ? page_cols : 0;
		break;
	case VIEW_FIRST:
		*col = sideways ? 0 : *col;
		break;
	case VIEW_LAST:
		*col = sideways ? t->cols.n - 1 : *col;
		break;
	}
}
