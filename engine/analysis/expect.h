/*
 * expect.h - what a table is expected to show, as one line of a preset's `expect:`.
 *
 *   cell ROW COLUMN > 0.4 · cell ROW COLUMN < 2 · cell ROW COLUMN = 0.61 ± 0.02 · cell ROW COLUMN word " Mary"
 *   top 1 is 2.2 · top 3 has 2.0 2.2
 *   metric > 3 · metric < 3 · metric = 3.2 ± 0.1
 *
 * Rows and columns are given by their labels as JSON has them, in quotes where they have blanks. A whole number without quotes that
 * is no label, or on an axis of tokens, counts from 0; negative ones from the end. `top` ranks rows by |first column|, or the cells
 * of a layer × head table, whose labels are LAYER.HEAD: `is` lists all of them in their order, `has` some in any order.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_EXPECT_H
#define LMSCOPE_ENGINE_ANALYSIS_EXPECT_H

#include <stdbool.h>

#include "engine/analysis/table.h"
#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/str.h"

enum expect_of { EXPECT_CELL, EXPECT_TOP, EXPECT_METRIC };
enum expect_test { EXPECT_MORE, EXPECT_LESS, EXPECT_NEAR, EXPECT_WORD, EXPECT_IS, EXPECT_HAS };

struct expect_word {
	const char *text; /* without its quotes; NULL: there is none */
	size_t n;
	bool quoted;
};

struct expect {
	enum expect_of of;
	enum expect_test test;
	struct expect_word row, col; /* of a cell */
	double value, margin;	     /* what it is compared with */
	int top;		     /* so many of the strongest */
	struct expect_word *label;   /* [labels] of `top`; of `word` the one text */
	int labels;
};

/* ERR_USAGE with a sentence that quotes the line where it is not of one of these forms. */
bool expect_parse(const char *line, struct expect *e, struct arena *arena, struct err *err);

/* Whether it holds. `actual` receives what is there instead, also where it holds: "0.83", "3.4 2.2", or that there is no such row.
 * `t` may be NULL for a metric. */
bool expect_hold(const struct expect *e, const struct table *t, double metric, struct str *actual);

#endif
