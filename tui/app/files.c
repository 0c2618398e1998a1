/* files.c - actions that reach outside: presets, themes, models, the clipboard, leaving. Each is a request to the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/typing.h"
#include "tui/panes/lists.h"
#include "tui/panes/pane.h"

/* A file's name from a title: "Induction on the demo" → "induction-on-the-demo". */
static void slug(const char *text, struct str *out)
{
	for (; *text; text++) {
		char c = *text;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			str_add_char(out, c);
		else if (out->n && out->s[out->n - 1] != '-')
			str_add_char(out, '-');
	}
}

void act_write(struct app *app, const char *argument)
{
	struct str name;

	if (argument && *argument) {
		app_ask_for(app, REQUEST_SAVE, argument);
		return;
	}
	str_init(&name);
	if (app->doc.title)
		slug(app->doc.title, &name);
	lines_begin(app, LINE_SAVE, name.n ? name.s : "view");
	str_done(&name);
}

static void fill_presets(const struct app *app, struct list *list)
{
	for (int i = 0; i < app->presets_n; i++) {
		const struct preset_entry *entry = &app->presets[i];
		struct list_item *item;
		char detail[300];

		if (entry->absent)
			snprintf(detail, sizeof detail, "needs %s, which is not here · %s", entry->model, entry->title);
		else
			snprintf(detail, sizeof detail, "%s%s", entry->title ? entry->title : "", entry->shipped ? "" : " · yours");
		item = list_add(list, entry->name, detail);
		item->style = entry->absent ? STYLE_OFF : item->style;
		item->id = i;
	}
}

static void choose_preset(struct app *app, const struct list_item *item)
{
	popup_close(app);
	app_ask_for(app, REQUEST_OPEN, item->text);
}

/* clang-format off */
const struct popup popup_presets = {
	.title = "open a preset", .fill = fill_presets, .choose = choose_preset, .empty = "none yet: w saves what you see",
};
/* clang-format on */

void act_open(struct app *app, const char *argument)
{
	if (argument && *argument) {
		app_ask_for(app, REQUEST_OPEN, argument);
		return;
	}
	app_ask_for(app, REQUEST_LISTS, NULL);
	popup_open(app, &popup_presets);
}

void act_recover(struct app *app, const char *argument)
{
	(void)argument;
	app_ask_for(app, REQUEST_RECOVER, NULL);
}

static struct list_item *add_session(struct list *list, const struct session_entry *s)
{
	char detail[60] = "";

	if (s->questions)
		snprintf(detail, sizeof detail, "%d question%s%s", s->questions, s->questions == 1 ? "" : "s",
			 s->left ? "" : " · ");
	if (!s->left)
		strcat(detail, "ended early");
	return list_add(list, s->what ? s->what : "", detail);
}

static void fill_sessions(const struct app *app, struct list *list)
{
	for (int i = 0; i < app->sessions_n; i++)
		add_session(list, &app->sessions[i])->id = i;
}

static void choose_session(struct app *app, const struct list_item *item)
{
	popup_close(app);
	app_ask_for(app, REQUEST_RECOVER, app->sessions[item->id].path);
}

/* clang-format off */
static const struct popup popup_sessions = {
	.title = "earlier sessions, newest first", .fill = fill_sessions, .choose = choose_session, .empty = "none has ended yet",
};
/* clang-format on */

void act_sessions(struct app *app, const char *argument)
{
	(void)argument;
	app_ask_for(app, REQUEST_LISTS, "sessions");
	popup_open(app, &popup_sessions);
}

static void fill_themes(const struct app *app, struct list *list)
{
	for (int i = 0; i < app->themes_n; i++)
		list_add(list, app->themes[i], !strcmp(app->themes[i], theme_name(app->theme)) ? "this one" : "");
}

static void choose_theme(struct app *app, const struct list_item *item)
{
	act_theme(app, item->text);
}

/* clang-format off */
static const struct popup popup_themes = {
	.title = "theme", .fill = fill_themes, .choose = choose_theme, .empty = "no themes are installed",
};
/* clang-format on */

