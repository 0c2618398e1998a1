/*
 * card.c - a note over the lines at the bottom: what a preset has to say about itself, until Esc closes it; on the first screen also the
 * keys to begin with. It takes rows from the panes, and never the place of the hints or of a message.
 */
#include <string.h>

#include "tui/panes/lists.h"

enum { BOXED_FROM = 36, MOST = 4, GAP = 3, COLUMN = 36 };

static const struct begin {
	const char *keys;	/* names of key.h; or a command with its colon */
	const char *does;
} begin[] = {
	{ "Up Down Left Right", "move: all panes follow" },
	{ "Space", "switch off what is there" },
	{ "Enter", "what can be done there" },
	{ "Tab", "next pane" },
	{ "e", "type another prompt" },
	{ "?", "every key" },
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
	bool ascii = theme_ascii(app->theme) || strncmp(begin[i].keys, "Up", 2);

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

	return app->card != CARD_START ? 0 :
		draw_begin(app, &nowhere, (struct rect){ 0, 0, w, 0 }, boxed(h) ? COLUMN : 0, app_ink(app, STYLE_POPUP));
}

static int about_lines(const struct app *app, int w)
{
	struct canvas nowhere = { 0 };
	int lines;

	if (!*about(app))
		return 0;
	lines = canvas_paragraph(&nowhere, (struct rect){ 0, 0, w, 0 }, 0, app_ink(app, STYLE_TEXT), about(app));
	return lines < MOST ? lines : MOST;
}

int card_lines(const struct app *app, int w, int h)
{
	int lines = about_lines(app, inner(w, h)) + begin_lines(app, inner(w, h), h);

	return lines && boxed(h) ? lines + 2 : lines;
}

static void draw_box(struct app *app, struct canvas *c, struct rect r, struct ink ink)
{
	static const char close[] = " Esc closes ";
	const char *title = app->card == CARD_START ? "start here" : app->doc.title ? app->doc.title : "note";

	canvas_box(c, r, ink_over(app_ink(app, STYLE_BORDER), ink));
	canvas_textf(c, r.x + 2, r.y, ink_over(app_ink(app, STYLE_TITLE), ink), " %s ", title);
	canvas_text(c, r.x + r.w - 2 - canvas_columns(close, strlen(close)), r.y, ink_over(app_ink(app, STYLE_HINT), ink), close);
}

void draw_card(struct app *app, struct canvas *c, struct rect r)
{
	struct ink ink = app_ink(app, STYLE_POPUP);
	int keys;

	canvas_fill(c, r, ink);
	if (boxed(c->h) && r.h > 2) {
		draw_box(app, c, r, ink);
		r = rect_inset(r, 1);
	}
	r = (struct rect){ r.x + 1, r.y, r.w - 2, r.h };
	keys = begin_lines(app, r.w, c->h);
	/* Where there is no room for both, the keys are what is needed. */
	if (keys < r.h)
		canvas_paragraph(c, (struct rect){ r.x, r.y, r.w, r.h - keys }, 0, ink, about(app));
	if (keys)
		draw_begin(app, c, (struct rect){ r.x, keys < r.h ? r.y + r.h - keys : r.y, r.w, r.h }, boxed(c->h) ? COLUMN : 0, ink);
}

bool card_key(int i, const char **keys)
{
	*keys = i < BEGIN ? begin[i].keys : NULL;
	return i < BEGIN;
}
