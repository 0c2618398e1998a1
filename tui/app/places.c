/* places.c - see places.h. */
#include "tui/app/places.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/typing.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"

/* ------------------------------------------------------------------------------------------------ here */

/* The cell under the cursor by its labels; false: there is no table. */
static bool describe_here(const struct app *app, struct str *out)
{
	struct answer_shown answer;
	int row, col;

	question_answer(app, app->focus, &answer);
	if (!answer.table)
		return false;
	cursor_in(app, answer.table, &row, &col);
	text_place(answer.table, row, col, out);
	return row >= 0 && col >= 0;
}

static void take_here(const struct app *app, struct kept_place *place)
{
	struct str where;

	*place = (struct kept_place){ .pane = app->doc.job.pane[app->focus], .zoomed = app->zoomed };
	memcpy(place->cursor, app->doc.cursor, sizeof place->cursor);
	str_init(&where);
	if (describe_here(app, &where))
		job_set(&place->where, where.s);
	str_done(&where);
}

/* The pane that shows a place: one that asks the same, else one with its technique, else the one with the keys. */
static int pane_for(const struct app *app, const struct job_pane *wanted)
{
	int alike = -1;

	for (int i = 0; i < app->doc.job.panes; i++) {
		if (job_pane_equal(&app->doc.job.pane[i], wanted))
			return i;
		if (app->doc.job.pane[i].analysis == wanted->analysis && (alike < 0 || i == app->focus))
			alike = i;
	}
	return alike >= 0 ? alike : app->focus;
}

static void go_to(struct app *app, const struct kept_place *place)
{
	struct job_pane pane = place->pane;
	struct kept_place here;
	int at;

	take_here(app, &here);
	app_change_looks(app);
	memcpy(app->doc.cursor, place->cursor, sizeof app->doc.cursor);
	/* a note says where it is: the cursor goes there */
	for (int i = 0; place->text && i < param_count(pane.analysis->params); i++) {
		const struct param *param = &pane.analysis->params[i];

		if (!param_follows(param) || !pane.given[i])
			continue;
		if (app->doc.cursor[param->dim] == CURSOR_UNSET)
			app->doc.cursor[param->dim] = (int)pane.args[i].number;
		pane.given[i] = false;
	}
	at = pane_for(app, &pane);
	app->doc.job.pane[at] = pane;
	app->zoomed = place->text ? app->zoomed : place->zoomed;
	app_focus(app, at);
	kept_place_done(&app->back);
	app->back = here;
	app->has_back = true;
}

/* ------------------------------------------------------------------------------------------------ bookmarks */

static int find_bookmark(const struct app *app, char letter)
{
	for (int i = 0; i < app->doc.places; i++)
		if (!app->doc.place[i].text && app->doc.place[i].letter == letter)
			return i;
	return -1;
}

static void set_bookmark(struct app *app, char letter)
{
	int old = find_bookmark(app, letter);
	struct kept_place place;

	take_here(app, &place);
	place.letter = letter;
	if (old >= 0)
		preset_remove_place(&app->doc, old);
	preset_add_place(&app->doc, &place);
	app_say(app, STYLE_GOOD, "bookmark %c: %s%s%s", letter, place.pane.analysis->name, place.where ? " · " : "",
		place.where ? place.where : "");
	kept_place_done(&place);
}

static void go_to_bookmark(struct app *app, char letter)
{
	int at = find_bookmark(app, letter);
	struct kept_place place;

	if (letter == '\'' && !app->has_back) {
		app_say(app, STYLE_WARNING, "'' leads back once ' and a letter has led somewhere");
	} else if (letter != '\'' && at < 0) {
		app_say(app, STYLE_WARNING, "there is no bookmark %c: b and the letter sets one, :bookmarks lists them", letter);
	} else {
		kept_place_copy(&place, letter == '\'' ? &app->back : &app->doc.place[at]);
		go_to(app, &place);
		kept_place_done(&place);
	}
}

void places_key(struct app *app, const struct key *key)
{
	bool sets = app->awaits == AWAITS_BOOKMARK;

	app->awaits = AWAITS_NOTHING;
	if (!app_pane(app) || key->kind == K_ESC)
		return;
	if (key->kind == K_CHAR && !key->mods && key->c < 0x80 && (isalnum((int)key->c) || (!sets && key->c == '\'')))
		(sets ? set_bookmark : go_to_bookmark)(app, (char)key->c);
	else
		app_say(app, STYLE_WARNING, "a bookmark's name is a letter or a digit");
}

static void name_bookmark(struct app *app, const char *argument, bool sets)
{
	app->awaits = sets ? AWAITS_BOOKMARK : AWAITS_PLACE;
	if (argument && *argument && !argument[1])
		places_key(app, &(struct key){ .kind = K_CHAR, .c = *argument });
	else
		app_say(app, STYLE_DIM, sets ? "b: a letter for this place" : "': a bookmark's letter, or ' for where one was");
}

void act_bookmark(struct app *app, const char *argument)
{
	name_bookmark(app, argument, true);
}

void act_back_to(struct app *app, const char *argument)
{
	name_bookmark(app, argument, false);
}

/* ------------------------------------------------------------------------------------------------ notes */

/* The arguments that say where it is; others, as what is shown of it, do not matter. */
static bool same_question(const struct job_pane *a, const struct job_pane *b)
{
	if (a->analysis != b->analysis)
		return false;
	for (int i = 0; i < param_count(a->analysis->params); i++)
		if (a->analysis->params[i].dim != DIM_NONE && !value_equal(a->args[i], b->args[i]))
			return false;
	return true;
}

