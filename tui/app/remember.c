/* remember.c - see remember.h. */
#include "tui/app/remember.h"

#include <string.h>

#include "engine/base/text.h"
#include "tui/app/binding.h"

/* Milliseconds: of rest after the last change; and at the most, while one types on. */
enum { REST = 300, MOST = 1500 };

static bool same_places(const struct preset *a, const struct preset *b)
{
	bool same = a->places == b->places;

	for (int i = 0; same && i < a->places; i++)
		same = kept_place_equal(&a->place[i], &b->place[i]);
	return same;
}

static bool same_views(const struct job *a, const struct job *b)
{
	for (int i = 0; i < a->panes; i++)
		if (!job_view_equal(&a->pane[i].view, &b->pane[i].view))
			return false;
	return true;
}

static bool same_document(const struct preset *a, const struct preset *b)
{
	return job_equal(&a->job, &b->job) && !memcmp(a->row, b->row, sizeof a->row) && !memcmp(a->size, b->size, sizeof a->size) &&
	       !memcmp(a->cursor, b->cursor, sizeof a->cursor) && same_views(&a->job, &b->job) && text_same(a->theme, b->theme) &&
	       text_same(a->title, b->title) && same_places(a, b);
}

void remember_change(struct app *app)
{
	struct preset now;

	question_save(app, &now); /* what follows the cursor is saved as it is, and known only when the model is */
	if (app->keep.any && same_document(&app->keep.seen, &now)) {
		preset_done(&now);
		return;
	}
	if (app->keep.any)
		preset_done(&app->keep.seen);
	app->keep.seen = now;
	app->keep.any = true;
	app->keep.changed_at = app->now;
	if (!app->keep.dirty)
		app->keep.dirty_at = app->now;
	app->keep.dirty = true;
}

bool remember_waits(struct app *app)
{
	remember_change(app);
	return app->keep.dirty;
}

void remember_kept(struct app *app)
{
	remember_change(app); /* so that it is this document that counts as kept */
	app->keep.dirty = false;
}

int remember_tick(struct app *app)
{
	long due;

	if (!app->keep.dirty)
		return -1;
	if (!app->keep.dirty_at) /* from before there was a clock */
		app->keep.dirty_at = app->keep.changed_at = app->now;
	due = app->keep.changed_at + REST;
	if (due > app->keep.dirty_at + MOST)
		due = app->keep.dirty_at + MOST;
	if (app->now < due)
		return (int)(due - app->now);
	app->keep.dirty = false;
	app_ask_for(app, REQUEST_KEEP, NULL);
	return -1;
}
