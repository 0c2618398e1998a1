/*
 * layout.h - where everything is on a screen of w × h: the header, prompt and foil, rows of panes, the lines below them.
 *
 * Panes share their borders (neighbours overlap by one column or row). Where there is no space for the least that each of them
 * needs, rows and panes fold away: the one that has the keys always stays, and of the others those that were looked at last.
 *
 * Room goes where it is used. All that stay have what they need at least; then what they want, nobody more than another who still
 * lacks some; what is left goes to those that could use it. So no row of panes has blank lines while another one scrolls. Which
 * pane has the keys makes no difference to the sizes: nothing moves when one looks at another. Rows with equally many panes have
 * their columns in common, so that tokens are above tokens.
 */
#ifndef LMSCOPE_TUI_DRAW_LAYOUT_H
#define LMSCOPE_TUI_DRAW_LAYOUT_H

#include <stdbool.h>

#include "engine/session/job.h"
#include "tui/draw/canvas.h"
#include "tui/views/view.h"

enum { PANE_LEAST_W = 24, PANE_LEAST_H = 7, SCREEN_LEAST_W = 24, SCREEN_LEAST_H = 8 };

struct layout_wish {
	int panes;
	const int *row;		      /* [panes] ascending: which row each pane is in */
	const struct view_need *need; /* [panes] of their insides */
	/* [panes] rows and columns that the user added: to the row, by its first pane; to each pane */
	const int *height, *width;
	const unsigned *last_focus; /* [panes] when each had the keys: greater is later */
	int focus;
	bool zoomed;
	bool foil;	/* there is one, or it is being typed */
	bool way;	/* there is a way to the metric */
	int card_lines; /* below the panes, wanted while there is room for two rows of panes: a note; 0: none */
	int text_lines; /* below that: generated text; 0: none */
};

struct layout {
	bool too_small;
	/* h 0: not there; without a line the prompt is in the header */
	struct rect header, prompt, foil, way, card, text, cell, status, footer;
	struct rect pane[JOB_PANES]; /* with their frames; w 0: folded away */
	int folded;
};

void layout_make(const struct layout_wish *wish, int w, int h, struct layout *out);

#endif
