/* app.c - see app.h: life, undo, messages, requests, and the way of a key to its action. Drawing is in draw.c. */
#include "tui/app/app.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/app/binding.h"
#include "tui/app/expects.h"
#include "tui/app/explain.h"
#include "tui/app/follow.h"
#include "tui/app/log.h"
#include "tui/app/mouse.h"
#include "tui/app/places.h"
#include "tui/app/refuse.h"
#include "tui/app/remember.h"
#include "tui/app/typing.h"
#include "tui/panes/lists.h"

/* Milliseconds: an answer that comes sooner replaces the old one without a flicker; how often progress is looked at. */
enum { STALE_AFTER = 200, PROGRESS_EVERY = 250 };

void app_focus_within(struct app *app)
{
	if (app->focus >= app->doc.job.panes)
		app->focus = app->doc.job.panes ? app->doc.job.panes - 1 : 0;
}

static void settle(struct app *app);

void app_init(struct app *app, const struct preset *doc, const struct theme *theme)
{
	memset(app, 0, sizeof *app);
	preset_copy(&app->doc, doc);
	question_opened(&app->doc);
	app->theme = theme;
	app->complete_at = -1;
	app->explaining.cell = (double)NAN;
	app->card = CARD_ABOUT;
	app->theme_shown = doc->theme ? xstrdup(doc->theme) : NULL;
	str_init(&app->message);
	str_init(&app->filter);
	input_init(&app->input);
	app->expecting = EXPECT_OPENED;
	app_focus(app, 0);
	settle(app);
	job_copy(&app->good, &app->doc.job); /* until there is an answer: what it was opened with */
}

static void lists_done(struct app *app)
{
	preset_list_free(app->presets, app->presets_n);
	for (int i = 0; i < app->themes_n; i++)
		free(app->themes[i]);
	free(app->themes);
}

void app_done(struct app *app)
{
	models_free(app->models, app->models_n);
	sessions_free(app->sessions, app->sessions_n);
	if (app->keep.any)
		preset_done(&app->keep.seen);
	kept_place_done(&app->back);
	log_done(&app->log);
	follow_done(app);
	preset_done(&app->doc);
	undo_done(&app->undo);
	undo_done(&app->looks_undo);
	if (app->has_asked)
		job_done(&app->asked);
	job_done(&app->good);
	input_done(&app->input);
	for (int i = 0; i < LINE_KINDS; i++)
		history_done(&app->history[i]);
	free(app->complete_typed);
	free(app->line_before);
	free(app->search);
	str_done(&app->message);
	str_done(&app->filter);
	notes_done(&app->messages);
	lists_done(app);
	tour_free(&app->tour);
	free(app->theme_shown);
	free(app->opened);
	for (int i = 0; i < app->requests; i++)
		free(app->request[i].text);
	free(app->request);
}

void app_opened(struct app *app, const struct preset *doc)
{
	char *model = app->doc.job.model ? xstrdup(app->doc.job.model) : NULL;

	app_change_all(app);
	preset_done(&app->doc);
	preset_copy(&app->doc, doc);
	question_opened(&app->doc);
	if (!app->doc.job.model)
		app->doc.job.model = model;
	else
		free(model);
	app->zoomed = false;
	app->card = CARD_ABOUT;
	app->expecting = EXPECT_OPENED;
	app_focus(app, 0);
	settle(app);
}

/* ------------------------------------------------------------------------------------------------ messages, requests */

static const char *last_said(const struct app *app)
{
	return app->messages.n ? app->messages.line[app->messages.n - 1] : "";
}

void app_say(struct app *app, enum style style, const char *format, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	str_clear(&app->message);
	str_add(&app->message, text);
	app->message_style = style;
	if (*text && strcmp(last_said(app), text))
		notes_add(&app->messages, "%s", text);
	if (style == STYLE_ERROR && app->taken && !app->line && !app->popup)
		lines_open_again(app);
}

