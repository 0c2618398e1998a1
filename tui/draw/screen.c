/* screen.c - the whole screen: its parts where the layout says. */
#include "tui/app/app.h"

#include <string.h>

#include "tui/app/binding.h"
#include "tui/draw/frame.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"
#include "tui/panes/pane.h"

struct ink app_ink(const struct app *app, enum style style)
{
	return theme_ink(app->theme, style);
}

/* Of the table that a pane shows. While the prompt is typed it stays as it was, so that the panes do not move with every letter. */
static struct view_need need_of(struct app *app, int pane)
{
	const struct view_need unknown = { { 4, 26 }, { 12, 40 }, { 1000, 1000 } };
	struct view_need *need = &app->pane[pane].need;
	struct answer_shown answer;
	struct view view;

	if (need->most.rows && (app->line == LINE_PROMPT || app->line == LINE_FOIL))
		return *need;
	question_answer(app, pane, &answer);
	if (answer.table && answer.table->rows.n > 0 && answer.table->cols.n > 0) {
		pane_view(app, pane, &answer, &view);
		view.edge = app->doc.row[pane] == app->doc.row[app->doc.job.panes - 1]; /* of the layout that is to be made */
		*need = view_need(&view);
	}
	return need->most.rows && !answer.error ? *need : unknown;
}

/* Two texts are there where there are edits, also while they are switched off: so that nothing jumps. */
static int text_lines(const struct app *app, int h)
{
	if (!app->doc.job.generate)
		return 0;
	return !app->doc.job.edits ? TEXT_LINES : h >= TALL ? 2 * TEXT_LINES : TEXT_LINES + 1;
}

/* A pane that was added may have taken the place of others. */
static void say_hidden(struct app *app)
{
	const struct job *job = &app->doc.job;
	unsigned hidden = 0;
	struct str names;

	str_init(&names);
	for (int i = 0; i < job->panes; i++) {
		if (app->layout.pane[i].w)
			continue;
		hidden |= 1u << i;
		if (!(app->hidden & 1u << i))
			str_addf(&names, "%s%s (%d)", names.n ? ", " : "", job->pane[i].analysis->name, i + 1);
	}
	if (app->added && names.n)
		app_say(app, STYLE_WARNING, "no room for %s as well: the number brings it back", names.s);
	app->hidden = hidden;
	app->added = false;
	str_done(&names);
}

static void make_layout(struct app *app, int w, int h)
{
	int height[JOB_PANES], width[JOB_PANES];
	struct view_need need[JOB_PANES] = { 0 };
	unsigned last_focus[JOB_PANES];
	struct layout_wish wish = {
		.panes = app->doc.job.panes,
		.row = app->doc.row,
		.need = need,
		.height = height,
		.width = width,
		.last_focus = last_focus,
		.focus = app->focus,
		.zoomed = app->zoomed,
		.foil = app->doc.job.foil || app->line == LINE_FOIL,
		.way = app->doc.job.ways > 0,
		.card_lines = card_lines(app, w, h),
		.text_lines = text_lines(app, h),
	};

	for (int i = 0; i < JOB_PANES; i++) {
		height[i] = app->doc.size[i].taller;
		width[i] = app->doc.size[i].wider;
		last_focus[i] = app->pane[i].last_focus;
		if (i < app->doc.job.panes)
			need[i] = need_of(app, i);
	}
	layout_make(&wish, w, h, &app->layout);
	say_hidden(app);
}

static void draw_too_small(struct app *app, struct canvas *c)
{
	struct rect all = { 0, 0, c->w, c->h };

	canvas_paragraph(c, all, 0, app_ink(app, STYLE_TEXT), "lmscope needs a larger window: 24 × 8 at least. q leaves.");
}

void app_draw(struct app *app, struct canvas *c)
{
	const struct layout *l = &app->layout;

	app->hots.n = 0;
	make_layout(app, c->w, c->h);
	canvas_reset(c, c->w, c->h, app_ink(app, STYLE_TEXT));
	if (l->too_small) {
		draw_too_small(app, c);
		return;
	}
	draw_header(app, c, l->header);
	for (int i = 0; i < app->doc.job.panes; i++)
		if (l->pane[i].w)
			draw_pane(app, c, i);
	if (app->doc.job.panes && !app->popup)
		frame_accent(c, app->theme, l->pane[app->focus]);
	if (l->card.h)
		draw_card(app, c, l->card);
	if (l->text.h)
		draw_text(app, c, l->text);
	if (l->cell.h)
		draw_cell(app, c, l->cell);
	if (l->status.h)
		draw_status(app, c, l->status);
	draw_footer(app, c, l->footer);
	draw_prompt(app, c);
	if (app->popup)
		draw_popup(app, c);
	if ((app->line == LINE_COMMAND || app->complete_typed) && !app->message.n)
		draw_completion(app, c);
}

/* Before there is a table: from the last row and the cursor's column back, as many as there is room for. */
static struct window expected(const struct app *app, struct rect inside)
{
	enum { WORD_W = 6 };
	const int col = app->doc.cursor[DIM_POSITION], cols = inside.w / WORD_W + 1;

	return (struct window){ -inside.h, inside.h, col < 0 ? -cols : col < cols ? 0 : col - cols + 1, cols };
}

void app_visible(const struct app *app, struct window window[JOB_PANES])
{
	struct answer_shown answer;

	for (int i = 0; i < JOB_PANES; i++) {
		window[i] = (struct window){ 0 };
		if (i >= app->doc.job.panes || app->layout.too_small || !app->layout.pane[i].w)
			continue;
		question_answer(app, i, &answer);
		window[i] = answer.table ? app->pane[i].view.visible : expected(app, app->pane[i].inside);
	}
}
