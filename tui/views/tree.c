/*
 * tree.c - rows that consist of other rows: indented, the strongest of each level first, with their share and a bar around zero.
 *
 *                          logit  share
 *      ▾ 3.attn            +4.10   62 %          │██████▉
 *        ▾ head 3.1        +3.20   48 %          │█████▍
 *            4 ·Mary       +3.05   46 %          │█████▏
 *        ▸ head 3.0        -0.40   -6 %         ▐│
 *      ▸ 3.mlp             +1.10   17 %          │█▊
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "tui/views/views.h"

enum { STEP = 2, MARK = 2, SHARE_W = 7, LABEL_MOST = 40, BAR_MIN = 6, HEAD_FROM = 6 };

/* ---- the order of lines ---- */

struct sibling {
	int row;
	float size;
};

static int by_size(const void *a, const void *b)
{
	const struct sibling *x = a, *y = b;

	return x->size == y->size ? x->row - y->row : x->size < y->size ? 1 : -1;
}

struct order {
	const struct table *t;
	int *first, *next;    /* [rows + 1], [rows] children of row i from first[i + 1] on; -1 ends */
	struct sibling *room; /* [rows] those of one parent after those of the rows that it is in */
	int *line, lines;     /* [rows] the rows, as the screen has them */
};

static void put_level(struct order *o, int parent, struct sibling *room)
{
	int n = 0;

	for (int r = o->first[parent + 1]; r >= 0; r = o->next[r]) {
		const float x = o->t->value[table_cell(o->t, r, 0)];

		room[n++] = (struct sibling){ r, isfinite(x) ? fabsf(x) : -1 };
	}
	qsort(room, (size_t)n, sizeof *room, by_size);
	for (int i = 0; i < n; i++) {
		o->line[o->lines++] = room[i].row;
		put_level(o, room[i].row, room + n);
	}
}

/* [rows] the table's row of each line; heap. */
static int *lines_of(const struct table *t)
{
	const size_t n = (size_t)t->rows.n;
	struct order o = { .t = t,
			   .line = xmalloc(n * sizeof *o.line),
			   .first = xmalloc((n + 1) * sizeof *o.first),
			   .next = xmalloc(n * sizeof *o.next),
			   .room = xmalloc(n * sizeof *o.room) };

	for (size_t i = 0; i <= n; i++)
		o.first[i] = -1;
	for (int r = t->rows.n - 1; r >= 0; r--) {
		o.next[r] = o.first[t->parent[r] + 1];
		o.first[t->parent[r] + 1] = r;
	}
	put_level(&o, -1, o.room);
	free(o.first);
	free(o.next);
	free(o.room);
	return o.line;
}

static int line_of(const int *line, int n, int row)
{
	int i = 0;

	while (i < n - 1 && line[i] != row)
		i++;
	return i;
}

static int indent_of(const struct table *t, int row)
{
	int by = 0;

	for (int i = t->parent[row]; i >= 0; i = t->parent[i])
		by += STEP;
	return by;
}

static int widest(const struct table *t)
{
	int most = 1;

	for (int r = 0; r < t->rows.n; r++) {
		const int w = indent_of(t, r) + MARK + canvas_columns(t->rows.show[r], strlen(t->rows.show[r]));

		most = w > most ? w : most;
	}
	return most < LABEL_MOST ? most : LABEL_MOST;
}

/* ---- where everything is ---- */

static void tree_plan(const struct view *v, enum zoom zoom, struct plan *p)
{
	const struct table *t = v->table;
	const struct rect r = v->rect;
	const int foot = r.h >= 10 ? 3 : r.h >= 4 ? 2 : r.h >= 3, head = r.h >= HEAD_FROM;
	int *line = lines_of(t);

	(void)zoom; /* a tree has but one */
	p->zoom = ZOOM_NUMBER;
	p->label_x = r.x + (r.w >= MARGIN_FROM);
	p->label_w = clamp(widest(t), 1, clamp(r.w / 2, 2, LABEL_MOST));
	p->head_y = head ? r.y : -1;
	p->cells = (struct rect){ p->label_x + p->label_w + 1, r.y + head, 0, 0 };
	p->cells.w = r.x + r.w - p->cells.x;
	p->cell_w = p->cells.w > 0 ? p->cells.w : 1;
	p->rows = t->rows.n;
	p->cols = p->page_cols = 1;
	p->cursor_line = v->row < 0 ? -1 : line_of(line, p->rows, clamp(v->row, 0, t->rows.n - 1));
	p->foot_lines = 0;
	p->page_rows = clamp(r.h - head - (foot ? 1 : 0), 1, p->rows);
	p->foot_lines = foot_lines(v, &view_tree, p, foot);
	p->page_rows = clamp(r.h - head - p->foot_lines, 1, p->rows);
	p->cells.h = p->page_rows;
	free(line);
}