static int find_note(const struct app *app, int pane, const struct table *t, int row, int col)
{
	struct job_pane asked;
	struct str where;
	int found = -1;

	if (row < 0 || col < 0 || !app->doc.places)
		return -1;
	question_pane(app, pane, &asked);
	str_init(&where);
	text_place(t, row, col, &where);
	for (int i = 0; i < app->doc.places && found < 0; i++) {
		const struct kept_place *place = &app->doc.place[i];

		if (place->text && place->where && !strcmp(place->where, where.s) && same_question(&place->pane, &asked))
			found = i;
	}
	str_done(&where);
	return found;
}

const char *places_note(const struct app *app, int pane, const struct table *t, int row, int col)
{
	int at = find_note(app, pane, t, row, col);

	return at < 0 ? NULL : app->doc.place[at].text;
}

static bool cell_here(const struct app *app, struct answer_shown *answer, int *row, int *col)
{
	*answer = (struct answer_shown){ 0 };
	if (app->doc.job.panes)
		question_answer(app, app->focus, answer);
	if (answer->table)
		cursor_in(app, answer->table, row, col);
	return answer->table && *row >= 0 && *col >= 0;
}

/* The row and column of the table in their own numbers: the last position is that one, also when the prompt grows. */
static void take_cell(const struct app *app, const struct table *t, int row, int col, struct kept_place *place)
{
	take_here(app, place);
	question_pane(app, app->focus, &place->pane);
	place->cursor[t->rows.dim] = row;
	place->cursor[t->cols.dim] = col;
	place->zoomed = false;
}

void places_set_note(struct app *app, const char *text)
{
	struct answer_shown answer;
	struct kept_place place;
	int row, col, old;

	if (!cell_here(app, &answer, &row, &col)) {
		app_say(app, STYLE_WARNING, "there is no cell under the cursor yet");
		return;
	}
	old = find_note(app, app->focus, answer.table, row, col);
	if (old >= 0)
		preset_remove_place(&app->doc, old);
	if (!*text) {
		app_say(app, STYLE_DIM, old >= 0 ? "the note is removed" : "no note");
		return;
	}
	take_cell(app, answer.table, row, col, &place);
	job_set(&place.text, text);
	preset_add_place(&app->doc, &place);
	app_say(app, STYLE_GOOD, "noted at %s", place.where ? place.where : "this cell");
	kept_place_done(&place);
}

void act_note(struct app *app, const char *argument)
{
	struct answer_shown answer;
	const char *old;
	int row, col;

	if (argument && *argument) {
		places_set_note(app, argument);
	} else if (!cell_here(app, &answer, &row, &col)) {
		app_say(app, STYLE_WARNING, "there is no cell under the cursor yet");
	} else {
		old = places_note(app, app->focus, answer.table, row, col);
		lines_begin(app, LINE_NOTE, old ? old : "");
	}
}

void places_draw_notes(const struct app *app, struct canvas *c, int pane, const struct view *view)
{
	const struct table *t = view->table;

	for (int i = 0; i < app->doc.places; i++) {
		const struct kept_place *place = &app->doc.place[i];
		int row = place->cursor[t->rows.dim], col = place->cursor[t->cols.dim];

		if (place->text && row >= 0 && row < t->rows.n && col >= 0 && col < t->cols.n &&
		    find_note(app, pane, t, row, col) == i)
			view_mark(c, view, &app->pane[pane].view, row, col);
	}
}

void places_count_notes(const struct app *app, int pane, struct str *out)
{
	struct job_pane asked;
	int n = 0;

	if (!app->doc.places)
		return;
	question_pane(app, pane, &asked);
	for (int i = 0; i < app->doc.places; i++)
		n += app->doc.place[i].text && same_question(&app->doc.place[i].pane, &asked);
	if (n)
		str_addf(out, "%s%d note%s", out->n ? " · " : "", n, n == 1 ? "" : "s");
}

/* ------------------------------------------------------------------------------------------------ lists */

static void fill_places(const struct app *app, struct list *list, bool notes)
{
	for (int i = 0; i < app->doc.places; i++) {
		const struct kept_place *place = &app->doc.place[i];
		struct str detail;

		if ((place->text != NULL) != notes)
			continue;
		str_init(&detail);
		str_addf(&detail, "%s%s%s", place->pane.analysis->name, place->where ? " · " : "",
			 place->where ? place->where : "");
		list_add(list, notes ? place->text : (char[]){ place->letter, 0 }, detail.s)->id = i;
		str_done(&detail);
	}
}

static void fill_bookmarks(const struct app *app, struct list *list)
{
	fill_places(app, list, false);
}

static void fill_notes(const struct app *app, struct list *list)
{
	fill_places(app, list, true);
}

static void choose_place(struct app *app, const struct list_item *item)
{
	struct kept_place place;

	popup_close(app);
	if (!app_pane(app))
		return;
	kept_place_copy(&place, &app->doc.place[item->id]);
	go_to(app, &place);
	kept_place_done(&place);
}

/* clang-format off */
static const struct popup popup_bookmarks = {
	.title = "bookmarks", .fill = fill_bookmarks, .choose = choose_place, .empty = "none yet: b and a letter sets one",
};

static const struct popup popup_notes = {
	.title = "notes", .fill = fill_notes, .choose = choose_place, .empty = "none yet: c on a cell writes one",
};
/* clang-format on */

void act_bookmarks(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_bookmarks);
}

void act_notes(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_notes);
}
