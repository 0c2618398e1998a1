/* explain.c - x: the cell under the cursor becomes the metric; Backspace: the metric before it. */
#include "engine/analysis/explain.h"

#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/refuse.h"
#include "tui/panes/lists.h"

/* The spec of the focused cell; false with a sentence. */
static bool focused_spec(const struct app *app, struct str *spec, struct err *err)
{
	struct answer_shown answer = { 0 };
	int row, col;

	if (app->focus < app->doc.job.panes)
		question_answer(app, app->focus, &answer);
	if (!answer.table || !answer.current || !app->shot->has_metric)
		return err_set(err, ERR_ARGUMENT, "there is no answer yet whose number could be explained");
	if (app->doc.job.pane[app->focus].shown != SHOWN_RUN)
		return err_set(err, ERR_ARGUMENT,
			       "this pane is %s; what the prompt's own run has can be explained: d leads back "
			       "to it",
			       shown_words[app->doc.job.pane[app->focus].shown].title);
	cursor_in(app, answer.table, &row, &col);
	if (row < 0 || col < 0)
		return err_set(err, ERR_ARGUMENT, "there is no cell under the cursor");
	return explain_cell(answer.table, row, col, app->shot->metric_spec, spec, err);
}

void act_explain(struct app *app, const char *argument)
{
	struct job *job = &app->doc.job;
	struct err err = { 0 };
	struct str spec;

	(void)argument;
	str_init(&spec);
	if (!focused_spec(app, &spec, &err)) {
		app_say_err(app, &err);
	} else if (!strcmp(spec.s, app->shot->metric_spec) || (job->metric && !strcmp(spec.s, job->metric))) {
		app_say(app, STYLE_WARNING, "%s is the metric already", spec.s);
	} else if (!refuse_metric(app, spec.s)) {
		app_change(app);
		job_way_push(job, app->shot->metric_spec, app->shot->metric);
		job_set(&job->metric, spec.s);
		app_say(app, STYLE_GOOD, "explained: %s; Backspace goes back", spec.s);
	}
	str_done(&spec);
}

void act_explain_back(struct app *app, const char *argument)
{
	struct job *job = &app->doc.job;

	(void)argument;
	if (!job->ways) {
		app_say(app, STYLE_WARNING, "there is no step to go back: x on a cell makes it the metric");
	} else if (!refuse_metric(app, job->way[job->ways - 1].spec)) {
		app_change(app);
		job_set(&job->metric, job->way[job->ways - 1].spec);
		job_way_cut(job, job->ways - 1);
	}
}
