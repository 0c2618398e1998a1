/*
 * cell.c - what can be done with the cell under the cursor: its own intervention, and the techniques that take its layer, head or
 * position, with these filled in.
 */
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/explain.h"
#include "tui/draw/text.h"
#include "tui/panes/edges.h"
#include "tui/panes/lists.h"

enum { DO_CELL, DO_HERE, DO_EXPLAIN, DO_LINK, DO_TECHNIQUE = DO_LINK + 100 };

/* Ways on that a person thinks of as one step. */
static const struct cell_link {
	const char *text, *analysis, *set; /* one more argument, "receiver=q"; NULL: none */
	unsigned dims;			   /* that the cell must have, as bits */
} links[] = {
	{ "the head's attention", "attention", NULL, 1u << DIM_LAYER | 1u << DIM_HEAD },
	{ "which heads feed its queries", "path-patching", "receiver=q", 1u << DIM_LAYER | 1u << DIM_HEAD },
	{ "which heads feed its keys", "path-patching", "receiver=k", 1u << DIM_LAYER | 1u << DIM_HEAD },
	{ "which heads feed its values", "path-patching", "receiver=v", 1u << DIM_LAYER | 1u << DIM_HEAD },
	{ "which heads feed this layer's MLP", "path-patching", "receiver=mlp_in", 1u << DIM_LAYER },
};
enum { LINKS = sizeof links / sizeof *links };

unsigned cell_dims(const struct app *app)
{
	struct place place;
	unsigned dims = 0;

	cursor_place(app, &place);
	if (place.layer >= 0)
		dims |= 1u << DIM_LAYER;
	if (place.unit >= 0)
		dims |= 1u << (place.site == SITE_MLP_POST ? DIM_NEURON : DIM_HEAD);
	if (place.position >= 0)
		dims |= 1u << DIM_POSITION;
	return dims;
}

/* How much of the cell's place a technique takes. */
static int takes(const struct analysis *a, unsigned dims)
{
	int n = 0;

	for (int i = 0; i < param_count(a->params); i++)
		n += a->params[i].dim != DIM_NONE && dims & 1u << a->params[i].dim;
	return n;
}

/* "resid_pre 17 @9 patch", or "3 edits: scores 4 @9<1 mask …" */
static void describe_lines(const struct str *lines, struct str *out)
{
	int n = 1;

	for (const char *c = lines->s; *c; c++)
		n += *c == '\n';
	if (n > 1)
		str_addf(out, "%d edits: ", n);
	str_add_n(out, lines->s, strcspn(lines->s, "\n"));
	if (n > 1)
		str_add(out, " …");
}

static void add_intervention(const struct app *app, struct list *list, bool here)
{
	enum edit_op first;
	struct str lines, text;
	struct err err;

	str_init(&lines);
	str_init(&text);
	if (cell_intervention(app, here, &lines, &first, &err)) {
		describe_lines(&lines, &text);
		list_add(list, text.s, here ? "at this position only, or undo it · ." : "apply, or undo it · Space")->id =
			here ? DO_HERE : DO_CELL;
	} else if (!here) {
		list_add(list, "no edit", err.text)->style = STYLE_DIM;
		list->item[list->n - 1].id = DO_CELL;
	}
	str_done(&text);
	str_done(&lines);
}

static void add_explain(const struct app *app, struct list *list)
{
	struct explained e;
	struct err ignored;
	bool waits;

	explained_init(&e);
	if (explain_focused(app, &e, &waits, &ignored))
		list_add(list, e.spec.s, e.other.n ? e.other.s : "this number as the metric · x")->id = DO_EXPLAIN;
	explained_done(&e);
}

static bool has_own_edits(const struct app *app)
{
	struct answer_shown answer = { 0 };
	enum edit_op first;
	struct str lines;
	int row, col;
	bool own = false;

	question_answer(app, app->focus, &answer);
	str_init(&lines);
	if (answer.table) {
		cursor_in(app, answer.table, &row, &col);
		own = cell_edits(answer.table, row, col, &lines, &first);
	}
	str_done(&lines);
	return own;
}

