/*
 * layout.c - properties of the layout, for thousands of random screens: nothing overlaps or is left over, and room goes where it
 * is used.
 */
#include <stdio.h>
#include <string.h>

#include "tests/tap.h"
#include "tui/draw/layout.h"

static unsigned state = 1;

static int random_to(int n)
{
	state = state * 1664525u + 1013904223u;
	return (int)((state >> 8) % (unsigned)n);
}

struct layout_screen {
	int row[JOB_PANES], height[JOB_PANES], width[JOB_PANES];
	struct view_need need[JOB_PANES];
	unsigned last_focus[JOB_PANES];
	struct layout_wish wish;
	int w, h;
	struct layout layout;
};

static void make(struct layout_screen *s, bool user_adds)
{
	memset(s, 0, sizeof *s);
	s->w = 24 + random_to(180);
	s->h = 8 + random_to(60);
	s->wish = (struct layout_wish){ .panes = 1 + random_to(JOB_PANES),
					.row = s->row,
					.need = s->need,
					.height = s->height,
					.width = s->width,
					.last_focus = s->last_focus,
					.foil = random_to(2),
					.card_lines = random_to(4),
					.text_lines = random_to(3) };
	s->wish.focus = random_to(s->wish.panes);
	for (int i = 0; i < s->wish.panes; i++) {
		struct view_need *n = &s->need[i];

		s->row[i] = i ? s->row[i - 1] + (random_to(3) == 0) : 0;
		s->last_focus[i] = (unsigned)random_to(100);
		n->min = (struct view_size){ 1 + random_to(8), 5 + random_to(40) };
		n->want = (struct view_size){ n->min.rows + random_to(30), n->min.cols + random_to(60) };
		n->most = (struct view_size){ n->want.rows + random_to(20), n->want.cols + random_to(60) };
		s->height[i] = user_adds ? random_to(7) - 3 : 0;
		s->width[i] = user_adds ? random_to(7) - 3 : 0;
	}
	s->last_focus[s->wish.focus] = 100;
	layout_make(&s->wish, s->w, s->h, &s->layout);
}

/* The shown panes of a row; their number. */
static int shown(const struct layout_screen *s, int row, int *pane)
{
	int n = 0;

	for (int i = 0; i < s->wish.panes; i++)
		if (s->row[i] == row && s->layout.pane[i].w)
			pane[n++] = i;
	return n;
}

static bool tiles(const struct layout_screen *s)
{
	const struct layout *l = &s->layout;
	int top = l->header.h + l->prompt.h + l->foil.h, y = top, pane[JOB_PANES], last = s->row[s->wish.panes - 1];
	int below = l->footer.h + l->status.h + l->cell.h + l->text.h + l->card.h;

	for (int row = 0; row <= last; row++) {
		int n = shown(s, row, pane), x = 0;

		for (int k = 0; k < n; k++) {
			struct rect r = l->pane[pane[k]];

			if (r.x != x || r.y != y || r.w < 2 || r.h < 2)
				return false;
			x += r.w - 1;
		}
		if (n && x + 1 != s->w)
			return false;
		y += n ? l->pane[pane[0]].h - 1 : 0;
	}
	return y + 1 == s->h - below;
}

static bool enough(const struct layout_screen *s)
{
	int pane[JOB_PANES];

	for (int i = 0; i < s->wish.panes; i++) {
		struct rect r = s->layout.pane[i];

		if (!r.w)
			continue;
		if (shown(s, s->row[i], pane) > 1 && (r.w < PANE_LEAST_W || (r.w < 44 && r.w < s->need[i].min.cols + 2)))
			return false;
		if (r.h != s->h && r.h < PANE_LEAST_H && r.h < s->need[i].min.rows + 2) {
			for (int k = 0; k < s->wish.panes; k++) /* unless it is the only row */
				if (s->row[k] != s->row[i] && s->layout.pane[k].w)
					return false;
		}
	}
	return true;
}

/* Rows beyond what any pane of a row can use, and rows that the panes of another lack. */
static bool blank_while_another_scrolls(const struct layout_screen *s, bool want)
{
	int pane[JOB_PANES], last = s->row[s->wish.panes - 1];
	bool blank = false, scrolls = false;

	for (int row = 0; row <= last; row++) {
		int n = shown(s, row, pane), use = 0;

		for (int k = 0; k < n; k++) {
			const struct view_need *need = &s->need[pane[k]];
			int rows = want ? need->want.rows : need->most.rows;

			use = rows > use ? rows : use;
		}
		if (n && s->layout.pane[pane[0]].h - 2 > use && s->layout.pane[pane[0]].h > PANE_LEAST_H)
			blank = true;
		if (n && s->layout.pane[pane[0]].h - 2 < use)
			scrolls = true;
	}
	return blank && scrolls;
}

