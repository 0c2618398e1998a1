/* expects.c - see expects.h. */
#include "tui/app/expects.h"

#include "tui/app/binding.h"

void expects_asking(struct app *app, bool other)
{
	if (other)
		app->expecting = app->expecting == EXPECT_OPENED ? EXPECT_ASKED : EXPECT_NOTHING;
	else if (app->expecting == EXPECT_OPENED)
		app->expecting = EXPECT_NOTHING;
}

static void held(void *context, int pane, bool ok, const char *expected, const char *actual)
{
	struct app *app = context;

	if (ok)
		return;
	if (pane < 0)
		app_say(app, STYLE_WARNING, "not as the preset expects: %s; it is %s", expected, actual);
	else
		app_say(app, STYLE_WARNING, "not as the preset expects: %s: %s; it is %s", app->doc.job.pane[pane].analysis->name,
			expected, actual);
}

void expects_answered(struct app *app)
{
	const struct snapshot *shot = app->shot;

	if (app->expecting != EXPECT_ANSWER || shot->state != WORK_IDLE)
		return;
	app->expecting = EXPECT_NOTHING;
	if (shot->error)
		return;
	if (shot->has_metric)
		preset_hold(&app->doc, -1, NULL, shot->metric, held, app);
	for (int i = 0; i < app->doc.job.panes; i++) {
		struct answer_shown answer;

		question_answer(app, i, &answer);
		if (answer.current && answer.table && !answer.table->unfinished)
			preset_hold(&app->doc, i, answer.table, shot->metric, held, app);
	}
}
