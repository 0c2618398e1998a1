/* opening.c - see opening.h. */
#include "tui/app/opening.h"

#include <string.h>

static bool is_within(const struct table *t, int row, int above)
{
	while (row >= 0 && row != above)
		row = t->parent[row];
	return row >= 0;
}

static void add_place(const char *place, struct str *out)
{
	str_add(out, out->s[out->n - 1] == '=' ? "" : "; ");
	str_add(out, place);
}

/* What the argument lists, and that row. It may be ahead of the table: rows can be opened before the last answer is there. */
static void list_with(const char *listed, const char *place, struct str *out)
{
	const char *one;

	while (param_next_place(&listed, &one))
		if (strcmp(one, place))
			add_place(one, out);
	add_place(place, out);
}

/* The places of all open rows without one, and without what is open in it. */
static void list_without(const struct table *t, int row, struct str *out)
{
	struct str place;

	str_init(&place);
	for (int r = 0; r < t->rows.n; r++) {
		if (!table_has_rows_of(t, r) || is_within(t, r, row))
			continue;
		str_clear(&place);
		place_print(&t->rows.place[r], &place);
		add_place(place.s, out);
	}
	str_done(&place);
}

/* Closing says which rows are open, one by one; so far a depth may have told it for all. */
static bool change(struct job_pane *pane, const struct table *t, int row, bool open, struct err *err)
{
	const struct value listed = pane->args[param_find(pane->analysis->params, "open")];
	struct str list, place;
	bool ok;

	str_init(&list);
	str_init(&place);
	str_add(&list, "open=");
	place_print(&t->rows.place[row], &place);
	if (open)
		list_with(listed.text, place.s, &list);
	else
		list_without(t, row, &list);
	ok = job_pane_set(pane, list.s, err) &&
	     (open || param_find(pane->analysis->params, "depth") < 0 || job_pane_set(pane, "depth=1", err));
	str_done(&place);
	str_done(&list);
	return ok;
}

bool opening_step(struct app *app, const struct answer_shown *answer, int row, bool open)
{
	const struct table *t = answer->table;
	struct job_pane changed = *app_pane(app);
	struct err err;

	if (!t->parent || !t->rows.place || param_find(changed.analysis->params, "open") < 0 ||
	    !(open ? t->closed[row] : table_has_rows_of(t, row)))
		return false;
	if (!open && !answer->current) /* it may be closed already */
		return true;
	if (!change(&changed, t, row, open, &err)) {
		app_say_err(app, &err);
	} else if (!job_pane_equal(&changed, app_pane(app))) {
		app_change_looks(app);
		*app_pane(app) = changed;
	}
	return true;
}
