/* mouse.c - see mouse.h. */
#include "tui/mouse.h"

#include "tui/panes/lists.h"
#include "tui/panes/pane.h"
#include "tui/question.h"
#include "tui/wrap.h"

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

void mouse_event(struct app *app, const struct key *key)
{
	int pane = 0;

	if (app->popup && !app->line) {
		popup_mouse(app, key);
		return;
	}
	if (key->kind == K_RELEASE)
		return;
	if (key->kind == K_CLICK && rect_holds(app->typed.rect, key->x, key->y)) {
		const struct typed *typed = &app->typed;

		app->input.at = wrap_hit(&app->input, typed->rect.w, typed->top + key->y - typed->rect.y, key->x - typed->rect.x);
		return;
	}
	if (key->kind == K_CLICK && rect_holds(app->layout.prompt, key->x, key->y)) {
		act_prompt(app, NULL);
		return;
	}
	if (key->kind == K_CLICK && rect_holds(app->layout.foil, key->x, key->y)) {
		act_foil(app, NULL);
		return;
	}
	if (key->kind == K_CLICK && rect_holds(app->layout.status, key->x, key->y) && !app->line) {
		act_edits(app, NULL);
		return;
	}
	/* Neighbours overlap by their border: the one that comes later has its title there. */
	for (int i = 0; i < app->doc.job.panes; i++)
		if (rect_holds(app->layout.pane[i], key->x, key->y))
			pane = i + 1;
	if (!pane--)
		return;
	if (app->line)
		act_line_leave(app, NULL);
	if (key->kind == K_CLICK || key->kind == K_DRAG) {
		click_pane(app, pane, key);
		return;
	}
	app_focus(app, pane);
	for (int i = 0; i < 3; i++)
		app_run(app, &actions[key->kind == K_WHEEL_UP ? ACTION_up : ACTION_down], NULL);
}
