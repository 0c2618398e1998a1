/*
 * tour.h - a walk through the demo model: steps, each a preset with a task, which is done when the screen's state is the one that
 * it asks for. How it was reached does not matter, and no count of keys reaches it.
 *
 * The steps are presets/tour/NN_NAME.yaml, in the order of their names. The loop reads them (REQUEST_TOUR), the card shows them
 * (panes/card.c).
 */
#ifndef LMSCOPE_TUI_APP_TOUR_H
#define LMSCOPE_TUI_APP_TOUR_H

#include "engine/preset/preset.h"

struct app;

struct tour {
	int step, of;	      /* from 1; 0: it was not begun */
	bool done;	      /* this step; it stays so */
	struct preset task;   /* the step's file */
	struct preset before; /* what was on the screen when the tour began */
	bool has_task, has_before;
};

/* Opens step number `step` of `of`; copies it. */
void tour_step(struct app *app, const struct preset *task, int step, int of);
/* Whatever changed: whether the step is done. */
void tour_look(struct app *app);
/* What was there before is there again. The next :tour continues at this step. */
void tour_leave(struct app *app);
void tour_free(struct tour *t);

/* What is wrong with a goal's line ("edit head 3.0 zero", "cursor layer 2 position -1", …); NULL: nothing. */
const char *tour_fault(const char *line);

#endif
