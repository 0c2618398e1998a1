/*
 * layout.h - where everything is on a screen of w × h: the header, prompt and foil, rows of panes, the lines below them.
 *
 * Panes share their borders (neighbours overlap by one column or row). Where there is no space for all, rows and panes fold
 * away: the one that has the keys always stays, and of the others those that were looked at last.
 */
#ifndef LMSCOPE_TUI_LAYOUT_H
#define LMSCOPE_TUI_LAYOUT_H

#include <stdbool.h>

#include "engine/job.h"
#include "tui/canvas.h"

enum { PANE_LEAST_W = 28, PANE_LEAST_H = 7, SCREEN_LEAST_W = 24, SCREEN_LEAST_H = 8 };

struct layout_wish {
	int panes;
	const int *row;			/* [panes] ascending: which row each pane stands in */
	const int *height, *width;	/* [panes] what the user added to a share: of the row's first pane; of each pane */
	const int *least;		/* [panes] columns below which a pane is of no use */
	const unsigned *looked;		/* [panes] when each had the keys: greater is later */
	int focus;
	bool zoomed;
	bool foil;			/* there is one, or it is being typed */
	int card_lines;			/* below the panes, wanted while there is room for two rows of panes: a note; 0: none */
	int text_lines;			/* below that: generated text; 0: none */
};

struct layout {
	bool too_small;
	struct rect header, prompt, foil, card, text, cell, status, footer;	/* h 0: not there; without a line the prompt is in the header */
	struct rect pane[JOB_PANES];	/* with their frames; w 0: folded away */
	int folded;
};

void layout_make(const struct layout_wish *wish, int w, int h, struct layout *out);

#endif
