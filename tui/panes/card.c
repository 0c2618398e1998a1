/*
 * card.c - a note over the lines at the bottom: what a preset has to say about itself, until Esc closes it; on the first screen
 * also the keys to begin with; in the tour the step's task, and once that is done what it showed. It takes rows from the panes, and
 * never the place of the hints or of a message.
 */
#include <string.h>

#include "tui/panes/lists.h"

enum { BOXED_FROM = 36, MOST = 4, GAP = 3, COLUMN = 36, TASK_LINES = 2 };

static const struct begin {
	const char *keys; /* names of key.h; or a command with its colon */
	const char *does;
} begin[] = {
	{ "Up Down Left Right", "move: all panes follow" },
	{ "Space", "switch off what is there" },
	{ "Enter", "what can be done there" },
	{ "Tab", "next pane" },
	{ "e", "type another prompt" },
	{ ":tour", "the rest in ten steps" },
	{ "?", "every key" },
	{ "C-p", "find anything" },
};
enum { BEGIN = sizeof begin / sizeof *begin };

static const char *about(const struct app *app)
{
	return app->card && app->doc.about ? app->doc.about : "";
}

static bool boxed(int h)
{
	return h >= BOXED_FROM;
}

static int inner(int w, int h)
{
	return w - (boxed(h) ? 4 : 2);
}

/* As on the keyboard: arrows as arrows, the others by their names. */
static void begin_keys(const struct app *app, int i, struct str *out)
{
	bool ascii = theme_ascii(app->theme) || strncmp(begin[i].keys, "Up", 2); /* a command is as it is */

	str_clear(out);
	action_keys(&(struct action){ .keys = begin[i].keys }, 4, ascii, out);
	str_add_char(out, ' ');
}

/* Each key with what it does, as many in a line as fit; `column` wide, 0: as wide as they are. Returns how many lines they take. */
static int draw_begin(const struct app *app, struct canvas *c, struct rect r, int column, struct ink ink)
{
	int x = 0, y = 0;
	struct str keys;

	str_init(&keys);
	for (int i = 0; i < BEGIN; i++) {
		int left, w;

		begin_keys(app, i, &keys);
		left = canvas_columns(keys.s, keys.n);
		w = left + canvas_columns(begin[i].does, strlen(begin[i].does));
		if (x && x + w > r.w) {
			x = 0;
			y++;
		}
		if (y < r.h) {
			canvas_text(c, r.x + x, r.y + y, ink_over(app_ink(app, STYLE_KEY), ink), keys.s);
			canvas_text(c, r.x + x + left, r.y + y, ink, begin[i].does);
		}
		x += w + GAP < column ? column : w + GAP;
	}
	str_done(&keys);
	return y + 1;
}

static int begin_lines(const struct app *app, int w, int h)
{
	struct canvas nowhere = { 0 };

	return app->card != CARD_START
		       ? 0
		       : draw_begin(app, &nowhere, (struct rect){ 0, 0, w, 0 }, boxed(h) ? COLUMN : 0, app_ink(app, STYLE_POPUP));
}

static int lines_of(const char *text, int w, int most)
{
	struct canvas nowhere = { 0 };
	int lines;

	if (!text || !*text)
		return 0;
	lines = canvas_paragraph(&nowhere, (struct rect){ 0, 0, w, 0 }, 0, (struct ink){ 0 }, text);
	return lines < most ? lines : most;
}

/* A line for the title where there is no box, the task, and room for the message when it is done, so that nothing moves then. */
static int tour_lines(const struct app *app, int w, int h)
{
	const struct preset *task = &app->tour.task;

	return lines_of(task->task, w, TASK_LINES) + lines_of(task->about, w, TASK_LINES) + (boxed(h) ? 2 : 1);
}

int card_lines(const struct app *app, int w, int h)
{
	int lines = lines_of(about(app), inner(w, h), MOST) + begin_lines(app, inner(w, h), h);

	if (app->card == CARD_TOUR)
		return tour_lines(app, inner(w, h), h);
	return lines && boxed(h) ? lines + 2 : lines;
}

