/* effects.c - see effects.h. */
#include "tui/app/effects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "engine/base/text.h"
#include "tui/app/binding.h"
#include "tui/app/remember.h"
#include "tui/app/typing.h"
#include "tui/app/witness.h"
#include "tui/panes/lists.h"
#include "tui/terminal/term.h"

static void say_notes(struct app *app, const struct notes *notes)
{
	for (int i = 0; i < notes->n; i++)
		app_say(app, STYLE_WARNING, "%s", notes->line[i]);
}

void outside_theme(struct app *app, struct theme **theme, struct theme_for what, const char *name)
{
	struct notes notes = { 0 };
	struct err err;
	struct theme *opened = name ? theme_open(name, what, &notes, &err) : theme_builtin(what);

	say_notes(app, &notes);
	notes_done(&notes);
	if (!opened) {
		app_say_err(app, &err);
		return;
	}
	app->theme = opened;
	theme_free(*theme);
	*theme = opened;
}

void outside_lists(struct app *app)
{
	struct preset_entry *presets = NULL;
	char **themes = NULL;
	int presets_n = preset_list(&presets), themes_n = theme_list(&themes);

	if (app->popup == &popup_presets)
		preset_look(presets, presets_n);
	app_lists(app, presets, presets_n, themes, themes_n);
}

/* Several programs may add to it: it is read and written as a whole each time. */
static void read_opened(struct input_history *opened)
{
	char *path = paths_state("models"), *bytes;
	struct err err;
	size_t n;

	if (path && file_exists(path) && (bytes = file_read(path, 1 << 20, &n, &err))) {
		history_read(opened, bytes, n);
		free(bytes);
	}
	free(path);
}

void outside_opened(const char *model)
{
	enum { MOST = 20 };
	char *path = paths_state("models"), *real = *model == '/' ? xstrdup(model) : realpath(model, NULL),
	     *demo = paths_data("models/demo");
	struct input_history opened = { 0 };
	struct str text;
	struct err err;

	str_init(&text);
	read_opened(&opened);
	/* the list names the demo so, wherever it is */
	history_add(&opened, text_same(real, demo) ? "demo" : real ? real : model);
	history_cut(&opened, MOST);
	history_print(&opened, &text);
	if (path)
		(void)file_write_soon(path, text.s, text.n, &err); /* the list is merely in another order without it */
	history_done(&opened);
	str_done(&text);
	free(path);
	free(real);
	free(demo);
}

void outside_models(struct app *app)
{
	struct model_entry *models;
	int n = models_list(&models);
	struct input_history recent = { 0 };

	read_opened(&recent);
	models_recent(&models, &n, recent.line, recent.n);
	history_done(&recent);
	app_models(app, models, n);
}

void outside_look(struct app *app)
{
	enum { MILLISECONDS = 30 };
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < app->models_n; i++) {
		if (app->models[i].about)
			continue;
		models_look(&app->models[i]);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 >= MILLISECONDS)
			return;
	}
}

void outside_save(struct app *app, const char *name)
{
	struct preset doc;
	struct str path;
	struct err err;

	str_init(&path);
	question_save(app, &doc);
	if (preset_save(&doc, name, &path, &err)) {
		app_say(app, STYLE_GOOD, "saved as %s", path.s);
		app_saved(app);
	} else {
		app_say_err(app, &err);
	}
	preset_done(&doc);
	str_done(&path);
}

void outside_open(struct app *app, const char *name)
{
	struct notes notes = { 0 };
	struct preset preset;
	struct err err;

	if (!preset_open(name, &preset, &notes, &err)) {
		app_say_err(app, &err);
		notes_done(&notes);
		return;
	}
	view_words_check(&preset, &notes);
	app_opened(app, &preset);
	if (preset.title && !preset.about) /* otherwise there is a card */
		app_say(app, STYLE_DIM, "%s", preset.title);
	say_notes(app, &notes);
	notes_done(&notes);
	preset_done(&preset);
}

void outside_tour(struct app *app, const char *number)
{
	struct preset_entry *list;
	int n = preset_list_tour(&list), step = atoi(number);
	struct notes notes = { 0 };
	struct preset preset;
	struct err err;

	if (!n) {
		app_say(app, STYLE_ERROR, "the tour's steps are not installed");
	} else if (step > n) {
		app_say(app, STYLE_ERROR, "the tour has %d steps", n);
	} else if (!preset_open(list[step - 1].path, &preset, &notes, &err)) {
		app_say_err(app, &err);
	} else {
		tour_step(app, &preset, step, n);
		say_notes(app, &notes);
		preset_done(&preset);
	}
	notes_done(&notes);
	preset_list_free(list, n);
}

