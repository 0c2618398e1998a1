/*
 * views_moves.c - what the keys and the mouse do in each kind of view: text, curves, tree, graph; and that a large graph is
 * drawn at once.
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "tests/screens/samples.h"
#include "tests/tap.h"
#include "tests/screens/views.h"

/* A text is read token by token and line by line: right goes through all of it, and a step changes the screen at the
 * two tokens alone. */
static void test_reading(void)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_TRUE, false });
	struct table *t = sample_tokens_read(100);
	struct view v = view_of(t, theme, 60, 20);
	struct view_state state = { 0 };
	struct canvas before, after;
	int steps = 0, most = 0, row = 0, col = 0, up;

	canvas_init(&before, 60, 20);
	canvas_init(&after, 60, 20);
	v.row = 0;
	view_draw(&before, &v, &state);
	while (view_move(&v, &state, VIEW_RIGHT, &row, &col)) {
		int changed = 0;

		v.row = row;
		canvas_reset(&after, 60, 20, theme_ink(theme, STYLE_TEXT));
		canvas_reset(&before, 60, 20, theme_ink(theme, STYLE_TEXT));
		view_draw(&after, &v, &state);
		v.row = row - 1;
		view_draw(&before, &v, &state);
		for (int i = 0; i < 60 * 20; i++)
			changed += strcmp(before.cell[i].text, after.cell[i].text) ||
				   before.cell[i].ink.fg != after.cell[i].ink.fg || before.cell[i].ink.bg != after.cell[i].ink.bg ||
				   before.cell[i].ink.attr != after.cell[i].ink.attr;
		most = changed > most ? changed : most;
		steps++;
	}
	CHECK(steps == 99 && row == 99);
	CHECK_THAT(most <= 26, "a step changes %d cells at most: two tokens and their marks", most);
	row = 50;
	view_move(&v, &state, VIEW_UP, &row, &col);
	up = row;
	view_move(&v, &state, VIEW_DOWN, &row, &col);
	CHECK_THAT(up < 48 && up > 20 && abs(row - 50) <= 1, "a line up is %d, and down again %d", up, row);
	canvas_done(&before);
	canvas_done(&after);
	theme_free(theme);
	table_unref(t);
}

/* Arrows lead along curves and from one to the next by height. */
static void test_curves(void)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_TRUE, false });
	struct table *t = sample_training(100, 58);
	struct view v = view_of(t, theme, 80, 20);
	struct view_state state = { 0 };
	int row = 40, col = 0;

	CHECK(view_move(&v, &state, VIEW_UP, &row, &col) && col == 1 && row == 40);
	CHECK(view_move(&v, &state, VIEW_UP, &row, &col) && col == 2 && !view_move(&v, &state, VIEW_UP, &row, &col));
	CHECK(view_move(&v, &state, VIEW_RIGHT, &row, &col) && row == 41 && col == 2);
	CHECK(view_move(&v, &state, VIEW_LAST, &row, &col) && row == 99);
	theme_free(theme);
	table_unref(t);
}

/* The lines of a tree go by size within each level; down walks them all, left and right along parents. The mouse finds each. */
static void test_tree(void)
{
	static const char *const order[] = { "1.attn",	   "head 1.1", "2 ·capital", "1 The",	   "0 ‹bos›",
					     "head 1.2",   "head 1.0", "1.mlp",	     "neuron 1.7", "rest of 96",
					     "neuron 1.3", "0.mlp",    "0.attn",     "embed",	   "norm_bias" };
	enum { N = sizeof order / sizeof *order };
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_TRUE, false });
	struct table *t = sample_tree(0);
	struct view v = view_of(t, theme, 70, 20);
	struct view_state state = { 0 };
	struct canvas c;
	int row = 0, col = 0, hit, any, at = 0;
	bool found;

	canvas_init(&c, 70, 20);
	view_draw(&c, &v, &state);
	view_move(&v, &state, VIEW_TOP, &row, &col);
	do {
		CHECK_TEXT(t->rows.show[row], order[at]);
		found = view_hit(&v, &state, 5, 1 + at, &hit, &any) && hit == row;
		CHECK_THAT(found, "the mouse finds line %d", at);
	} while (view_move(&v, &state, VIEW_DOWN, &row, &col) && ++at < N);
	CHECK_THAT(at == N - 1, "down walks %d lines", at + 1);
	row = 8;
	CHECK(view_move(&v, &state, VIEW_LEFT, &row, &col) && row == 5);
	CHECK(view_move(&v, &state, VIEW_LEFT, &row, &col) && row == 3);
	view_move(&v, &state, VIEW_LEFT, &row, &col);
	CHECK_THAT(row == 3, "the first level has no parent");
	view_move(&v, &state, VIEW_RIGHT, &row, &col);
	CHECK_THAT(row == 5, "right is the strongest of what it consists of");
	canvas_done(&c);
	theme_free(theme);
	table_unref(t);
}

