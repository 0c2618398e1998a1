/*
 * graph.c - nodes on a grid, read upwards: a column is a token, a line is a layer. What flows on in a token's own
 * column is a stream; an edge from one column to another runs sideways on a line of the layer that it enters, from
 * where it reads to where it writes. Layers without an edge that is strong enough are folded. See SCREENS in the design
 * for the grammar.
 *
 *     layer  When  ·Mary ·and  ·John  ·to
 *     24–29                           ┆
 *        23        ○━━━━━━━━━━━━━.36━━●
 *        11  ○─────●     │            │
 *     input  ○     ○     ○            ○
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/views/graph_layout.h"

enum { LABEL_W = 6, NUMBER_W = 3, NUMBER_SPAN = 8 };

static enum fit graph_fits(const struct table *t)
{
	return !t->edge || !t->rows.place ? FITS_NOT : t->look == LOOK_GRAPH ? FITS_BEST : FITS;
}

static int cursor_node(const struct view *v)
{
	return v->row < 0 ? NOWHERE : clamp(v->row, 0, v->table->rows.n - 1);
}

/* ---- the plan ---- */

static void graph_plan(const struct view *v, enum zoom zoom, struct plan *p)
{
	struct rect r = v->rect;
	int head = r.h >= 4, margin = r.w >= MARGIN_FROM, foot = r.h >= 14 ? 3 : r.h >= 9 ? 2 : r.h >= 5, cursor = cursor_node(v);
	struct graph g = graph_new(v->table);

	(void)zoom;
	p->zoom = ZOOM_SHADE;
	p->label_x = r.x + margin;
	p->label_w = r.w >= 24 ? LABEL_W : 3;
	p->head_y = head ? r.y : -1;
	p->cells = (struct rect){ p->label_x + p->label_w + 1, r.y + head, 0, 0 };
	p->cells.w = clamp(r.x + r.w - p->cells.x, 1, r.w);
	p->page_rows = clamp(r.h - head - foot, 1, r.h);
	p->threshold = v->threshold > 0 ? v->threshold : graph_choose(&g, cursor, p->cells.w, p->page_rows);
	graph_lay_out(&g, cursor, p->threshold, p->cells.w);
	p->rows = g.lines;
	p->page_rows = clamp(p->page_rows, 1, p->rows);
	p->foot_lines = foot_lines(v, &view_graph, p, foot);
	p->cells.h = p->page_rows;
	p->cell_w = g.cell_w;
	p->cols = p->page_cols = 1;
	p->cursor_line = cursor < 0 ? 0 : graph_node_line(&g, cursor);
	graph_done(&g);
}

static struct view_need graph_need(const struct view *v, enum zoom zoom)
{
	enum { SOME = 4, HEAD = 1, FOOT = 1, FOOT_MOST = 3, WANT = 24, MOST = 40 };
	struct graph g = graph_new(v->table);
	int label = 1 + LABEL_W + 1, columns = g.columns < 16 ? g.columns : 16, levels = g.levels;

	(void)zoom;
	graph_done(&g);
	return (struct view_need){
		.min = { HEAD + SOME + FOOT, label + 4 * COLUMN_MIN },
		.want = { HEAD + FOOT_MOST + (levels + 4 < WANT ? levels + 4 : WANT), label + columns * COLUMN_ALL },
		.most = { HEAD + FOOT_MOST + (2 * levels < MOST ? 2 * levels : MOST), label + g.columns * COLUMN_MOST },
	};
}

/* ---- drawing ---- */

struct glyphs {
	const char *heavy, *light, *dashed, *stream, *fold, *over, *read, *written;
};

static const struct glyphs *glyphs_of(const struct view *v)
{
	static const struct glyphs plain = { "=", "-", ".", "|", ":", "+", "o", "@" },
				   lines = { "━", "─", "╌", "│", "┆", "┼", "○", "●" };

	return theme_ascii(v->theme) ? &plain : &lines;
}

/* Half and a quarter of the strongest. */
static const char *glyph_of(const struct glyphs *glyphs, const struct graph *g, float weight)
{
	return weight >= g->most / 2 ? glyphs->heavy : weight >= g->most / 4 ? glyphs->light : glyphs->dashed;
}

static struct ink link_ink(const struct view *v, const struct graph *g, float weight)
{
	if (v->stale)
		return theme_ink(v->theme, STYLE_STALE);
	return theme_bar_ink(v->theme, RAMP_SEQUENTIAL, 0.4f + 0.6f * (g->most > 0 ? fminf(1, weight / g->most) : 0));
}

/* The screen's line of a line of the graph; below the last that is seen or above the first: outside. */
static bool is_seen(const struct plan *p, int line)
{
	return line >= p->top && line < p->top + p->page_rows;
}

