/*
 * card.c - a note over the lines at the bottom: what a preset has to say about itself, until Esc puts it away. It takes rows from the
 * panes, and never the place of the keys or of a message.
 */
#include <string.h>

#include "tui/panes/lists.h"

enum { BOXED_FROM = 36, MOST = 4 };

static const char *card_text(const struct app *app)
{
	return app->card && app->doc.about && *app->doc.about ? app->doc.about : NULL;
}

static bool boxed(int h)
{
	return h >= BOXED_FROM;
}

int card_lines(const struct app *app, int w, int h)
{
	const char *text = card_text(app);
	struct canvas nowhere = { 0 };
	int lines;

	if (!text)
		return 0;
	lines = canvas_paragraph(&nowhere, (struct rect){ 0, 0, w - (boxed(h) ? 4 : 2), 0 }, 0, app_ink(app, STYLE_TEXT), text);
	return (lines < MOST ? lines : MOST) + (boxed(h) ? 2 : 0);
}

void draw_card(struct app *app, struct canvas *c, struct rect r)
{
	static const char close[] = " Esc closes ";
	const char *title = app->doc.title ? app->doc.title : "note";
	struct ink ink = app_ink(app, STYLE_POPUP);

	canvas_fill(c, r, ink);
	if (boxed(c->h) && r.h > 2) {
		canvas_box(c, r, ink_over(app_ink(app, STYLE_BORDER), ink));
		canvas_textf(c, r.x + 2, r.y, ink_over(app_ink(app, STYLE_TITLE), ink), " %s ", title);
		canvas_text(c, r.x + r.w - 2 - canvas_columns(close, strlen(close)), r.y, ink_over(app_ink(app, STYLE_HINT), ink), close);
		r = rect_inset(r, 1);
	}
	canvas_paragraph(c, (struct rect){ r.x + 1, r.y, r.w - 2, r.h }, 0, ink, card_text(app));
}
