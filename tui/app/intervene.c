/* intervene.c - actions that change what the model does: ablate, the list of edits, undo. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "tui/app/binding.h"
#include "tui/app/refuse.h"
#include "tui/app/typing.h"
#include "tui/panes/lists.h"

static int find_edit(const struct app *app, const char *line)
{
	const struct job *job = &app->doc.job;
	struct err ignored;

	for (int i = 0; i < job->edits; i++) {
		struct str own;
		bool same;

		str_init(&own);
		same = edit_canonical(job->edit[i].line, &own, &ignored) ? !strcmp(own.s, line) : !strcmp(job->edit[i].line, line);
		str_done(&own);
		if (same)
			return i;
	}
	return -1;
}

/* The next of the lines in *at; NULL at the end. The caller frees it. */
static char *next_line(const char **at)
{
	size_t n = strcspn(*at, "\n");
	struct str line;

	if (!n)
		return NULL;
	str_init(&line);
	str_add_n(&line, *at, n);
	*at += n + ((*at)[n] == '\n');
	return str_take(&line);
}

static bool all_on(const struct app *app, const char *lines)
{
	bool on = true;
	char *line;

	while ((line = next_line(&lines))) {
		int i = find_edit(app, line);

		on = on && i >= 0 && app->doc.job.edit[i].on;
		free(line);
	}
	return on;
}

static bool any_refused(struct app *app, const char *lines)
{
	bool refused = false;
	char *line;

	while ((line = next_line(&lines))) {
		refused = refused || refuse_edit(app, line);
		free(line);
	}
	return refused;
}

/* Several lines that are one intervention: all on, or all gone, and one step to undo. */
static void toggle_lines(struct app *app, const char *lines)
{
	bool back = all_on(app, lines);
	char *line;

	if (!back && any_refused(app, lines))
		return;
	app_change(app);
	while ((line = next_line(&lines))) {
		int i = find_edit(app, line);

		if (back)
			job_remove_edit(&app->doc.job, i);
		else if (i >= 0)
			app->doc.job.edit[i].on = true;
		else
			job_add_edit(&app->doc.job, line);
		free(line);
	}
}

bool cell_intervention(const struct app *app, bool here, struct str *lines, enum edit_op *first, struct err *err)
{
	struct answer_shown answer = { 0 };
	struct place cell, place;
	int row, col;

	if (app->focus < app->doc.job.panes)
		question_answer(app, app->focus, &answer);
	if (!answer.table)
		return err_set(err, ERR_ARGUMENT, "there is no table in this pane yet");
	cursor_in(app, answer.table, &row, &col);
	if (cell_edits(answer.table, row, col, lines, first))
		return true;
	if (answer.table->no_edit)
		return err_set(err, ERR_ARGUMENT, "%s", answer.table->no_edit);
	if (!cursor_place(app, &cell))
		cell.layer = -1;
	if (!place_to_ablate(&cell, here, &place, err))
		return false;
	*first = EDIT_ZERO;
	place_print(&place, lines);
	str_addf(lines, " %s", edit_ops[*first].word);
	return true;
}

const char *cell_verb(const struct app *app)
{
	const char *verb = "no edit";
	enum edit_op first;
	struct str lines;
	struct err ignored;

	str_init(&lines);
	if (cell_intervention(app, false, &lines, &first, &ignored))
		verb = all_on(app, lines.s) ? "revert" : first == EDIT_ZERO ? "ablate" : edit_ops[first].word;
	str_done(&lines);
	return verb;
}

static void ablate(struct app *app, bool here)
{
	enum edit_op first;
	struct str lines;
	struct err err;

	str_init(&lines);
	if (cell_intervention(app, here, &lines, &first, &err))
		toggle_lines(app, lines.s);
	else
		app_say(app, STYLE_WARNING, "%s", err.text);
	str_done(&lines);
}

void act_ablate(struct app *app, const char *argument)
{
	(void)argument;
	ablate(app, false);
}

void act_ablate_here(struct app *app, const char *argument)
{
	(void)argument;
	ablate(app, true);
}