static void draw_streams(struct canvas *c, const struct view *v, const struct plan *p, const struct graph *g)
{
	const struct glyphs *glyphs = glyphs_of(v);
	struct ink ink = theme_ink(v->theme, STYLE_BORDER);
	bool *folded = xcalloc((size_t)g->lines, sizeof *folded);

	for (int l = 0; l < g->levels; l++)
		folded[g->first[l]] = g->folded[l];
	for (int col = 0; col < g->columns; col++)
		for (int line = g->top[col]; g->top[col] != NOWHERE && g->x[col] != NOWHERE && line < g->lines; line++)
			if (is_seen(p, line))
				canvas_text(c, p->cells.x + g->x[col], p->cells.y + line - p->top, ink,
					    folded[line] ? glyphs->fold : glyphs->stream);
	free(folded);
}

/* "36" as ".36", "1.5" as it is. */
static void draw_weight(struct canvas *c, int x, int y, struct ink ink, float weight)
{
	char text[16];

	snprintf(text, sizeof text, weight < 10 ? "%.2f" : "%.0f", (double)weight);
	canvas_field(c, x, y, NUMBER_W, ALIGN_LEFT, ink, *text == '0' ? text + 1 : text);
}

static void draw_link(struct canvas *c, const struct view *v, const struct plan *p, const struct graph *g, const struct link *link)
{
	const struct glyphs *glyphs = glyphs_of(v);
	const char *glyph = glyph_of(glyphs, g, link->weight);
	struct ink ink = link_ink(v, g, link->weight);
	int from = g->x[link->from], to = g->x[link->to], line = graph_line_of(g, link), y = p->cells.y + line - p->top,
	    lo = from < to ? from : to;
	int hi = from + to - lo;

	if (from == NOWHERE || to == NOWHERE || !is_seen(p, line))
		return;
	canvas_repeat(c, p->cells.x + lo + 1, y, hi - lo - 1, ink, glyph);
	for (int col = 0; col < g->columns; col++)
		if (g->x[col] > lo && g->x[col] < hi && g->top[col] != NOWHERE && g->top[col] <= line)
			canvas_text(c, p->cells.x + g->x[col], y, ink, glyphs->over);
	if (to - from >= NUMBER_SPAN)
		draw_weight(c, p->cells.x + to - 1 - NUMBER_W, y, ink, link->weight);
}

static void draw_ends(struct canvas *c, const struct view *v, const struct plan *p, const struct graph *g)
{
	const struct glyphs *glyphs = glyphs_of(v);
	struct ink ink = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_TEXT);

	for (int written = 0; written < 2; written++)
		for (int i = 0; i < g->links; i++) {
			int line = graph_line_of(g, &g->link[i]), x = g->x[written ? g->link[i].to : g->link[i].from];

			if (x != NOWHERE && is_seen(p, line))
				canvas_text(c, p->cells.x + x, p->cells.y + line - p->top, ink,
					    written ? glyphs->written : glyphs->read);
		}
	for (int col = 0; col < g->columns; col++)
		if (g->x[col] != NOWHERE && g->top[col] != NOWHERE && is_seen(p, g->lines - 1))
			canvas_text(c, p->cells.x + g->x[col], p->cells.y + g->lines - 1 - p->top, ink, glyphs->read);
}

/* "23", "24–29", "input". */
static void draw_labels(struct canvas *c, const struct view *v, const struct plan *p, const struct graph *g)
{
	int cursor = cursor_node(v), here = cursor < 0 ? NOWHERE : graph_level(g->t, cursor);
	char text[40];

	if (p->head_y >= 0)
		canvas_field(c, p->label_x, p->head_y, p->label_w, ALIGN_RIGHT, theme_ink(v->theme, STYLE_DIM), "layer");
	for (int l = g->levels - 1; l >= 0; l--) {
		int low = l;

		while (g->folded[l] && low > 0 && g->folded[low - 1])
			low--;
		snprintf(text, sizeof text, "%d", low - 1);
		if (low != l)
			snprintf(text, sizeof text, "%d–%d", low - 1, l - 1);
		if (is_seen(p, g->first[l]))
			canvas_field(c, p->label_x, p->cells.y + g->first[l] - p->top, p->label_w, ALIGN_RIGHT,
				     label_ink(v, text, here <= l && here >= low),
				     l			    ? text
				     : p->label_w < LABEL_W ? "in"
							    : "input");
		l = low;
	}
}

const char *graph_token(const struct table *t, int column)
{
	int row = graph_node_at(t, 0, column);

	return row < 0 ? "" : t->rows.token && t->rows.token[row] ? t->rows.token[row] : t->rows.show[row];
}