static struct view_need tree_need(const struct view *v, enum zoom zoom)
{
	enum { SOME = 4, FOOT = 1, FOOT_MOST = 3, BAR_WANT = 24, BAR_MOST = 60 };
	const int rows = v->table->rows.n + 1, fixed = 1 + widest(v->table) + 1 + number_form(v->table, 0).width + 2;

	(void)zoom;
	return (struct view_need){
		.min = { (rows < SOME ? rows : SOME) + FOOT, fixed + BAR_MIN },
		.want = { rows + FOOT, fixed + SHARE_W + BAR_WANT },
		.most = { rows + FOOT_MOST, fixed + SHARE_W + BAR_MOST },
	};
}

static bool tree_hit(const struct view *v, const struct plan *p, int x, int y, int *row, int *col)
{
	const int at = y - p->cells.y;
	int *line;

	if (at < 0 || at >= p->page_rows || p->top + at >= p->rows || x < v->rect.x || x >= v->rect.x + v->rect.w)
		return false;
	line = lines_of(v->table);
	*row = line[p->top + at];
	*col = -1;
	free(line);
	return true;
}

/* Left goes to the row that this one is part of, right into what it consists of; closed rows are opened by who asks for them. */
static void tree_move(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col)
{
	const struct table *t = v->table;
	const int page = p->page_rows > 1 ? p->page_rows - 1 : 1, n = t->rows.n;
	int *line = lines_of(t), at = line_of(line, n, *row);

	(void)col;
	switch (move) {
	case VIEW_UP:
		at--;
		break;
	case VIEW_DOWN:
		at++;
		break;
	case VIEW_PAGE_UP:
		at -= page;
		break;
	case VIEW_PAGE_DOWN:
		at += page;
		break;
	case VIEW_TOP:
		at = 0;
		break;
	case VIEW_BOTTOM:
		at = n - 1;
		break;
	case VIEW_LEFT:
		at = t->parent[*row] >= 0 ? line_of(line, n, t->parent[*row]) : at;
		break;
	case VIEW_RIGHT:
		at += table_has_rows_of(t, *row);
		break;
	default:
		break;
	}
	*row = line[clamp(at, 0, n - 1)];
	free(line);
}

static bool tree_sign(const struct view *v, const struct plan *p, int row, int col, int *x, int *y)
{
	int *line = lines_of(v->table);
	const int at = line_of(line, p->rows, row) - p->top;

	(void)col;
	free(line);
	*x = p->cells.x - 1;
	*y = p->cells.y + at;
	return at >= 0 && at < p->page_rows;
}

/* ---- drawing ---- */

/* The second column, where it says which part of the whole a row is. */
static bool has_shares(const struct view *v, const struct plan *p, const struct number_form *form)
{
	const struct table *t = v->table;

	return t->cols.n > 1 && !strcmp(t->cols.label[1], "share") && p->cells.w >= form->width + SHARE_W + 2 + BAR_MIN;
}

struct tree_line {
	const struct number_form *form;
	const struct bar_ground *ground;
	const int *before; /* [rows] of the table before the edits; or NULL */
	bool shares;
};

/* What is left of a row after those that have a place: quieter than they are. */
static bool is_rest(const struct table *t, int row)
{
	return t->parent[row] >= 0 && t->rows.place && t->rows.place[row].site == SITE_NONE;
}

