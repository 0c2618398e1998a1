/* ask.c - actions that change the question: prompt, foil, metric, a pane's technique and arguments, differences, generating. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/intern.h"
#include "engine/base/paths.h"
#include "tui/app/binding.h"
#include "tui/app/refuse.h"
#include "tui/app/typing.h"
#include "tui/panes/lists.h"

enum { GENERATE = 30 };

/* A field of the job takes a text by one undoable step. False: it has it already. */
static bool set_field(struct app *app, char **field, const char *text)
{
	if (*field && text ? !strcmp(*field, text) : *field == text)
		return false;
	app_change(app);
	job_set(field, text);
	return true;
}

void act_prompt(struct app *app, const char *argument)
{
	if (argument)
		set_field(app, &app->doc.job.prompt, argument);
	else
		lines_begin(app, LINE_PROMPT, app->doc.job.prompt);
}

void act_foil(struct app *app, const char *argument)
{
	const struct job *job = &app->doc.job;

	if (argument)
		set_field(app, &app->doc.job.foil, *argument ? argument : NULL);
	else
		lines_begin(app, LINE_FOIL, job->foil ? job->foil : job->prompt);
}

void act_metric(struct app *app, const char *argument)
{
	if (!argument)
		lines_begin(app, LINE_METRIC, app->doc.job.metric ? app->doc.job.metric : "");
	else if (!refuse_metric(app, argument) && set_field(app, &app->doc.job.metric, *argument ? argument : NULL))
		job_way_cut(&app->doc.job, 0);
}

void act_generate(struct app *app, const char *argument)
{
	int n = app->doc.job.generate ? 0 : GENERATE;

	if (argument && *argument)
		n = atoi(argument);
	if (n < 0 || n > 1000) {
		app_say(app, STYLE_ERROR, "generate takes a number of tokens, 0 … 1000");
		return;
	}
	if (n == app->doc.job.generate)
		return;
	app_change_looks(app);
	app->doc.job.generate = n;
}

/* ------------------------------------------------------------------------------------------------ technique */

void act_technique(struct app *app, const char *argument)
{
	const struct analysis *analysis;
	struct job_pane *pane = app_pane(app);
	struct str near;

	app->menu_beside = app->menu_below = false;
	if (!argument || !*argument) {
		popup_open(app, &popup_menu);
		return;
	}
	analysis = analysis_find(argument);
	if (!analysis) {
		str_init(&near);
		analysis_suggest(argument, &near);
		app_say(app, STYLE_ERROR, "there is no technique %s%s%s", argument, near.n ? "; near it: " : "", near.s);
		str_done(&near);
	} else if (!pane) {
		act_split(app, argument);
	} else if (pane->analysis != analysis) {
		app_change_looks(app);
		job_pane_init(pane, analysis);
		app->doc.cursor[DIM_COMPONENT] = CURSOR_UNSET; /* its rows are others, and begin where it is read from */
		memset(&app->pane[app->focus].view, 0, sizeof app->pane[app->focus].view);
	}
}

/* What is known of the model and the prompt has a place for each argument. */
static bool within_extents(const struct app *app, const struct job_pane *pane, struct err *err)
{
	const struct param *params = pane->analysis->params;
	struct value unused;
	int n;

	for (int i = 0; i < param_count(params); i++)
		if (pane->given[i] && (n = extent_of(app, param_dim(&params[i]))) > 0 &&
		    !param_resolve(&params[i], pane->args[i], n, &unused, err))
			return err_in(err, "%s: %s", pane->analysis->name, params[i].name);
	return true;
}

void act_set(struct app *app, const char *argument)
{
	struct job_pane *pane = app_pane(app), changed;
	struct err err;

	if (!pane)
		return;
	if (!argument || !*argument) {
		popup_open(app, &popup_form);
		return;
	}
	changed = *pane;
	if (!job_pane_set(&changed, argument, &err) || !within_extents(app, &changed, &err)) {
		app_say(app, STYLE_ERROR, "%s; not applied", err.text);
		return;
	}
	app_change_looks(app);
	*app_pane(app) = changed;
}

/* ------------------------------------------------------------------------------------------------ differences */

static enum shown next_shown(const struct app *app, enum shown shown)
{
	if (shown == SHOWN_RUN)
		return app->doc.job.edits || !app->doc.job.foil ? SHOWN_MINUS_UNEDITED : SHOWN_MINUS_FOIL;
	return shown == SHOWN_FOIL || !app->doc.job.foil ? SHOWN_RUN : (enum shown)(shown + 1);
}

void act_diff(struct app *app, const char *argument)
{
	struct job_pane *pane = app_pane(app);
	enum shown shown = SHOWN_RUN;

	if (!pane)
		return;
	if (!argument || !*argument) {
		shown = next_shown(app, pane->shown);
	} else {
		while (shown < SHOWN_COUNT && strcmp(argument, shown_words[shown].word))
			shown++;
		if (shown == SHOWN_COUNT) {
			app_say(app, STYLE_ERROR, "diff takes none, edits, foil or on-foil");
			return;
		}
	}
	app_change_looks(app);
	app_pane(app)->shown = shown;
	app_say(app, STYLE_DIM, "this pane: %s%s", shown_words[shown].title,
		shown == SHOWN_MINUS_UNEDITED && !app_edited(app) ? "; no edit is on" : "");
}

void act_diff_all(struct app *app, const char *argument)
{
	enum shown shown;

	(void)argument;
	if (!app_pane(app))
		return;
	shown = next_shown(app, app_pane(app)->shown);
	app_change_looks(app);
	for (int i = 0; i < app->doc.job.panes; i++)
		app->doc.job.pane[i].shown = shown;
	app_say(app, STYLE_DIM, "every pane: %s", shown_words[shown].title);
}

/* ------------------------------------------------------------------------------------------------ over a file */

void act_over(struct app *app, const char *argument)
{
	struct job_pane *pane = app_pane(app);
	const char *over = NULL;

	if (!pane)
		return;
	if (!argument || !*argument) {
		if (pane->over)
			app_say(app, STYLE_DIM, "this pane is the mean over the prompts of %s; :over none leads back", pane->over);
		else
			app_say(app, STYLE_ERROR, "over takes a file of prompts, or none");
		return;
	}
	if (strcmp(argument, "none") && !(over = asset_path(argument, NULL, NULL))) {
		app_say(app, STYLE_ERROR, "%s: there is no such file; not applied", argument);
		return;
	}
	app_change_looks(app);
	app_pane(app)->over = over;
	app_say(app, STYLE_DIM, over ? "this pane: the mean over the prompts of %s" : "this pane: of the prompt", over);
}

void act_inspect(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_inspect);
}
