/* explain.c - x: the cell under the cursor becomes the metric; Backspace: the metric before it. See explain.h. */
#include "tui/app/explain.h"

#include <math.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/app/binding.h"
#include "tui/app/follow.h"
#include "tui/app/refuse.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"

/* ---- the cell ---- */

/* The newest answer is of an older question, but of this pane's own one, which has not changed. */
static bool is_as_it_was(const struct app *app, int pane)
{
	const struct snapshot *shot = app->shot;
	struct job_pane asked;

	if (app->good_serial != shot->serial || pane >= app->good.panes || pane >= shot->panes || shot->pane[pane].stale ||
	    shot->error)
		return false;
	question_pane(app, pane, &asked);
	return job_pane_equal(&app->good.pane[pane], &asked) && job_pane_equal(&shot->pane[pane].question, &asked) &&
	       job_same_ground(&app->good, &app->doc.job, true);
}

static bool cell_of(const struct app *app, struct answer_shown *answer, int *row, int *col, bool *waits, struct err *err)
{
	const enum shown shown = app->focus < app->doc.job.panes ? app->doc.job.pane[app->focus].shown : SHOWN_RUN;

	*waits = false;
	*answer = (struct answer_shown){ 0 };
	if (shown != SHOWN_RUN)
		return err_set(err, ERR_ARGUMENT,
			       "this pane is %s; what the prompt's own run has can be explained: d leads back "
			       "to it",
			       shown_words[shown].title);
	if (app->focus < app->doc.job.panes && app->doc.job.pane[app->focus].over)
		return err_set(err, ERR_ARGUMENT,
			       "this pane is a mean over prompts; what the prompt's own run has can be explained: :over none leads "
			       "back to it");
	if (app->focus < app->doc.job.panes)
		question_answer(app, app->focus, answer);
	if (answer->error)
		return err_set(err, ERR_ARGUMENT, "this pane has no number that could be explained");
	*waits = app->focus < app->doc.job.panes && app_busy(app);
	if (!answer->table || !app->shot->has_metric || (!answer->current && !is_as_it_was(app, app->focus)))
		return err_set(err, ERR_ARGUMENT, "there is no answer yet whose number could be explained");
	*waits = false;
	cursor_in(app, answer->table, row, col);
	return (*row >= 0 && *col >= 0) || err_set(err, ERR_ARGUMENT, "there is no cell under the cursor");
}

static bool is_metric(const struct app *app, const char *spec)
{
	return !strcmp(spec, app->shot->metric_spec) || text_same(spec, app->doc.job.metric);
}

bool explain_focused(const struct app *app, struct explained *out, bool *waits, struct err *err)
{
	struct answer_shown answer;
	int row, col;

	if (!cell_of(app, &answer, &row, &col, waits, err) ||
	    !explain_cell(answer.table, row, col, app->shot->metric_spec, out, err) ||
	    !metric_check(out->spec.s, &app->shot->config, app->shot->tokens, err))
		return false;
	if (!is_metric(app, out->spec.s))
		return true;
	return explain_further(app->shot->metric_spec, out) || err_set(err, ERR_ARGUMENT, "%s is the metric already", out->spec.s);
}

/* The metric as it is left, and where the cursor is: Backspace leads there. */
static void push_step(struct app *app)
{
	struct way_step step = { .spec = (char *)app->shot->metric_spec, .value = app->shot->metric, .pane = app->focus };

	memcpy(step.cursor, app->doc.cursor, sizeof step.cursor);
	job_way_push(&app->doc.job, &step);
}

void explain_take(struct app *app, const struct explained *e)
{
	struct job *job = &app->doc.job;

	app->explaining.cell = (double)NAN;
	if (!app->shot->has_metric || refuse_metric(app, e->spec.s))
		return;
	app_change(app);
	push_step(app);
	job_set(&job->metric, e->spec.s);
	if (e->other.n)
		app_say(app, STYLE_GOOD, "explained: %s, %s", e->spec.s, e->other.s);
	else
		app_say(app, STYLE_GOOD, "explained: %s; Backspace goes back", e->spec.s);
}

/* The number that the metric is to have: the cell's, unless it was set to another one. */
static void expect_cell(struct app *app, const struct explained *e)
{
	struct answer_shown answer = { 0 };
	int row, col;

	question_answer(app, app->focus, &answer);
	cursor_in(app, answer.table, &row, &col);
	app->explaining.cell = e->other.n ? (double)NAN : (double)answer.table->value[table_cell(answer.table, row, col)];
}

static void explain(struct app *app)
{
	struct explained e;
	struct err err = { 0 };
	bool waits;

	explained_init(&e);
	if (explain_focused(app, &e, &waits, &err)) {
		explain_take(app, &e);
		expect_cell(app, &e);
	} else if (waits) {
		app->explaining.waits = true;
		app_say(app, STYLE_DIM, "x explains this cell when its number is there");
	} else {
		app_say_err(app, &err);
	}
	explained_done(&e);
}

void act_explain(struct app *app, const char *argument)
{
	(void)argument;
	explain(app);
}

/* To the cell that one came from, where its pane is still there. */
static void return_to(struct app *app, const struct way_step *step)
{
	if (step->pane < 0 || step->pane >= app->doc.job.panes)
		return;
	app->focus = step->pane;
	memcpy(app->doc.cursor, step->cursor, sizeof app->doc.cursor);
	follow_rest(app);
}

void act_explain_back(struct app *app, const char *argument)
{
	struct job *job = &app->doc.job;

	(void)argument;
	if (!job->ways) {
		app_say(app, STYLE_WARNING, "there is no step to go back: x on a cell makes it the metric");
	} else if (!refuse_metric(app, job->way[job->ways - 1].spec)) {
		app_change(app);
		return_to(app, &job->way[job->ways - 1]);
		job_set(&job->metric, job->way[job->ways - 1].spec);
		job_way_cut(job, job->ways - 1);
	}
}

/* ---- when answers come ---- */

/* Under edits the cell is of the edited run's scale, and a part keeps the unedited one's. */
static void compare(struct app *app)
{
	const struct snapshot *shot = app->shot;
	const double cell = app->explaining.cell;
	struct str now, was;

	if (isnan(cell) || !shot->has_metric || app->asking || shot->serial != app->serial || shot->unprepared ||
	    !app->doc.job.metric || app->doc.job.ways == 0 ||
	    !strcmp(shot->metric_spec, app->doc.job.way[app->doc.job.ways - 1].spec))
		return;
	app->explaining.cell = (double)NAN;
	if (shot->error || !app_edited(app) || fabs(shot->metric - cell) <= 1e-3 * fmax(1, fabs(cell)))
		return;
	str_init(&now);
	str_init(&was);
	text_number(shot->metric, &now);
	text_number(cell, &was);
	app_say(app, STYLE_WARNING, "this metric is %s, its cell was %s: a part is weighed as in the run without edits", now.s,
		was.s);
	str_done(&now);
	str_done(&was);
}

void explain_look(struct app *app)
{
	struct answer_shown answer = { 0 };

	compare(app);
	if (!app->explaining.waits || app->asking || app->shot->serial != app->serial)
		return;
	question_answer(app, app->focus, &answer);
	if (answer.current || answer.error || !app_busy(app)) {
		app->explaining.waits = false;
		str_clear(&app->message);
		explain(app);
	}
}
