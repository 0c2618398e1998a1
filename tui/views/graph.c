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

#include "engine/base/arena.h"
#include "tui/views/views.h"

enum {
	LINKS_MOST = 400,
	LABEL_W = 6,
	COLUMN_MIN = 3,
	COLUMN_ALL = 5,
	COLUMN_MOST = 7,
	NUMBER_W = 3,
	NUMBER_SPAN = 8,
	STEPS = 24,
	NOWHERE = -1
};

/* Thresholds that one steps through, as shares of a unit that no edge exceeds. */
static const double steps[STEPS] = { .001, .002, .003, .005, .007, .01, .015, .02, .03, .04, .05, .06,
				     .07,  .08,	 .09,  .1,   .12,  .15, .2,   .25, .3,	.4,  .5,  .7 };

/* An edge between columns that is shown. */
struct link {
	int level, from, to; /* the level that it enters; columns */
	float weight;
	int line; /* of its level, from the top */
};

struct graph {
	const struct table *t;
	int levels, columns;
	double unit, threshold;
	float most;	     /* of an edge between columns */
	long between;	     /* how many there are of these, shown or not */
	struct link *strong; /* [strongs] the strongest of them, the first the strongest */
	int strongs;
	struct link *link;
	int links;
	int *first, *height; /* [levels] the line on which a level begins, counted from the top; how many it has. Folded
				ones share one. */
	bool *folded;	     /* [levels] */
	int lines;
	int *x;	  /* [columns] NOWHERE: not shown */
	int *top; /* [columns] the line up to which its stream goes; NOWHERE: it has none */
	int cell_w;
	bool fits;
};

static enum fit graph_fits(const struct table *t)
{
	return !t->edge || !t->rows.place ? FITS_NOT : t->look == LOOK_GRAPH ? FITS_BEST : FITS;
}

/* What enters the first layer is below all of them. */
int graph_level(const struct table *t, int row)
{
	const struct place *place = &t->rows.place[row];

	return place->layer < 0 ? 0 : place->layer + (place->site != SITE_RESID_PRE);
}

int graph_column(const struct table *t, int row)
{
	return t->rows.place[row].position < 0 ? 0 : t->rows.place[row].position;
}

static int node_at(const struct table *t, int level, int column)
{
	for (int row = 0; row < t->rows.n; row++)
		if (graph_level(t, row) == level && graph_column(t, row) == column)
			return row;
	return NOWHERE;
}

static int cursor_node(const struct view *v)
{
	return v->row < 0 ? NOWHERE : clamp(v->row, 0, v->table->rows.n - 1);
}

/* ---- lines ---- */

static int heavier_first(const void *a, const void *b)
{
	const struct link *one = a, *other = b;

	if (one->level != other->level)
		return one->level - other->level;
	if (one->weight != other->weight)
		return one->weight > other->weight ? -1 : 1;
	return one->from != other->from ? one->from - other->from : one->to - other->to;
}

/* Two edges share a line when they do not meet, or when they go into the same column from the same side. */
static bool share_line(const struct link *a, const struct link *b)
{
	int a_lo = a->from < a->to ? a->from : a->to, a_hi = a->from + a->to - a_lo, b_lo = b->from < b->to ? b->from : b->to,
	    b_hi = b->from + b->to - b_lo;

	if (a_hi < b_lo || b_hi < a_lo)
		return true;
	return a->to == b->to && (a->from < a->to) == (b->from < b->to);
}

static int place_link(struct graph *g, int first, int at)
{
	for (int line = 0;; line++) {
		bool free_line = true;

		for (int i = first; i < at && free_line; i++)
			free_line = g->link[i].line != line || share_line(&g->link[i], &g->link[at]);
		if (free_line)
			return line;
	}
}

/* Which lines levels have, from the top. */
static void stack_levels(struct graph *g)
{
	bool folding = false;

	for (int l = 0; l < g->levels; l++)
		g->height[l] = 0;
	qsort(g->link, (size_t)g->links, sizeof *g->link, heavier_first);
	for (int i = 0, first = 0; i < g->links; i++) {
		struct link *link = &g->link[i];

		if (link->level != g->link[first].level)
			first = i;
		link->line = place_link(g, first, i);
		g->height[link->level] = link->line + 1 > g->height[link->level] ? link->line + 1 : g->height[link->level];
	}
	g->lines = 0;
	for (int l = g->levels - 1; l >= 0; l--) {
		bool own = g->height[l] || l == 0;

		g->folded[l] = !own;
		g->first[l] = !own && folding ? g->lines - 1 : g->lines;
		g->height[l] = g->height[l] ? g->height[l] : 1;
		g->lines += own ? g->height[l] : !folding;
		folding = !own;
	}
}

