/* pane.c - see pane.h: the frame, the title, the table, and the panes that are folded away. */
#include "tui/panes/pane.h"

#include <stdio.h>
#include <string.h>

#include "tui/app/places.h"
#include "tui/draw/frame.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"

/* No other pane has its title in this one's lower edge. */
static bool edge_is_free(const struct app *app, int pane)
{
	const struct rect r = app->layout.pane[pane];

	for (int i = 0; i < app->doc.job.panes; i++)
		if (app->layout.pane[i].w && app->layout.pane[i].y == r.y + r.h - 1)
			return false;
	return r.w > 0;
}

void pane_view(const struct app *app, int pane, const struct answer_shown *answer, struct view *view)
{
	*view = (struct view){
		.table = answer->table,
		.before = answer->before,
		.older = answer->older,
		.rect = app->pane[pane].inside,
		.edge = edge_is_free(app, pane),
		.theme = app->theme,
		.focus = pane == app->focus && !app->popup,
		.stale = !answer->current && app_is_slow(app),
		.search = app->search,
		.sink_in = app->pane[pane].sink_in,
		.edited = app_edited(app) && app->doc.job.pane[pane].shown == SHOWN_RUN && !app->doc.job.pane[pane].over,
		.ground = answer->before,
	};
	view_of_words(&app->doc.job.pane[pane].view, view);
	cursor_in(app, answer->table, &view->row, &view->col);
}

/* Where there is no line for it, the last pane that is seen tells which are folded away, with the keys that bring them back. */
static void folded_text(const struct app *app, int pane, struct str *out)
{
	const struct layout *l = &app->layout;
	int last = 0;

	for (int i = 0; i < app->doc.job.panes; i++)
		if (l->pane[i].w)
			last = i;
	if (l->folded && pane == last && !l->cell.h)
		for (int i = 0; i < app->doc.job.panes; i++)
			if (!l->pane[i].w)
				str_addf(out, "%s%d %s", out->n ? " · " : "", i + 1, app->doc.job.pane[i].analysis->name);
}

static const char *edge_mark(const struct app *app, const struct job_pane *pane, const struct table *t)
{
	if (pane->over)
		return t && t->over ? t->parts.whose : "mean";
	if (pane->shown != SHOWN_RUN)
		return shown_words[pane->shown].title;
	return app_edited(app) ? "edited" : NULL;
}

static void draw_sentence(struct app *app, struct canvas *c, struct rect r, enum style style, const char *text)
{
	if (r.w > 2 && r.h > 0)
		canvas_paragraph(c, (struct rect){ r.x + 1, r.y, r.w - 2, r.h }, 0, app_ink(app, style), text);
}

static void draw_table(struct app *app, struct canvas *c, int pane, const struct answer_shown *answer)
{
	struct view view;

	pane_view(app, pane, answer, &view);
	view_draw(c, &view, &app->pane[pane].view);
	places_draw_notes(app, c, pane, &view);
}

static struct rect draw_frame(struct app *app, struct canvas *c, int pane, const struct answer_shown *answer)
{
	const struct job_pane *question = &app->doc.job.pane[pane];
	const struct table *t = answer->table;
	struct frame frame = { .rect = app->layout.pane[pane], .focus = pane == app->focus && !app->popup };
	struct str right;
	struct rect inside;
	struct str progress;

	str_init(&progress);
	str_init(&right);
	folded_text(app, pane, &right);
	places_count_notes(app, pane, &right);
	frame.title = t ? t->parts : (struct title){ .technique = question->analysis->name };
	frame.unit = t && t->units == 1 ? t->unit[0] : NULL;
	frame.right = right.n ? right.s : NULL;
	frame.mark = edge_mark(app, question, t);
	frame.stale = t && !answer->current && app_is_slow(app);
	if (answer->waits && (answer->forecast.runs > 0 || answer->forecast.seconds > 0) && !answer->total && app_is_slow(app)) {
		str_add(&progress, frame.stale ? "stale · queued" : "queued");
		frame.progress = progress.s;
	} else if (answer->total && app_is_slow(app)) {
		str_addf(&progress, "%s%d/%d", frame.stale ? "stale · " : "", answer->done, answer->total);
		if (answer->left > 0) {
			str_add(&progress, " · ");
			text_duration(answer->left, &progress);
		}
		str_add(&progress, answer->older && !frame.stale ? " · rest stale" : "");
		frame.progress = progress.s;
	} else if (answer->stopped) {
		frame.progress = "stopped · r resumes";
	}
	inside = frame_draw(c, app->theme, &frame);
	hot_add(&app->hots, (struct rect){ frame.rect.x + 1, frame.rect.y, frame.title_w, 1 }, HOT_TITLE, pane);
	str_done(&progress);
	str_done(&right);
	return inside;
}

/* What it will be, and how long it takes. */
static void draw_not_yet(struct app *app, struct canvas *c, int pane, const struct answer_shown *answer)
{
	struct str text;

	str_init(&text);
	str_add(&text, app->doc.job.pane[pane].analysis->blurb);
	str_add_char(&text, '\n');
	text_forecast(&answer->forecast, &text);
	draw_sentence(app, c, app->pane[pane].inside, STYLE_DIM, text.s);
	str_done(&text);
}

/* Why there is no table, and which keys may help. */
static void draw_refusal(struct app *app, struct canvas *c, int pane, const char *error)
{
	static const enum action_id helps[] = { ACTION_set, ACTION_metric, ACTION_technique };
	const struct rect r = app->pane[pane].inside;
	struct str keys;
	int lines, x = r.x + 1;

	if (r.w <= 2 || r.h <= 0)
		return;
	str_init(&keys);
	lines = canvas_paragraph(c, (struct rect){ r.x + 1, r.y, r.w - 2, r.h }, 0, app_ink(app, STYLE_ERROR), error);
	for (size_t i = 0; i < sizeof helps / sizeof *helps && lines + 1 < r.h; i++) {
		str_clear(&keys);
		action_keys(&actions[helps[i]], 1, theme_ascii(app->theme), &keys);
		if (x + (int)keys.n + 1 + (int)strlen(actions[helps[i]].label) > r.x + r.w)
			break;
		x += canvas_text(c, x, r.y + lines + 1, app_ink(app, STYLE_KEY), keys.s) + 1;
		x += canvas_text(c, x, r.y + lines + 1, app_ink(app, STYLE_DIM), actions[helps[i]].label) + 2;
	}
	str_done(&keys);
}

void draw_pane(struct app *app, struct canvas *c, int pane)
{
	struct answer_shown answer;
	struct rect before, inside;

	question_answer(app, pane, &answer);
	inside = app->pane[pane].inside = draw_frame(app, c, pane, &answer);
	inside.h += edge_is_free(app, pane);
	before = canvas_clip(c, inside);
	if (answer.error)
		draw_refusal(app, c, pane, answer.error);
	else if (answer.table)
		draw_table(app, c, pane, &answer);
	else
		draw_not_yet(app, c, pane, &answer);
	canvas_unclip(c, before);
}