/* 30 layers of 135 tokens, 138 edges into each: more than half a million are drawn in the time between two keys. */
static void test_large_graph(void)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	struct table *t = sample_graph(30, 135, 138);
	struct view v = view_of(t, theme, 118, 36);
	struct view_state state = { 0 };
	struct canvas c;
	double least = INFINITY; /* of the processor: other programs do not count */

	canvas_init(&c, 118, 36);
	CHECK(t->edges > 560000);
	for (int i = 0; i < 5; i++) {
		clock_t start = clock();

		view_draw(&c, &v, &state);
		least = fmin(least, (double)(clock() - start) * 1e3 / CLOCKS_PER_SEC);
	}
	printf("# %d edges are drawn in %.1f ms\n", t->edges, least);
	CHECK_THAT(least < (INSTRUMENTED ? 5 * 50 : 50), "%d edges are drawn in %.0f ms", t->edges, least);
	canvas_done(&c);
	theme_free(theme);
	table_unref(t);
}

/* Keys walk along edges: to the strongest neighbour that way, and no further than there are any. A higher threshold
 * hides, and changes no weight. */
static void test_walking(void)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	struct table *t = sample_graph(4, 5, 0);
	struct view v = view_of(t, theme, 80, 24);
	struct view_state state = { 0 };
	struct canvas c;
	double low, high;
	int row = 4, col = 0;

	t->edge[0] =
		(struct edge){ 5 + 1, 4, 0.3f, PLACE_NONE }; /* into the last token of the top layer, from the second below it */
	t->edge[1] = (struct edge){ 5 + 2, 4, 0.1f, PLACE_NONE };
	t->edge[2] = (struct edge){ 5 + 4, 4, 0.6f, PLACE_NONE };
	t->edge[3] = (struct edge){ 10 + 1, 5 + 1, 0.6f, PLACE_NONE };
	canvas_init(&c, 80, 24);
	v.row = row;
	view_draw(&c, &v, &state);
	CHECK(screen_says(&c, ".30") && screen_says(&c, "all 2 edges"));
	row = 0;
	CHECK_THAT(view_move(&v, &state, VIEW_LEFT, &row, &col) && row == 4,
		   "from a node without edges to the one that is asked about: %d", row);
	CHECK_THAT(view_move(&v, &state, VIEW_LEFT, &row, &col) && row == 6, "left is the strongest that way: %d", row);
	CHECK_THAT(view_move(&v, &state, VIEW_DOWN, &row, &col) && row == 11, "down its stream: %d", row);
	CHECK_THAT(view_move(&v, &state, VIEW_UP, &row, &col) && row == 6 && view_move(&v, &state, VIEW_RIGHT, &row, &col) &&
			   row == 4,
		   "and back: %d", row);
	CHECK_THAT(view_move(&v, &state, VIEW_DOWN, &row, &col) && row == 9 && !view_move(&v, &state, VIEW_RIGHT, &row, &col),
		   "in the token's own column: %d", row);
	v.threshold = 0.2;
	canvas_reset(&c, 80, 24, theme_ink(theme, STYLE_TEXT));
	view_draw(&c, &v, &state);
	CHECK(screen_says(&c, ".30") && screen_says(&c, "1 of 2"));
	high = view_threshold(&v, &state, 1);
	low = view_threshold(&v, &state, -1);
	CHECK_THAT(low < 0.2 && high > 0.2, "one step from 0.2 are %g and %g", low, high);
	canvas_done(&c);
	theme_free(theme);
	table_unref(t);
}

int main(void)
{
	test_reading();
	test_curves();
	test_tree();
	test_large_graph();
	test_walking();
	return tap_done();
}
