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

/* Where the explanation behind `mark` begins in a part of a title; NULL: there is none. What stands in quotes is a token. */
static const char *tail_of(const char *part, const char *end, const char *mark)
{
	bool quoted = false;

	for (const char *at = part; at < end; at++) {
		quoted ^= *at == '"';
		if (!quoted && !strncmp(at, mark, strlen(mark)))
			return at;
	}
	return NULL;
}

/* The title with the parts' explanations left out: "noising: the foil's value into …" is still noising. */
static void leave_out_tails(const char *title, const char *mark, struct str *out)
{
	static const char between[] = " · ";

	str_clear(out);
	while (*title) {
		const char *end = strstr(title, between), *tail;

		end = end ? end : title + strlen(title);
		tail = tail_of(title, end, mark);
		str_add_n(out, title, (size_t)((tail ? tail : end) - title));
		if (*end)
			str_add(out, between);
		title = *end ? end + strlen(between) : end;
	}
}

static void fit_title(const char *title, int w, struct str *out)
{
	static const char *const marks[] = { ": ", ", " };
	struct str shorter;

	str_init(&shorter);
	str_add(out, title);
	for (int i = 0; i < 2 && canvas_columns(out->s, out->n) > w; i++) {
		leave_out_tails(out->s, marks[i], &shorter);
		str_clear(out);
		str_add(out, shorter.s);
	}
	str_done(&shorter);
}

static int piece_columns(const char *text)
{
	return text && *text ? canvas_columns(text, strlen(text)) + 2 : 0;
}

struct rect frame_draw(struct canvas *c, const struct theme *t, const struct frame *f)
{
	struct ink line = theme_ink(t, STYLE_BORDER);
	struct ink title = theme_ink(t, f->focus ? STYLE_TITLE_FOCUS : f->stale ? STYLE_STALE : STYLE_TITLE);
	struct rect room = { f->rect.x + 1, f->rect.y, f->rect.w - 2, 1 };
	const char *state = f->progress ? f->progress : f->stale ? "stale" : NULL;
	/* What the table is at the moment comes before the end of a long title. */
	int marks = piece_columns(state) + piece_columns(f->mark) + 1;
	struct str fitted;

	if (marks > room.w / 2)
		marks = 1;
	str_init(&fitted);
	fit_title(f->title, room.w - marks - 2, &fitted);
	canvas_box(c, f->rect, line);
	room.w -= marks;
	piece(c, &room, title, fitted.s, false);
	if (piece_columns(f->unit) <= room.w)
		piece(c, &room, theme_ink(t, STYLE_DIM), f->unit, false);
	room.w += marks - 1;	/* one column of line between the two sides */
	room.x++;
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