void act_theme(struct app *app, const char *argument)
{
	if (!argument || !*argument) {
		app_ask_for(app, REQUEST_LISTS, NULL);
		popup_open(app, &popup_themes);
	} else if (!app->doc.theme || strcmp(app->doc.theme, argument)) {
		app_change_looks(app);
		job_set(&app->doc.theme, argument);
	}
}

void act_model(struct app *app, const char *argument)
{
	const char *now = app->doc.job.model ? app->doc.job.model : "demo";

	if (!argument || !*argument) {
		app_ask_for(app, REQUEST_LISTS, "models");
		popup_open(app, &popup_models);
	} else if (strcmp(now, argument)) {
		app_change(app);
		job_set(&app->doc.job.model, argument);
	}
}

void act_bos(struct app *app, const char *argument)
{
	int bos = BOS_DEFAULT;

	while (bos < BOS_COUNT && strcmp(tokenizer_bos_words[bos], argument && *argument ? argument : "default"))
		bos++;
	if (bos == BOS_COUNT) {
		app_say(app, STYLE_ERROR, "bos takes default, always or never");
	} else if ((int)app->doc.job.bos != bos) {
		app_change(app);
		app->doc.job.bos = (enum tokenizer_bos)bos;
	}
}

/* ------------------------------------------------------------------------------------------------ the clipboard */

/* With a name the request; without one the line to type it in. */
static void ask_for_file(struct app *app, enum request_kind kind, const char *command, const char *argument)
{
	if (argument && argument[strspn(argument, "! ")])
		app_ask_for(app, kind, argument);
	else
		lines_begin(app, LINE_COMMAND, command);
}

void act_circuit(struct app *app, const char *argument)
{
	ask_for_file(app, REQUEST_CIRCUIT, "circuit ", argument);
}

void act_follow(struct app *app, const char *argument)
{
	ask_for_file(app, REQUEST_FOLLOW, "follow ", argument);
}

/* A name to begin with is that of the technique. */
void act_export(struct app *app, const char *argument)
{
	struct str line;

	if (argument && argument[strspn(argument, "! ")]) {
		app_ask_for(app, REQUEST_EXPORT, argument);
	} else if (app_pane(app)) {
		str_init(&line);
		str_addf(&line, "export %s.svg", app_pane(app)->analysis->name);
		lines_begin(app, LINE_COMMAND, line.s);
		str_done(&line);
	}
}

/* ------------------------------------------------------------------------------------------------ the program */

void act_cancel(struct app *app, const char *argument)
{
	bool searched = app->search != NULL;

	(void)argument;
	act_search(app, "");
	if (app_busy(app)) {
		/* while a run is made or a model read, there is nothing else that could be done */
		bool one = app->shot->state == WORK_GENERATING || (app->shot->state == WORK_ANSWERING && *app->shot->what);

		app_ask_for(app, one ? REQUEST_SKIP : REQUEST_CANCEL, NULL);
		app_say(app, STYLE_DIM, one && *app->shot->what ? "stopped: %s" : "stopped", app->shot->what);
	} else if (!searched && app->card == CARD_TOUR) {
		tour_leave(app);
	} else if (!searched) {
		app->card = CARD_NONE;
	}
}

void act_again(struct app *app, const char *argument)
{
	bool stopped = false;

	(void)argument;
	for (int i = 0; i < app->shot->panes; i++)
		stopped |= app->shot->pane[i].stopped;
	if (stopped)
		app->again++;
	else
		app_say(app, STYLE_DIM, "nothing was stopped");
}

/* A C-c that was meant for a sweep which has just ended must not end the program. */
void act_interrupt(struct app *app, const char *argument)
{
	if (app_busy(app)) {
		act_cancel(app, argument);
	} else if (app->asked_to_leave) {
		act_quit(app, argument);
	} else {
		app->asked_to_leave = true;
		app_say(app, STYLE_WARNING, "nothing is being computed; C-c again to quit");
	}
}

void act_redraw(struct app *app, const char *argument)
{
	(void)argument;
	app_ask_for(app, REQUEST_REDRAW, NULL);
}

void act_suspend(struct app *app, const char *argument)
{
	(void)argument;
	app_ask_for(app, REQUEST_SUSPEND, NULL);
}

void act_quit(struct app *app, const char *argument)
{
	(void)argument;
	app_ask_for(app, REQUEST_QUIT, NULL);
}
