/*
 * frame.h - the box around a pane, with its title in the top edge.
 *
 *     ┌ logit lens · top token, probability ───── edited ── word ┐
 */
#ifndef LMSCOPE_TUI_DRAW_FRAME_H
#define LMSCOPE_TUI_DRAW_FRAME_H

#include <stdbool.h>

#include "engine/analysis/table.h"
#include "tui/draw/canvas.h"
#include "tui/draw/theme.h"

struct frame {
	/* the edges are its outermost cells; neighbours overlap by one column or row, and their lines join */
	struct rect rect;
	struct title title;   /* without room for all of it the last parts are left out: "attention · layer 2 head 2" */
	const char *unit;     /* the quantity where the title has none; NULL: none */
	const char *mark;     /* "edited", "edited − unedited", "prompt − foil"; NULL: none */
	const char *right;    /* at the right end of the edge, dim: "auto · word", "3 of 12"; NULL: none */
	const char *progress; /* "12/30": what is on its way; NULL: nothing */
	bool focus, stale;
	int title_w; /* out: the columns that the title took, from the left edge on */
};
/* Draws it and returns the inside. Neighbours are drawn in reading order, so that titles are over edges that are shared. */
struct rect frame_draw(struct canvas *c, const struct theme *t, struct frame *f);
/* The accent, when all frames are drawn: the edges of the one that has the keys. Titles and text in them stay. */
void frame_accent(struct canvas *c, const struct theme *t, struct rect rect);

#endif