static int line_of(const struct graph *g, const struct link *link)
{
	return g->first[link->level] + link->line;
}

static void reach(struct graph *g, int column, int line)
{
	if (g->top[column] == NOWHERE || line < g->top[column])
		g->top[column] = line;
}

/* How far up each column's stream is needed, and where the columns are: all of them, or those alone that have a stream.
 */
static void set_columns(struct graph *g, int cursor, int w)
{
	int shown = 0, all = g->columns * COLUMN_ALL <= w;

	for (int c = 0; c < g->columns; c++)
		g->top[c] = NOWHERE;
	for (int i = 0; i < g->links; i++) {
		reach(g, g->link[i].from, line_of(g, &g->link[i]));
		reach(g, g->link[i].to, line_of(g, &g->link[i]));
	}
	for (int row = 0; row < g->t->rows.n; row++) /* what is asked about goes up to the top */
		if (graph_level(g->t, row) == g->levels - 1 && g->t->value[table_cell(g->t, row, 0)] > 0)
			reach(g, graph_column(g->t, row), 0);
	if (cursor >= 0 && g->top[graph_column(g->t, cursor)] == NOWHERE)
		reach(g, graph_column(g->t, cursor), g->lines - 1);
	for (int c = 0; c < g->columns; c++)
		shown += all || g->top[c] != NOWHERE;
	g->cell_w = clamp(shown ? w / shown : w, COLUMN_MIN, COLUMN_MOST);
	for (int c = 0, at = 0; c < g->columns; c++) {
		g->x[c] = (all || g->top[c] != NOWHERE) && (at + 1) * g->cell_w <= w ? at * g->cell_w + g->cell_w / 2 : NOWHERE;
		at += all || g->top[c] != NOWHERE;
	}
	g->fits = shown * COLUMN_MIN <= w;
}

/* ---- which edges ---- */

static void gather(struct graph *g, double threshold)
{
	g->links = 0;
	g->threshold = threshold;
	while (g->links < g->strongs && (double)g->strong[g->links].weight >= threshold)
		g->links++;
	memcpy(g->link, g->strong, (size_t)g->links * sizeof *g->link);
}

static void lay_out(struct graph *g, const struct view *v, double threshold, int w)
{
	int cursor = cursor_node(v);

	gather(g, threshold);
	stack_levels(g);
	set_columns(g, cursor, w);
}

static int by_weight(const void *a, const void *b)
{
	const struct link *one = a, *other = b;

	if (one->weight != other->weight)
		return one->weight > other->weight ? -1 : 1;
	return heavier_first(a, b);
}

/* Half a million edges are looked at once: what is weaker than as many as can be shown is dropped on the way. */
static void collect(struct graph *g, const int *level, const int *column)
{
	enum { ROOM = 4 * LINKS_MOST };
	float cut = 0;

	g->strong = xcalloc(ROOM, sizeof *g->strong);
	for (int i = 0; i < g->t->edges; i++) {
		const struct edge *e = &g->t->edge[i];

		if (column[e->from] == column[e->to])
			continue;
		g->between++;
		if (!(e->weight > cut) || isinf(e->weight))
			continue;
		g->strong[g->strongs++] = (struct link){ level[e->to], column[e->from], column[e->to], e->weight, 0 };
		if (g->strongs == ROOM) {
			qsort(g->strong, ROOM, sizeof *g->strong, by_weight);
			g->strongs = LINKS_MOST;
			cut = g->strong[LINKS_MOST - 1].weight;
		}
	}
	qsort(g->strong, (size_t)g->strongs, sizeof *g->strong, by_weight);
	g->strongs = g->strongs < LINKS_MOST ? g->strongs : LINKS_MOST;
	g->most = g->strongs ? g->strong[0].weight : 0;
}

static struct graph graph_new(const struct table *t)
{
	struct graph g = { .t = t, .levels = 1, .columns = 1, .unit = 1 };
	int *level = xcalloc((size_t)t->rows.n, 2 * sizeof *level), *column = level + t->rows.n;

