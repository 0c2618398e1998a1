/* graph_layout.c - see graph_layout.h. */
#include "tui/views/graph_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 24 };

/* Thresholds that one steps through, as shares of a unit that no edge exceeds. */
static const double steps[STEPS] = { .001, .002, .003, .005, .007, .01, .015, .02, .03, .04, .05, .06,
				     .07,  .08,	 .09,  .1,   .12,  .15, .2,   .25, .3,	.4,  .5,  .7 };

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

int graph_node_at(const struct table *t, int level, int column)
{
	for (int row = 0; row < t->rows.n; row++)
		if (graph_level(t, row) == level && graph_column(t, row) == column)
			return row;
	return NOWHERE;
}

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

int graph_line_of(const struct graph *g, const struct link *link)
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
		reach(g, g->link[i].from, graph_line_of(g, &g->link[i]));
		reach(g, g->link[i].to, graph_line_of(g, &g->link[i]));
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

void graph_gather(struct graph *g, double threshold)
{
	g->links = 0;
	g->threshold = threshold;
	while (g->links < g->strongs && (double)g->strong[g->links].weight >= threshold)
		g->links++;
	memcpy(g->link, g->strong, (size_t)g->links * sizeof *g->link);
}

void graph_lay_out(struct graph *g, int cursor, double threshold, int w)
{
	graph_gather(g, threshold);
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

struct graph graph_new(const struct table *t)
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

void graph_done(struct graph *g)
{
	free(g->strong);
	free(g->link);
	free(g->first);
	free(g->height);
	free(g->folded);
	free(g->x);
	free(g->top);
}

double graph_choose(struct graph *g, int cursor, int w, int h)
{
	const bool cut = g->between > LINKS_MOST && g->strongs == LINKS_MOST;
	const double least = cut ? (double)g->strong[g->strongs - 1].weight : 0;
	double last = steps[0] * g->unit;

	for (int k = 0; k < STEPS && steps[k] * g->unit <= (double)g->most; k++) {
		last = steps[k] * g->unit;
		if (last <= least || (!cut && k + 1 < STEPS && steps[k + 1] * g->unit <= (double)g->strong[g->strongs - 1].weight))
			continue; /* too many; or the next hides no more than this one */
		graph_lay_out(g, cursor, last, w);
		if (g->fits && g->lines <= h)
			return last;
	}
	return last;
}

double graph_threshold(const struct view *v, const struct plan *p, int by)
{
	struct graph g = graph_new(v->table);
	double to = p->threshold;

	for (int k = 0; by && k < STEPS; k++) {
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

int graph_node_line(const struct graph *g, int row)
{
	int level = graph_level(g->t, row), column = graph_column(g->t, row);

	for (int i = 0; i < g->links; i++) /* the heaviest first */
		if (g->link[i].level == level && (g->link[i].to == column || g->link[i].from == column))
			return graph_line_of(g, &g->link[i]);
	return g->first[level];
}
