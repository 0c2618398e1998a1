/*
 * tiles.c - a small picture in each cell: the attention patterns of all heads at once, as BertViz' model view. A dot is a weight
 * that counts. Where the layers do not fit below one another they are in blocks side by side. See views.h.
 *
 *     layer 0    1    2        layer 0    1    2
 *        29 ⠑⢄   ⠑⢄   ⠠⢀          14 ⠗⡄        ⠢
 *             ⠑⢀   ⠑⢄ ⠐                 ⠁ ⡀        ⠁⡀
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/views/views.h"

/* Eight dots to a cell of the screen, two columns by four rows. */
enum { DOT_COLS = 2, DOT_ROWS = 4, LABEL_MAX = 6, BETWEEN = 2, FOOT_MOST = 2 };

#define DOT_FROM 0.25f	  /* the weight from which a dot is set */
#define FADES_BELOW 0.1f  /* a head that puts less than this anywhere but on the first token */
#define LEAST_SHADE 0.45f /* of the ramp: dots must be seen */

static int ceil_div(int a, int b)
{
	return (a + b - 1) / b;
}

/* As few blocks side by side as hold all rows; where even the most do not, these. */
static int blocks_for(int rows, int page, int stride, int w)
{
	int most = clamp((w + BETWEEN) / stride, 1, rows), wanted = ceil_div(rows, page);

	return wanted < most ? wanted : most;
}

static void tiles_plan(const struct view *v, enum zoom zoom, struct plan *p)
{
	const struct table *t = v->table;
	struct rect r = v->rect;
	int head = r.h >= 3, margin = r.w >= MARGIN_FROM, page, w = r.w - margin;

	(void)zoom; /* there is but one */
	p->zoom = ZOOM_SHADE;
	p->label_w = clamp(label_columns(&t->rows, LABEL_MAX), 1, LABEL_MAX);
	p->label_x = r.x + margin;
	p->head_y = head ? r.y : -1;
	p->cell_w = ceil_div(t->tile_cols, DOT_COLS) + 1;
	p->lines = ceil_div(t->tile_rows, DOT_ROWS);
	p->rows = t->rows.n;
	p->cols = t->cols.n;
	p->page_cols = clamp((w - p->label_w - 1) / p->cell_w, 1, p->cols);
	p->foot_lines = r.h >= 6 || v->edge;
	page = clamp((r.h - head - p->foot_lines) / p->lines, 1, p->rows);
	p->block_w = p->label_w + 1 + p->page_cols * p->cell_w + BETWEEN;
	p->blocks = blocks_for(p->rows, page, p->block_w, w);
	p->block_rows = clamp(ceil_div(p->rows, p->blocks), 1, page);
	p->page_rows = clamp(p->block_rows * p->blocks, 1, p->rows);
	p->cells = (struct rect){ p->label_x + p->label_w + 1, r.y + head, p->page_cols * p->cell_w, p->block_rows * p->lines };
	p->foot_lines = foot_lines(v, &view_tiles, p, clamp(r.h - head - p->cells.h, p->foot_lines, FOOT_MOST));
}

static struct view_need tiles_need(const struct view *v, enum zoom zoom)
{
	enum { SOME = 3, HEAD = 1, FOOT = 1 };
	const struct table *t = v->table;
	int label = 1 + clamp(label_columns(&t->rows, LABEL_MAX), 1, LABEL_MAX) + 1, w = ceil_div(t->tile_cols, DOT_COLS) + 1,
	    lines = ceil_div(t->tile_rows, DOT_ROWS);
	int block = label + t->cols.n * w;

	(void)zoom;
	return (struct view_need){
		.min = { HEAD + (t->rows.n < SOME ? t->rows.n : SOME) * lines + FOOT,
			 label + (t->cols.n < SOME ? t->cols.n : SOME) * w },
		.want = { HEAD + t->rows.n * lines + FOOT, block },
		.most = { HEAD + t->rows.n * lines + FOOT_MOST, t->rows.n > 1 ? 2 * block + BETWEEN : block },
	};
}

static bool dot_is_set(const struct table *t, const float *tile, int row, int col)
{
	return row < t->tile_rows && col < t->tile_cols && tile[row * t->tile_cols + col] >= DOT_FROM; /* not where there is NaN */
}