static void card_title(const struct app *app, struct str *out)
{
	const struct tour *t = &app->tour;

	if (app->card == CARD_TOUR)
		str_addf(out, "tour %d of %d · %s%s", t->step, t->of, t->task.title ? t->task.title : "", t->done ? " ✓" : "");
	else
		str_add(out, app->card == CARD_START ? "start here" : app->doc.title ? app->doc.title : "note");
}

static const char *card_close(const struct app *app)
{
	const struct tour *t = &app->tour;

	if (app->card != CARD_TOUR)
		return "Esc closes";
	return !t->done ? "Esc leaves" : t->step == t->of ? "Enter ends the tour" : "Enter next step · Esc leaves";
}

/* The title, and how the card is left, at the ends of a line. */
static void draw_title(struct app *app, struct canvas *c, int x, int y, int w, const char *space, struct ink ink)
{
	const char *close = card_close(app);
	int right = canvas_columns(close, strlen(close)) + 2 * (int)strlen(space);
	struct str title;

	str_init(&title);
	str_add(&title, space);
	card_title(app, &title);
	str_add(&title, space);
	if (canvas_columns(title.s, title.n) < w - right)
		canvas_text(c, x, y, ink_over(app_ink(app, STYLE_TITLE), ink), title.s);
	else
		canvas_field(c, x, y, w - right - 1, ALIGN_LEFT, ink_over(app_ink(app, STYLE_TITLE), ink), title.s);
	canvas_textf(c, x + w - right, y, ink_over(app_ink(app, STYLE_HINT), ink), "%s%s%s", space, close, space);
	str_done(&title);
}

static void draw_tour(struct app *app, struct canvas *c, struct rect r, struct ink ink)
{
	const struct tour *t = &app->tour;
	int used;

	if (!boxed(c->h)) {
		draw_title(app, c, r.x, r.y, r.w, "", ink);
		r = (struct rect){ r.x, r.y + 1, r.w, r.h - 1 };
	}
	/* Where there is no room for both, what was found counts more than what was asked. */
	used = t->done && r.h < lines_of(t->task.task, r.w, TASK_LINES) + lines_of(t->task.about, r.w, TASK_LINES)
		       ? 0
		       : canvas_paragraph(c, r, 0, t->done ? ink_over(app_ink(app, STYLE_DIM), ink) : ink,
					  t->task.task ? t->task.task : "");
	if (t->done)
		canvas_paragraph(c, (struct rect){ r.x, r.y + used, r.w, r.h - used }, 0, ink_over(app_ink(app, STYLE_GOOD), ink),
				 t->task.about ? t->task.about : "");
}

void draw_card(struct app *app, struct canvas *c, struct rect r)
{
	struct ink ink = app_ink(app, STYLE_POPUP);
	int keys;

	canvas_fill(c, r, ink);
	if (boxed(c->h) && r.h > 2) {
		canvas_box(c, r, ink_over(app_ink(app, STYLE_BORDER), ink));
		draw_title(app, c, r.x + 2, r.y, r.w - 4, " ", ink);
		r = rect_inset(r, 1);
	}
	r = (struct rect){ r.x + 1, r.y, r.w - 2, r.h };
	if (app->card == CARD_TOUR) {
		draw_tour(app, c, r, ink);
		return;
	}
	keys = begin_lines(app, r.w, c->h);
	/* Where there is no room for both, the keys are what is needed. */
	if (keys < r.h)
		canvas_paragraph(c, (struct rect){ r.x, r.y, r.w, r.h - keys }, 0, ink, about(app));
	if (keys)
		draw_begin(app, c, (struct rect){ r.x, keys < r.h ? r.y + r.h - keys : r.y, r.w, r.h }, boxed(c->h) ? COLUMN : 0,
			   ink);
}

bool card_key(int i, const char **keys)
{
	*keys = i < BEGIN ? begin[i].keys : NULL;
	return i < BEGIN;
}
