/*
 * graph_layout.h - where the edges of a graph are drawn: which are strong enough, the line of each, the columns. Private to the
 * files of the graph view: graph.c draws, graph_walk.c is its keys.
 */
#ifndef LMSCOPE_TUI_VIEWS_GRAPH_LAYOUT_H
#define LMSCOPE_TUI_VIEWS_GRAPH_LAYOUT_H

#include "tui/views/views.h"

enum { LINKS_MOST = 400, COLUMN_MIN = 3, COLUMN_ALL = 5, COLUMN_MOST = 7, NOWHERE = -1 };

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

struct graph graph_new(const struct table *t);
void graph_done(struct graph *g);
/* The edges between columns from that weight on. */
void graph_gather(struct graph *g, double threshold);
/* The same, and where they are in a width of w; the cursor's node (-1: none) has its column. */
void graph_lay_out(struct graph *g, int cursor, double threshold, int w);
/* The least step from which all that is shown fits into w × h; where none does, the greatest that shows anything. */
double graph_choose(struct graph *g, int cursor, int w, int h);

/* Of a graph that is laid out, counted from the top: the line of an edge, and of a node. */
int graph_line_of(const struct graph *g, const struct link *link);
int graph_node_line(const struct graph *g, int row);
/* The node of a level and a column; NOWHERE: there is none. */
int graph_node_at(const struct table *t, int level, int column);

/* ---- graph_walk.c ---- */

/* What the arrow keys mean: along edges, and from level to level. */
void graph_move(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col);

#endif
