/* layout.c - see layout.h. */
#include "tui/draw/layout.h"

#include <string.h>

/* Panes first … first + n - 1 are one row. */
struct pane_row {
	int first, n, last_pane;
	unsigned last_focus;
};

/* One of several things that share a length; neighbours overlap by one. */
struct layout_part {
	int min, enough, want, most;
	int instead; /* what it can use as long as it has less than it wants; 0: all that it has */
	int added;   /* by the user */
	int weight;  /* how fast it gets what it lacks, against the others */
	int size;
};

static int gather_rows(const struct layout_wish *wish, struct pane_row *row)
{
	int rows = 0;

	for (int i = 0; i < wish->panes; i++) {
		struct pane_row *last;

		if (i == 0 || wish->row[i] != wish->row[i - 1])
			row[rows++] = (struct pane_row){ .first = i, .last_pane = i, .last_focus = wish->last_focus[i] };
		last = &row[rows - 1];
		last->n++;
		if (wish->last_focus[i] > last->last_focus) {
			last->last_focus = wish->last_focus[i];
			last->last_pane = i;
		}
	}
	return rows;
}

/* Chooses of n things as many as fit into `space` (each takes need[i]): the wanted one, then those last_focus at last. */
static void choose(int n, int space, const int *need, int wanted, const unsigned *last_focus, bool *chosen)
{
	memset(chosen, 0, (size_t)n * sizeof *chosen);
	chosen[wanted] = true;
	space -= need[wanted];
	for (;;) {
		int best = -1;

		for (int i = 0; i < n; i++)
			if (!chosen[i] && need[i] <= space && (best < 0 || last_focus[i] > last_focus[best]))
				best = i;
		if (best < 0)
			return;
		chosen[best] = true;
		space -= need[best];
	}
}

/* ---- sharing a length ---- */

static int at_least(int x, int least)
{
	return x < least ? least : x;
}

static int enough_of(const struct layout_part *p)
{
	return p->enough;
}

static int want_of(const struct layout_part *p)
{
	return p->want;
}

static int most_of(const struct layout_part *p)
{
	return p->most;
}

/*
 * Some to each that is below its limit, again and again: nobody has more than another who still lacks something, but by weight.
 * Returns what is left.
 */
static int deal(struct layout_part *part, int n, int left, int (*limit_of)(const struct layout_part *p))
{
	bool dealt = true;

	while (left > 0 && dealt) {
		dealt = false;
		for (int i = 0; i < n && left > 0; i++) {
			int lacks = limit_of(&part[i]) - part[i].size, by = part[i].weight < left ? part[i].weight : left;

			if (lacks <= 0)
				continue;
			by = by < lacks ? by : lacks;
			part[i].size += by;
			left -= by;
			dealt = true;
		}
	}
	return left;
}

/* What the user added is taken from, or given to, the others, as far as their least allows. */
static void add_wishes(struct layout_part *part, int n)
{
	int over = 0;

	for (int i = 0; i < n; i++) {
		int before = part[i].size;

		part[i].size = at_least(before + part[i].added, part[i].min);
		over += part[i].size - before;
	}
	for (int pass = 0; pass < 2; pass++) /* those that the user left alone first */
		for (int i = n - 1; i >= 0 && over; i--) {
			int by = over > 0 && over > part[i].size - part[i].min ? part[i].size - part[i].min : over;

			if (!pass && part[i].added)
				continue;
			part[i].size -= by;
			over -= by;
		}
}

/* From those that will be smaller pictures than they want, what these leave blank. Returns how much that is. */
static int take_unused(struct layout_part *part, int n)
{
	int left = 0;

	for (int i = 0; i < n; i++) {
		struct layout_part *p = &part[i];

		if (!p->instead || p->size >= p->want || p->size <= p->instead)
			continue;
		left += p->size - p->instead;
		p->size = p->want = p->instead;
	}
	return left;
}

