/* form.c - the arguments of the pane's technique: their values, what they may be, and which follow the cursor. */
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/typing.h"
#include "tui/panes/lists.h"

/* "site       ‹ head ›", and what it means. */
static void describe(const struct app *app, const struct param *p, struct value value, bool given, struct str *text,
		     struct str *detail)
{
	const struct choice *chosen = p->kind == PARAM_CHOICE ? param_choice(p, value.number) : NULL;

	str_addf(text, "%-10s ‹ ", p->name);
	param_print(p, value, text);
	str_add(text, param_is_text(p) && !value.text ? "not given ›" : " ›");
	if (!given && p->kind == PARAM_DIM && !p->pinned)
		str_add(text, p->at_metric ? "  where the metric is" : "  follows the cursor");
	str_addf(detail, "%s%s%s · ", p->help, chosen ? ": " : "", chosen ? chosen->help : "");
	param_range_text(p, extent_of(app, p->dim), detail);
}

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
		describe(app, &params[i], asked.args[i], pane->given[i], &text, &detail);
		list_add(list, text.s, detail.s)->id = i;
		str_done(&detail);
		str_done(&text);
	}
}

/* Enter: a number or a text is typed; the arrows have chosen a choice already. */
static void choose_argument(struct app *app, const struct list_item *item)
{
	const struct param *p = &app->doc.job.pane[app->focus].analysis->params[item->id];
	struct str line;

	popup_close(app);
	if (p->kind == PARAM_CHOICE)
		return;
	str_init(&line);
	str_addf(&line, "set %s=", p->name);
	lines_begin(app, LINE_COMMAND, line.s);
	str_done(&line);
}

/* clang-format off */
const struct popup popup_form = {
	.title = "arguments", .where = W_FORM, .fill = fill_form, .choose = choose_argument,
		.empty = "this technique has no arguments",
};
/* clang-format on */

/* The marked argument; -1: there is none. */
static int marked_argument(const struct app *app)
{
	struct list list;
	struct list_item item;
	int i = popup_marked(app, &list, &item) ? item.id : -1;

	list_done(&list);
	return i;
}

static void step(struct app *app, int by)
{
	struct job_pane *pane = app_pane(app), asked;
	const struct param *p;
	struct value value;
	int i = marked_argument(app);

	if (!pane || i < 0)
		return;
	question_pane(app, app->focus, &asked);
	p = &pane->analysis->params[i];
	value = asked.args[i];
	if (!param_step(p, extent_of(app, p->dim), by, &value) || value_equal(value, asked.args[i]))
		return;
	app_change_looks(app);
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
	app_change_looks(app);
	pane = app_pane(app);
	pane->args[i] = fresh.args[i];
	pane->given[i] = false;
}