/* The glyph of the dots from (row, col): braille, or in ASCII by how many they are. */
static const char *dots(const struct view *v, const float *tile, int row, int col, char out[4])
{
	static const char *const ascii[] = { " ", ".", ".", ":", "-", "=", "+", "#", "@" };
	static const unsigned char bit[DOT_ROWS][DOT_COLS] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };
	unsigned set = 0;
	int n = 0;

	for (int i = 0; i < DOT_ROWS; i++)
		for (int j = 0; j < DOT_COLS; j++)
			if (dot_is_set(v->table, tile, row + i, col + j)) {
				set |= bit[i][j];
				n++;
			}
	if (!set || theme_ascii(v->theme))
		return ascii[n];
	out[0] = (char)0xE2;
	out[1] = (char)(0xA0 | set >> 6);
	out[2] = (char)(0x80 | (set & 0x3F));
	out[3] = '\0';
	return out;
}

static void draw_tile(struct canvas *c, const struct view *v, const struct plan *p, int x, int y, size_t cell, bool cursor)
{
	const struct table *t = v->table;
	const float *tile = t->tile + cell * (size_t)(t->tile_rows * t->tile_cols), value = t->value[cell];
	bool fades = !(value >= FADES_BELOW);
	struct ink ink = fades ? theme_ink(v->theme, STYLE_BORDER)
			       : theme_bar_ink(v->theme, RAMP_PROBABILITY, fmaxf(LEAST_SHADE, span_at(&p->span, value)));
	char glyph[4];

	if (v->stale)
		ink = theme_ink(v->theme, STYLE_STALE);
	ink.attr = 0;
	if (cursor)
		ink.mark = theme_ink(v->theme, v->focus ? STYLE_CURSOR : STYLE_CURSOR_AWAY).mark;
	canvas_fill(c, (struct rect){ x, y, p->cell_w - 1, p->lines }, ink);
	for (int i = 0; i < p->lines; i++)
		for (int j = 0; j < p->cell_w - 1; j++)
			canvas_text(c, x + j, y + i, ink, dots(v, tile, i * DOT_ROWS, j * DOT_COLS, glyph));
}

static void draw_head(struct canvas *c, const struct view *v, const struct plan *p, int x)
{
	int cursor = v->col < 0 ? -1 : clamp(v->col, 0, p->cols - 1);
	const char *name = v->table->rows.name;

	if (name && (int)strlen(name) <= p->label_w)
		canvas_field(c, x - p->label_w - 1, p->head_y, p->label_w, ALIGN_RIGHT, theme_ink(v->theme, STYLE_DIM), name);
	for (int i = 0; i < p->page_cols; i++) {
		const char *label = v->table->cols.show[p->left + i];

		canvas_field(c, x + i * p->cell_w, p->head_y, p->cell_w - 1, ALIGN_CENTRE,
			     label_ink(v, label, p->left + i == cursor), label);
	}
}

static void tiles_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	const struct table *t = v->table;
	int cursor_row = v->row < 0 ? -1 : clamp(v->row, 0, t->rows.n - 1),
	    cursor_col = v->col < 0 ? -1 : clamp(v->col, 0, t->cols.n - 1);
	int cursor_x = -1, cursor_y = -1;

	for (int b = 0; b < p->blocks && p->head_y >= 0; b++)
		draw_head(c, v, p, p->cells.x + b * p->block_w);
	for (int i = 0; i < p->page_rows; i++) {
		int x = p->cells.x + i / p->block_rows * p->block_w, y = p->cells.y + i % p->block_rows * p->lines;
		int row = plan_table_row(p, t, p->top + i);

		canvas_field(c, x - p->label_w - 1, y, p->label_w, ALIGN_RIGHT, label_ink(v, t->rows.show[row], row == cursor_row),
			     t->rows.show[row]);
		for (int k = 0; k < p->page_cols; k++, x += p->cell_w) {
			bool cursor = row == cursor_row && p->left + k == cursor_col;

			draw_tile(c, v, p, x, y, table_cell(t, row, p->left + k), cursor);
			cursor_x = cursor ? x : cursor_x;
			cursor_y = cursor ? y : cursor_y;
		}
	}
	for (int line = 0; cursor_x >= 0 && line < p->lines; line++) /* around the whole tile: half of it may be blank */
		cursor_brackets(c, v, cursor_x - 1, cursor_y + line, p->cell_w + 1);
}

/* A difference of tables with pictures has none. */
static enum fit tiles_fits(const struct table *t)
{
	return !t->tile ? FITS_NOT : t->look == LOOK_TILES ? FITS_BEST : FITS;
}

static void tiles_say(const struct view *v, const struct plan *p, struct str *out)
{
	(void)v;
	(void)p;
	str_add(out, "a dot: weight from .25");
}

/* clang-format off */
const struct view_kind view_tiles = {
	.has_columns = true, .fits = tiles_fits, .plan = tiles_plan, .draw = tiles_draw, .need = tiles_need, .says = tiles_say,
};
/* clang-format on */
