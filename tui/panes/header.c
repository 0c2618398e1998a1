/* header.c - the first line: the program, the model in few words, prompt and foil compared, and what is being computed. */
#include <stdio.h>
#include <string.h>

#include "tui/app/typing.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"

enum { NAME_MOST = 40, MODEL_LEAST = 6, GUESS_AFTER = 24 };

/* As many of these as there is room for, in their order. */
static void add_while(struct str *out, int most, const char *text)
{
	if (canvas_columns(out->s, out->n) + canvas_columns(text, strlen(text)) <= most)
		str_add(out, text);
}

/* "… activation-patching 244/390 · 3 s left · 2 queued · Esc stops it" */
static void add_progress(const struct app *app, int most, struct str *out)
{
	const struct snapshot *shot = app->shot;
	struct str part;

	str_init(&part);
	str_add(out, "…");
	if (shot->what[0])
		str_addf(out, " %s", shot->what);
	if (shot->state == WORK_GENERATING) /* in tokens, not in the layers of each */
		str_addf(&part, " %d/%d", shot->plain_tokens ? shot->plain_tokens : shot->generated_tokens, app->asked.generate);
	else if (shot->total > 1)
		str_addf(&part, " %d/%d", shot->done, shot->total);
	add_while(out, most, part.s);
	if (shot->left > 0 && shot->state != WORK_GENERATING) {
		str_clear(&part);
		str_add(&part, " · ");
		text_duration(shot->left, &part);
		str_add(&part, " left");
		add_while(out, most, part.s);
	}
	if (shot->queued > 0) {
		str_clear(&part);
		str_addf(&part, " · %d queued", shot->queued);
		add_while(out, most, part.s);
	}
	if (shot->left > 0 || (shot->state == WORK_ANSWERING && shot->total > 1)) /* also while nothing is known of its end */
		add_while(out, most, " · Esc stops it");
	str_done(&part);
}

/* "● 38 ms", "activation-patching 244/390 · 3 s left · Esc stops" */
static enum style what_is_done(const struct app *app, int most, struct str *out)
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
	if (!app_is_slow(app) && shot->has_model && app->last_ms > 0) { /* what is quick is not announced */
		str_addf(out, "● %.0f ms", app->last_ms);
		return STYLE_GOOD;
	}
	add_progress(app, most, out);
	return STYLE_BUSY;
}

/* The model in as many words as there is room for; `info` tells the rest. */
static void model_text(const struct app *app, int room, struct str *out)
{
	enum { NAME, FAMILY, LETTERS, SHORT_TYPE, WORDS, ALL, FORMS };
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
		text_window(m->name, strlen(m->name), NAME_MOST, &form[i]);
		if (i >= FAMILY)
			str_addf(&form[i], " · %s", m->family);
		if (i == LETTERS || i == SHORT_TYPE)
			str_addf(&form[i], " %dL %dH", m->L, m->H);
		if (i >= WORDS)
			str_addf(&form[i], " · %d layers · %d heads", m->L, m->H);
		if (i == SHORT_TYPE || i == ALL)
			str_addf(&form[i], " · %s", m->dtypes);
	}
	while (best > NAME && canvas_columns(form[best].s, form[best].n) > room)
		best--;
	text_window(form[best].s, form[best].n, room, out);
	for (int i = 0; i < FORMS; i++)
		str_done(&form[i]);
}

void draw_header(struct app *app, struct canvas *c, struct rect r)
{
	struct str done, model, note;
	enum style style, note_style = STYLE_DIM;
	int x = r.x + 1, right, end, beside, guess;

	str_init(&done);
	str_init(&model);
	str_init(&note);
	style = what_is_done(app, r.w - r.w / 3, &done);
	right = canvas_columns(done.s, done.n);
	if (right > r.w - 2)
		right = r.w - 2;
	end = r.x + r.w - 1 - right;
	canvas_field(c, end, r.y, right, ALIGN_RIGHT, app_ink(app, style), done.s);
	if (app->shot && guess_is_above(app) && (guess = guess_columns(&app->shot->next)) && end - guess - 3 >= r.x + GUESS_AFTER) {
		end -= guess + 3;
		draw_guess(app, c, end, r.y, guess, &app->shot->next);
	}
	if (r.w >= 60)
		x += canvas_text(c, x, r.y, app_ink(app, STYLE_BRAND), "lmscope") + 2;
	/* Whether prompt and foil can be compared counts more than the model's details. */
	if (app->layout.foil.h)
		pair_note(app, &note, &note_style);
	beside = note.n ? canvas_columns(note.s, note.n) + 3 : 0;
	if (end - x - 2 - beside < MODEL_LEAST)
		beside = 0;
	if (end - x - 2 >= MODEL_LEAST) {
		model_text(app, end - x - 2 - beside, &model);
		x += canvas_text(c, x, r.y, app_ink(app, STYLE_MODEL), model.s) + 3;
	}
	if (beside)
		canvas_text(c, x, r.y, app_ink(app, note_style), note.s);
	str_done(&note);
	str_done(&model);
	str_done(&done);
}
