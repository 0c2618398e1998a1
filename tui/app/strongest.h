/* strongest.h - the cells of a table whose values are farthest from neutral: what a person looks at first. */
#ifndef LMSCOPE_TUI_APP_STRONGEST_H
#define LMSCOPE_TUI_APP_STRONGEST_H

#include "engine/analysis/table.h"

enum { STRONGEST_MOST = 100 };

/*
 * Cells of the table, the strongest first; returns how many. What the range of the colours leaves out (the first token) is left out
 * here too. Where each column has a unit of its own, values are comparable only within one: `column`; any other table is taken
 * whole.
 */
int strongest_cells(const struct table *t, bool skip_first, int column, int cell[STRONGEST_MOST]);

#endif