void outside_copy(struct app *app, const char *text)
{
	if (!term_copy(text, strlen(text)))
		app_say(app, STYLE_ERROR,
			"this is more than terminals take into the clipboard; Y copies the command that prints it");
}

/* ------------------------------------------------------------------------------------------------ history */

static char *history_path(enum line_kind kind)
{
	char name[60];

	if (!lines_history(kind))
		return NULL;
	snprintf(name, sizeof name, "history/%s", lines_history(kind));
	return paths_state(name);
}

void outside_read_history(struct app *app)
{
	for (int kind = 0; kind < LINE_KINDS; kind++) {
		char *path = history_path((enum line_kind)kind), *bytes;
		struct err err;
		size_t n;

		if (path && (int)lines_history_owner((enum line_kind)kind) == kind && file_exists(path) &&
		    (bytes = file_read(path, 4 << 20, &n, &err))) {
			history_read(&app->history[kind], bytes, n);
			free(bytes);
		}
		free(path);
	}
}

void outside_write_history(struct app *app)
{
	for (int kind = 0; kind < LINE_KINDS; kind++) {
		char *path = app->history[kind].n ? history_path((enum line_kind)kind) : NULL;
		struct str text;
		struct err err;

		if (!path)
			continue;
		str_init(&text);
		history_print(&app->history[kind], &text);
		/* Nobody is there to be told when it fails: the next session merely starts without. */
		(void)file_write_soon(path, text.s, text.n, &err);
		str_done(&text);
		free(path);
	}
}

/* ------------------------------------------------------------------------------------------------ sessions */

void outside_keep(struct app *app, struct own_session *own)
{
	struct preset doc;
	struct err err;

	witness_doc(app);
	question_save(app, &doc);
	remember_kept(app);
	if (!session_keep(own, &doc, &err) && !notes_have(&app->messages, err.text))
		app_say(app, STYLE_WARNING, "%s", err.text); /* once: the next try may be no better */
	preset_done(&doc);
}

void outside_sessions(struct app *app)
{
	struct session_entry *list;
	int n = sessions_ended(&list);

	for (int i = 0; i < n; i++)
		session_describe(&list[i]);
	app_sessions(app, list, n);
}

void outside_offer(struct app *app)
{
	enum { DAY = 24 * 3600 };
	struct session_entry *list;
	int n = sessions_ended(&list);

	if (n)
		session_describe(&list[0]);
	if (n && !list[0].left)
		app_say(app, STYLE_WARNING, "the last session ended early (%s): :recover brings it back", list[0].what);
	else if (n && time(NULL) - list[0].changed < DAY)
		app_say(app, STYLE_DIM, ":recover brings back the last session: %s", list[0].what);
	app_sessions(app, list, n);
}

void outside_log(struct app *app, struct own_session *own)
{
	struct err err;

	if (!session_log(own, &app->log, &err) && !notes_have(&app->messages, err.text))
		app_say(app, STYLE_WARNING, "%s", err.text);
}

static const struct session_entry *find_session(const struct app *app, const char *path)
{
	for (int i = 0; path && i < app->sessions_n; i++)
		if (!strcmp(app->sessions[i].path, path))
			return &app->sessions[i];
	return !path && app->sessions_n ? &app->sessions[0] : NULL;
}

static void take_questions(struct app *app, struct own_session *own, const struct session_entry *from)
{
	struct log_entry *entry;
	int n = session_questions(from, &entry);

	log_merge(&app->log, entry, n);
	free(entry);
	if (n)
		outside_log(app, own);
}

void outside_recover(struct app *app, struct own_session *own, const char *path)
{
	const struct session_entry *session;
	struct notes notes = { 0 };
	struct preset preset;
	struct err err;

	outside_sessions(app);
	session = find_session(app, path);
	if (!session) {
		app_say(app, STYLE_WARNING, path ? "that session is gone" : "there is no earlier session");
	} else if (!preset_open(session->path, &preset, &notes, &err)) {
		app_say_err(app, &err);
	} else {
		app_opened(app, &preset);
		preset_done(&preset);
		take_questions(app, own, session);
		app_say(app, STYLE_DIM, "as it was: %s · :log lists its questions%s", session->what,
			!path && app->sessions_n > 1 ? ", :sessions earlier ones" : "");
		if (!path && session_keep(own, &app->doc, &err))
			session_forget(session); /* it is this one's now */
	}
	say_notes(app, &notes);
	notes_done(&notes);
}
