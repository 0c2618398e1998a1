/* heat.h - between heat_plan.c, which finds room for rows and columns, and heat.c, which paints them. */
#ifndef LMSCOPE_TUI_VIEWS_HEAT_H
#define LMSCOPE_TUI_VIEWS_HEAT_H

#include "tui/views/views.h"

/* a / b, rounded up. */
static inline int ceil_div(int a, int b)
{
	return (a + b - 1) / b;
}

void heat_plan(const struct view *v, enum zoom zoom, struct plan *p);
struct view_need heat_need(const struct view *v, enum zoom zoom);

#endif