void app_say_err(struct app *app, const struct err *err)
{
	if (err->kind != ERR_CANCELLED)
		app_say(app, STYLE_ERROR, "%s", err->text);
}

void app_ask_for(struct app *app, enum request_kind kind, const char *text)
{
	app->request = xrealloc(app->request, (size_t)(app->requests + 1) * sizeof *app->request);
	app->request[app->requests++] = (struct request){ kind, text ? xstrdup(text) : NULL };
}

bool app_take(struct app *app, struct request *request)
{
	if (!app->requests)
		return false;
	*request = app->request[0];
	memmove(app->request, app->request + 1, (size_t)--app->requests * sizeof *app->request);
	return true;
}

/* Whatever changed the document: the worker and the theme follow it. */
static void settle(struct app *app)
{
	struct job job;
	bool same;

	app_focus_within(app);
	question_job(app, &job);
	same = app->has_asked && job.again == app->asked.again && job_equal(&job, &app->asked);
	expects_asking(app, !same);
	if (!same || (job.focus != app->asked.focus && app_busy(app))) { /* the same again: what is looked at comes first */
		if (app->has_asked)
			job_done(&app->asked);
		app->asked = job;
		app->has_asked = app->asking = true;
		app->asked_at = same ? app->asked_at : app->now;
		app_ask_for(app, REQUEST_ASK, NULL);
	} else {
		job_done(&job);
	}
	if (!text_same(app->doc.theme, app->theme_shown)) {
		job_set(&app->theme_shown, app->doc.theme);
		app_ask_for(app, REQUEST_THEME, app->doc.theme);
	}
	remember_change(app);
	tour_look(app);
}

void app_saved(struct app *app)
{
	app->saved = true;
	tour_look(app);
}

void app_asked(struct app *app, unsigned serial)
{
	app->serial = serial;
	app->asking = false;
	if (app->expecting == EXPECT_ASKED)
		app->expecting = EXPECT_ANSWER;
}

void app_lists(struct app *app, struct preset_entry *presets, int presets_n, char **themes, int themes_n)
{
	lists_done(app);
	app->presets = presets;
	app->presets_n = presets_n;
	app->themes = themes;
	app->themes_n = themes_n;
}

void app_sessions(struct app *app, struct session_entry *sessions, int n)
{
	sessions_free(app->sessions, app->sessions_n);
	app->sessions = sessions;
	app->sessions_n = n;
}

void app_models(struct app *app, struct model_entry *models, int models_n)
{
	models_free(app->models, app->models_n);
	app->models = models;
	app->models_n = models_n;
}

void app_snapshot(struct app *app, const struct snapshot *shot)
{
	app->shot = shot;
	follow_look(app);
	if (shot->serial != app->serial)
		return;
	if (shot->state == WORK_IDLE && !shot->error)
		app->last_ms = shot->milliseconds;
	if (shot->has_model && !shot->error && *shot->model.source && !text_same(app->opened, shot->model.source)) {
		job_set(&app->opened, shot->model.source);
		app_ask_for(app, REQUEST_OPENED, app->opened);
	}
	refuse_answered(app);
	expects_answered(app);
	explain_look(app);
	/* Notes of the newest job, each shown once. */
	for (int i = 0; i < shot->notes; i++) {
		bool heard = false;

		for (int k = 0; k < app->messages.n && !heard; k++)
			heard = !strcmp(app->messages.line[k], shot->note[i]);
		if (!heard)
			app_say(app, STYLE_WARNING, "%s", shot->note[i]);
	}
	settle(app);
	log_look(app);
}

bool app_stale(const struct app *app)
{
	return app->shot && app->shot->serial != app->serial && app_is_slow(app);
}

bool app_unprepared(const struct app *app)
{
	return app_stale(app) || (app->shot && app->shot->unprepared && app_is_slow(app));
}