void act_edit(struct app *app, const char *argument)
{
	struct str line;
	struct err err;
	int i;

	if (!argument || !*argument) {
		act_edits(app, NULL);
		return;
	}
	str_init(&line);
	if (!edit_canonical(argument, &line, &err)) {
		app_say_err(app, &err);
	} else if ((i = find_edit(app, line.s)) >= 0 && app->doc.job.edit[i].on) {
		app_say(app, STYLE_WARNING, "%s is there already", line.s);
	} else {
		toggle_lines(app, line.s);
	}
	str_done(&line);
}

void act_edits_toggle(struct app *app, const char *argument)
{
	struct job *job = &app->doc.job;
	bool on = !app_edited(app);

	(void)argument;
	if (!job->edits) {
		app_say(app, STYLE_WARNING, "there are no edits: Space ablates what the cursor is on");
		return;
	}
	app_change(app);
	for (int i = 0; i < job->edits; i++)
		job->edit[i].on = on;
	app_say(app, STYLE_EDITED, on ? "all edits are on" : "all edits are off");
}

void act_clear(struct app *app, const char *argument)
{
	(void)argument;
	if (!app->doc.job.edits)
		return;
	app_change(app);
	while (app->doc.job.edits)
		job_remove_edit(&app->doc.job, app->doc.job.edits - 1);
}

static void say_step(struct app *app, bool done, const char *verb, const struct str *what, const char *nothing)
{
	if (done)
		app_say(app, STYLE_DIM, "%s: %s", verb, what->s);
	else
		app_say(app, STYLE_WARNING, "%s", nothing);
}

void act_undo(struct app *app, const char *argument)
{
	struct str what;

	(void)argument;
	str_init(&what);
	say_step(app, app_undo(app, &what), "undone", &what,
		 app->looks_undo.past.n ? "nothing to undo in the question; U undoes how it is looked at" : "nothing to undo");
	str_done(&what);
}

void act_undo_looks(struct app *app, const char *argument)
{
	struct str what;

	(void)argument;
	str_init(&what);
	say_step(app, app_undo_looks(app, &what), "undone", &what,
		 app->undo.past.n ? "nothing to undo in the looks; u undoes the question" : "nothing to undo");
	str_done(&what);
}

void act_redo(struct app *app, const char *argument)
{
	struct str what;

	(void)argument;
	str_init(&what);
	say_step(app, app_redo(app, &what), "redone", &what, "nothing to redo");
	str_done(&what);
}

/* ------------------------------------------------------------------------------------------------ the list of edits */

static void fill_edits(const struct app *app, struct list *list)
{
	const struct job *job = &app->doc.job;

	for (int i = 0; i < job->edits; i++) {
		struct list_item *item = list_addf(list, NULL, "%s %s", job->edit[i].on ? "●" : "○", job->edit[i].line);

		item->id = i;
		item->style = job->edit[i].on ? STYLE_EDITED : STYLE_OFF;
	}
}

static void choose_edit(struct app *app, const struct list_item *item)
{
	struct job_edit *edit = &app->doc.job.edit[item->id];

	if (!edit->on && refuse_edit(app, edit->line))
		return;
	app_change(app);
	edit->on = !edit->on;
}

/* clang-format off */
static const struct popup popup_edits = {
	.title = "edits, in the order in which they apply", .where = W_EDITS, .fill = fill_edits, .choose = choose_edit,
	.keep_order = true,
	.empty = "none: Space ablates what the cursor is on, :edit adds a line",
};
/* clang-format on */

void act_edits(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_edits);
}

/* The marked edit; -1: there is none. */
static int marked_edit(const struct app *app)
{
	struct list list;
	struct list_item item;
	int i = popup_marked(app, &list, &item) ? item.id : -1;

	list_done(&list);
	return i;
}

void act_edit_toggle(struct app *app, const char *argument)
{
	act_list_choose(app, argument);
}

void act_edit_delete(struct app *app, const char *argument)
{
	int i = marked_edit(app);

	(void)argument;
	if (i < 0)
		return;
	app_change(app);
	job_remove_edit(&app->doc.job, i);
	popup_mark(app, -1);
}

