/* log.c - see log.h: what becomes an entry, and what it says. */
#include "tui/app/log.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/app/binding.h"
#include "tui/app/strongest.h"
#include "tui/draw/changes.h"
#include "tui/draw/text.h"

void log_entry_done(struct log_entry *e)
{
	free(e->what);
	free(e->number);
	free(e->edit);
	free(e->metric);
	preset_done(&e->doc);
	*e = (struct log_entry){ 0 };
}

void log_done(struct question_log *log)
{
	for (int i = 0; i < log->n; i++)
		log_entry_done(&log->entry[i]);
	free(log->entry);
	if (log->any)
		preset_done(&log->seen);
	*log = (struct question_log){ 0 };
}

/* ------------------------------------------------------------------------------------------------ which is which */

/* An argument that follows the cursor is no part of the question. */
static bool same_pane(const struct job_pane *a, const struct job_pane *b)
{
	if (!job_pane_alike(a, b))
		return false;
	for (int i = 0; i < param_count(a->analysis->params); i++) {
		bool follows = !a->given[i] && param_follows(&a->analysis->params[i]);

		if (a->given[i] != b->given[i] || (!follows && !value_equal(a->args[i], b->args[i])))
			return false;
	}
	return true;
}

static bool same_panes(const struct job *a, const struct job *b)
{
	bool same = a->panes == b->panes;

	for (int i = 0; same && i < a->panes; i++)
		same = same_pane(&a->pane[i], &b->pane[i]);
	return same;
}

static bool same_asked(const struct job *a, const struct job *b)
{
	return change_between(a, b) == CHANGE_NONE && a->generate == b->generate && same_panes(a, b);
}

static bool is_known(const struct question_log *log, const struct job *job)
{
	for (int i = 0; i < log->n; i++)
		if (same_asked(&log->entry[i].doc.job, job))
			return true;
	return false;
}

/* ------------------------------------------------------------------------------------------------ in words */

/* The pane whose technique or arguments are others than they were; the one with the keys when several are. */
static int changed_pane(const struct app *app, const struct job *was)
{
	const struct job *now = &app->doc.job;
	int found = app->focus;

	for (int i = 0; i < now->panes; i++)
		if (i >= was->panes || !same_pane(&was->pane[i], &now->pane[i])) {
			if (i == app->focus)
				return i;
			found = i;
		}
	return found;
}

static void add_text(struct str *out, const char *word, const char *text)
{
	enum { COLUMNS = 60 };

	str_addf(out, "%s ", word);
	text_window(text, strlen(text), COLUMNS, out);
}

/* A prompt from a few words before the place where it is another than `other` (NULL: there is none). */
static void add_prompt(struct str *out, const char *word, const char *text, const char *other)
{
	enum { BEFORE = 16, WORD = 4 };
	size_t from = 0, to;

	while (other && text[from] && text[from] == other[from])
		from++;
	to = from;
	from = from > BEFORE ? from - BEFORE : 0;
	while (from && from + WORD < to && text[from] != ' ')
		from++;
	while (from && ((unsigned char)text[from] & 0xC0) == 0x80) /* no part of a character */
		from--;
	str_addf(out, "%s%s", word, from ? " …" : "");
	add_text(out, "", text + from + (from && text[from] == ' '));
}

static int edits_apart(const struct job *was, const struct job *now)
{
	int n = 0;

	for (int i = 0; i < now->edits; i++)
		n += i >= was->edits || strcmp(was->edit[i].line, now->edit[i].line) || was->edit[i].on != now->edit[i].on;
	return n;
}

static void describe_edit(const struct job *was, const struct job *now, struct log_entry *e, struct str *out)
{
	const struct job_edit *edit = change_edit(was, now);
	bool gone = now->edits < was->edits;

	str_addf(out, "edit %s%s", edit->line, gone ? " removed" : edit->on ? "" : " off");
	if (!gone && edits_apart(was, now) > 1)
		str_addf(out, " and %d more", edits_apart(was, now) - 1);
	if (!gone && edit->on)
		e->edit = xstrdup(edit->line);
}