	for (int row = 0; row < t->rows.n; row++) {
		level[row] = graph_level(t, row);
		column[row] = graph_column(t, row);
		g.levels = level[row] >= g.levels ? level[row] + 1 : g.levels;
		g.columns = column[row] >= g.columns ? column[row] + 1 : g.columns;
	}
	collect(&g, level, column);
	free(level);
	while ((double)g.most > g.unit)
		g.unit *= 10;
	g.link = xcalloc(LINKS_MOST, sizeof *g.link);
	g.first = xcalloc((size_t)g.levels, sizeof *g.first);
	g.height = xcalloc((size_t)g.levels, sizeof *g.height);
	g.folded = xcalloc((size_t)g.levels, sizeof *g.folded);
	g.x = xcalloc((size_t)g.columns, sizeof *g.x);
	g.top = xcalloc((size_t)g.columns, sizeof *g.top);
	return g;
}

static void graph_done(struct graph *g)
{
	free(g->strong);
	free(g->link);
	free(g->first);
	free(g->height);
	free(g->folded);
	free(g->x);
	free(g->top);
}

/* The least step from which all that is shown fits into w × h; where none does, the greatest that shows anything. */
static double choose(struct graph *g, const struct view *v, int w, int h)
{
	const bool cut = g->between > LINKS_MOST && g->strongs == LINKS_MOST;
	const double least = cut ? (double)g->strong[g->strongs - 1].weight : 0;
	double last = steps[0] * g->unit;

	for (int k = 0; k < STEPS && steps[k] * g->unit <= (double)g->most; k++) {
		last = steps[k] * g->unit;
		if (last <= least || (!cut && k + 1 < STEPS && steps[k + 1] * g->unit <= (double)g->strong[g->strongs - 1].weight))
			continue; /* too many; or the next hides no more than this one */
		lay_out(g, v, last, w);
		if (g->fits && g->lines <= h)
			return last;
	}
	return last;
}

/* ---- the plan ---- */

static int node_line(const struct graph *g, int row)
{
	int level = graph_level(g->t, row), column = graph_column(g->t, row);

	for (int i = 0; i < g->links; i++) /* the heaviest first */
		if (g->link[i].level == level && (g->link[i].to == column || g->link[i].from == column))
			return line_of(g, &g->link[i]);
	return g->first[level];
}

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
	p->threshold = v->threshold > 0 ? v->threshold : choose(&g, v, p->cells.w, p->page_rows);
	lay_out(&g, v, p->threshold, p->cells.w);
	p->rows = g.lines;
	p->page_rows = clamp(p->page_rows, 1, p->rows);
	p->foot_lines = foot_lines(v, &view_graph, p, foot);
	p->cells.h = p->page_rows;
	p->cell_w = g.cell_w;
	p->cols = p->page_cols = 1;
	p->cursor_line = cursor < 0 ? 0 : node_line(&g, cursor);
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