static void add_link(const struct app *app, struct list *list, int id, const char *text, const struct analysis *a)
{
	const char *why = technique_lacks(app, a);
	struct list_item *item = list_add(list, text, why ? why : a->blurb);

	item->id = id;
	if (why)
		item->style = STYLE_DIM;
}

/* It is there already, in words. */
static bool is_linked(const struct analysis *a, unsigned dims)
{
	for (int i = 0; i < LINKS; i++)
		if (!links[i].set && !strcmp(links[i].analysis, a->name) && (links[i].dims & dims) == links[i].dims)
			return true;
	return false;
}

static void fill_cell(const struct app *app, struct list *list)
{
	unsigned dims = cell_dims(app);
	int before;

	if (!app->doc.job.panes)
		return;
	list_heading(list, "do");
	before = list->n;
	add_intervention(app, list, false);
	if (!has_own_edits(app) && dims & 1u << DIM_POSITION)
		add_intervention(app, list, true);
	add_explain(app, list);
	if (list->n == before)
		list->n--;
	edges_fill(app, list);
	list_heading(list, "look, with this cell's place filled in");
	for (int i = 0; i < LINKS; i++)
		if ((links[i].dims & dims) == links[i].dims)
			add_link(app, list, DO_LINK + i, links[i].text, analysis_find(links[i].analysis));
	for (int most = PARAM_MAX; most; most--)
		for (int i = 0; analysis_list[i]; i++)
			if (takes(analysis_list[i], dims) == most && !is_linked(analysis_list[i], dims))
				add_link(app, list, DO_TECHNIQUE + i, analysis_list[i]->name, analysis_list[i]);
}

/* Arguments that do not follow the cursor by themselves are given the cell's place. */
static void fill_in(struct app *app, struct job_pane *pane, unsigned dims, const char *set)
{
	const struct param *params = pane->analysis->params;
	struct err err = { 0 };

	for (int i = 0; i < param_count(params); i++) {
		int n = extent_of(app, params[i].dim);

		if (params[i].dim == DIM_NONE || !(dims & 1u << params[i].dim) || param_follows(&params[i]) || !n)
			continue;
		pane->args[i] = value_number(cursor_get(app, params[i].dim, n));
		pane->given[i] = true;
	}
	if (set && !job_pane_set(pane, set, &err))
		app_say_err(app, &err);
}

static void choose_cell(struct app *app, const struct list_item *item)
{
	const struct cell_link *link = item->id >= DO_LINK && item->id < DO_TECHNIQUE ? &links[item->id - DO_LINK] : NULL;
	unsigned dims = cell_dims(app);
	const char *name = link						       ? link->analysis
			   : item->id >= DO_TECHNIQUE && item->id < EDGES_FROM ? analysis_list[item->id - DO_TECHNIQUE]->name
									       : NULL;
	bool beside = app->menu_beside;

	app->menu_beside = false;
	popup_close(app);
	if (item->id >= EDGES_FROM) {
		edges_choose(app, item->id);
		return;
	}
	if (!name) {
		(item->id == DO_EXPLAIN ? act_explain : item->id == DO_HERE ? act_ablate_here : act_ablate)(app, NULL);
		return;
	}
	if (beside)
		act_split(app, name);
	else
		act_technique(app, name);
	if (app_pane(app) && app_pane(app)->analysis == analysis_find(name))
		fill_in(app, app_pane(app), dims, link ? link->set : NULL);
}

/* clang-format off */
const struct popup popup_cell = {
	.title = "what to do with this cell", .where = W_MENU, .fill = fill_cell, .choose = choose_cell,
		.empty = "there is no table in this pane yet",
};
/* clang-format on */

void act_cell(struct app *app, const char *argument)
{
	(void)argument;
	app->menu_beside = app->menu_below = false;
	popup_open(app, &popup_cell);
}
