/* arrange.c - actions on panes: which has the keys, new ones, closing, sizes, how a table is shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/intern.h"
#include "tui/app/binding.h"
#include "tui/panes/lists.h"
#include "tui/panes/pane.h"

static void focus_by(struct app *app, int by)
{
	int n = app->doc.job.panes;

	if (n)
		app_focus(app, (app->focus + by + n) % n);
}

void act_focus_next(struct app *app, const char *argument)
{
	(void)argument;
	focus_by(app, 1);
}

void act_focus_previous(struct app *app, const char *argument)
{
	(void)argument;
	focus_by(app, -1);
}

void act_focus_number(struct app *app, const char *argument)
{
	int pane = argument ? atoi(argument) - 1 : -1;

	if (pane < 0 || pane >= app->doc.job.panes)
		app_say(app, STYLE_WARNING, "there are %d panes", app->doc.job.panes);
	else
		app_focus(app, pane);
}

void act_zoom(struct app *app, const char *argument)
{
	(void)argument;
	app_change_looks(app);
	app->zoomed = !app->zoomed;
}

/* What is drawn now, as one of the ways: a table's own view may be named, too. */
static int way_of(const struct table *t, const struct view_way *ways, int n, const struct view *now)
{
	const enum view_id own = view_for(t, VIEW_OWN), as = view_for(t, now->as);
	int i = 0;

	while (i < n && ((ways[i].view == VIEW_OWN ? own : ways[i].view) != as || ways[i].zoom != now->zoom))
		i++;
	return i;
}

static void set_view(struct app *app, enum view_id as, enum zoom zoom)
{
	struct job_view *view = &app_pane(app)->view;

	app_change_looks(app);
	view->name = as == VIEW_OWN ? NULL : intern(view_words[as]);
	view->zoom = zoom == ZOOM_AUTO ? NULL : intern(zoom_words[zoom]);
	if (as == VIEW_OWN)
		app_say(app, STYLE_DIM, "view: %s", zoom_words[zoom]);
	else
		app_say(app, STYLE_DIM, "view: %s%s%s", view_words[as], zoom == ZOOM_AUTO ? "" : " ",
			zoom == ZOOM_AUTO ? "" : zoom_words[zoom]);
}

/* The next of all ways to draw the table of this pane. */
static void next_view(struct app *app)
{
	struct view_way ways[VIEW_WAYS];
	struct answer_shown answer;
	struct view now;
	int n, at;

	question_answer(app, app->focus, &answer);
	if (!answer.table) {
		app_say(app, STYLE_WARNING, "this pane has no table yet");
		return;
	}
	view_of_words(&app_pane(app)->view, &now);
	n = view_ways(answer.table, ways);
	at = (way_of(answer.table, ways, n, &now) + 1) % n;
	set_view(app, ways[at].view, ways[at].zoom);
}

/* "lines", "heat half", "half": a view, a zoom or both; a zoom alone leaves the view, a view alone is as large as it
 * likes. */
static void name_view(struct app *app, const char *argument)
{
	struct view view;
	struct answer_shown answer;
	char word[40];

	question_answer(app, app->focus, &answer);
	view_of_words(&app_pane(app)->view, &view);
	for (const char *at = argument; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		snprintf(word, sizeof word, "%.*s", (int)n, at);
		at += n;
		if (zoom_find(word) != ZOOM_COUNT) {
			view.zoom = zoom_find(word);
		} else if (view_find(word) == VIEW_COUNT) {
			app_say(app, STYLE_ERROR, "there is no view %s; Tab lists them", word);
			return;
		} else if (answer.table && view_find(word) != VIEW_OWN &&
			   view_for(answer.table, view_find(word)) != view_find(word)) {
			app_say(app, STYLE_ERROR, "this table cannot be drawn as %s", word);
			return;
		} else {
			view.as = view_find(word);
			view.zoom = ZOOM_AUTO;
		}
	}
	set_view(app, view.as, view.zoom);
}

void act_view(struct app *app, const char *argument)
{
	if (!app_pane(app))
		return;
	if (argument && *argument)
		name_view(app, argument);
	else
		next_view(app);
}

void act_numbers(struct app *app, const char *argument)
{
	struct view view;

	(void)argument;
	if (!app_pane(app))
		return;
	view_of_words(&app_pane(app)->view, &view);
	if (view.zoom == ZOOM_AUTO &&
	    app->pane[app->focus].view.shown == ZOOM_NUMBER) /* they are there, as there is room for them */
		set_view(app, view.as, ZOOM_SHADE);
	else
		set_view(app, view.as, view.zoom == ZOOM_NUMBER ? ZOOM_AUTO : ZOOM_NUMBER);
}

static void set_threshold(struct app *app, double to)
{
	app_change_looks(app);
	app_pane(app)->view.threshold = to;
	if (to > 0)
		app_say(app, STYLE_DIM, "edges from %.3g up", to);
	else
		app_say(app, STYLE_DIM, "as many edges as fit");
}

static void step_threshold(struct app *app, int by)
{
	struct answer_shown answer;
	struct view view;
	double to = 0;

	if (!app_pane(app))
		return;
	question_answer(app, app->focus, &answer);
	if (answer.table) {
		pane_view(app, app->focus, &answer, &view);
		to = view_threshold(&view, &app->pane[app->focus].view, by);
	}
	if (to > 0)
		set_threshold(app, to);
	else
		app_say(app, STYLE_WARNING, "no graph in this pane: , and ; set the weight from which edges are shown");
}

void act_threshold_less(struct app *app, const char *argument)
{
	(void)argument;
	step_threshold(app, -1);
}