static void describe_pane(const struct app *app, int pane, struct str *out)
{
	const struct job_pane *p = &app->doc.job.pane[pane];
	const struct param *params = p->analysis->params;

	str_add(out, p->analysis->name);
	for (int i = 0; i < param_count(params); i++)
		if (p->given[i]) {
			str_addf(out, " %s=", params[i].name);
			param_print(&params[i], p->args[i], out);
		}
	if (p->shown != SHOWN_RUN)
		str_addf(out, " %s %s", p->shown == SHOWN_FOIL ? "on" : "diff",
			 p->shown == SHOWN_FOIL ? "foil" : shown_words[p->shown].word);
	if (p->over)
		str_addf(out, " over %s", p->over);
}

static void describe_looks(const struct app *app, const struct job *was, struct log_entry *e, struct str *out)
{
	if (was->generate != app->doc.job.generate && same_panes(was, &app->doc.job)) {
		str_addf(out, app->doc.job.generate ? "continuation of %d tokens" : "no continuation", app->doc.job.generate);
	} else if (app->doc.job.panes) {
		e->pane = changed_pane(app, was);
		describe_pane(app, e->pane, out);
	}
}

/* What is other than before; the first has no before. */
static enum change describe(const struct app *app, struct log_entry *e, struct str *out)
{
	static char nothing[] = "";
	static const struct job none = { .prompt = nothing };
	const struct job *now = &app->doc.job, *was = app->log.any ? &app->log.seen.job : &none;
	enum change change = app->log.any ? change_between(was, now) : CHANGE_PROMPT;

	if (app->doc.title && !(app->log.any && text_same(app->log.seen.title, app->doc.title))) {
		add_text(out, "open", app->doc.title);
		return CHANGE_PROMPT;
	}
	switch (change) {
	case CHANGE_MODEL:
		add_text(out, "model", now->model ? now->model : "demo");
		break;
	case CHANGE_PROMPT:
		add_prompt(out, "prompt", now->prompt, app->log.any ? was->prompt : NULL);
		break;
	case CHANGE_FOIL:
		if (now->foil)
			add_prompt(out, "foil", now->foil, now->prompt);
		else
			str_add(out, "no foil");
		break;
	case CHANGE_METRIC:
		add_text(out, "metric", now->metric ? now->metric : "of the answer");
		break;
	case CHANGE_EDIT:
		describe_edit(was, now, e, out);
		break;
	case CHANGE_BOS:
		str_add(out, now->bos == BOS_ALWAYS  ? "with BOS"
			     : now->bos == BOS_NEVER ? "without BOS"
						     : "BOS as the model has it");
		break;
	case CHANGE_NONE:
		describe_looks(app, was, e, out);
		break;
	}
	return change;
}

/* ------------------------------------------------------------------------------------------------ its number */

static void number_of_guess(const struct snapshot_guess *guess, struct str *out)
{
	if (guess->show)
		str_addf(out, "%s %.3f", guess->show, guess->probability);
}

static void number_of_metric(const struct snapshot *shot, bool edited, struct str *out)
{
	if (!shot->has_metric)
		return;
	if (edited) {
		text_number(shot->metric_unedited, out);
		str_add(out, " → ");
	}
	text_number(shot->metric, out);
}

/* Short: a line has no room for what a unit means. */
static void add_value(const struct table *t, int row, int col, struct str *out)
{
	const char *unit = t->unit ? t->unit[t->units > 1 ? col : 0] : "";
	size_t cell = table_cell(t, row, col);

	str_add(out, "  ");
	if (t->word && t->word_show[cell])
		str_addf(out, "%s ", t->word_show[cell]);
	text_number((double)t->value[cell], out);
	if (strcmp(unit, "normalised"))
		str_addf(out, " %s", unit);
}

