/* frame.c - see frame.h. */
#include "tui/frame.h"

#include <string.h>

/* A piece of the edge with a space on either side; it takes its room from the right when `right` is set. */
static void piece(struct canvas *c, struct rect *room, struct ink ink, const char *text, bool right)
{
	int w = text && *text ? canvas_columns(text, strlen(text)) + 2 : 0;

	if (w < 3 || room->w < 4)
		return;
	if (w > room->w) {
		if (right)
			return;	/* it is an extra: the title has the room */
		w = room->w;
	}
	canvas_text(c, right ? room->x + room->w - w : room->x, room->y, ink, " ");
	canvas_field(c, (right ? room->x + room->w - w : room->x) + 1, room->y, w - 2, ALIGN_LEFT, ink, text);
	canvas_text(c, (right ? room->x + room->w : room->x + w) - 1, room->y, ink, " ");
	room->x += right ? 0 : w;
	room->w -= w;
}

struct rect frame_draw(struct canvas *c, const struct theme *t, const struct frame *f)
{
	struct ink line = theme_ink(t, STYLE_BORDER);
	struct ink title = theme_ink(t, f->focus ? STYLE_TITLE_FOCUS : f->stale ? STYLE_STALE : STYLE_TITLE);
	struct rect room = { f->rect.x + 1, f->rect.y, f->rect.w - 2, 1 };

	canvas_box(c, f->rect, line);
	piece(c, &room, title, f->title, false);
	piece(c, &room, theme_ink(t, STYLE_DIM), f->unit, false);
	room.w--;	/* one column of line between the two sides */
	room.x++;
	piece(c, &room, theme_ink(t, STYLE_DIM), f->right, true);
	piece(c, &room, theme_ink(t, f->progress ? STYLE_BUSY : STYLE_STALE), f->progress ? f->progress : f->stale ? "stale" : NULL, true);
	piece(c, &room, theme_ink(t, STYLE_EDITED), f->mark, true);
	return rect_inset(f->rect, 1);
}

void frame_accent(struct canvas *c, const struct theme *t, struct rect r)
{
	canvas_tint_lines(c, (struct rect){ r.x, r.y, r.w, 1 }, theme_ink(t, STYLE_FOCUS));
	canvas_tint_lines(c, (struct rect){ r.x, r.y + r.h - 1, r.w, 1 }, theme_ink(t, STYLE_FOCUS));
	canvas_tint_lines(c, (struct rect){ r.x, r.y, 1, r.h }, theme_ink(t, STYLE_FOCUS));
	canvas_tint_lines(c, (struct rect){ r.x + r.w - 1, r.y, 1, r.h }, theme_ink(t, STYLE_FOCUS));
}
