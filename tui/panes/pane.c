/* pane.c - see pane.h: the frame, the title, the table, its check, and the panes that are folded away. */
#include "tui/panes/pane.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/panes/lists.h"
#include "tui/text.h"

void pane_view(const struct app *app, int pane, const struct answer_shown *answer, struct view *view)
{
	*view = (struct view){
		.table = answer->table, .before = answer->before, .rect = app->pane[pane].inside, .theme = app->theme,
		.focus = pane == app->focus && !app->popup, .stale = !answer->current && app_stale(app), .search = app->search,
	};
	cursor_in(app, answer->table, &view->row, &view->col);
}

/* What stands in the edge on the right: panes that are folded away where this is the last that is seen, and the number. */
static void edge_text(const struct app *app, int pane, struct str *out)
{
	const struct layout *l = &app->layout;
	int last = 0;

	for (int i = 0; i < app->doc.job.panes; i++)
		if (l->pane[i].w)
			last = i;
	if (l->folded && pane == last)
		for (int i = 0; i < app->doc.job.panes; i++)
			if (!l->pane[i].w)
				str_addf(out, "%s%d %s", out->n ? " · " : "", i + 1, app->doc.job.pane[i].analysis->name);
}

static const char *edge_mark(const struct app *app, const struct job_pane *pane)
{
	if (pane->diff == DIFF_EDITS)
		return "edited − unedited";
	if (pane->diff == DIFF_FOIL)
		return "prompt − foil";
	return app_edited(app) ? "edited" : NULL;
}

/* "rows sum to the metric: 14.20 = 14.20 ✓", or in red what is missing. Needs a line of its own. */
static void draw_check(struct app *app, struct canvas *c, struct rect r, const struct table *t)
{
	bool holds = check_holds(&t->check);
	struct str text;

	str_init(&text);
	if (t->check.name) {
		str_addf(&text, "%s: ", t->check.name);
		text_number(t->check.actual, &text);
		str_add(&text, holds ? " = " : " ≠ ");
		text_number(t->check.expected, &text);
		str_add(&text, holds ? " ✓" : " ✗");
	}
	if (t->footnote)
		str_addf(&text, "%s%s", text.n ? " · " : "", t->footnote);
	canvas_field(c, r.x, r.y, r.w, ALIGN_LEFT, app_ink(app, !t->check.name ? STYLE_DIM : holds ? STYLE_DIM : STYLE_ERROR), text.s);
	str_done(&text);
}

static void draw_message(struct app *app, struct canvas *c, struct rect r, enum style style, const char *text)
{
	if (r.w > 2 && r.h > 0)
		canvas_paragraph(c, (struct rect){ r.x + 1, r.y, r.w - 2, r.h }, 0, app_ink(app, style), text);
}

static void draw_table(struct app *app, struct canvas *c, int pane, const struct answer_shown *answer)
{
	struct rect in = app->pane[pane].inside;
	const struct table *t = answer->table;
	struct table shown = *t;
	struct view view;

	if ((t->check.name || t->footnote) && in.h > VIEW_MIN_H + 2) {
		draw_check(app, c, (struct rect){ in.x + 1, in.y + in.h - 1, in.w - 2, 1 }, t);
		app->pane[pane].inside.h = --in.h;
	}
	if (app->pane[pane].sink_in)
		shown.skip_first = false;
	pane_view(app, pane, answer, &view);
	view.table = &shown;
	view_draw(c, &view, &app->pane[pane].view);
}

void draw_pane(struct app *app, struct canvas *c, int pane)
{
	const struct job_pane *question = &app->doc.job.pane[pane];
	struct answer_shown answer;
	struct str title, right;
	struct frame frame = { .rect = app->layout.pane[pane], .focus = pane == app->focus && !app->popup };
	struct rect before;

	question_answer(app, pane, &answer);
	str_init(&title);
	str_init(&right);
	if (answer.table) {
		str_addf(&title, "%s", answer.table->title ? answer.table->title : question->analysis->title);
		frame.unit = answer.table->units == 1 ? answer.table->unit[0] : NULL;
		if (frame.unit && strstr(title.s, frame.unit))
			frame.unit = NULL;
	} else {
		str_add(&title, question->analysis->name);
	}
	edge_text(app, pane, &right);
	frame.title = title.s;
	frame.right = right.n ? right.s : NULL;
	frame.mark = edge_mark(app, question);
	frame.stale = !answer.current && app_stale(app);
	app->pane[pane].inside = frame_draw(c, app->theme, &frame);
	before = canvas_clip(c, app->pane[pane].inside);
	if (answer.error)
		draw_message(app, c, app->pane[pane].inside, STYLE_ERROR, answer.error);
	else if (answer.table)
		draw_table(app, c, pane, &answer);
	else if (app->shot && app->shot->error && app->shot->serial == app->serial)
		draw_message(app, c, app->pane[pane].inside, STYLE_DIM, question->analysis->blurb);
	else
		draw_message(app, c, app->pane[pane].inside, STYLE_DIM, "…");
	canvas_unclip(c, before);
	str_done(&right);
	str_done(&title);
}
