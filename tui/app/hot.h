/*
 * hot.h - what can be clicked on the screen of the last frame: names of keys, panes that are not shown, titles. Parts that draw
 * such a thing say so here; the mouse looks it up.
 */
#ifndef LMSCOPE_TUI_APP_HOT_H
#define LMSCOPE_TUI_APP_HOT_H

#include "tui/draw/canvas.h"

enum hot_kind { HOT_ACTION, HOT_PANE, HOT_TITLE };
struct hot {
	struct rect rect;
	enum hot_kind kind;
	int id; /* of the action (its index); of the pane */
};

enum { HOT_MOST = 100 };
struct hots {
	struct hot hot[HOT_MOST];
	int n;
};

void hot_add(struct hots *hots, struct rect rect, enum hot_kind kind, int id);
/* The last one that was drawn there; NULL: nothing. */
const struct hot *hot_at(const struct hots *hots, int x, int y);

#endif
