/*
 * cursor.c - how the cursor is shown: around a cell, never in place of its value. The background stays the datum's; ‹ › go into
 * columns that are blank, text becomes bold and underlined, and the labels of the row and column stand out. See views.h.
 */
#include "tui/views/views.h"

static enum style cursor_style(const struct view *v)
{
	return v->focus ? STYLE_CURSOR : STYLE_CURSOR_AWAY;
}

struct ink cursor_ink(const struct view *v, struct ink under)
{
	under.attr |= INK_UNDERLINE;
	if (!theme_shades(v->theme)) /* with few colours bold says that a value is strong */
		under.attr |= INK_BOLD;
	under.mark = theme_ink(v->theme, cursor_style(v)).mark;
	return under;
}

void cursor_bracket(struct canvas *c, const struct view *v, int x, int y, const char *glyph)
{
	const struct cell *cell;

	if (!rect_holds(c->clip, x, y))
		return;
	cell = &c->cell[y * c->w + x];
	if (cell->width == 1 && cell->text[0] == ' ')
		canvas_text(c, x, y, theme_ink_on(v->theme, cursor_style(v), cell->ink), glyph);
}

void cursor_brackets(struct canvas *c, const struct view *v, int x, int y, int w)
{
	cursor_bracket(c, v, x, y, "‹");
	cursor_bracket(c, v, x + w - 1, y, "›");
}
