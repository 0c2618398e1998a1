/* log.c - `:log`: the session's questions, newest first, each with its number. */
#include <string.h>
#include <time.h>

#include "tui/app/binding.h"
#include "tui/app/copy.h"
#include "tui/app/log.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"

static bool is_on(const struct job *job, const char *edit)
{
	for (int i = 0; i < job->edits; i++)
		if (job->edit[i].on && !strcmp(job->edit[i].line, edit))
			return true;
	return false;
}

/* "09:14:52"; with its day where that is another than the newest entry's. */
static void add_time(long long at, long long newest, struct str *out)
{
	time_t when = (time_t)at, last = (time_t)newest;
	struct tm tm, today;
	char text[40];

	localtime_r(&when, &tm);
	localtime_r(&last, &today);
	strftime(text, sizeof text, tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year ? "%H:%M:%S" : "%e %b %H:%M", &tm);
	str_addf(out, "%-8s  ", text + (*text == ' '));
}

static void add_detail(const struct app *app, const struct log_entry *e, struct str *out)
{
	const bool off = e->edit && !is_on(&app->doc.job, e->edit);

	str_add(out, e->number);
	if (e->seconds >= 0.1)
		str_addf(out, "%s%.1f s", out->n ? " · " : "", e->seconds);
	if (off)
		str_addf(out, "%s%soff now", out->n ? " · " : "", theme_ascii(app->theme) ? "" : "↶ ");
}

static void fill_log(const struct app *app, struct list *list)
{
	const struct question_log *all = &app->log;

	for (int i = all->n - 1; i >= 0; i--) {
		const struct log_entry *e = &all->entry[i];
		struct list_item *item;
		struct str text, detail;

		str_init(&text);
		str_init(&detail);
		if (e->at)
			add_time(e->at, all->entry[all->n - 1].at, &text);
		str_add(&text, e->what);
		add_detail(app, e, &detail);
		item = list_add(list, text.s, detail.s);
		item->id = i;
		if (e->edit && !is_on(&app->doc.job, e->edit))
			item->style = STYLE_DIM;
		str_done(&text);
		str_done(&detail);
	}
}

/* The document as it was; bookmarks, notes and theme stay, which came from elsewhere. */
static void go_back(struct app *app, const struct list_item *item)
{
	const struct log_entry *e = &app->log.entry[item->id];
	struct preset doc, now;

	preset_copy(&doc, &e->doc);
	popup_close(app);
	app_change_all(app);
	now = app->doc;
	app->doc = doc;
	app->doc.place = now.place;
	app->doc.places = now.places;
	now.place = NULL;
	now.places = 0;
	job_set(&app->doc.theme, now.theme);
	preset_done(&now);
	app_focus_within(app);
	app_focus(app, e->pane);
	app_say(app, STYLE_DIM, "as it was: %s · u undoes", e->what);
}

/* clang-format off */
static const struct popup popup_log = {
	.title = "log of questions, newest first", .where = W_LOG, .fill = fill_log, .choose = go_back, .keep_order = true,
	.empty = "no question is answered yet",
};
/* clang-format on */

void act_log(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_log);
}

static const struct log_entry *marked(const struct app *app)
{
	struct list list;
	struct list_item item;
	const struct log_entry *e = popup_marked(app, &list, &item) ? &app->log.entry[item.id] : NULL;

	list_done(&list);
	return e;
}

void act_log_copy(struct app *app, const char *argument)
{
	const struct log_entry *e = marked(app);
	struct job_pane pane;

	(void)argument;
	if (!e || e->pane >= e->doc.job.panes)
		return;
	question_pane_of(&e->doc, e->pane, &pane);
	copy_command(app, &e->doc.job, &pane);
}

void act_log_compare(struct app *app, const char *argument)
{
	const struct log_entry *e = marked(app);
	const struct snapshot *shot = app->shot;
	bool current = shot && shot->serial == app->serial && !shot->unprepared && shot->has_metric && !shot->error && !app->asking;
	struct str text;

	(void)argument;
	if (!e)
		return;
	if (!e->metric || !current) {
		app_say(app, STYLE_WARNING, e->metric ? "the metric of what is shown now is not computed yet" : "it had no metric");
		return;
	}
	str_init(&text);
	str_addf(&text, "%s: ", e->metric);
	text_number(e->value, &text);
	str_add(&text, " then, ");
	if (strcmp(e->metric, shot->metric_spec))
		str_addf(&text, "%s: ", shot->metric_spec);
	text_number(shot->metric, &text);
	str_add(&text, " now");
	if (!strcmp(e->metric, shot->metric_spec)) {
		str_add(&text, " (");
		text_change(shot->metric - e->value, &text);
		str_add_char(&text, ')');
	}
	app_say(app, STYLE_DIM, "%s", text.s);
	str_done(&text);
}
