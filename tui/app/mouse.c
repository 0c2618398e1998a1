/* mouse.c - see mouse.h. */
#include "tui/app/mouse.h"

#include "tui/app/binding.h"
#include "tui/draw/wrap.h"
#include "tui/panes/lists.h"
#include "tui/panes/pane.h"

static void click_pane(struct app *app, int pane, const struct key *key)
{
	struct answer_shown answer;
	struct view view;
	int row, col, to_row, to_col;

	app_focus(app, pane);
	question_answer(app, pane, &answer);
	if (!answer.table)
		return;
	pane_view(app, pane, &answer, &view);
	if (!view_hit(&view, &app->pane[pane].view, key->x, key->y, &to_row, &to_col))
		return;
	cursor_in(app, answer.table, &row, &col);
	row = to_row >= 0 ? to_row : row;
	col = to_col >= 0 ? to_col : col;
	cursor_to(app, answer.table, row, col);
	if (key->again)
		act_technique(app, NULL);
}

/* ------------------------------------------------------------------------------------------------ borders */

/* The border under the mouse: between two panes beside each other, or between two rows, which their first panes stand for. */
static bool take_border(struct app *app, int x, int y)
{
	const struct layout *l = &app->layout;
	const int *row = app->doc.row;

	app->drag.on = app->drag.moved = false;
	app->drag.left = app->drag.right = app->drag.above = app->drag.below = -1;
	for (int i = 1; i < app->doc.job.panes; i++) {
		struct rect r = l->pane[i];

		if (!r.w || !rect_holds(r, x, y))
			continue;
		for (int k = i - 1; k >= 0; k--) {
			bool beside = row[k] == row[i], first = k == 0 || row[k - 1] != row[k];

			if (!l->pane[k].w)
				continue;
			if (beside && x == r.x && app->drag.left < 0) {
				app->drag.left = k;
				app->drag.right = i;
			} else if (!beside && y == r.y && app->drag.left < 0 &&
				   (app->drag.above < 0 || row[k] == row[app->drag.above]) && first) {
				app->drag.above = k;
				app->drag.below = i;
			}
		}
	}
	while (app->drag.below > 0 && row[app->drag.below - 1] == row[app->drag.below])
		app->drag.below--;
	app->drag.on = app->drag.left >= 0 || app->drag.above >= 0;
	return app->drag.on;
}

/* A row is as high as any pane of it that is seen. */
static struct rect seen_in_row(const struct app *app, int pane)
{
	for (int i = 0; i < app->doc.job.panes; i++)
		if (app->doc.row[i] == app->doc.row[pane] && app->layout.pane[i].w)
			return app->layout.pane[i];
	return app->layout.pane[pane];
}

/* All of one drag is one change. */
static void give(struct app *app, int *to, int *from, int by)
{
	if (!app->drag.moved)
		app_change_sizes(app);
	app->drag.moved = true;
	*to += by;
	*from -= by;
}

static void move_border(struct app *app, int x, int y)
{
	struct pane_size *size = app->doc.size;

	if (app->drag.left >= 0) {
		struct rect left = app->layout.pane[app->drag.left], right = app->layout.pane[app->drag.right];
		int by = x - right.x;

		if (by && left.w + by >= PANE_LEAST_W && right.w - by >= PANE_LEAST_W)
			give(app, &size[app->drag.left].wider, &size[app->drag.right].wider, by);
	} else {
		struct rect above = seen_in_row(app, app->drag.above), below = seen_in_row(app, app->drag.below);
		int by = y - below.y;

		if (by && above.h + by >= PANE_LEAST_H && below.h - by >= PANE_LEAST_H)
			give(app, &size[app->drag.above].taller, &size[app->drag.below].taller, by);
	}
}

/* ------------------------------------------------------------------------------------------------ all of it */

/* It is of the last frame: what it names may have no place here any more, such as the keys of a list that was closed since. */
static void do_hot(struct app *app, const struct hot *hot)
{
	if (hot->kind == HOT_ACTION) {
		if (actions[hot->id].where & app_where(app))
			app_run(app, &actions[hot->id], NULL);
		return;
	}
	if (app->line)
		act_line_leave(app, NULL);
	app_focus(app, hot->id);
	if (hot->kind == HOT_TITLE)
		act_technique(app, NULL);
}

/* Presses on what is not a cell: true when that was all. */
static bool press(struct app *app, const struct key *key)
{
	const struct hot *hot = hot_at(&app->hots, key->x, key->y);

	if (rect_holds(app->typed.rect, key->x, key->y)) {
		const struct typed *typed = &app->typed;

		app->input.at = wrap_hit(&app->input, typed->rect.w, typed->top + key->y - typed->rect.y, key->x - typed->rect.x);
		return true;
	}
	if (take_border(app, key->x, key->y))
		return true; /* a title is clicked when the button goes up and the border has not moved */
	if (hot) {
		do_hot(app, hot);
		return true;
	}
	if (rect_holds(app->layout.prompt, key->x, key->y)) {
		act_prompt(app, NULL);
		return true;
	}
	if (rect_holds(app->layout.foil, key->x, key->y)) {
		act_foil(app, NULL);
		return true;
	}
	if (rect_holds(app->layout.status, key->x, key->y) && !app->line) {
		act_edits(app, NULL);
		return true;
	}
	return false;
}

static void let_go(struct app *app, const struct key *key)
{
	const struct hot *hot = hot_at(&app->hots, key->x, key->y);

	if (app->drag.on && !app->drag.moved && hot)
		do_hot(app, hot);
	app->drag.on = false;
}

static void wheel(struct app *app, int pane, int lines)
{
	struct answer_shown answer;
	struct view view;

	question_answer(app, pane, &answer);
	if (!answer.table)
		return;
	pane_view(app, pane, &answer, &view);
	view_scroll(&view, &app->pane[pane].view, lines);
}

/* The wheel over the continuation; a click opens all of it. */
static void scroll_text(struct app *app, const struct key *key)
{
	if (key->kind == K_CLICK)
		act_read(app, NULL);
	else if (key->kind == K_WHEEL_UP)
		app->text_back++;
	else if (key->kind == K_WHEEL_DOWN && app->text_back > 0)
		app->text_back--;
}

void mouse_event(struct app *app, const struct key *key)
{
	enum { WHEEL_LINES = 3 };
	int pane = 0;

	if (app->popup && !app->line) {
		popup_mouse(app, key);
		return;
	}
	if (key->kind == K_RELEASE) {
		let_go(app, key);
		return;
	}
	if (key->kind == K_DRAG && app->drag.on) {
		move_border(app, key->x, key->y);
		return;
	}
	if (key->kind == K_CLICK && press(app, key))
		return;
	if (rect_holds(app->layout.text, key->x, key->y)) {
		scroll_text(app, key);
		return;
	}
	/* Neighbours overlap by their border: the one that comes later has its title there. */
	for (int i = 0; i < app->doc.job.panes; i++)
		if (rect_holds(app->layout.pane[i], key->x, key->y))
			pane = i + 1;
	if (!pane--)
		return;
	if (key->kind == K_WHEEL_UP || key->kind == K_WHEEL_DOWN) {
		wheel(app, pane, key->kind == K_WHEEL_UP ? -WHEEL_LINES : WHEEL_LINES);
		return;
	}
	if (app->line)
		act_line_leave(app, NULL);
	click_pane(app, pane, key);
}
