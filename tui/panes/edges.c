/* edges.c - see edges.h. */
#include "tui/panes/edges.h"

#include <stdlib.h>

#include "tui/app/binding.h"
#include "tui/app/explain.h"
#include "tui/panes/pane.h"
#include "tui/views/views.h"

enum { NODE_MOST = 6, ALL_MOST = 400 };

/* What choosing an item does with its edge. */
enum { GO_FROM, GO_TO, EXPLAIN, WAYS };

static int id_of(int edge, int way)
{
	return EDGES_FROM + edge * WAYS + way;
}

/* The focused pane's graph; NULL: it is none. */
static const struct table *graph_here(const struct app *app, struct answer_shown *answer)
{
	*answer = (struct answer_shown){ 0 };
	if (app->focus < app->doc.job.panes)
		question_answer(app, app->focus, answer);
	return answer->table && answer->table->edge && answer->table->rows.place ? answer->table : NULL;
}

/* ---- which edges ---- */

struct edges {
	const struct table *t;
	int *at; /* [n] heap */
	int n;
};

static bool is_stronger(const struct table *t, int a, int b)
{
	return t->edge[a].weight != t->edge[b].weight ? t->edge[a].weight > t->edge[b].weight : a < b;
}

/* One more among the `most` strongest, in their order. */
static void keep(struct edges *e, int edge, int most)
{
	int i = e->n;

	if (i == most && !is_stronger(e->t, edge, e->at[i - 1]))
		return;
	if (i == most)
		i--;
	else
		e->n++;
	for (; i > 0 && is_stronger(e->t, edge, e->at[i - 1]); i--)
		e->at[i] = e->at[i - 1];
	e->at[i] = edge;
}

static struct edges edges_new(const struct table *t, int most)
{
	return (struct edges){ t, xmalloc((size_t)most * sizeof(int)), 0 };
}

/* ---- items ---- */

/* "layer 23  13 ·to": a node as the graph has it, both of a layer in one place. */
static void add_node(const struct table *t, int row, bool layer, struct str *out)
{
	const int level = graph_level(t, row), column = graph_column(t, row);

	if (layer && level)
		str_addf(out, "layer %d  ", level - 1);
	else if (layer)
		str_add(out, "input  ");
	str_addf(out, "%d %s", column, graph_token(t, column));
}

/* ".36  layer 23  13 ·to ← 1 ·Mary", and what carries it. */
static void add_edge(struct list *list, const struct table *t, int edge, int way, bool both)
{
	const struct edge *e = &t->edge[edge];
	struct str nodes, place;

	str_init(&nodes);
	str_init(&place);
	add_node(t, both || way == GO_TO ? e->to : e->from, true, &nodes);
	if (both) {
		str_add(&nodes, " ← ");
		add_node(t, e->from, false, &nodes);
	}
	place_print(&e->place, &place);
	list_addf(list, place.s, "%.3f  %s", (double)e->weight, nodes.s)->id = id_of(edge, way);
	str_done(&place);
	str_done(&nodes);
}

static bool same_spot(const struct table *t, int a, int b)
{
	return graph_level(t, a) == graph_level(t, b) && graph_column(t, a) == graph_column(t, b);
}

static void add_node_edges(struct list *list, const struct table *t, int row, int way)
{
	struct edges e = edges_new(t, NODE_MOST);
	struct explained x;

	for (int i = 0; i < t->edges; i++) {
		const struct edge *edge = &t->edge[i];
		const int here = way == GO_FROM ? edge->to : edge->from, other = way == GO_FROM ? edge->from : edge->to;

		if (same_spot(t, here, row) && !same_spot(t, other, row))
			keep(&e, i, NODE_MOST);
	}
	if (e.n)
		list_heading(list, way == GO_FROM ? "go to where it comes from" : "go to where it is read");
	for (int i = 0; i < e.n; i++)
		add_edge(list, t, e.at[i], way, false);
	explained_init(&x);
	for (int i = 0; way == GO_FROM && i < e.n; i++)
		if (explain_look_of(&t->edge[e.at[i]].place, &x))
			list_add(list, x.spec.s, x.other.s)->id = id_of(e.at[i], EXPLAIN);
	explained_done(&x);
	free(e.at);
}

void edges_fill(const struct app *app, struct list *list)
{
	struct answer_shown answer;
	const struct table *t = graph_here(app, &answer);
	int row, col;

	if (!t)
		return;
	cursor_in(app, t, &row, &col);
	if (row < 0)
		return;
	add_node_edges(list, t, row, GO_FROM);
	add_node_edges(list, t, row, GO_TO);
}

void edges_choose(struct app *app, int id)
{
	struct answer_shown answer;
	const struct table *t = graph_here(app, &answer);
	const int edge = (id - EDGES_FROM) / WAYS, way = (id - EDGES_FROM) % WAYS;
	struct explained x;
	int row, col;

	if (!t || edge >= t->edges) /* the answer may be another by now */
		return;
	if (way != EXPLAIN) {
		cursor_in(app, t, &row, &col);
		cursor_to(app, t, way == GO_FROM ? t->edge[edge].from : t->edge[edge].to, col);
		return;
	}
	explained_init(&x);
	if (explain_look_of(&t->edge[edge].place, &x))
		explain_take(app, &x);
	explained_done(&x);
}

/* ---- all of them ---- */

/* The weight from which the graph shows edges; 0: it is drawn as another view. */
static double threshold_here(const struct app *app, const struct answer_shown *answer)
{
	struct view view;

	pane_view(app, app->focus, answer, &view);
	return view_threshold(&view, &app->pane[app->focus].view, 0);
}

/* From one token to another: a token's own stream is drawn beside the edges, not as one. */
static bool is_between(const struct table *t, const struct edge *e)
{
	return graph_column(t, e->from) != graph_column(t, e->to);
}

static void fill_edges(const struct app *app, struct list *list)
{
	struct answer_shown answer;
	const struct table *t = graph_here(app, &answer);
	struct edges e;
	double from;

	if (!t)
		return;
	from = threshold_here(app, &answer);
	e = edges_new(t, ALL_MOST);
	for (int i = 0; i < t->edges; i++)
		if ((double)t->edge[i].weight >= from && is_between(t, &t->edge[i]))
			keep(&e, i, ALL_MOST);
	for (int i = 0; i < e.n; i++)
		add_edge(list, t, e.at[i], GO_TO, true);
	free(e.at);
}

static void choose_edge(struct app *app, const struct list_item *item)
{
	popup_close(app);
	edges_choose(app, item->id);
}

/* clang-format off */
static const struct popup popup_edges = {
	.title = "edges between tokens from the threshold up, the strongest first", .fill = fill_edges, .choose = choose_edge,
	.empty = "this pane has no graph, or no edge that is strong enough",
};
/* clang-format on */

void act_graph_edges(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_edges);
}
