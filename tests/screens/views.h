/* views.h - what the tests of views share. Included once per test executable. */
#ifndef LMSCOPE_TESTS_SCREENS_VIEWS_H
#define LMSCOPE_TESTS_SCREENS_VIEWS_H

#include <string.h>

#include "tui/views/view.h"

/* A cursor that is neither at the edge nor in the middle, on tables that have room for one. */
__attribute__((unused)) static struct view view_of(const struct table *t, const struct theme *theme, int w, int h)
{
	return (struct view){
		.table = t, .rect = { 0, 0, w, h }, .theme = theme, .row = t->rows.n / 3, .col = t->cols.n / 4, .focus = true
	};
}

__attribute__((unused)) static bool screen_says(const struct canvas *c, const char *text)
{
	struct str out;
	bool found;

	str_init(&out);
	canvas_dump(c, &out);
	found = strstr(out.s, text) != NULL;
	str_done(&out);
	return found;
}

#endif
