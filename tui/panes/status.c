/* status.c - the lines under the panes: generated text, the cell under the cursor, edits and metric. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/app/binding.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"

/* columns: of a spec that says anything; that the cell leaves to the metric at least */
enum { METRIC_LEAST = 6, METRIC_ROOM = 18 };

/* The text of some tokens, its end where there is no room for all. */
static void draw_tokens(struct app *app, struct canvas *c, struct rect r, const struct snapshot_token *token, int n, bool more)
{
	struct str text;
	int rows;

	str_init(&text);
	for (int i = 0; i < n; i++)
		utf8_safe(&text, token[i].text, strlen(token[i].text), false);
	if (more)
		str_add(&text, "…");
	else if (!n)
		str_add(&text, app->shot->error ? "" : "(nothing: the text ends here)");
	rows = canvas_paragraph(c, (struct rect){ r.x, r.y, r.w, 0 }, 0, app_ink(app, STYLE_TEXT), text.s);
	if (app->text_back > rows - r.h && r.h == app->layout.text.h)
		app->text_back = rows > r.h ? rows - r.h : 0;
	canvas_paragraph(c, r, rows - r.h > app->text_back ? rows - r.h - app->text_back : 0, app_ink(app, STYLE_TEXT), text.s);
	str_done(&text);
}

/* How the model continues the prompt; with edits, how it does so under them and without them. */
void draw_text(struct app *app, struct canvas *c, struct rect r)
{
	const struct snapshot *shot = app->shot;
	int label = 14, half = app_edited(app) && r.h > 1 ? r.h / 2 : 0;
	struct rect text = { r.x + label, r.y, r.w - label - 1, r.h - half };
	bool waiting = shot && (shot->generating || shot->serial != app->serial);

	canvas_text(c, r.x + 1, r.y, app_ink(app, app_edited(app) ? STYLE_EDITED : STYLE_TITLE),
		    app_edited(app) ? "edited" : "continuation");
	if (!shot || r.w <= label + 2)
		return;
	draw_tokens(app, c, text, shot->generated, shot->generated_tokens, waiting && !shot->plain_tokens);
	if (!half)
		return;
	text.y += text.h;
	text.h = half;
	canvas_text(c, r.x + 1, text.y, app_ink(app, STYLE_TITLE), "unedited");
	draw_tokens(app, c, text, shot->plain, shot->plain_tokens, waiting);
}

/* "   was 0.71 probability" */
static void add_before(const struct answer_shown *answer, int row, int col, struct str *out)
{
	const struct table *before = answer->before;

	if (!before || before == answer->table || row >= before->rows.n || col >= before->cols.n)
		return;
	str_add(out, "   was ");
	text_value(before, row, col, out);
}

/*
 * "metric logit " Paris" 14.20 (−1.31)" at the right end of at most w columns; with less room, without its beginning. Returns
 * its columns.
 */
static int draw_metric(struct app *app, struct canvas *c, struct rect r, int most)
{
	const struct snapshot *shot = app->shot;
	struct str spec, value, change;
	const bool stale = app_unprepared(app);
	double by = 0;
	int w, numbers, word, x = r.x + r.w - 1;

	str_init(&spec);
	str_init(&value);
	str_init(&change);
	if (shot && shot->has_metric) {
		str_add(&spec, shot->metric_spec);
		text_number(shot->metric, &value);
		by = stale ? 0 : shot->metric - shot->metric_unedited;
		if (stale) {
			str_add(&change, " stale");
		} else if (app_edited(app)) {
			str_add(&change, " (");
			text_change(by, &change);
			str_add(&change, ")");
		}
	} else if (app->doc.job.metric) {
		str_add(&spec, app->doc.job.metric);
	}
	if (spec.n && !app->doc.job.metric && canvas_columns(spec.s, spec.n) + 40 <= most)
		str_add(&spec, " (follows the answer)");
	numbers = canvas_columns(value.s, value.n) + canvas_columns(change.s, change.n) + (value.n ? 2 : 0);
	w = canvas_columns(spec.s, spec.n);
	word = w + numbers + 8 <= most ? 8 : 0;
	if (w + numbers + word > most)
		w = most - numbers - word;
	if (w < METRIC_LEAST)
		w = 0;
	x -= w + numbers + word;
	if (word)
		canvas_text(c, x, r.y, app_ink(app, STYLE_TITLE), "metric");
	canvas_field(c, x + word, r.y, w, ALIGN_LEFT, app_ink(app, app->doc.job.metric ? STYLE_TEXT : STYLE_DIM), spec.s);
	x += word + w + (value.n ? 2 : 0);
	x += canvas_text(c, x, r.y, app_ink(app, stale ? STYLE_STALE : STYLE_TEXT), value.s);
	canvas_text(c, x, r.y, app_ink(app, by < 0 ? STYLE_NEGATIVE : by > 0 ? STYLE_POSITIVE : STYLE_DIM), change.s);
	str_done(&change);
	str_done(&value);
	str_done(&spec);
	return w + numbers + word + 3;
}

