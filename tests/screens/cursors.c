/* cursors.c - what keys do to the cursors, and the arguments that follow them. */
#include <math.h>

#include "engine/analysis/grid.h"
#include "tests/screens/stage.h"
#include "tui/panes/lists.h"
#include "tui/app/binding.h"

static void linked_cursors(void)
{
	struct stage s;

	raise_curtain(&s);
	CHECK(asked_argument(&s.app, 1, "layer") == -1);
	press(&s, "[");
	CHECK_THAT(asked_argument(&s.app, 1, "layer") == FAKE_LAYERS - 2, "[ takes the attention pane a layer down");
	press(&s, "}");
	CHECK_THAT(asked_argument(&s.app, 1, "head") == 1, "} takes it to the next head");
	press(&s, "3 Down Right");
	CHECK_THAT(asked_argument(&s.app, 1, "layer") == FAKE_LAYERS - 3 && asked_argument(&s.app, 1, "head") == 2,
		   "moving in layer × head moves the attention pane");
	press(&s, "2 : 'set_layer=0 Enter 3 Up");
	CHECK_THAT(asked_argument(&s.app, 1, "layer") == 0, "an argument that was set stays");
	press(&s, "1 Left e '_longer Enter");
	CHECK_THAT(s.app.doc.cursor[DIM_POSITION] >= 0, "a position that is not the last stays where it is");
	press(&s, "End e '_still Enter");
	CHECK_THAT(s.app.doc.cursor[DIM_POSITION] == -1, "the last position stays the last while the prompt grows");
	drop_curtain(&s);
}

/* A graph is read from the node that most goes through, until the cursor is moved. */
static void graphs_begin_at_their_end(void)
{
	struct answer_shown answer;
	struct stage s;
	int row, col, more = 0;

	raise_curtain(&s);
	press(&s, "3 : 'technique_information-flow Enter");
	question_answer(&s.app, 2, &answer);
	cursor_in(&s.app, answer.table, &row, &col);
	for (int r = 0; r < answer.table->rows.n; r++)
		more += answer.table->value[table_cell(answer.table, r, 0)] > answer.table->value[table_cell(answer.table, row, 0)];
	CHECK_THAT(row > 0 && !more, "%d nodes have more than node %d", more, row);
	drop_curtain(&s);
}

/* A table of parts by parts begins at its strongest cell, and from there on is where the cursor is. */
static void parts_begin_at_the_strongest(void)
{
	struct err err = { 0 };
	struct table *t = table_new(5, 4, &err);
	struct stage s;
	int row, col;

	raise_curtain(&s);
	axis_of(&t->rows, DIM_COMPONENT);
	axis_of(&t->cols, DIM_QUANTITY);
	for (int i = 0; i < 20; i++)
		t->value[i] = i % 3 ? 0.1f : NAN;
	t->value[table_cell(t, 3, 1)] = -0.7f;
	cursor_in(&s.app, t, &row, &col);
	CHECK_THAT(row == 3 && col == 1, "it begins at the strongest: %d, %d", row, col);
	cursor_to(&s.app, t, 2, 1);
	cursor_in(&s.app, t, &row, &col);
	CHECK_THAT(row == 2 && col == 1, "a step from there: %d, %d", row, col);
	table_unref(t);
	drop_curtain(&s);
}

/* What explains the metric stays where the metric is, unless it is told otherwise. */
static void metric_stays(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "3 : 'technique_direct-attribution Enter 1 Left Left");
	CHECK_THAT(s.app.doc.cursor[DIM_POSITION] == 3 && asked_argument(&s.app, 3, "position") == 3,
		   "the next token follows the cursor");
	CHECK_THAT(asked_argument(&s.app, 2, "position") == -1 && !s.app.asked.pane[2].given[0], "the attribution does not");
	press(&s, "3 : 'set_position=2 Enter");
	CHECK_THAT(asked_argument(&s.app, 2, "position") == 2, "it goes where it is sent");
	drop_curtain(&s);
}

/* Arguments are chosen in their list; numbers and texts are typed. */
static void arguments(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "1 : 'technique_activation-patching Enter s Right");
	CHECK_THAT(s.app.popup == &popup_form && asked_argument(&s.app, 0, "site") == GRID_OF_ATTN_OUT, "the next site");
	press(&s, "Enter");
	CHECK_THAT(!s.app.popup && !s.app.line && asked_argument(&s.app, 0, "site") == GRID_OF_ATTN_OUT, "and that is it");
	press(&s, "s Down Down Down Enter");
	CHECK_THAT(!s.app.popup && s.app.line == LINE_COMMAND, "a layer is typed");
	press(&s, "1 Enter");
	CHECK(!s.app.line && asked_argument(&s.app, 0, "layer") == 1);
	drop_curtain(&s);
}

static bool shows(const struct window *w, int row, int col)
{
	return row >= w->row && row < w->row + w->rows && col >= w->col && col < w->col + w->cols;
}

/* What the worker is told of the screen: where the cursor is, and no more than there is room for. */
static void visible(void)
{
	struct window window[JOB_PANES];
	struct stage s;
	const struct table *t;

	raise_curtain(&s);
	fake_key(&s.fake, &s.app, "Slow");
	app_visible(&s.app, window);
	t = s.fake.shot.pane[0].table;
	CHECK_THAT(t && window[0].rows >= t->rows.n && window[0].cols >= t->cols.n && window[0].row == 0,
		   "a small table is seen whole");
	canvas_done(&s.canvas);
	canvas_init(&s.canvas, 40, 14);
	press(&s, "1 z");
	app_visible(&s.app, window);
	CHECK_THAT(window[0].cols < t->cols.n && shows(&window[0], t->rows.n - 1, t->cols.n - 1),
		   "in a narrow window its last columns are, with the cursor");
	CHECK_THAT(window[1].rows == 0, "and nothing of a pane that has no room");
	press(&s, "Home");
	app_visible(&s.app, window);
	CHECK_THAT(shows(&window[0], t->rows.n - 1, 0) && !shows(&window[0], t->rows.n - 1, t->cols.n - 1),
		   "the first ones when the cursor goes there");
	drop_curtain(&s);
}

/* Wherever the position goes, attention's key is not ahead of it. */
static void no_query_looks_ahead(void)
{
	static const char *const keys[] = { "(", "Left", "Home" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct stage s;
		int key, position;

		raise_curtain(&s);
		press(&s, "2 End 1");
		press(&s, keys[i]);
		press(&s, keys[i]);
		key = cursor_get(&s.app, DIM_KEY, s.app.shot->tokens);
		position = cursor_get(&s.app, DIM_POSITION, s.app.shot->tokens);
		CHECK_THAT(key <= position && position < s.app.shot->tokens - 1, "%s: key %d, position %d", keys[i], key, position);
		drop_curtain(&s);
	}
}

int main(void)
{
	linked_cursors();
	graphs_begin_at_their_end();
	parts_begin_at_the_strongest();
	metric_stays();
	arguments();
	visible();
	no_query_looks_ahead();
	return tap_done();
}
