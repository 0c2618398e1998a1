/* hot.c - see hot.h. */
#include "tui/app/hot.h"

#include <stddef.h>

void hot_add(struct hots *hots, struct rect rect, enum hot_kind kind, int id)
{
	if (hots->n < HOT_MOST && rect.w > 0)
		hots->hot[hots->n++] = (struct hot){ rect, kind, id };
}

const struct hot *hot_at(const struct hots *hots, int x, int y)
{
	for (int i = hots->n - 1; i >= 0; i--)
		if (rect_holds(hots->hot[i].rect, x, y))
			return &hots->hot[i];
	return NULL;
}