bool app_is_slow(const struct app *app)
{
	return app->now - app->asked_at >= STALE_AFTER;
}

bool app_busy(const struct app *app)
{
	return app->shot && (app->shot->state != WORK_IDLE || app->shot->serial != app->serial);
}

int app_tick(struct app *app, long now)
{
	long left = app->asked_at + STALE_AFTER - now;
	int keep, wait;

	app->now = now;
	keep = remember_tick(app);
	if (!app_busy(app))
		return keep;
	wait = left > 0 && left < PROGRESS_EVERY ? (int)left : PROGRESS_EVERY;
	return keep >= 0 && keep < wait ? keep : wait;
}

bool app_edited(const struct app *app)
{
	return job_edited(&app->doc.job);
}

/* ------------------------------------------------------------------------------------------------ keys */

unsigned app_where(const struct app *app)
{
	if (app->line)
		return W_LINE | (lines_command(app->line) ? W_COMMAND : 0);
	if (app->popup)
		return W_LIST | popup_where(app->popup);
	return W_MAIN | (app->card == CARD_TOUR && app->tour.done ? W_TOUR : 0);
}

void app_run(struct app *app, const struct action *action, const char *argument)
{
	action->act(app, argument);
}

void app_focus(struct app *app, int pane)
{
	if (pane < 0 || pane >= app->doc.job.panes)
		return;
	app->focus = pane;
	app->pane[pane].last_focus = ++app->looks;
}

struct job_pane *app_pane(struct app *app)
{
	return app->focus < app->doc.job.panes ? &app->doc.job.pane[app->focus] : NULL;
}

static bool is_text(const struct key *key)
{
	return key->kind == K_CHAR && !(key->mods & (MOD_CTRL | MOD_ALT)) && key->c >= ' ';
}

/* A key that does nothing here says so: silence looks as if it had not arrived. */
static void say_unknown(struct app *app, const struct key *key)
{
	struct str name;

	str_init(&name);
	key_print(key, &name);
	app_say(app, STYLE_DIM, "%s does nothing here; ? lists the keys", name.s);
	str_done(&name);
}

/* In a list letters, digits and what has no meaning there filter it; a space does once something is typed. */
static bool is_for_filter(const struct app *app, const struct key *key, unsigned where)
{
	if (!is_text(key))
		return false;
	if (key->c > '~' || isalnum(key->c))
		return true;
	return !action_for_key(key, where) || (key->c == ' ' && app->filter.n);
}

void app_event(struct app *app, const struct key *key)
{
	const struct action *action;
	unsigned where = app_where(app);
	bool asked = app->asked_to_leave;

	if (key->kind == K_NONE || key->kind == K_RESIZE || key->kind == K_LOST)
		return;
	if (key->kind != K_RELEASE && key->kind != K_DRAG) {
		str_clear(&app->message);
		app->taken = LINE_NONE;
		app->explaining.waits = false;
	}
	for (int i = 0; i < JOB_PANES && (key->kind < K_CLICK || key->kind > K_WHEEL_DOWN); i++)
		app->pane[i].view.adrift = false;
	if (app->awaits && key->kind != K_RELEASE && key->kind != K_DRAG)
		places_key(app, key);
	else if ((where & W_LIST) && (key->kind == K_PASTE || is_for_filter(app, key, where)))
		popup_type(app, key);
	else if (key->kind == K_PASTE || ((where & W_LINE) && is_text(key)))
		lines_type(app, key);
	else if (key->kind >= K_CLICK && key->kind <= K_WHEEL_DOWN)
		mouse_event(app, key);
	else if ((action = action_for_key(key, where)))
		app_run(app, action, action->id && action == &actions[ACTION_focus_number] ? (char[]){ (char)key->c, 0 } : NULL);
	else
		say_unknown(app, key);
	app->asked_to_leave &= !asked; /* at once, or not at all */
	settle(app);
	log_look(app);
}