static void properties(void)
{
	int untiled = 0, unseen = 0, starved = 0, wasted = 0, unwanted = 0, folded = 0;
	struct layout_screen s;

	for (int i = 0; i < 20000; i++) {
		make(&s, i % 2);
		untiled += !tiles(&s);
		unseen += !s.layout.pane[s.wish.focus].w;
		starved += !enough(&s);
		folded += s.layout.folded > 0;
		if (i % 2)
			continue;
		wasted += blank_while_another_scrolls(&s, false);
		unwanted += blank_while_another_scrolls(&s, true);
	}
	CHECK_THAT(!untiled, "%d of 20000 screens are not filled exactly", untiled);
	CHECK_THAT(!unseen, "the pane that has the keys is not seen in %d", unseen);
	CHECK_THAT(!starved, "a pane has less than it needs in %d", starved);
	CHECK_THAT(!wasted, "rows are blank while another pane scrolls in %d", wasted);
	CHECK_THAT(!unwanted, "one has more than it wants while another has less in %d", unwanted);
	CHECK_THAT(folded > 2000, "in %d there was not room for all", folded);
}

/* Heads over a lens of 30 layers: the lens has the rows that four layers of heads have no use for. */
static void the_case(void)
{
	const struct view_need heads = { { 6, 20 }, { 6, 40 }, { 8, 60 } }, lens = { { 6, 30 }, { 32, 80 }, { 34, 120 } };
	struct view_need need[] = { heads, lens, lens };
	int row[] = { 0, 1, 1 }, none[3] = { 0 }, taller[] = { 3, 0, 0 };
	unsigned last_focus[] = { 3, 1, 2 };
	struct layout_wish wish = { .panes = 3, .row = row, .need = need, .height = none, .width = none, .last_focus = last_focus };
	struct layout l;

	layout_make(&wish, 200, 50, &l);
	CHECK_THAT(l.pane[0].h - 2 <= 12 && l.pane[1].h - 2 >= 34, "heads have %d rows, the lens %d", l.pane[0].h, l.pane[1].h);
	layout_make(&wish, 200, 40, &l);
	CHECK_THAT(l.pane[0].h - 2 == 6 && l.pane[1].h == 28, "on a smaller screen %d and %d", l.pane[0].h, l.pane[1].h);
	wish.height = taller;
	layout_make(&wish, 200, 40, &l);
	CHECK_THAT(l.pane[0].h - 2 == 9, "and what the user wants: %d", l.pane[0].h);
	CHECK_THAT(l.pane[1].w >= 82 && l.pane[2].w >= 82, "both have what they want: %d and %d columns", l.pane[1].w, l.pane[2].w);
}

/* A list that is a few lines shorter is the same list; a heatmap with too few rows would be another picture. */
static void lists_give_way(void)
{
	const struct view_need heat = { { 6, 20 }, { 16, 40 }, { 18, 60 }, 0 }, list = { { 5, 20 }, { 12, 40 }, { 13, 60 }, 9 };
	struct view_need need[] = { heat, list };
	int row[] = { 0, 1 }, none[2] = { 0 };
	unsigned last_focus[] = { 1, 2 };
	struct layout_wish wish = { .panes = 2, .row = row, .need = need, .height = none, .width = none, .last_focus = last_focus };
	struct layout l;

	layout_make(&wish, 120, 34, &l);
	CHECK_THAT(l.pane[0].h - 2 == 16 && l.pane[1].h - 2 >= 9, "rows: %d and %d", l.pane[0].h - 2, l.pane[1].h - 2);
	layout_make(&wish, 120, 40, &l);
	CHECK_THAT(l.pane[0].h - 2 >= 16 && l.pane[1].h - 2 >= 12, "with more: %d and %d", l.pane[0].h - 2, l.pane[1].h - 2);
}

/* Heads of 30 layers that have less than 30 rows are drawn two to a row: what is left is the lens's, above. */
static void halves_give_way(void)
{
	const struct view_need lens = { { 6, 20 }, { 32, 40 }, { 64, 60 } },
			       heads = { { 6, 20 }, { 32, 40 }, { 34, 60 }, .instead_rows = 17 };
	struct view_need need[] = { lens, heads };
	int row[] = { 0, 1 }, none[2] = { 0 };
	unsigned last_focus[] = { 1, 2 };
	struct layout_wish wish = { .panes = 2, .row = row, .need = need, .height = none, .width = none, .last_focus = last_focus };
	struct layout l;

	layout_make(&wish, 120, 50, &l);
	CHECK_THAT(l.pane[1].h - 2 == 17 && l.pane[0].h - 2 > 20, "rows: %d and %d", l.pane[0].h - 2, l.pane[1].h - 2);
	layout_make(&wish, 120, 75, &l);
	CHECK_THAT(l.pane[1].h - 2 >= 32 && l.pane[0].h - 2 >= 32, "with all: %d and %d", l.pane[0].h - 2, l.pane[1].h - 2);
}

int main(void)
{
	properties();
	halves_give_way();
	lists_give_way();
	the_case();
	return tap_done();
}