static void draw_label(struct canvas *c, const struct view *v, const struct plan *p, int y, int row, bool here)
{
	const struct table *t = v->table;
	const char *mark = t->closed[row] ? "▸" : table_has_rows_of(t, row) ? "▾" : "";
	const int by = indent_of(t, row), left = p->label_w - by - MARK;

	if (left <= 0)
		return;
	canvas_text(c, p->label_x + by, y, theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_LABEL), mark);
	canvas_field(c, p->label_x + by + MARK, y, left, ALIGN_LEFT,
		     is_rest(t, row) && !here && !v->stale ? theme_ink(v->theme, STYLE_DIM) : label_ink(v, t->rows.show[row], here),
		     t->rows.show[row]);
}

static void draw_share(struct canvas *c, const struct view *v, int x, int y, int row)
{
	const float share = v->table->value[table_cell(v->table, row, 1)];
	char text[32];

	if (!isfinite(share) || fabsf(share) >= 1e6f)
		return;
	snprintf(text, sizeof text, "%.0f %%", (double)share * 100);
	canvas_field(c, x, y, SHARE_W, ALIGN_RIGHT, theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_DIM),
		     strcmp(text, "-0 %") ? text : "0 %");
}

static void draw_line(struct canvas *c, const struct view *v, const struct plan *p, const struct tree_line *l, int y, int row)
{
	const struct table *t = v->table;
	const bool here = v->row >= 0 && clamp(v->row, 0, t->rows.n - 1) == row;
	const float now = t->value[table_cell(t, row, 0)];
	const int was = l->before ? l->before[row] : -1;
	const struct ink ink = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_TEXT);
	char number[NUMBER_BYTES];

	draw_label(c, v, p, y, row, here);
	canvas_field(c, p->cells.x, y, l->form->width, ALIGN_RIGHT, here ? cursor_ink(v, ink) : ink,
		     number_print(l->form, now, number));
	if (here)
		cursor_brackets(c, v, p->cells.x - 1, y, l->form->width + 2);
	if (l->shares)
		draw_share(c, v, p->cells.x + l->form->width + 1, y, row);
	bar_of(c, v, l->ground, y, (double)now, was < 0 ? (double)NAN : (double)v->before->value[table_cell(v->before, was, 0)],
	       false);
}

static void draw_head(struct canvas *c, const struct view *v, const struct plan *p, const struct tree_line *l)
{
	const struct ink ink = theme_ink(v->theme, STYLE_LABEL);

	if (p->head_y < 0)
		return;
	canvas_field(c, p->cells.x, p->head_y, l->form->width, ALIGN_RIGHT, ink, v->table->unit[0]);
	if (l->shares)
		canvas_field(c, p->cells.x + l->form->width + 1, p->head_y, SHARE_W, ALIGN_RIGHT, ink, v->table->cols.show[1]);
}

static void tree_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	const struct number_form form = number_form(v->table, 0);
	const bool shares = has_shares(v, p, &form);
	const int x = p->cells.x + form.width + 2 + (shares ? SHARE_W : 0), end = v->rect.x + v->rect.w;
	const struct bar_ground ground = bar_ground_of(v, 0, x, clamp(end - x - 1, 0, end));
	int *line = lines_of(v->table), *before = v->before ? xmalloc((size_t)v->table->rows.n * sizeof *before) : NULL;
	const struct tree_line how = { &form, &ground, before, shares };

	if (before)
		table_match(v->table, v->before, before);
	draw_head(c, v, p, &how);
	for (int i = 0; i < p->page_rows; i++)
		draw_line(c, v, p, &how, p->cells.y + i, line[p->top + i]);
	free(line);
	free(before);
}

static void tree_say(const struct view *v, const struct plan *p, struct str *out)
{
	if (p->page_rows < p->rows && v->rect.h >= HEAD_FROM)
		str_addf(out, "rows %d–%d of %d", p->top + 1, p->top + p->page_rows, p->rows);
}

static enum fit tree_fits(const struct table *t)
{
	return !t->parent ? FITS_NOT : t->look == LOOK_TREE ? FITS_BEST : FITS;
}

/* clang-format off */
const struct view_kind view_tree = {
	.fits = tree_fits, .plan = tree_plan, .draw = tree_draw, .need = tree_need, .hit = tree_hit, .move = tree_move,
		.sign = tree_sign, .says = tree_say,
};
/* clang-format on */
