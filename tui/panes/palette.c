/*
 * palette.c - everything that can be done, in one list to type in: actions, techniques, presets, edits of what is under the cursor,
 * and the choices of commands that have some. Choosing does it, or opens its line where something has still to be typed.
 */
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/complete.h"
#include "tui/app/typing.h"
#include "tui/panes/lists.h"

enum { DO_LINE = -1, OPEN_LINE = -2 }; /* what an item's text is for; from 0 on it is a row of actions.def */

static bool belongs(int i)
{
	return (actions[i].where & W_MAIN) && i != ACTION_palette;
}

/* It has to be told more than a key can say. */
static bool needs_line(int i)
{
	return actions[i].wants != WANTS_NOTHING && (!*actions[i].keys || i == ACTION_focus_number);
}

static void add_action(const struct app *app, struct list *list, int i)
{
	const struct action *a = &actions[i];
	struct str name, detail;

	str_init(&name);
	str_init(&detail);
	str_add_n(&name, *a->words ? a->words : a->id, strcspn(*a->words ? a->words : a->id, " "));
	for (char *s = name.s; *s; s++)
		*s = *s == '_' ? ' ' : *s;
	action_keys(a, 1, theme_ascii(app->theme), &detail);
	str_addf(&detail, "%s%s", detail.n ? " · " : "", a->help);
	list_add(list, name.s, detail.s)->id = i;
	str_done(&name);
	str_done(&detail);
}

/* "technique logit-lens", "diff edits": each choice of a command's argument. One that is not whole yet opens the line. */
static void add_choices(const struct app *app, struct list *list, const struct action *a)
{
	struct completion done;
	struct str line, text;

	str_init(&line);
	str_init(&text);
	str_addf(&line, "%.*s ", (int)strcspn(a->words, " "), a->words);
	completion_make(app, line.s, &done);
	for (int i = 0; i < done.list.n; i++) {
		const char *choice = done.list.item[i].text;

		str_clear(&text);
		str_addf(&text, "%.*s%s", (int)done.from, line.s, choice);
		list_add(list, text.s, done.list.item[i].detail)->id =
			done.more || choice[strcspn(choice, "=")] ? OPEN_LINE : DO_LINE;
	}
	completion_done(&done);
	str_done(&line);
	str_done(&text);
}

/* All ops of what the cursor is on, everywhere or at its position. */
static void add_edits(const struct app *app, struct list *list, bool here)
{
	struct place cell, place;
	struct str line;
	struct err ignored;

	if (!cursor_place(app, &cell) || !place_to_ablate(&cell, here, &place, &ignored))
		return;
	str_init(&line);
	place_print(&place, &line);
	for (int i = 0; i < EDIT_OPS; i++)
		if (edit_op_fits(place.site, (enum edit_op)i))
			list_addf(list, edit_ops[i].help, "edit %s %s", line.s, edit_ops[i].word)->id =
				*edit_ops[i].arguments && *edit_ops[i].arguments != '[' ? OPEN_LINE : DO_LINE;
	str_done(&line);
}

static void fill_palette(const struct app *app, struct list *list)
{
	const char *group = "";

	for (int i = 0; i < ACTION_COUNT; i++) {
		if (!belongs(i))
			continue;
		if (strcmp(group, actions[i].group))
			list_heading(list, group = actions[i].group);
		add_action(app, list, i);
	}
	list_heading(list, "Edits of the cell under the cursor");
	add_edits(app, list, false);
	add_edits(app, list, true);
	list_heading(list, "Choices");
	for (int i = 0; i < ACTION_COUNT; i++)
		if (belongs(i) && *actions[i].words && actions[i].wants != WANTS_EDIT && actions[i].wants != WANTS_FILE &&
		    actions[i].wants != WANTS_SAVE)
			add_choices(app, list, &actions[i]);
}

static void choose_action(struct app *app, const struct list_item *item)
{
	struct str line;

	popup_close(app);
	if (item->id >= 0 && !needs_line(item->id)) {
		app_run(app, &actions[item->id], NULL);
		return;
	}
	if (item->id == DO_LINE) {
		run_command(app, item->text);
		return;
	}
	str_init(&line);
	str_add(&line, item->text);
	if (line.s[line.n - 1] != '=')
		str_add_char(&line, ' ');
	lines_begin(app, LINE_COMMAND, line.s);
	str_done(&line);
}

static const struct popup popup_palette = { .title = "everything that can be done", .fill = fill_palette, .choose = choose_action };

void act_palette(struct app *app, const char *argument)
{
	(void)argument;
	app_ask_for(app, REQUEST_LISTS, NULL); /* presets and themes are among the choices */
	popup_open(app, &popup_palette);
}
