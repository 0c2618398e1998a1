/* header.c - the first line: program, model, prompt, time; and on a low screen the foil under it (see pair.c). */
#include <stdio.h>
#include <string.h>

#include "tui/lines.h"
#include "tui/panes/lists.h"

enum { PROMPT_LEAST = 20 };

void draw_input(struct app *app, struct canvas *c, int x, int y, int w, enum style style)
{
	struct str text;
	bool left, right;
	int caret;

	str_init(&text);
	input_window(&app->input, w, &text, &caret, &left, &right);
	canvas_fill(c, (struct rect){ x, y, w, 1 }, app_ink(app, style));
	canvas_text_n(c, x, y, app_ink(app, style), text.s, text.n);
	c->cursor_x = x + (caret < w ? caret : w - 1);
	c->cursor_y = y;
	str_done(&text);
}

/* "[ text ]" in exactly w columns, being typed or not. */
static void draw_field(struct app *app, struct canvas *c, struct rect r, enum line_kind kind, const char *text)
{
	struct ink ink = app_ink(app, app->line == kind ? STYLE_FOCUS : STYLE_DIM);
	struct str cut;

	canvas_text(c, r.x, r.y, ink, "[");
	canvas_text(c, r.x + r.w - 1, r.y, ink, "]");
	if (app->line == kind) {
		draw_input(app, c, r.x + 2, r.y, r.w - 4, STYLE_INPUT);
		return;
	}
	str_init(&cut);
	text_window(text, strlen(text), r.w - 4, &cut);
	canvas_text_n(c, r.x + 2, r.y, app_ink(app, STYLE_TEXT), cut.s, cut.n);
	str_done(&cut);
}

/* "● 38 ms", "… logit-lens 12/30" */
static enum style what_is_done(const struct app *app, struct str *out)
{
	const struct snapshot *shot = app->shot;

	if (!shot) {
		str_add(out, "…");
		return STYLE_BUSY;
	}
	if (shot->serial == app->serial && shot->state == WORK_IDLE && *shot->what) {
		str_addf(out, "■ %s", shot->what);
		return STYLE_WARNING;
	}
	if (shot->serial == app->serial && shot->state == WORK_IDLE) {
		str_addf(out, "%s %.0f ms", shot->error ? "✗" : "●", shot->milliseconds);
		return shot->error ? STYLE_ERROR : STYLE_GOOD;
	}
	if (!app_is_slow(app) && shot->has_model && app->rested > 0) {	/* what is quick is not announced */
		str_addf(out, "● %.0f ms", app->rested);
		return STYLE_GOOD;
	}
	str_add(out, "…");
	if (shot->what[0])
		str_addf(out, " %s", shot->what);
	if (shot->state == WORK_GENERATING)	/* in tokens, not in the layers of each */
		str_addf(out, " %d/%d", shot->plain_tokens ? shot->plain_tokens : shot->generated_tokens, app->asked.generate);
	else if (shot->total > 1)
		str_addf(out, " %d/%d", shot->done, shot->total);
	return STYLE_BUSY;
}

/* The model in as many words as there is room for. */
static void model_text(const struct app *app, int room, struct str *out)
{
	enum { NAME, FAMILY, SIZES, ALL, FORMS };
	const struct snapshot *shot = app->shot;
	const struct model_facts *m = shot ? &shot->model : NULL;
	const char *asked = app->doc.job.model ? app->doc.job.model : "demo";
	struct str form[FORMS];
	int best = ALL;

	if (!m || !shot->has_model) {
		text_window(asked, strlen(asked), room, out);
		return;
	}
	for (int i = 0; i < FORMS; i++) {
		str_init(&form[i]);
		str_add(&form[i], m->name);
		if (i >= FAMILY)
			str_addf(&form[i], " · %s", m->family);
		if (i >= SIZES)
			str_addf(&form[i], " %dL %dH", m->L, m->H);
		if (i >= SIZES && m->G != m->H)
			str_addf(&form[i], "/%dkv", m->G);
		if (i >= ALL)
			str_addf(&form[i], " d%d · %s", m->D, m->dtypes);
	}
	while (best > NAME && canvas_columns(form[best].s, form[best].n) > room)
		best--;
	text_window(form[best].s, form[best].n, room, out);
	for (int i = 0; i < FORMS; i++)
		str_done(&form[i]);
}

void draw_header(struct app *app, struct canvas *c, struct rect r)
{
	struct str done, model;
	enum style style, note_style;
	int x = r.x + 1, right, room;

	str_init(&done);
	str_init(&model);
	style = what_is_done(app, &done);
	/* Always the same room, so that nothing else moves when work begins and ends. */
	right = r.w >= 110 ? 26 : r.w >= 76 ? 18 : canvas_columns(done.s, done.n);
	if (right > r.w / 3)
		right = r.w / 3;
	if (r.w >= 60)
		x += canvas_text(c, x, r.y, app_ink(app, STYLE_BRAND), "lmscope") + 2;
	/* The model has at most half; on a narrow screen the prompt has all. */
	room = (r.x + r.w - x - right) / 2 - 4;
	if (room > 64)
		room = 64;
	if (r.w < 2 * PROMPT_LEAST + 16)
		room = 0;
	if (room >= 4) {
		model_text(app, room, &model);
		x += canvas_text(c, x, r.y, app_ink(app, STYLE_MODEL), model.s) + 2;
	}
	room = r.x + r.w - x - right - 3;
	if (app->layout.top.h == 2) {	/* the prompt stands there */
		struct str note;

		str_init(&note);
		pair_note(app, &note, &note_style);
		if (canvas_columns(note.s, note.n) <= room)
			canvas_text(c, x + 1, r.y, app_ink(app, note_style), note.s);
		str_done(&note);
	} else if (room >= PROMPT_LEAST || app->line == LINE_PROMPT)
		draw_field(app, c, (struct rect){ x, r.y, room > 6 ? room : 6, 1 }, LINE_PROMPT, app->doc.job.prompt);
	canvas_field(c, r.x + r.w - right - 1, r.y, right, ALIGN_RIGHT, app_ink(app, style), done.s);
	str_done(&model);
	str_done(&done);
}

void draw_foil(struct app *app, struct canvas *c, struct rect r)
{
	struct str note;
	enum style style;
	int w;

	str_init(&note);
	pair_note(app, &note, &style);
	w = canvas_columns(note.s, note.n);
	if (w > r.w / 2)
		w = 0;
	canvas_text(c, r.x + 1, r.y, app_ink(app, STYLE_TITLE), "foil");
	draw_field(app, c, (struct rect){ r.x + 6, r.y, r.w - 6 - w - 2, 1 }, LINE_FOIL, app->doc.job.foil ? app->doc.job.foil : "");
	if (w)
		canvas_text(c, r.x + r.w - w - 1, r.y, app_ink(app, style), note.s);
	str_done(&note);
}
