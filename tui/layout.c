/* layout.c - see layout.h. */
#include "tui/layout.h"

#include <string.h>

enum { SHARE = 20 };	/* a share of space; what the user adds is in these units */

/* Panes first … first + n - 1 are one row. */
struct row {
	int first, n, looked_pane;
	unsigned looked;
};

static int gather_rows(const struct layout_wish *wish, struct row *row)
{
	int rows = 0;

	for (int i = 0; i < wish->panes; i++) {
		struct row *last;

		if (i == 0 || wish->row[i] != wish->row[i - 1])
			row[rows++] = (struct row){ .first = i, .looked_pane = i, .looked = wish->looked[i] };
		last = &row[rows - 1];
		last->n++;
		if (wish->looked[i] > last->looked) {
			last->looked = wish->looked[i];
			last->looked_pane = i;
		}
	}
	return rows;
}

/* Chooses of n things as many as fit into `space` (each takes need[i]): the wanted one, then those looked at last. */
static void choose(int n, int space, const int *need, int wanted, const unsigned *looked, bool *chosen)
{
	memset(chosen, 0, (size_t)n * sizeof *chosen);
	chosen[wanted] = true;
	space -= need[wanted];
	for (;;) {
		int best = -1;

		for (int i = 0; i < n; i++)
			if (!chosen[i] && need[i] <= space && (best < 0 || looked[i] > looked[best]))
				best = i;
		if (best < 0)
			return;
		chosen[best] = true;
		space -= need[best];
	}
}

/* Shares `space` cells (overlapping by one at each inner border) among n things by weight, none below its need. */
static void share(int n, int space, const int *need, const int *weight, int *size)
{
	int total = 0, left = space + n - 1;

	for (int i = 0; i < n; i++)
		total += weight[i];
	for (int i = 0; i < n; i++) {
		int later = 0;

		for (int k = i + 1; k < n; k++)
			later += need[k];
		size[i] = i == n - 1 ? left : left * weight[i] / total;
		if (size[i] > left - later)
			size[i] = left - later;
		if (size[i] < need[i])
			size[i] = n == 1 ? left : need[i];
		left -= size[i];
		total -= weight[i];
	}
}

static int at_least(int x, int least)
{
	return x < least ? least : x;
}

static void place_row(const struct layout_wish *wish, const struct row *row, struct rect r, struct layout *out)
{
	bool chosen[JOB_PANES] = { false };
	int weight[JOB_PANES] = { 0 }, need[JOB_PANES] = { 0 }, size[JOB_PANES], pane[JOB_PANES], n = 0, x = r.x;
	bool holds = wish->focus >= row->first && wish->focus < row->first + row->n;

	for (int i = 0; i < row->n; i++)
		need[i] = wish->least[row->first + i] - 1;	/* a border is shared */
	choose(row->n, r.w - 1, need, (holds ? wish->focus : row->looked_pane) - row->first, wish->looked + row->first, chosen);
	for (int i = 0; i < row->n; i++) {
		if (!chosen[i])
			continue;
		pane[n] = row->first + i;
		need[n] = wish->least[pane[n]];
		weight[n] = at_least((n ? 2 : 3) * SHARE + wish->width[row->first + i] * 6, 4);
		n++;
	}
	share(n, r.w, need, weight, size);
	for (int i = 0; i < n; i++) {
		out->pane[pane[i]] = (struct rect){ x, r.y, size[i], r.h };
		x += size[i] - 1;
	}
}

static void place_panes(const struct layout_wish *wish, struct rect r, struct layout *out)
{
	struct row row[JOB_PANES];
	bool chosen[JOB_PANES];
	unsigned looked[JOB_PANES] = { 0 };
	int rows = gather_rows(wish, row), weight[JOB_PANES] = { 0 }, size[JOB_PANES], n = 0, y = r.y, focused = 0;
	int need[JOB_PANES] = { 0 };

	if (wish->zoomed) {
		out->pane[wish->focus] = r;
		return;
	}
	for (int i = 0; i < rows; i++) {
		need[i] = PANE_LEAST_H - 1;
		looked[i] = row[i].looked;
		if (wish->focus >= row[i].first && wish->focus < row[i].first + row[i].n)
			focused = i;
	}
	choose(rows, r.h - 1, need, focused, looked, chosen);
	for (int i = 0; i < rows; i++)
		if (chosen[i])
			weight[n++] = at_least(2 * SHARE + wish->height[row[i].first] * 4, 4);
	for (int i = 0; i < n; i++)
		need[i] = PANE_LEAST_H;
	share(n, r.h, need, weight, size);
	n = 0;
	for (int i = 0; i < rows; i++) {
		if (!chosen[i])
			continue;
		place_row(wish, &row[i], (struct rect){ r.x, y, r.w, size[n] }, out);
		y += size[n++] - 1;
	}
}

/* Each line of text has a height of the screen below which the panes need it more. */
enum { PROMPT_FROM = 10, STATUS_FROM = 11, FOIL_FROM = 12, CELL_FROM = 18 };

static void place_top(const struct layout_wish *wish, int w, int h, struct layout *out)
{
	out->header = (struct rect){ 0, 0, w, 1 };
	if (h >= PROMPT_FROM)
		out->prompt = (struct rect){ 0, 1, w, 1 };
	if (wish->foil && h >= FOIL_FROM)
		out->foil = (struct rect){ 0, 2, w, 1 };
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
	top = out->header.h + out->prompt.h + out->foil.h;
	below = place_bottom(wish, w, h, top, out);
	if (wish->panes)
		place_panes(wish, (struct rect){ 0, top, w, h - top - below }, out);
	for (int i = 0; i < wish->panes; i++)
		out->folded += out->pane[i].w == 0;
}
