/* moves.c - actions that move the cursor: in the pane, along a dimension, to what a search finds. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "tui/app/opening.h"
#include "tui/app/typing.h"
#include "tui/panes/lists.h"
#include "tui/panes/pane.h"

static void move(struct app *app, enum view_move how)
{
	struct answer_shown answer;
	struct view view;

	if (!app_pane(app))
		return;
	question_answer(app, app->focus, &answer);
	if (!answer.table)
		return;
	pane_view(app, app->focus, &answer, &view);
	if ((how == VIEW_LEFT || how == VIEW_RIGHT) && view_for(view.table, view.as) == VIEW_tree &&
	    opening_step(app, &answer, view.row, how == VIEW_RIGHT))
		return;
	if (view_move(&view, &app->pane[app->focus].view, how, &view.row, &view.col))
		cursor_to(app, answer.table, view.row, view.col);
}

#define MOVE(id, how) \
	void act_##id(struct app *app, const char *argument) \
	{ \
		(void)argument; \
		move(app, how); \
	}
MOVE(up, VIEW_UP)
MOVE(down, VIEW_DOWN)
MOVE(left, VIEW_LEFT)
MOVE(right, VIEW_RIGHT)
MOVE(page_up, VIEW_PAGE_UP)
MOVE(page_down, VIEW_PAGE_DOWN)
MOVE(first, VIEW_FIRST)
MOVE(last, VIEW_LAST)
MOVE(top, VIEW_TOP)
MOVE(bottom, VIEW_BOTTOM)

/* ------------------------------------------------------------------------------------------------ along a dimension */

/* The component of the same kind in the layer that the cursor is in now: 3.mlp → 4.mlp. */
static void components_follow(struct app *app, int layer)
{
	struct answer_shown answer;

	for (int pane = 0; pane < app->doc.job.panes; pane++) {
		const struct axis *axis;
		int at;

		question_answer(app, pane, &answer);
		if (!answer.table || !(axis = &answer.table->rows)->place || axis->dim != DIM_COMPONENT)
			continue;
		at = cursor_get(app, axis->dim, axis->n);
		for (int i = 0; i < axis->n; i++)
			if (axis->place[i].layer == layer && axis->place[i].site == axis->place[at].site)
				cursor_set(app, axis->dim, i, axis->n);
	}
}

static void along(struct app *app, enum dim dim, int by)
{
	int n = extent_of(app, dim), to;

	if (!n)
		return;
	to = cursor_get(app, dim, n) + by;
	if (to < 0 || to >= n)
		return;
	cursor_set(app, dim, to, n);
	if (dim == DIM_LAYER)
		components_follow(app, to);
}

#define ALONG(id, dim, by) \
	void act_##id(struct app *app, const char *argument) \
	{ \
		(void)argument; \
		along(app, dim, by); \
	}
ALONG(layer_less, DIM_LAYER, -1)
ALONG(layer_more, DIM_LAYER, 1)
ALONG(head_less, DIM_HEAD, -1)
ALONG(head_more, DIM_HEAD, 1)
ALONG(position_less, DIM_POSITION, -1)
ALONG(position_more, DIM_POSITION, 1)

/* ------------------------------------------------------------------------------------------------ search */

static bool holds(const char *text, const char *wanted)
{
	return text && strcasestr(text, wanted) != NULL;
}

/* A "·" may be typed as a space: both the raw and the shown form count. */
static bool axis_holds(const struct axis *axis, int i, const char *wanted)
{
	return holds(axis->label[i], wanted) || (axis->show && holds(axis->show[i], wanted));
}

static bool cell_holds(const struct table *t, int row, int col, const char *wanted)
{
	size_t cell = table_cell(t, row, col);

	if (t->word && (holds(t->word[cell], wanted) || holds(t->word_show[cell], wanted)))
		return true;
	/* A label is found once, in the row or column where the cursor is anyway: its first cell. */
	return (row == 0 && axis_holds(&t->cols, col, wanted)) || (col == 0 && axis_holds(&t->rows, row, wanted));
}

static void find(struct app *app, int by)
{
	struct answer_shown answer;
	const struct table *t;
	int row, col, at, cells;

	if (!app->search) {
		app_say(app, STYLE_WARNING, "No search yet; press /");
		return;
	}
	if (!app_pane(app))
		return;
	question_answer(app, app->focus, &answer);
	if (!(t = answer.table))
		return;
	cursor_in(app, t, &row, &col);
	cells = t->rows.n * t->cols.n;
	at = (row < 0 ? 0 : row) * t->cols.n + (col < 0 ? 0 : col);
	for (int i = 1; i <= cells; i++) {
		int to = ((at + by * i) % cells + cells) % cells;

		if (cell_holds(t, to / t->cols.n, to % t->cols.n, app->search)) {
			cursor_to(app, t, to / t->cols.n, to % t->cols.n);
			return;
		}
	}
	app_say(app, STYLE_WARNING, "\"%s\" is not in this pane", app->search);
}

void act_search(struct app *app, const char *argument)
{
	if (!argument) {
		lines_begin(app, LINE_SEARCH, "");
		return;
	}
	free(app->search);
	app->search = *argument ? xstrdup(argument) : NULL;
	if (!app->search)
		return;
	app->walks_strongest = false;
	find(app, 1);
}

/* Through what was asked for last. */
static void walk(struct app *app, int by)
{
	if (app->walks_strongest)
		strongest_walk(app, by);
	else
		find(app, by);
}

void act_search_next(struct app *app, const char *argument)
{
	(void)argument;
	walk(app, 1);
}

void act_search_previous(struct app *app, const char *argument)
{
	(void)argument;
	walk(app, -1);
}
