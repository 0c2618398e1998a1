/* tour.c - see tour.h. A kind of goal is a row of the table below: its word, and the function that looks at the state. */
#include "tui/app/tour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/app/binding.h"
#include "tui/panes/lists.h"

/* ------------------------------------------------------------------------------------------------ goals */

static bool same(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* An edit with exactly this line is on. */
static bool edit_is_on(const struct app *app, const char *line)
{
	for (int i = 0; i < app->doc.job.edits; i++)
		if (app->doc.job.edit[i].on && !strcmp(app->doc.job.edit[i].line, line))
			return true;
	return false;
}

/* "layer 3 head 0": false when it is not of that form. */
static bool next_place(const char **text, enum dim *dim, int *index)
{
	char word[32];
	int used = 0;

	if (sscanf(*text, " %31s %d%n", word, index, &used) != 2)
		return false;
	*dim = dim_find(word);
	*text += used;
	return *dim != DIM_COUNT && *dim != DIM_NONE;
}

static bool cursor_is_there(const struct app *app, const char *place)
{
	enum dim dim;
	int index;

	while (*place) {
		int n;

		if (!next_place(&place, &dim, &index))
			return false;
		n = extent_of(app, dim);
		if (!n || cursor_get(app, dim, n) != (index < 0 ? n + index : index))
			return false;
	}
	return true;
}

static bool technique_is_open(const struct app *app, const char *name)
{
	for (int i = 0; i < app->doc.job.panes; i++)
		if (!strcmp(app->doc.job.pane[i].analysis->name, name))
			return true;
	return false;
}

static bool difference_is_shown(const struct app *app, const char *word)
{
	for (int i = 0; i < app->doc.job.panes; i++)
		if (app->doc.job.pane[i].shown <= SHOWN_MINUS_FOIL && !strcmp(shown_words[app->doc.job.pane[i].shown].word, word))
			return true;
	return false;
}

static bool metric_is(const struct app *app, const char *text)
{
	return same(app->doc.job.metric, text);
}

static bool foil_is(const struct app *app, const char *text)
{
	return same(app->doc.job.foil, text);
}

/* The model has answered what is on the screen. */
static bool answered(const struct app *app)
{
	return app->shot && app->shot->serial == app->serial && !app->shot->unprepared && !app->shot->error && app->shot->next.show;
}

static bool answer_is(const struct app *app, const char *word)
{
	return answered(app) && same(app->shot->next.show, word);
}

static bool answer_is_not(const struct app *app, const char *word)
{
	return answered(app) && !same(app->shot->next.show, word);
}

static bool foil_answer_is(const struct app *app, const char *word)
{
	return answered(app) && same(app->shot->next_foil.show, word);
}

static bool was_saved(const struct app *app, const char *nothing)
{
	(void)nothing;
	return app->saved;
}

static const struct goal {
	const char *word;
	bool (*holds)(const struct app *app, const char *rest);
} goals[] = {
	{ "edit", edit_is_on },
	{ "cursor", cursor_is_there },
	{ "technique", technique_is_open },
	{ "difference", difference_is_shown },
	{ "metric", metric_is },
	{ "foil", foil_is },
	{ "answer", answer_is },
	{ "answer-not", answer_is_not },
	{ "foil-answer", foil_answer_is },
	{ "saved", was_saved },
};

static const struct goal *goal_of(const char *line, const char **rest)
{
	size_t n = strcspn(line, " ");

	*rest = line + n + (line[n] == ' ');
	for (size_t i = 0; i < sizeof goals / sizeof *goals; i++)
		if (strlen(goals[i].word) == n && !strncmp(goals[i].word, line, n))
			return &goals[i];
	return NULL;
}

static bool tour_holds(const struct app *app, const char *line)
{
	const char *rest;
	const struct goal *goal = goal_of(line, &rest);

	return goal && goal->holds(app, rest);
}

const char *tour_fault(const char *line)
{
	const char *rest;
	const struct goal *goal = goal_of(line, &rest);
	enum dim dim;
	int index;

	if (!goal)
		return "no such goal";
	if (!*rest && goal->holds != was_saved)
		return "it does not say what";
	if (goal->holds == technique_is_open && !analysis_find(rest))
		return "no such technique";
	while (goal->holds == cursor_is_there && *rest)
		if (!next_place(&rest, &dim, &index))
			return "no such place";
	return NULL;
}

/* ------------------------------------------------------------------------------------------------ steps */

void tour_free(struct tour *t)
{
	if (t->has_task)
		preset_done(&t->task);
	if (t->has_before)
		preset_done(&t->before);
	*t = (struct tour){ 0 };
}

void tour_look(struct app *app)
{
	struct tour *t = &app->tour;
	bool all = app->card == CARD_TOUR && !t->done;

	for (int i = 0; all && i < t->task.goals; i++)
		all = tour_holds(app, t->task.goal[i]);
	t->done = t->done || all;
}

void tour_step(struct app *app, const struct preset *task, int step, int of)
{
	struct tour *t = &app->tour;

	if (app->card != CARD_TOUR) {
		if (t->has_before)
			preset_done(&t->before);
		preset_copy(&t->before, &app->doc);
		t->has_before = true;
	}
	if (t->has_task)
		preset_done(&t->task);
	preset_copy(&t->task, task);
	t->has_task = true;
	t->step = step;
	t->of = of;
	t->done = app->saved = false;
	app_opened(app, task);
	app->card = CARD_TOUR;
}

void tour_leave(struct app *app)
{
	if (app->card != CARD_TOUR)
		return;
	app->card = CARD_NONE;
	if (app->tour.has_before)
		app_opened(app, &app->tour.before);
	app->card = CARD_NONE;
	app_say(app, STYLE_DIM, "what was here before the tour is back; :tour continues it");
}

static void ask_for(struct app *app, int step)
{
	char number[16];

	snprintf(number, sizeof number, "%d", step);
	app_ask_for(app, REQUEST_TOUR, number);
}

void act_tour(struct app *app, const char *argument)
{
	const char *text = argument ? argument : "";
	char *end;
	long step = strtol(text, &end, 10);

	if (*text && (end == text || *end || step < 1 || step > 99))
		app_say(app, STYLE_ERROR, "the tour needs the number of a step: :tour 4");
	else
		ask_for(app, *text ? (int)step : app->tour.step ? app->tour.step : 1);
}

void act_tour_next(struct app *app, const char *argument)
{
	struct tour *t = &app->tour;

	(void)argument;
	if (t->step < t->of) {
		ask_for(app, t->step + 1);
		return;
	}
	t->step = 0;
	tour_leave(app);
	app_say(app, STYLE_GOOD, "the tour is complete; what was here before it is back");
}