static void swap_edits(struct app *app, int by)
{
	int i = marked_edit(app), to = i + by;
	struct job_edit kept;

	if (i < 0 || to < 0 || to >= app->doc.job.edits)
		return;
	app_change(app);
	kept = app->doc.job.edit[i];
	app->doc.job.edit[i] = app->doc.job.edit[to];
	app->doc.job.edit[to] = kept;
	popup_mark(app, to);
}

void act_edit_up(struct app *app, const char *argument)
{
	(void)argument;
	swap_edits(app, -1);
}

void act_edit_down(struct app *app, const char *argument)
{
	(void)argument;
	swap_edits(app, 1);
}

/* The number after an edit, a step up or down: a twentieth below 1, a quarter below 10, else 1. */
static void step_amount(struct edit *e, int by)
{
	float size = fabsf(e->amount), step = size < 0.99f ? 0.05f : size < 9.9f ? 0.25f : 1;

	e->amount = roundf((e->amount + (float)by * step) / step) * step;
	if (e->op == EDIT_NOISE && e->amount < 0)
		e->amount = 0;
}

/* Another prompt of the file: the next seed, or the next line. */
static void step_prompt(struct edit *e, int by)
{
	int *number = e->line ? &e->line : &e->seed, least = e->line ? 1 : 0;

	*number = *number + by < least ? least : *number + by;
}

/* Steps in a row on one edit are undone together. */
static void step_strength(struct app *app, int by)
{
	struct arena *scratch = arena_new();
	struct edit edit;
	struct str line;
	struct err err;
	int i = marked_edit(app);

	str_init(&line);
	if (i >= 0 && edit_parse(app->doc.job.edit[i].line, &edit, scratch, &err) &&
	    (edit_has_amount(&edit) || edit.op == EDIT_RESAMPLE)) {
		(edit.op == EDIT_RESAMPLE ? step_prompt : step_amount)(&edit, by);
		edit_print(&edit, &line);
		if (app->stepped.edit != i + 1 || app->stepped.pasts != app->undo.past.n)
			app_change(app);
		app->stepped.edit = i + 1;
		app->stepped.pasts = app->undo.past.n;
		job_set(&app->doc.job.edit[i].line, line.s);
	} else if (i >= 0) {
		app_say(app, STYLE_DIM, "%s has no number to change", app->doc.job.edit[i].line);
	}
	str_done(&line);
	arena_free(scratch);
}

void act_edit_less(struct app *app, const char *argument)
{
	(void)argument;
	step_strength(app, -1);
}

void act_edit_more(struct app *app, const char *argument)
{
	(void)argument;
	step_strength(app, 1);
}

/* Ops that need nothing but the place, in turn. */
void act_edit_op(struct app *app, const char *argument)
{
	static const enum edit_op plain[] = { EDIT_ZERO, EDIT_MEAN, EDIT_PATCH };
	enum { PLAIN = sizeof plain / sizeof *plain };
	struct arena *scratch = arena_new();
	struct edit edit, other;
	struct str line;
	struct err err;
	int i = marked_edit(app), at = PLAIN - 1;
	bool fits = false;

	(void)argument;
	str_init(&line);
	if (i >= 0 && edit_parse(app->doc.job.edit[i].line, &edit, scratch, &err)) {
		for (int k = 0; k < PLAIN; k++)
			if (plain[k] == edit.op)
				at = k;
		/* Not every op fits every target. */
		for (int k = 1; k <= PLAIN && !fits; k++) {
			str_clear(&line);
			edit.op = plain[(at + k) % PLAIN];
			edit_print(&edit, &line);
			fits = edit_parse(line.s, &other, scratch, &err);
		}
	}
	if (fits) {
		app_change(app);
		job_set(&app->doc.job.edit[i].line, line.s);
	}
	str_done(&line);
	arena_free(scratch);
}

void act_edit_change(struct app *app, const char *argument)
{
	int i = marked_edit(app);

	(void)argument;
	if (i < 0)
		return;
	app->editing = i;
	popup_close(app);
	lines_begin(app, LINE_EDIT, app->doc.job.edit[i].line);
}
