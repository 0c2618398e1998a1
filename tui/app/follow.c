/* follow.c - see follow.h. */
#include "tui/app/follow.h"

#include <stdlib.h>
#include <string.h>

#include "tui/app/binding.h"

/*
 * The tree that has the cursor: the focused pane's, otherwise the first one; whether it is the answer to what is asked now. NULL:
 * there is none.
 */
static struct table *leading(const struct app *app, bool *current)
{
	const struct table *first = NULL;

	*current = false;
	for (int i = 0; i < app->doc.job.panes; i++) {
		struct answer_shown answer;

		question_answer(app, i, &answer);
		if (answer.table && answer.table->parent && (!first || i == app->focus)) {
			first = answer.table;
			*current = answer.current;
		}
	}
	return (struct table *)first;
}

/* The row's own one in the other tree, or that of the nearest row that it is in; -1: there is none. */
static int counterpart(const struct table *from, int row, const struct table *to)
{
	int *match = xmalloc((size_t)from->rows.n * sizeof *match), at;

	table_match(from, to, match);
	while (row >= 0 && match[row] < 0)
		row = from->parent[row];
	at = row < 0 ? -1 : match[row];
	free(match);
	return at;
}

static void follow(struct app *app, const struct table *from, const struct table *to)
{
	const enum dim dim = to->rows.dim;
	int at;

	if (app->doc.cursor[dim] == CURSOR_UNSET || from->rows.dim != dim || strcmp(from->analysis, to->analysis))
		return;
	at = counterpart(from, cursor_get(app, dim, from->rows.n), to);
	if (at >= 0)
		cursor_set(app, dim, at, to->rows.n);
	else /* what was above it is gone: the strongest row is first */
		app->doc.cursor[dim] = CURSOR_UNSET;
}

void follow_look(struct app *app)
{
	bool current;
	struct table *now = leading(app, &current);

	if (app->tree_rests && (app->asking || app->shot->serial != app->serial || (now && !current)))
		return;
	if (!now || now == app->tree) {
		app->tree_rests = false;
		return;
	}
	if (app->tree && !app->tree_rests)
		follow(app, app->tree, now);
	table_unref(app->tree);
	app->tree = table_ref(now);
	app->tree_rests = false;
}

void follow_rest(struct app *app)
{
	app->tree_rests = true;
}

void follow_done(struct app *app)
{
	table_unref(app->tree);
	app->tree = NULL;
}
