/*
 * nodes.c - a graph as nodes on a grid, tokens by layers, read upwards, with edges as curves that are as wide as they
 * are strong. See views/graph.c.
 */
#include "tui/figure/parts.h"

#include <math.h>
#include <stdio.h>

#define COLUMN_W 34.0
#define LEVEL_H 16.0
#define LEAST_H 5.0
#define MOST_H 640.0
#define LABEL_W 26.0
#define NODE 2.6
#define BASE 0.36

enum { EDGES_MOST = 160 }; /* more could not be told apart, where no threshold was set */

struct grid_of_nodes {
	int levels, columns;
	double level_h, threshold;
	float most;
};

static int edges_from(const struct table *t, double threshold)
{
	int n = 0;

	for (int i = 0; i < t->edges; i++)
		n += graph_column(t, t->edge[i].from) != graph_column(t, t->edge[i].to) && (double)t->edge[i].weight >= threshold;
	return n;
}

static struct grid_of_nodes grid_for(const struct figure *f)
{
	const struct table *t = f->t;
	struct grid_of_nodes g = { .levels = 1, .columns = 1, .threshold = f->a->pane->view.threshold };

	for (int row = 0; row < t->rows.n; row++) {
		g.levels = graph_level(t, row) >= g.levels ? graph_level(t, row) + 1 : g.levels;
		g.columns = graph_column(t, row) >= g.columns ? graph_column(t, row) + 1 : g.columns;
	}
	for (int i = 0; i < t->edges; i++)
		if (graph_column(t, t->edge[i].from) != graph_column(t, t->edge[i].to))
			g.most = fmaxf(g.most, t->edge[i].weight);
	g.level_h = fmax(LEAST_H, fmin(LEVEL_H, MOST_H / g.levels));
	if (g.threshold <= 0)
		for (g.threshold = (double)g.most / 1000; edges_from(t, g.threshold) > EDGES_MOST;)
			g.threshold *= 1.25;
	return g;
}

static void nodes_size(const struct figure *f, double *w, double *h)
{
	struct grid_of_nodes g = grid_for(f);

	*w = LABEL_W + g.columns * COLUMN_W;
	*h = g.levels * g.level_h + 3 * SIZE_LABEL;
}

static double x_of(const struct figure *f, int row, double x)
{
	return x + LABEL_W + (graph_column(f->t, row) + 0.5) * COLUMN_W;
}

static double y_of(const struct figure *f, const struct grid_of_nodes *g, int row, double y)
{
	return y + (g->levels - graph_level(f->t, row) - 0.5) * g->level_h;
}

static void draw_edge(const struct figure *f, const struct grid_of_nodes *g, const struct edge *e, double x, double y)
{
	bool stream = graph_column(f->t, e->from) == graph_column(f->t, e->to);
	float part = g->most > 0 ? fminf(1, e->weight / g->most) : 0;
	double x1 = x_of(f, e->from, x), y1 = y_of(f, g, e->from, y), x2 = x_of(f, e->to, x), y2 = y_of(f, g, e->to, y);

	if (stream && graph_level(f->t, e->from) != graph_level(f->t, e->to) && e->weight > 0)
		svg_line(f->out, x1, y1, x2, y2, figure_ink(f, STYLE_BORDER), 0.3);
	else if (!stream && (double)e->weight >= g->threshold)
		svg_curve(f->out, x1, y1, x2, y2, theme_bar_ink(f->theme, RAMP_SEQUENTIAL, 0.4f + 0.6f * part).fg,
			  0.4 + 2.2 * (double)part);
}

static void draw_labels(const struct figure *f, const struct grid_of_nodes *g, double x, double y)
{
	struct svg_type layer = figure_label(f, SVG_END), token = figure_label(f, SVG_MIDDLE);
	int every = g->level_h < SIZE_LABEL ? 5 : 1;
	struct str cut;

	str_init(&cut);
	for (int l = 1; l < g->levels; l += every) {
		char text[16];

		snprintf(text, sizeof text, "%d", l - 1);
		svg_text(f->out, x + LABEL_W - ROOM, y + (g->levels - l - 0.5) * g->level_h + SIZE_LABEL * BASE, layer, text);
	}
	for (int c = 0; c < g->columns; c++) {
		str_clear(&cut);
		figure_cut(graph_token(f->t, c), 7, &cut);
		svg_text(f->out, x + LABEL_W + (c + 0.5) * COLUMN_W, y + g->levels * g->level_h + SIZE_LABEL * 1.4, token, cut.s);
	}
	str_done(&cut);
}

static void nodes_draw(const struct figure *f, double x, double y)
{
	struct grid_of_nodes g = grid_for(f);

	for (int i = 0; i < f->t->edges; i++)
		draw_edge(f, &g, &f->t->edge[i], x, y);
	for (int i = 0; i < f->t->edges; i++) {
		const struct edge *e = &f->t->edge[i];

		if (graph_column(f->t, e->from) == graph_column(f->t, e->to) || (double)e->weight < g.threshold)
			continue;
		svg_rect(f->out, x_of(f, e->from, x) - NODE / 2, y_of(f, &g, e->from, y) - NODE / 2, NODE, NODE,
			 figure_ink(f, STYLE_TEXT));
		svg_rect(f->out, x_of(f, e->to, x) - NODE / 2, y_of(f, &g, e->to, y) - NODE / 2, NODE, NODE,
			 figure_ink(f, STYLE_TEXT));
	}
	draw_labels(f, &g, x, y);
}

const struct picture picture_nodes = { .size = nodes_size, .draw = nodes_draw };
