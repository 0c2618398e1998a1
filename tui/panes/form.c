/* form.c - the arguments of the pane's technique: their values, what they may be, and which follow the cursor. */
#include <string.h>

#include "tui/lines.h"
#include "tui/panes/lists.h"
#include "tui/question.h"

static void fill_form(const struct app *app, struct list *list)
{
	const struct job_pane *pane;
	struct job_pane asked;
	const struct param *params;

	if (!app->doc.job.panes)
		return;
	pane = &app->doc.job.pane[app->focus];
	params = pane->analysis->params;
	list->title = pane->analysis->title;
	question_pane(app, app->focus, &asked);
	for (int i = 0; i < param_count(params); i++) {
		struct str text, detail;

		str_init(&text);
		str_init(&detail);
		str_addf(&text, "%-10s ‹ ", params[i].name);
		param_print(&params[i], asked.args[i], &text);
		str_add(&text, " ›");
		if (!pane->given[i] && params[i].dim != DIM_NONE && !params[i].held)
			str_add(&text, params[i].at_metric ? "  where the metric is" : "  follows the cursor");
		str_addf(&detail, "%s · ", params[i].help);
		param_range_text(&params[i], extent_of(app, params[i].dim), &detail);
		list_add(list, text.s, detail.s)->id = i;
		str_done(&detail);
		str_done(&text);
	}
}

/* Enter: a number is typed; what is chosen by the arrows stands already. */
static void choose_argument(struct app *app, const struct list_item *item)
{
	const struct param *p = &app->doc.job.pane[app->focus].analysis->params[item->id];
	struct str line;

	popup_close(app);
	if (p->choices)
		return;
	str_init(&line);
	str_addf(&line, "set %s=", p->name);
	lines_begin(app, LINE_COMMAND, line.s);
	str_done(&line);
}

const struct popup popup_form = {
	.title = "arguments", .where = W_FORM, .fill = fill_form, .choose = choose_argument, .empty = "this technique has no arguments",
};

/* The marked argument; -1: there is none. */
static int marked_argument(const struct app *app)
{
	struct list list;
	struct list_item item;
	int i = popup_marked(app, &list, &item) ? item.id : -1;

	list_done(&list);
	return i;
}

static void argument_range(const struct app *app, const struct param *p, int *lo, int *hi)
{
	int n = extent_of(app, p->dim);

	*lo = p->lo;
	*hi = p->hi;
	if (p->choices || p->dim != DIM_NONE) {
		*lo = 0;
		*hi = p->choices ? param_choices(p) - 1 : n - 1;
	}
}

static void step(struct app *app, int by)
{
	struct job_pane *pane = app_pane(app), asked;
	int i = marked_argument(app), lo, hi, value;

	if (!pane || i < 0)
		return;
	question_pane(app, app->focus, &asked);
	argument_range(app, &pane->analysis->params[i], &lo, &hi);
	if (hi < lo)
		return;
	value = asked.args[i];
	if (pane->analysis->params[i].dim != DIM_NONE && value < 0)
		value += hi + 1;
	value += by;
	/* Choices go round, numbers stop. */
	if (pane->analysis->params[i].choices)
		value = value < lo ? hi : value > hi ? lo : value;
	else
		value = value < lo ? lo : value > hi ? hi : value;
	if (value == asked.args[i])
		return;
	app_change(app);
	pane = app_pane(app);
	pane->args[i] = value;
	pane->given[i] = true;
}

void act_form_less(struct app *app, const char *argument)
{
	(void)argument;
	step(app, -1);
}

void act_form_more(struct app *app, const char *argument)
{
	(void)argument;
	step(app, 1);
}

void act_form_default(struct app *app, const char *argument)
{
	struct job_pane *pane = app_pane(app), fresh;
	int i = marked_argument(app);

	(void)argument;
	if (!pane || i < 0 || !pane->given[i])
		return;
	job_pane_init(&fresh, pane->analysis);
	app_change(app);
	pane = app_pane(app);
	pane->args[i] = fresh.args[i];
	pane->given[i] = false;
}