static void draw_head(struct canvas *c, const struct view *v, const struct plan *p, const struct graph *g)
{
	int cursor = cursor_node(v), here = cursor < 0 ? NOWHERE : graph_column(g->t, cursor);

	for (int col = 0; col < g->columns && p->head_y >= 0; col++) {
		const char *token = g->x[col] == NOWHERE ? NULL : graph_token(g->t, col);

		if (token)
			canvas_field(c, p->cells.x + g->x[col] - (g->cell_w - 1) / 2, p->head_y, g->cell_w - 1, ALIGN_CENTRE,
				     label_ink(v, token, col == here), token);
	}
}

static void draw_cursor(struct canvas *c, const struct view *v, const struct plan *p, const struct graph *g)
{
	int cursor = cursor_node(v), line, x, y;
	struct cell *cell;

	if (cursor < 0 || g->x[graph_column(g->t, cursor)] == NOWHERE || !is_seen(p, graph_node_line(g, cursor)))
		return;
	line = graph_node_line(g, cursor);
	x = p->cells.x + g->x[graph_column(g->t, cursor)];
	y = p->cells.y + line - p->top;
	if (!rect_holds(c->clip, x, y))
		return;
	cell = &c->cell[y * c->w + x];
	cell->ink = cursor_ink(v, cell->ink);
	cell->ink.attr |= INK_BOLD;
	cursor_brackets(c, v, x - 1, y, 3);
}

static void graph_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	struct graph g = graph_new(v->table);

	graph_lay_out(&g, cursor_node(v), p->threshold, p->cells.w);
	draw_head(c, v, p, &g);
	draw_labels(c, v, p, &g);
	draw_streams(c, v, p, &g);
	for (int i = g.links - 1; i >= 0; i--) /* of several on a line the heaviest is on top */
		draw_link(c, v, p, &g, &g.link[i]);
	draw_ends(c, v, p, &g);
	draw_cursor(c, v, p, &g);
	graph_done(&g);
}

/* ---- the mouse, signs and words ---- */

static bool graph_hit(const struct view *v, const struct plan *p, int x, int y, int *row, int *col)
{
	struct graph g = graph_new(v->table);
	int line = p->top + y - p->cells.y, level = NOWHERE, column = NOWHERE;

	graph_lay_out(&g, cursor_node(v), p->threshold, p->cells.w);
	for (int l = 0; l < g.levels; l++)
		if (line >= g.first[l] && line < g.first[l] + (g.folded[l] ? 1 : g.height[l]) && level == NOWHERE)
			level = l;
	for (int c = 0; c < g.columns; c++)
		if (g.x[c] != NOWHERE && abs(p->cells.x + g.x[c] - x) <= g.cell_w / 2)
			column = c;
	graph_done(&g);
	*row = y < p->cells.y || y >= p->cells.y + p->cells.h || level == NOWHERE || column == NOWHERE
		       ? NOWHERE
		       : graph_node_at(v->table, level, column);
	*col = v->col < 0 ? 0 : v->col;
	return *row != NOWHERE;
}

static bool graph_sign(const struct view *v, const struct plan *p, int row, int col, int *x, int *y)
{
	struct graph g = graph_new(v->table);
	int line;
	bool seen;

	(void)col;
	graph_lay_out(&g, cursor_node(v), p->threshold, p->cells.w);
	line = graph_node_line(&g, row);
	seen = g.x[graph_column(v->table, row)] != NOWHERE && is_seen(p, line) && !g.folded[graph_level(v->table, row)];
	*x = p->cells.x + g.x[graph_column(v->table, row)] + 1;
	*y = p->cells.y + line - p->top;
	graph_done(&g);
	return seen;
}

static void graph_say(const struct view *v, const struct plan *p, struct str *out)
{
	const struct glyphs *glyphs = glyphs_of(v);
	struct graph g = graph_new(v->table);

	graph_gather(&g, p->threshold);
	if (g.links == g.between)
		str_addf(out, "all %d edges", g.links);
	else
		str_addf(out, "edges from %.3g up%s: %d of %ld", p->threshold, v->threshold > 0 ? "" : " (all that fit)", g.links,
			 g.between);
	str_addf(out, "\n%s from %.2g  %s from %.2g  %s below", glyphs->heavy, (double)g.most / 2, glyphs->light,
		 (double)g.most / 4, glyphs->dashed);
	str_addf(out, "\n%s read  %s written  %s passes over  %s folded", glyphs->read, glyphs->written, glyphs->over,
		 glyphs->fold);
	graph_done(&g);
}

const struct view_kind view_graph = {
	.has_columns = true,
	.fits = graph_fits,
	.plan = graph_plan,
	.draw = graph_draw,
	.need = graph_need,
	.hit = graph_hit,
	.move = graph_move,
	.sign = graph_sign,
	.says = graph_say,
};
