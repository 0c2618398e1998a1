/*
 * menu.c - the list of techniques: those that the cursor can fill in come first, then the others by topic.
 *
 * It is made from the registry alone. A technique fits when it has an argument of a dimension that the cell under the cursor
 * has: on a layer × head cell that is whatever takes a layer and a head.
 */
#include <stdio.h>
#include <string.h>

#include "tui/app/binding.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"

/* How many of its arguments the cursor gives; 0: it does not fit. A technique fits only when all its places are given. */
static int fits(const struct analysis *a, unsigned dims)
{
	int given = 0;

	for (int i = 0; i < param_count(a->params); i++) {
		if (!param_follows(&a->params[i]))
			continue;
		if (!(dims & 1u << a->params[i].dim))
			return 0;
		given++;
	}
	return given;
}

/* How long it takes with this model and prompt, as far as that is known; until then, that it may take long. */
static void add_cost(const struct app *app, int i, struct str *detail)
{
	const struct snapshot *shot = app->shot;
	const char *sentence = cost_sentences[analysis_list[i]->cost];
	const struct forecast *forecast = shot ? &shot->forecast[i] : NULL;
	const size_t before = detail->n;

	if (forecast && forecast->seconds > 0)
		text_forecast(forecast, detail);
	else if (sentence && !(forecast && forecast->known && !forecast->runs)) /* it makes none, or the answer is there */
		str_add(detail, sentence);
	if (detail->n > before)
		str_add(detail, " · ");
}

static void add_analysis(const struct app *app, struct list *list, int i, bool filled)
{
	const struct analysis *a = analysis_list[i];
	const char *why = technique_lacks(app, a);
	struct list_item *item;
	struct job_pane pane;
	struct str detail;

	str_init(&detail);
	for (int k = 0; filled && k < param_count(a->params); k++) {
		const struct param *p = &a->params[k];
		int n = extent_of(app, p->dim);

		if (!param_follows(p) || !n)
			continue;
		job_pane_init(&pane, a);
		str_addf(&detail, "%s ", p->name);
		param_print(p, value_number(cursor_get(app, p->dim, n)), &detail);
		str_add(&detail, " · ");
	}
	str_addf(&detail, "%s%s", why ? why : "", why ? " · " : "");
	add_cost(app, i, &detail);
	str_add(&detail, a->blurb);
	item = list_add(list, a->name, detail.s);
	item->id = i;
	if (why)
		item->style = STYLE_DIM;
	str_done(&detail);
}

static void fill_menu(const struct app *app, struct list *list)
{
	unsigned dims = app->menu_beside ? 0 : cell_dims(app);
	bool any = false;

	list->title = app->menu_below ? "technique for a new row" : app->menu_beside ? "technique for a new pane" : NULL;
	for (int i = 0; dims && analysis_list[i]; i++)
		any = any || fits(analysis_list[i], dims);
	if (any)
		list_heading(list, "for the cell under the cursor");
	for (int most = 4; any && most; most--)
		for (int i = 0; analysis_list[i]; i++)
			if (fits(analysis_list[i], dims) == most)
				add_analysis(app, list, i, true);
	for (int topic = 0; topic < TOPIC_COUNT; topic++) {
		bool first = true;

		for (int i = 0; analysis_list[i]; i++) {
			if ((int)analysis_list[i]->topic != topic || fits(analysis_list[i], dims))
				continue;
			if (first)
				list_heading(list, topic_words[topic]);
			first = false;
			add_analysis(app, list, i, false);
		}
	}
}

static void choose_here(struct app *app, const struct list_item *item)
{
	const char *name = analysis_list[item->id]->name;
	bool beside = app->menu_beside, below = app->menu_below;

	popup_close(app);
	if (below)
		act_split_below(app, name);
	else if (beside)
		act_split(app, name);
	else
		act_technique(app, name);
}

/* clang-format off */
const struct popup popup_menu = {
	.title = "Choose a technique", .where = W_MENU, .fill = fill_menu, .choose = choose_here,
};
/* clang-format on */

void act_menu_beside(struct app *app, const char *argument)
{
	struct list list;
	struct list_item item;

	(void)argument;
	if (popup_marked(app, &list, &item)) {
		app->menu_beside = true;
		app->popup->choose(app, &item);
	}
	list_done(&list);
}
