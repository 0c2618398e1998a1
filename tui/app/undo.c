/* undo.c - steps back and forth (see app.h): of the question, and apart from it of how it is looked at. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"

#include "tui/app/app.h"
#include "tui/app/undo_doc.h"
#include "tui/draw/changes.h"

/* What it takes beside the step below it, with which it shares what is the same. */
static size_t bytes_of(const struct undo_stack *s, int i)
{
	return undo_doc_bytes(s->step[i].doc, i ? s->step[i - 1].doc : NULL);
}

static void drop_oldest(struct undo_stack *s)
{
	s->bytes -= bytes_of(s, 0) + (s->n > 1 ? bytes_of(s, 1) : 0);
	undo_doc_free(s->step[0].doc);
	memmove(s->step, s->step + 1, (size_t)--s->n * sizeof *s->step);
	s->bytes += s->n ? bytes_of(s, 0) : 0;
}

static void push(struct undo_stack *s, const struct app *app, unsigned parts)
{
	const struct undo_doc *below = s->n ? s->step[s->n - 1].doc : NULL;

	s->step = xrealloc(s->step, (size_t)(s->n + 1) * sizeof *s->step);
	s->step[s->n++] = (struct undo_step){ undo_doc_new(&app->doc, parts, below), app->zoomed, parts == UNDO_ALL };
	s->bytes += bytes_of(s, s->n - 1);
	while (s->n > UNDO_MOST || (s->n > 1 && s->bytes > UNDO_BYTES))
		drop_oldest(s);
}

/* The step on top, as a document. */
static struct undo_step pop(struct undo_stack *s, struct preset *doc)
{
	struct undo_step top = s->step[s->n - 1];

	s->bytes -= bytes_of(s, --s->n);
	undo_doc_open(top.doc, doc);
	undo_doc_free(top.doc);
	top.doc = NULL;
	return top;
}

static void clear(struct undo_stack *s)
{
	while (s->n)
		undo_doc_free(s->step[--s->n].doc);
	s->bytes = 0;
}

static void change(struct app *app, struct undo *u, unsigned parts)
{
	if (app->card == CARD_START)
		app->card = CARD_NONE;
	push(&u->past, app, parts);
	clear(&u->future);
}

void app_change(struct app *app)
{
	change(app, &app->undo, UNDO_QUESTION);
}

void app_change_looks(struct app *app)
{
	change(app, &app->looks_undo, UNDO_LOOKS);
}

void app_change_sizes(struct app *app)
{
	push(&app->looks_undo.past, app, UNDO_LOOKS);
	clear(&app->looks_undo.future);
}

void app_change_all(struct app *app)
{
	change(app, &app->undo, UNDO_ALL);
}

void undo_done(struct undo *u)
{
	clear(&u->past);
	clear(&u->future);
	free(u->past.step);
	free(u->future.step);
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

static bool same_techniques(const struct job *a, const struct job *b)
{
	bool same = a->panes == b->panes;

	for (int i = 0; same && i < a->panes; i++)
		same = a->pane[i].analysis == b->pane[i].analysis;
	return same;
}

/* The cursor among components is of the rows that are there now: it follows them from there (follow.h). */
static void take_looks(struct preset *to, const struct preset *from)
{
	const int component = same_techniques(&to->job, &from->job) ? to->cursor[DIM_COMPONENT] : from->cursor[DIM_COMPONENT];

	memcpy(to->job.pane, from->job.pane, sizeof to->job.pane);
	memcpy(to->row, from->row, sizeof to->row);
	memcpy(to->size, from->size, sizeof to->size);
	memcpy(to->cursor, from->cursor, sizeof to->cursor);
	to->cursor[DIM_COMPONENT] = component;
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
	struct undo_stack *past = &app->undo.past;
	struct preset before;

	if (!past->n)
		return;
	undo_doc_open(past->step[past->n - 1].doc, &before);
	if (same_question(&before.job, &app->doc.job)) {
		preset_done(&before);
		pop(past, &before);
	}
	preset_done(&before);
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
		str_add(out, "the BOS token");
		break;
	case CHANGE_NONE:
		str_add(out, "nothing of the question");
		break;
	}
}

static void describe_looks(const struct preset *was, bool zoomed, const struct app *now, struct str *out)
{
	const struct preset *doc = &now->doc;

	if (was->job.panes != doc->job.panes)
		str_add(out, was->job.panes > doc->job.panes ? "a closed pane" : "a new pane");
	else if (!text_same(was->theme, doc->theme))
		str_addf(out, "theme %s", was->theme ? was->theme : "as usual");
	else if (zoomed != now->zoomed)
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
			else if (a->over != b->over)
				str_add(out, "the file of prompts");
			else if (!job_pane_equal(a, b))
				str_addf(out, "arguments of %s", a->analysis->name);
			else if (!job_view_equal(&a->view, &b->view))
				str_addf(out, "the view of %s", a->analysis->name);
		}
	if (!out->n && memcmp(was->size, doc->size, sizeof was->size))
		str_add(out, "sizes of panes");
	if (!out->n)
		str_add(out, "the cursor");
}

/* ------------------------------------------------------------------------------------------------ back and forth */

/* Takes `doc`, which the step was opened to. */
static void exchange(struct app *app, const struct undo_step *step, struct preset *doc, bool looks)
{
	if (step->whole) {
		preset_done(&app->doc);
		app->doc = *doc;
	} else {
		if (looks)
			take_looks(&app->doc, doc);
		else
			take_question(&app->doc.job, &doc->job);
		preset_done(doc);
	}
	if (step->whole || looks)
		app->zoomed = step->zoomed;
	app_focus_within(app);
}

/* One stack gives a document, the other keeps the one that was there. */
static bool step(struct app *app, struct undo *u, bool back, struct str *what)
{
	struct undo_stack *from = back ? &u->past : &u->future, *to = back ? &u->future : &u->past;
	struct preset doc;
	struct undo_step got;
	bool looks = u == &app->looks_undo;

	if (!from->n)
		return false;
	got = pop(from, &doc);
	if (what && got.whole)
		str_add(what, "what was opened");
	else if (what && looks)
		describe_looks(&doc, got.zoomed, app, what);
	else if (what)
		describe_question(&doc.job, &app->doc.job, what);
	push(to, app, got.whole ? UNDO_ALL : looks ? UNDO_LOOKS : UNDO_QUESTION);
	exchange(app, &got, &doc, looks);
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
	if (app->undid_looks && app->looks_undo.future.n)
		return step(app, &app->looks_undo, false, what);
	return step(app, &app->undo, false, what) || step(app, &app->looks_undo, false, what);
}
