/* graph_walk.c - the keys of the graph view: from node to node along the edges that are shown, the strongest first. */
#include "tui/views/graph_layout.h"

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

/* From a node without an edge, keys lead to the strongest node of the level `top`, into which all flows. */
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
	int to = graph_node_at(t, level, graph_column(t, row));

	return to == NOWHERE ? row : to;
}

void graph_move(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col)
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
