/* undo.c - steps back and forth (see app.h): of the question, and apart from it of how it is looked at. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"

#include "tui/app.h"
#include "tui/changes.h"

static void push(struct undo_step **stack, int *n, const struct app *app, bool whole)
{
	if (*n == UNDO_MOST) {
		preset_done(&(*stack)[0].doc);
		memmove(*stack, *stack + 1, (size_t)--*n * sizeof **stack);
	}
	*stack = xrealloc(*stack, (size_t)(*n + 1) * sizeof **stack);
	preset_copy(&(*stack)[*n].doc, &app->doc);
	(*stack)[*n].zoomed = app->zoomed;
	(*stack)[(*n)++].whole = whole;
}

static void drop_futures(struct undo *u)
{
	while (u->futures)
		preset_done(&u->future[--u->futures].doc);
}

static void change(struct app *app, struct undo *u, bool whole)
{
	if (app->card == CARD_START)
		app->card = CARD_NONE;
	push(&u->past, &u->pasts, app, whole);
	drop_futures(u);
}

void app_change(struct app *app)
{
	change(app, &app->undo, false);
}

void app_change_looks(struct app *app)
{
	change(app, &app->looks_undo, false);
}

void app_change_all(struct app *app)
{
	change(app, &app->undo, true);
}

void undo_done(struct undo *u)
{
	drop_futures(u);
	while (u->pasts)
		preset_done(&u->past[--u->pasts].doc);
	free(u->past);
	free(u->future);
}

/* ------------------------------------------------------------------------------------------------ what is whose */

/* The question of one document, on the panes of another. */
static void take_question(struct job *to, const struct job *from)
{
	struct job whole;

	job_copy(&whole, from);
	memcpy(whole.pane, to->pane, sizeof whole.pane);
	whole.panes = to->panes;
	whole.generate = to->generate;
	job_done(to);
	*to = whole;
}

static void take_looks(struct preset *to, const struct preset *from)
{
	memcpy(to->job.pane, from->job.pane, sizeof to->job.pane);
	memcpy(to->row, from->row, sizeof to->row);
	memcpy(to->cursor, from->cursor, sizeof to->cursor);
	to->job.panes = from->job.panes;
	to->job.generate = from->job.generate;
	job_set(&to->theme, from->theme);
}

static bool same_question(const struct job *a, const struct job *b)
{
	struct job other;
	bool same;

	job_copy(&other, b);
	memcpy(other.pane, a->pane, sizeof other.pane);
	other.panes = a->panes;
	other.generate = a->generate;
	same = job_equal(a, &other);
	job_done(&other);
	return same;
}

void app_unchange(struct app *app)
{
	struct undo *u = &app->undo;

	if (u->pasts && same_question(&u->past[u->pasts - 1].doc.job, &app->doc.job))
		preset_done(&u->past[--u->pasts].doc);
}

/* ------------------------------------------------------------------------------------------------ in words */

static void describe_question(const struct job *was, const struct job *now, struct str *out)
{
	switch (change_between(was, now)) {
	case CHANGE_MODEL:
		str_addf(out, "model %s", was->model ? was->model : "demo");
		break;
	case CHANGE_PROMPT:
		str_add(out, "the prompt");
		break;
	case CHANGE_FOIL:
		str_add(out, was->foil ? "the foil" : "no foil");
		break;
	case CHANGE_METRIC:
		str_addf(out, "metric %s", was->metric ? was->metric : "of the answer");
		break;
	case CHANGE_EDIT:
		str_addf(out, "edit %s", change_edit(was, now)->line);
		break;
	case CHANGE_BOS:
		str_add(out, "the first-token mark");
		break;
	case CHANGE_NONE:
		str_add(out, "nothing of the question");
		break;
	}
}

static void describe_looks(const struct preset *was, const struct undo_step *step, const struct app *now, struct str *out)
{
	const struct preset *doc = &now->doc;

	if (was->job.panes != doc->job.panes)
		str_add(out, was->job.panes > doc->job.panes ? "a closed pane" : "a new pane");
	else if (!text_same(was->theme, doc->theme))
		str_addf(out, "theme %s", was->theme ? was->theme : "as usual");
	else if (step->zoomed != now->zoomed)
		str_add(out, "zoom");
	else if (was->job.generate != doc->job.generate)
		str_add(out, "the continuation");
	else
		for (int i = 0; i < doc->job.panes && !out->n; i++) {
			const struct job_pane *a = &was->job.pane[i], *b = &doc->job.pane[i];

			if (a->analysis != b->analysis)
				str_addf(out, "technique %s", a->analysis->name);
			else if (a->shown != b->shown)
				str_add(out, "the difference");
			else if (!job_pane_equal(a, b))
				str_addf(out, "arguments of %s", a->analysis->name);
		}
	if (!out->n)
		str_add(out, "the cursor");
}

/* ------------------------------------------------------------------------------------------------ back and forth */

static void exchange(struct app *app, struct undo_step *from, bool looks)
{
	if (from->whole) {
		preset_done(&app->doc);
		app->doc = from->doc;
		app->zoomed = from->zoomed;
	} else {
		if (looks)
			take_looks(&app->doc, &from->doc);
		else
			take_question(&app->doc.job, &from->doc.job);
		app->zoomed = looks ? from->zoomed : app->zoomed;
		preset_done(&from->doc);
	}
	app_focus_within(app);
}

/* One stack gives a document, the other keeps the one that was there. */
static bool step(struct app *app, struct undo *u, bool back, struct str *what)
{
	struct undo_step **from = back ? &u->past : &u->future, **to = back ? &u->future : &u->past, got;
	int *from_n = back ? &u->pasts : &u->futures, *to_n = back ? &u->futures : &u->pasts;
	bool looks = u == &app->looks_undo;

	if (!*from_n)
		return false;
	got = (*from)[--*from_n];
	if (what && got.whole)
		str_add(what, "what was opened");
	else if (what && looks)
		describe_looks(&got.doc, &got, app, what);
	else if (what)
		describe_question(&got.doc.job, &app->doc.job, what);
	push(to, to_n, app, got.whole);
	exchange(app, &got, looks);
	return true;
}

bool app_undo(struct app *app, struct str *what)
{
	app->undid_looks = false;
	return step(app, &app->undo, true, what);
}

bool app_undo_looks(struct app *app, struct str *what)
{
	app->undid_looks = true;
	return step(app, &app->looks_undo, true, what);
}

bool app_redo(struct app *app, struct str *what)
{
	if (app->undid_looks && app->looks_undo.futures)
		return step(app, &app->looks_undo, false, what);
	return step(app, &app->undo, false, what) || step(app, &app->looks_undo, false, what);
}