static void share(struct layout_part *part, int n, int space)
{
	int left = space + n - 1;

	if (n == 1) {
		part[0].size = space;
		return;
	}
	for (int i = 0; i < n; i++) {
		part[i].size = part[i].min;
		left -= part[i].min;
	}
	left = deal(part, n, left, enough_of);
	left = deal(part, n, left, want_of);
	left = deal(part, n, left + take_unused(part, n), want_of);
	left = deal(part, n, left, most_of);
	for (int i = 0; i < n; i++) /* nobody has a use for it */
		part[i].size += left / n + (i >= n - left % n);
	add_wishes(part, n);
}

/* ---- panes ---- */

static int limit(int x, int lo, int hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/* With their frames; what a pane needs at least is not more than a small screen has for two. */
static void widen(struct layout_part *p, const struct view_need *need)
{
	enum { FRAME = 2, ENOUGH = 44 };

	p->min = at_least(p->min, limit(need->min.cols + FRAME, PANE_LEAST_W, ENOUGH));
	p->enough = p->want = at_least(at_least(p->want, need->want.cols + FRAME), p->min);
	p->most = at_least(at_least(p->most, need->most.cols + FRAME), p->want);
}

static void heighten(struct layout_part *p, const struct view_need *need)
{
	enum { FRAME = 2, LEAST = 4 };

	p->min = at_least(p->min, limit(need->min.rows + FRAME, LEAST, PANE_LEAST_H));
	p->enough = at_least(at_least(p->enough, (need->enough_rows ? need->enough_rows : need->want.rows) + FRAME), p->min);
	p->want = at_least(at_least(p->want, need->want.rows + FRAME), p->enough);
	p->most = at_least(at_least(p->most, need->most.rows + FRAME), p->want);
	p->instead = at_least(at_least(p->instead, p->min), (need->instead_rows ? need->instead_rows : need->want.rows) + FRAME);
}

/* Which panes of a row there is room for; returns how many. */
static int choose_panes(const struct layout_wish *wish, const struct pane_row *row, int w, int *pane)
{
	bool chosen[JOB_PANES] = { false }, holds = wish->focus >= row->first && wish->focus < row->first + row->n;
	int need[JOB_PANES] = { 0 }, n = 0;

	for (int i = 0; i < row->n; i++) {
		struct layout_part p = { 0 };

		widen(&p, &wish->need[row->first + i]);
		need[i] = p.min - 1; /* a border is shared */
	}
	choose(row->n, w - 1, need, (holds ? wish->focus : row->last_pane) - row->first, wish->last_focus + row->first, chosen);
	for (int i = 0; i < row->n; i++)
		if (chosen[i])
			pane[n++] = row->first + i;
	return n;
}

static void add_columns(const struct layout_wish *wish, const int *pane, int n, struct layout_part *part)
{
	enum { FIRST = 3, OTHERS = 2 };

	for (int i = 0; i < n; i++) {
		widen(&part[i], &wish->need[pane[i]]);
		part[i].added += wish->width[pane[i]];
		part[i].weight = i ? OTHERS : FIRST;
	}
}

/* The panes of row `r`, in the columns that it has in common with all rows of as many panes, as far as their least allows. */
static void place_row(const struct layout_wish *wish, const struct pane_row *row, int rows, int r, struct rect area,
		      struct layout *out)
{
	struct layout_part part[JOB_PANES] = { { 0 } };
	int pane[JOB_PANES] = { 0 }, other[JOB_PANES], n = choose_panes(wish, &row[r], area.w, pane), x = area.x;

	add_columns(wish, pane, n, part);
	for (int i = 0; i < rows; i++) {
		struct layout_part both[JOB_PANES];
		int least = 1 - n;

		if (i == r || choose_panes(wish, &row[i], area.w, other) != n)
			continue;
		memcpy(both, part, sizeof both);
		add_columns(wish, other, n, both);
		for (int k = 0; k < n; k++)
			least += both[k].min;
		if (least <= area.w)
			memcpy(part, both, sizeof part);
	}
	share(part, n, area.w);
	for (int i = 0; i < n; i++) {
		out->pane[pane[i]] = (struct rect){ x, area.y, part[i].size, area.h };
		x += part[i].size - 1;
	}
}

static void place_panes(const struct layout_wish *wish, struct rect r, struct layout *out)
{
	struct pane_row row[JOB_PANES] = { { 0 } }, shown[JOB_PANES];
	struct layout_part part[JOB_PANES] = { { 0 } };
	bool chosen[JOB_PANES];
	unsigned last_focus[JOB_PANES] = { 0 };
	int rows = gather_rows(wish, row), need[JOB_PANES] = { 0 }, pane[JOB_PANES], n = 0, y = r.y, focused = 0;

	if (wish->zoomed) {
		out->pane[wish->focus] = r;
		return;
	}
	for (int i = 0; i < rows; i++) {
		int of_row = choose_panes(wish, &row[i], r.w, pane);

		for (int k = 0; k < of_row; k++)
			heighten(&part[i], &wish->need[pane[k]]);
		part[i].added = wish->height[row[i].first];
		need[i] = part[i].min - 1;
		last_focus[i] = row[i].last_focus;
		if (wish->focus >= row[i].first && wish->focus < row[i].first + row[i].n)
			focused = i;
		part[i].weight = 1;
	}
	choose(rows, r.h - 1, need, focused, last_focus, chosen);
	for (int i = 0; i < rows; i++) {
		if (!chosen[i])
			continue;
		part[n] = part[i];
		shown[n++] = row[i];
	}
	share(part, n, r.h);
	for (int i = 0; i < n; i++) {
		place_row(wish, shown, n, i, (struct rect){ r.x, y, r.w, part[i].size }, out);
		y += part[i].size - 1;
	}
}

/* Each line of text has a height of the screen below which the panes need it more. */
enum { PROMPT_FROM = 10, STATUS_FROM = 11, FOIL_FROM = 12, CELL_FROM = 18, WAY_FROM = 20 };

static void place_top(const struct layout_wish *wish, int w, int h, struct layout *out)
{
	out->header = (struct rect){ 0, 0, w, 1 };
	if (h >= PROMPT_FROM)
		out->prompt = (struct rect){ 0, 1, w, 1 };
	if (wish->foil && h >= FOIL_FROM)
		out->foil = (struct rect){ 0, 2, w, 1 };
	if (wish->way && h >= WAY_FROM)
		out->way = (struct rect){ 0, 2 + out->foil.h, w, 1 };
}

/* The last lines, from below: keys, edits, what the cursor is on, generated text, a note. Returns how many. */
static int place_bottom(const struct layout_wish *wish, int w, int h, int top, struct layout *out)
{
	int below = 1, room;

	out->footer = (struct rect){ 0, h - 1, w, 1 };
	if (h >= STATUS_FROM)
		out->status = (struct rect){ 0, h - ++below, w, 1 };
	if (h >= CELL_FROM)
		out->cell = (struct rect){ 0, h - ++below, w, 1 };
	if (wish->text_lines && h - top - below >= PANE_LEAST_H + wish->text_lines) {
		below += wish->text_lines;
		out->text = (struct rect){ 0, h - below, w, wish->text_lines };
	}
	room = h - top - below - (2 * PANE_LEAST_H - 1);
	if (wish->card_lines && room > 0) {
		int lines = wish->card_lines < room ? wish->card_lines : room;

		below += lines;
		out->card = (struct rect){ 0, h - below, w, lines };
	}
	return below;
}

void layout_make(const struct layout_wish *wish, int w, int h, struct layout *out)
{
	int top, below;

	memset(out, 0, sizeof *out);
	if (w < SCREEN_LEAST_W || h < SCREEN_LEAST_H) {
		out->too_small = true;
		return;
	}
	place_top(wish, w, h, out);
	top = out->header.h + out->prompt.h + out->foil.h + out->way.h;
	below = place_bottom(wish, w, h, top, out);
	if (wish->panes)
		place_panes(wish, (struct rect){ 0, top, w, h - top - below }, out);
	for (int i = 0; i < wish->panes; i++)
		out->folded += out->pane[i].w == 0;
}