double graph_threshold(const struct view *v, const struct plan *p, int by)
{
	struct graph g = graph_new(v->table);
	double to = p->threshold;

	for (int k = 0; k < STEPS; k++) {
		int at = by > 0 ? k : STEPS - 1 - k;
		double step = steps[at] * g.unit;

		if (by > 0 ? step > p->threshold * 1.0001 : step < p->threshold * 0.9999) {
			to = step;
			break;
		}
	}
	graph_done(&g);
	return to;
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
	int from = g->x[link->from], to = g->x[link->to], line = line_of(g, link), y = p->cells.y + line - p->top,
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
			int line = line_of(g, &g->link[i]), x = g->x[written ? g->link[i].to : g->link[i].from];

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

/* The token of a column: a node's label without the words for its place. */
const char *graph_token(const struct table *t, int column)
{
	int row = node_at(t, 0, column);
	const char *label = row < 0 ? "" : t->rows.show[row];
	char before[80];

	if (row < 0 || t->rows.place[row].site == SITE_NONE)
		return label;
	snprintf(before, sizeof before, "%s %d %d", site_table[t->rows.place[row].site].name, t->rows.place[row].layer, column);
	if (strncmp(label, before, strlen(before)))
		return label;
	label += strlen(before);
	return label + strspn(label, " ");
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

	if (cursor < 0 || g->x[graph_column(g->t, cursor)] == NOWHERE || !is_seen(p, node_line(g, cursor)))
		return;
	line = node_line(g, cursor);
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

	lay_out(&g, v, p->threshold, p->cells.w);
	draw_head(c, v, p, &g);
	draw_labels(c, v, p, &g);
	draw_streams(c, v, p, &g);
	for (int i = g.links - 1; i >= 0; i--) /* of several on a line the heaviest is on top */
		draw_link(c, v, p, &g, &g.link[i]);
	draw_ends(c, v, p, &g);
	draw_cursor(c, v, p, &g);
	graph_done(&g);
}

/* ---- the mouse and the keys ---- */

static bool graph_hit(const struct view *v, const struct plan *p, int x, int y, int *row, int *col)
{
	struct graph g = graph_new(v->table);
	int line = p->top + y - p->cells.y, level = NOWHERE, column = NOWHERE;

	lay_out(&g, v, p->threshold, p->cells.w);
	for (int l = 0; l < g.levels; l++)
		if (line >= g.first[l] && line < g.first[l] + (g.folded[l] ? 1 : g.height[l]) && level == NOWHERE)
			level = l;
	for (int c = 0; c < g.columns; c++)
		if (g.x[c] != NOWHERE && abs(p->cells.x + g.x[c] - x) <= g.cell_w / 2)
			column = c;
	graph_done(&g);
	*row = y < p->cells.y || y >= p->cells.y + p->cells.h || level == NOWHERE || column == NOWHERE
		       ? NOWHERE
		       : node_at(v->table, level, column);
	*col = v->col < 0 ? 0 : v->col;
	return *row != NOWHERE;
}

/* How well an edge leads from a node the way that a key points; 0: not at all. The strongest one wins. */
static double leads(const struct table *t, const struct edge *e, int row, enum view_move move, double threshold, int *to)
{
	bool up = e->from == row;
	int other = up ? e->to : e->from, from = graph_column(t, row), column = graph_column(t, other);

	if ((e->from != row && e->to != row) || !(e->weight > 0) || (column != from && (double)e->weight < threshold))
		return 0;
	*to = other;
	switch (move) {
	case VIEW_LEFT:
		return column < from ? (double)e->weight : 0;
	case VIEW_RIGHT:
		return column > from ? (double)e->weight : 0;
	case VIEW_UP:
		return up ? (double)e->weight + (column == from) * 1e6 : 0;
	case VIEW_DOWN:
		return !up ? (double)e->weight + (column == from) * 1e6 : 0;
	default:
		return 0;
	}
}

static int strongest_neighbour(const struct table *t, int row, enum view_move move, double threshold)
{
	double most = 0;
	int best = row;

	for (int i = 0; i < t->edges; i++) {
		int to = row;
		double weight = leads(t, &t->edge[i], row, move, threshold, &to);

		if (weight > most) {
			most = weight;
			best = to;
		}
	}
	return best;
}

/* Where all that is shown leads to: from a node that nothing comes to or goes from, keys lead there. */
static int sink(const struct table *t, int row, int top)
{
	int best = row;

	for (int i = 0; i < t->edges; i++)
		if (t->edge[i].from == row || t->edge[i].to == row)
			return row;
	for (int i = 0; i < t->rows.n; i++)
		if (graph_level(t, i) == top && t->value[table_cell(t, i, 0)] > t->value[table_cell(t, best, 0)])
			best = i;
	return best;
}

/* A node of that level in this column, if there is one. */
static int at_level(const struct table *t, int row, int level)
{
	int to = node_at(t, level, graph_column(t, row));

	return to == NOWHERE ? row : to;
}

static void graph_move(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col)
{
	enum { PAGE = 5 };
	const struct table *t = v->table;
	struct graph g = graph_new(t);
	int level = graph_level(t, *row), top = g.levels - 1;

	(void)col;
	graph_done(&g);
	switch (move) {
	case VIEW_PAGE_UP:
		*row = at_level(t, *row, level + PAGE > top ? top : level + PAGE);
		break;
	case VIEW_PAGE_DOWN:
		*row = at_level(t, *row, level > PAGE ? level - PAGE : 0);
		break;
	case VIEW_TOP:
		*row = at_level(t, *row, top);
		break;
	case VIEW_BOTTOM:
		*row = at_level(t, *row, 0);
		break;
	default:
		if (sink(t, *row, top) != *row) {
			*row = sink(t, *row, top);
			break;
		}
		for (int hop = 0; hop < 2; hop++) { /* the two nodes of a layer are in one place: on to where it is seen */
			int to = strongest_neighbour(t, *row, move, p->threshold);
			bool same = graph_level(t, to) == graph_level(t, *row) && graph_column(t, to) == graph_column(t, *row);

			*row = to;
			if (!same)
				break;
		}
	}
}

static bool graph_sign(const struct view *v, const struct plan *p, int row, int col, int *x, int *y)
{
	struct graph g = graph_new(v->table);
	int line;
	bool seen;

	(void)col;
	lay_out(&g, v, p->threshold, p->cells.w);
	line = node_line(&g, row);
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

	gather(&g, p->threshold);
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
