/* models.c - the list of models on this machine: another one takes the place of the one that is open. */
#include <string.h>

#include "tui/panes/lists.h"

static bool is_open(const struct app *app, const struct model_entry *e)
{
	const char *now = app->doc.job.model ? app->doc.job.model : "demo";

	return !strcmp(now, e->name) || !strcmp(now, e->path);
}

/* One that only its path opens is known by its file. */
static const char *shown(const struct model_entry *e)
{
	const char *slash = strrchr(e->name, '/');

	return *e->name == '/' && slash[1] ? slash + 1 : e->name;
}

static void fill_models(const struct app *app, struct list *list)
{
	for (int i = 0; i < app->models_n; i++) {
		const struct model_entry *e = &app->models[i];
		struct list_item *item;
		struct str detail;

		str_init(&detail);
		str_addf(&detail, "%s%s · %s%s",
			 is_open(app, e) ? "open · "
			 : e->recent	 ? "opened lately · "
					 : "",
			 *e->name == '/' ? e->path : e->place, e->about && !e->opens ? "no: " : "", e->about ? e->about : "…");
		item = list_add(list, shown(e), detail.s);
		item->style = e->about && !e->opens ? STYLE_DIM : is_open(app, e) ? STYLE_TITLE : STYLE_TEXT;
		item->id = i;
		str_done(&detail);
	}
}

/* Two caches may have the same name for two models: then only its path means this one. */
static const char *means(const struct app *app, const struct model_entry *e)
{
	for (int i = 0; i < app->models_n; i++)
		if (&app->models[i] != e && !strcmp(app->models[i].name, e->name))
			return e->path;
	return e->name;
}

static void choose_model(struct app *app, const struct list_item *item)
{
	const struct model_entry *e = &app->models[item->id];

	if (e->about && !e->opens) {
		app_say(app, STYLE_ERROR, "%s: %s", e->name, e->about);
		return;
	}
	popup_close(app);
	act_model(app, means(app, e));
}

/* clang-format off */
const struct popup popup_models = {
	.title = "open a model", .fill = fill_models, .choose = choose_model, .empty = "none on this machine",
};
/* clang-format on */

bool models_unseen(const struct app *app)
{
	return app->popup == &popup_models && app->models_n && !app->models[app->models_n - 1].about;
}