void act_threshold_more(struct app *app, const char *argument)
{
	char *end;
	double to;

	if (!argument || !*argument) {
		step_threshold(app, 1);
		return;
	}
	to = strtod(argument, &end);
	if (*end || !(to >= 0 && to <= 1e30))
		app_say(app, STYLE_ERROR, "threshold %s: expected a weight from 0 up", argument);
	else if (app_pane(app))
		set_threshold(app, to);
}

void act_sink(struct app *app, const char *argument)
{
	struct app_pane *pane = &app->pane[app->focus];

	(void)argument;
	pane->sink_in = !pane->sink_in;
	app_say(app, STYLE_DIM,
		pane->sink_in ? "colour range includes the first token"
			      : "colour range excludes the first token, an attention sink");
}

/* ------------------------------------------------------------------------------------------------ more, fewer, larger
 */

/* Makes room for a pane before index `at`, in the row `row`; with `own_row` the rows from there on move down. */
static void insert_pane(struct app *app, int at, int row, bool own_row, const struct analysis *analysis)
{
	struct preset *doc = &app->doc;
	int n = doc->job.panes;

	app_change_looks(app);
	memmove(doc->job.pane + at + 1, doc->job.pane + at, (size_t)(n - at) * sizeof *doc->job.pane);
	memmove(doc->row + at + 1, doc->row + at, (size_t)(n - at) * sizeof *doc->row);
	memmove(doc->size + at + 1, doc->size + at, (size_t)(n - at) * sizeof *doc->size);
	memmove(app->pane + at + 1, app->pane + at, (size_t)(n - at) * sizeof *app->pane);
	if (own_row)
		for (int i = at + 1; i <= n; i++)
			doc->row[i]++;
	preset_shift_expects(doc, at, 1);
	job_pane_init(&doc->job.pane[at], analysis);
	doc->row[at] = row;
	doc->size[at] = (struct pane_size){ 0, 0 };
	memset(&app->pane[at], 0, sizeof app->pane[at]);
	doc->job.panes++;
	app->zoomed = false;
	app->added = true;
	app->hidden =
		((app->hidden >> at) << (at + 1)) | (app->hidden & ((1u << at) - 1)); /* those after it have another number now */
	app_focus(app, at);
}

static void split(struct app *app, const char *argument, bool below)
{
	const struct analysis *analysis;
	int n = app->doc.job.panes, at = n ? app->focus + 1 : 0, row = n ? app->doc.row[app->focus] : 0;

	if (n == JOB_PANES) {
		app_say(app, STYLE_WARNING, "at most %d panes: x closes one", JOB_PANES);
		return;
	}
	if (!argument || !*argument) {
		app->menu_beside = true;
		app->menu_below = below;
		popup_open(app, &popup_menu);
		return;
	}
	analysis = analysis_find(argument);
	if (!analysis) {
		app_say(app, STYLE_ERROR, "there is no technique %s; Tab lists them", argument);
		return;
	}
	while (below && at < n && app->doc.row[at] == row)
		at++;
	insert_pane(app, at, below && n ? row + 1 : row, below, analysis);
}

void act_split(struct app *app, const char *argument)
{
	split(app, argument, false);
}

void act_split_below(struct app *app, const char *argument)
{
	split(app, argument, true);
}

void act_close(struct app *app, const char *argument)
{
	struct preset *doc = &app->doc;
	int at = app->focus, n = doc->job.panes;
	bool alone;

	(void)argument;
	if (n < 2) {
		app_say(app, STYLE_WARNING,
			n ? "can't close the last pane; t changes it, q quits" : "there is no pane: a adds one");
		return;
	}
	app_change_looks(app);
	alone = (at == 0 || doc->row[at - 1] != doc->row[at]) && (at == n - 1 || doc->row[at + 1] != doc->row[at]);
	for (int i = at + 1; alone && i < n; i++)
		doc->row[i]--;
	memmove(doc->job.pane + at, doc->job.pane + at + 1, (size_t)(n - at - 1) * sizeof *doc->job.pane);
	memmove(doc->row + at, doc->row + at + 1, (size_t)(n - at - 1) * sizeof *doc->row);
	memmove(doc->size + at, doc->size + at + 1, (size_t)(n - at - 1) * sizeof *doc->size);
	doc->size[n - 1] = (struct pane_size){ 0, 0 };
	memmove(app->pane + at, app->pane + at + 1, (size_t)(n - at - 1) * sizeof *app->pane);
	memset(&app->pane[n - 1], 0, sizeof app->pane[n - 1]);
	doc->job.panes--;
	preset_shift_expects(doc, at, -1);
	app_focus(app, at < n - 1 ? at : n - 2);
}

static void resize(struct app *app, int taller, int wider)
{
	const int *row = app->doc.row;
	int first = app->focus;
	enum { MOST = 30 }; /* by keys */
	struct pane_size *size = app->doc.size;

	/* A row's height is kept by its first pane. */
	while (first > 0 && row[first - 1] == row[app->focus])
		first--;
	if (!app->doc.job.panes || abs(size[first].taller + taller) > MOST || abs(size[app->focus].wider + wider) > MOST)
		return;
	app_change_sizes(app);
	size[first].taller += taller;
	size[app->focus].wider += wider;
}

#define RESIZE(id, taller, wider) \
	void act_##id(struct app *app, const char *argument) \
	{ \
		(void)argument; \
		resize(app, taller, wider); \
	}
RESIZE(taller, 1, 0)
RESIZE(shorter, -1, 0)
RESIZE(wider, 0, 1)
RESIZE(narrower, 0, -1)
