/* edges.h - the edges of a graph in lists: those of the cursor's node among what can be done with it, and all that are shown. */
#ifndef LMSCOPE_TUI_PANES_EDGES_H
#define LMSCOPE_TUI_PANES_EDGES_H

#include "tui/panes/lists.h"

/* The ids of their items begin here: another list's own are below. */
enum { EDGES_FROM = 1 << 24 };

/* The strongest edges that come into the cursor's node and that leave it; nothing where the focused table is no graph. */
void edges_fill(const struct app *app, struct list *list);
/* Goes to the node at the other end, or makes the score of a head's look the metric. */
void edges_choose(struct app *app, int id);

#endif