/* The strongest cell, by its place and value. */
static void number_of_pane(const struct app *app, int pane, struct str *out)
{
	struct answer_shown answer = { 0 };
	int cell[STRONGEST_MOST], row, col;

	if (pane < app->doc.job.panes)
		question_answer(app, pane, &answer);
	if (answer.stopped || answer.error)
		str_add(out, answer.error ? "no answer" : "stopped");
	if (!answer.table || answer.error || answer.stopped)
		return;
	cursor_in(app, answer.table, &row, &col);
	if (!strongest_cells(answer.table, answer.table->skip_first && !app->pane[pane].sink_in, col < 0 ? 0 : col, cell))
		return;
	row = cell[0] / answer.table->cols.n;
	col = cell[0] % answer.table->cols.n;
	text_place(answer.table, row, col, out);
	add_value(answer.table, row, col, out);
}

static void number(const struct app *app, enum change change, const struct log_entry *e, struct str *out)
{
	const struct snapshot *shot = app->shot;

	if (change == CHANGE_NONE)
		number_of_pane(app, e->pane, out);
	else if (change == CHANGE_FOIL && shot->next_foil.show)
		number_of_guess(&shot->next_foil, out);
	else if (change == CHANGE_EDIT || change == CHANGE_METRIC || app_edited(app))
		number_of_metric(shot, app_edited(app), out);
	else
		number_of_guess(&shot->next, out);
}

/* ------------------------------------------------------------------------------------------------ entries */

static void remove_oldest(struct question_log *log)
{
	log->bytes -= log->entry[0].bytes;
	log_entry_done(&log->entry[0]);
	memmove(log->entry, log->entry + 1, (size_t)--log->n * sizeof *log->entry);
}

static void limit(struct question_log *log)
{
	while (log->n > LOG_MOST || (log->n && log->bytes > LOG_BYTES))
		remove_oldest(log);
	if (log->unwritten > log->n)
		log->unwritten = log->n;
}

void log_push(struct question_log *log, struct log_entry *e)
{
	log->entry = xrealloc(log->entry, ((size_t)log->n + 1) * sizeof *log->entry);
	log->entry[log->n++] = *e;
	log->bytes += e->bytes;
	limit(log);
}

static bool has(const struct question_log *log, const struct log_entry *e)
{
	for (int i = 0; i < log->n; i++)
		if (log->entry[i].at == e->at && !strcmp(log->entry[i].what, e->what))
			return true;
	return false;
}

void log_merge(struct question_log *log, struct log_entry *entry, int n)
{
	struct question_log merged = { .any = log->any, .seen = log->seen };

	for (int i = 0; i < n; i++) {
		if (has(log, &entry[i]))
			log_entry_done(&entry[i]);
		else
			log_push(&merged, &entry[i]);
	}
	for (int i = 0; i < log->n; i++)
		log_push(&merged, &log->entry[i]);
	merged.unwritten = log->unwritten < merged.n ? log->unwritten : merged.n;
	merged.merged = true;
	free(log->entry);
	*log = merged;
}

static void add(struct app *app)
{
	const struct snapshot *shot = app->shot;
	struct log_entry e = { .pane = app->focus, .seconds = shot->milliseconds / 1000 };
	struct str what, figure, line;
	enum change change;

	str_init(&what);
	str_init(&figure);
	str_init(&line);
	change = describe(app, &e, &what);
	number(app, change, &e, &figure);
	e.what = str_take(&what);
	e.number = str_take(&figure);
	if (shot->has_metric) {
		e.metric = xstrdup(shot->metric_spec);
		e.value = shot->metric;
	}
	preset_copy(&e.doc, &app->doc);
	while (e.doc.places)
		preset_remove_place(&e.doc, e.doc.places - 1);
	log_print(&e, &line);
	e.bytes = line.n;
	app->log.unwritten++;
	log_push(&app->log, &e);
	str_done(&line);
	app_ask_for(app, REQUEST_LOG, NULL);
}

void log_look(struct app *app)
{
	struct question_log *log = &app->log;
	const struct snapshot *shot = app->shot;

	if (app->asking || app->line || app->popup || !shot || shot->serial != app->serial || shot->state != WORK_IDLE ||
	    shot->error)
		return;
	if (log->any && same_asked(&log->seen.job, &app->doc.job))
		return;
	if (!is_known(log, &app->doc.job))
		add(app);
	if (log->any)
		preset_done(&log->seen);
	preset_copy(&log->seen, &app->doc);
	log->any = true;
}
