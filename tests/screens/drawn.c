/*
 * drawn.c - a walk over the registry: each technique's tables are drawn in a small and in a large rectangle, in every
 * view, with the cursor at either end. Nothing is written outside, something is seen inside, the cursor's cell among
 * it, and the mouse finds it there.
 */
#include <stdlib.h>

#include "tests/registry_walk.h"
#include "tui/views/view.h"

#define MODEL "tests/fixtures/tiny/llama-grouped"
#define PROMPT "one two three two one"
#define FOIL "one three two two one"

enum { MARGIN = 3 };
static struct theme *theme;
static int drawn, tables;

static bool is_inside(const struct rect *r, int x, int y)
{
	return x >= r->x && x < r->x + r->w && y >= r->y && y < r->y + r->h;
}

/* Cells outside that are not blank any more, and cells inside that are. */
static void count_cells(const struct canvas *c, const struct rect *r, int *spilled, int *inked)
{
	*spilled = *inked = 0;
	for (int i = 0; i < c->w * c->h; i++) {
		const struct cell *cell = &c->cell[i];

		if (is_inside(r, i % c->w, i / c->w))
			*inked += strcmp(cell->text, "@") && strcmp(cell->text, " ");
		else
			*spilled += strcmp(cell->text, "@") || cell->width != 1;
	}
}

/* A list has a cursor on its rows alone. */
static bool is_list(const struct table *t, enum view_id as)
{
	const enum view_id view = view_for(t, as);

	return view == VIEW_ranking || view == VIEW_bars || view == VIEW_tree;
}

/* The mouse finds the cursor's cell somewhere. */
static bool is_hit(const struct view *v, const struct view_state *state)
{
	for (int y = v->rect.y; y < v->rect.y + v->rect.h; y++)
		for (int x = v->rect.x; x < v->rect.x + v->rect.w; x++) {
			int row, col;

			if (view_hit(v, state, x, y, &row, &col) && (v->row < 0 || row == v->row) && (v->col < 0 || col == v->col))
				return true;
		}
	return false;
}

static bool is_seen(const struct window *w, int row, int col)
{
	return (row < 0 || (row >= w->row && row < w->row + w->rows)) && (col < 0 || (col >= w->col && col < w->col + w->cols));
}

static void check_drawn(const struct walk *w, const struct table *t, int width, int height, struct view_way way, bool end)
{
	struct view v = { .table = t,
			  .as = way.view,
			  .zoom = way.zoom,
			  .rect = { MARGIN, MARGIN, width, height },
			  .theme = theme,
			  .focus = true,
			  .row = end ? t->rows.n - 1 : 0,
			  .col = is_list(t, way.view) ? -1
				 : end		      ? t->cols.n - 1
						      : 0 };
	const enum view_id view = view_for(t, way.view);
	struct view_state state = { 0 };
	struct canvas c;
	int spilled, inked;
	bool blocks;

	canvas_init(&c, width + 2 * MARGIN, height + 2 * MARGIN);
	for (int y = 0; y < c.h; y++)
		canvas_repeat(&c, 0, y, c.w, theme_ink(theme, STYLE_TEXT), "@");
	view_draw(&c, &v, &state);
	count_cells(&c, &v.rect, &spilled, &inked);
	/* Several cells share one of the screen's, as curves that meet and nodes of one layer do. */
	blocks = state.shown == ZOOM_HALF || state.shown == ZOOM_FIT || view == VIEW_lines || view == VIEW_graph;
	if (spilled || inked < 3 || !is_seen(&state.visible, v.row, v.col) || (!blocks && !is_hit(&v, &state)))
		CHECK_THAT(false, "%s in %d × %d as %s %s, cursor at the %s: %d cells outside, %d inside, cursor %s, mouse %s",
			   w->what, width, height, view_words[way.view], zoom_words[way.zoom], end ? "end" : "start", spilled,
			   inked, is_seen(&state.visible, v.row, v.col) ? "seen" : "lost",
			   is_hit(&v, &state) ? "finds it" : "does not");
	drawn++;
	canvas_done(&c);
}

static void check_table(struct walk *w)
{
	struct table *t = answer(w);
	struct view_way ways[VIEW_WAYS];
	int n = t ? view_ways(t, ways) : 0;

	for (int i = 0; i < n; i++)
		for (int end = 0; end < 2; end++) {
			if (tap_takes((size_t)tables, (size_t)(i + end), 2))
				check_drawn(w, t, 20, 5, ways[i], end);
			if (tap_takes((size_t)tables, (size_t)(i + end), 4))
				check_drawn(w, t, 200, 60, ways[i], end);
		}
	table_unref(t);
	tables++;
}

int main(void)
{
	struct walk w;

	theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	walk_open(&w, MODEL, PROMPT, FOIL);
	for (int i = 0; analysis_list[i]; i++)
		walk_choices(&w, analysis_list[i], check_table);
	CHECK_THAT(drawn > (INSTRUMENTED ? 150 : 500), "%d pictures were drawn", drawn);
	walk_close(&w);
	theme_free(theme);
	return tap_done();
}