/* The cell under the cursor at the left: it comes first, the metric has the rest. */
void draw_cell(struct app *app, struct canvas *c, struct rect r)
{
	struct answer_shown answer = { 0 };
	struct str place, value;
	int row = -1, col = -1, x = r.x + 1, w;

	str_init(&place);
	str_init(&value);
	if (app->doc.job.panes)
		question_answer(app, app->focus, &answer);
	if (answer.table)
		cursor_in(app, answer.table, &row, &col);
	if (row >= 0 && col >= 0) {
		text_place(answer.table, row, col, &place);
		text_value(answer.table, row, col, &value);
		add_before(&answer, row, col, &value);
		text_edges(answer.table, row, &value);
		str_add(&place, "   ");
	}
	w = canvas_columns(place.s, place.n) + canvas_columns(value.s, value.n);
	r.w -= draw_metric(app, c, r, r.w - w - 4 > METRIC_ROOM ? r.w - w - 4 : METRIC_ROOM);
	x += canvas_text(c, x, r.y, app_ink(app, STYLE_DIM), place.s);
	if (x < r.x + r.w)
		canvas_field(c, x, r.y, r.x + r.w - x, ALIGN_LEFT,
			     app_ink(app, answer.current || !app_is_slow(app) ? STYLE_TEXT : STYLE_STALE), value.s);
	str_done(&value);
	str_done(&place);
}

/* The edits from the left, as many as there is room for. */
static void draw_edits(struct app *app, struct canvas *c, struct rect r)
{
	const struct job *job = &app->doc.job;
	int x = r.x + 1, end = r.x + r.w;

	x += canvas_text(c, x, r.y, app_ink(app, STYLE_TITLE), "edits") + 2;
	if (!job->edits)
		canvas_field(c, x, r.y, end - x, ALIGN_LEFT, app_ink(app, STYLE_DIM), "none");
	for (int i = 0; i < job->edits; i++) {
		const struct job_edit *edit = &job->edit[i];
		int w = canvas_columns(edit->line, strlen(edit->line)), left = job->edits - i - 1;

		if (x + w + (left ? 6 : 0) > end && i) {
			canvas_textf(c, x, r.y, app_ink(app, STYLE_DIM), "+%d", left + 1);
			return;
		}
		if (x + w > end)
			w = end - x;
		if (w <= 0)
			return;
		canvas_field(c, x, r.y, w, ALIGN_LEFT, app_ink(app, edit->on ? STYLE_EDITED : STYLE_OFF), edit->line);
		x += w;
		if (left)
			x += canvas_text(c, x, r.y, app_ink(app, STYLE_DIM), " · ");
	}
}

/* "not shown: attention (3)" at the right end, to be clicked; the key is the number. Returns its columns. */
static int draw_not_shown(struct app *app, struct canvas *c, struct rect r)
{
	const char *lead = "not shown: ";
	const struct job *job = &app->doc.job;
	struct str name;
	int w = canvas_columns(lead, strlen(lead)) - 2, x, most = job->edits ? r.w / 2 : r.w - 2;

	if (!app->layout.folded)
		return 0;
	str_init(&name);
	for (int pass = 0; pass < 2; pass++) {
		if (pass && w > most)
			w = most;
		x = r.x + r.w - 1 - w;
		if (pass)
			x += canvas_text(c, x, r.y, app_ink(app, STYLE_WARNING), lead);
		for (int i = 0; i < job->panes; i++) {
			if (app->layout.pane[i].w)
				continue;
			str_clear(&name);
			str_addf(&name, "%s (%d)", job->pane[i].analysis->name, i + 1);
			if (!pass) {
				w += canvas_columns(name.s, name.n) + 2;
				continue;
			}
			hot_add(&app->hots, (struct rect){ x, r.y, canvas_columns(name.s, name.n), 1 }, HOT_PANE, i);
			x += canvas_text(c, x, r.y, app_ink(app, STYLE_KEY), name.s) + 2;
		}
	}
	str_done(&name);
	return w + 2;
}

/* The newest message, over the edits until the next key; while a line is typed below, its keys. */
void draw_status(struct app *app, struct canvas *c, struct rect r)
{
	const struct snapshot *shot = app->shot;
	struct rect before;

	if (draw_message(app, c, r))
		return;
	if (app->line && app->line != LINE_PROMPT && app->line != LINE_FOIL) {
		draw_hints(app, c, r);
		return;
	}
	/* What cannot be answered has its sentence where its numbers would be. */
	if (shot && shot->error && shot->serial == app->serial && shot->error_kind != ERR_CANCELLED) {
		canvas_field(c, r.x + 1, r.y, r.w - 2, ALIGN_LEFT, app_ink(app, STYLE_ERROR), shot->error);
		return;
	}
	if (!app->layout.cell.h)
		r.w -= draw_metric(app, c, r, r.w * 2 / 3);
	else
		r.w -= draw_not_shown(app, c, r);
	before = canvas_clip(c, r);
	draw_edits(app, c, r);
	canvas_unclip(c, before);
}
