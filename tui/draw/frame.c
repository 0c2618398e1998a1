/* frame.c - see frame.h. */
#include "tui/draw/frame.h"

#include <string.h>

/* A piece of the edge with a space on either side; it takes its room from the right when `right` is set. */
static void piece(struct canvas *c, struct rect *room, struct ink ink, const char *text, bool right)
{
	int w = text && *text ? canvas_columns(text, strlen(text)) + 2 : 0;

	if (w < 3 || room->w < 4)
		return;
	if (w > room->w) {
		if (right)
			return; /* it is an extra: the title has the room */
		w = room->w;
	}
	canvas_text(c, right ? room->x + room->w - w : room->x, room->y, ink, " ");
	canvas_field(c, (right ? room->x + room->w - w : room->x) + 1, room->y, w - 2, ALIGN_LEFT, ink, text);
	canvas_text(c, (right ? room->x + room->w : room->x + w) - 1, room->y, ink, " ");
	room->x += right ? 0 : w;
	room->w -= w;
}

static int piece_columns(const char *text)
{
	return text && *text ? canvas_columns(text, strlen(text)) + 2 : 0;
}

/* As many parts as w columns take, from the first; of the one that does not fit its beginning, where that says something. */
static void fit_title(const struct title *title, const char *unit, int w, struct str *out)
{
	enum { SAYS_SOMETHING = 8 };
	static const char between[] = " · ";
	const char *const part[] = { title->technique, title->object, title->quantity ? title->quantity : unit };

	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		int room = w - canvas_columns(out->s, out->n) - (out->n ? 3 : 0);

		if (!part[i] || !*part[i])
			continue;
		if (out->n && canvas_columns(part[i], strlen(part[i])) > room && room < SAYS_SOMETHING)
			return;
		if (out->n)
			str_add(out, between);
		str_add(out, part[i]);
	}
}

struct rect frame_draw(struct canvas *c, const struct theme *t, struct frame *f)
{
	struct ink line = theme_ink(t, STYLE_BORDER);
	struct ink title = theme_ink(t, f->focus ? STYLE_TITLE_FOCUS : f->stale ? STYLE_STALE : STYLE_TITLE);
	struct rect room = { f->rect.x + 1, f->rect.y, f->rect.w - 2, 1 };
	const char *state = f->progress ? f->progress : f->stale ? "stale" : NULL;
	int marks;
	struct str fitted;

	/*
	 * What the table is at the moment comes before the end of a long title; that it answers another question, before
	 * everything.
	 */
	if (f->stale && piece_columns(state) + 1 > room.w / 2)
		state = "stale";
	marks = piece_columns(state) + piece_columns(f->mark) + 1;
	if (marks > room.w / 2)
		marks = f->stale ? piece_columns(state) + 1 : 1;
	str_init(&fitted);
	fit_title(&f->title, f->unit, room.w - marks - 2, &fitted);
	canvas_box(c, f->rect, line);
	room.w -= marks;
	piece(c, &room, title, fitted.s, false);
	f->title_w = room.x - f->rect.x - 1;
	room.w += marks - 1; /* one column of line between the two sides */
	room.x++;
	if (!f->stale || piece_columns(f->right) + piece_columns(state) <= room.w)
		piece(c, &room, theme_ink(t, STYLE_DIM), f->right, true);
	piece(c, &room, theme_ink(t, f->progress ? STYLE_BUSY : STYLE_STALE), state, true);
	piece(c, &room, theme_ink(t, STYLE_EDITED), f->mark, true);
	str_done(&fitted);
	return rect_inset(f->rect, 1);
}

void frame_accent(struct canvas *c, const struct theme *t, struct rect r)
{
	canvas_tint_lines(c, (struct rect){ r.x, r.y, r.w, 1 }, theme_ink(t, STYLE_FOCUS));
	canvas_tint_lines(c, (struct rect){ r.x, r.y + r.h - 1, r.w, 1 }, theme_ink(t, STYLE_FOCUS));
	canvas_tint_lines(c, (struct rect){ r.x, r.y, 1, r.h }, theme_ink(t, STYLE_FOCUS));
	canvas_tint_lines(c, (struct rect){ r.x + r.w - 1, r.y, 1, r.h }, theme_ink(t, STYLE_FOCUS));
}
