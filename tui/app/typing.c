/* typing.c - see typing.h. */
#include "tui/app/typing.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/base/utf8.h"
#include "tui/app/binding.h"
#include "tui/app/complete.h"
#include "tui/app/places.h"
#include "tui/app/refuse.h"
#include "tui/panes/lists.h"

/* ------------------------------------------------------------------------------------------------ what each kind does */

/* Live lines change the document at every letter; undo takes the whole line back at once. */
static void live(struct app *app, char **field, bool empty_is_none)
{
	const char *text = app->input.text.s;
	const char *now = *field ? *field : "";

	if (!strcmp(now, text))
		return;
	if (!app->line_changed)
		app_change(app);
	app->line_changed = true;
	job_set(field, empty_is_none && !*text ? NULL : text);
}

static char **prompt_field(struct app *app)
{
	return &app->doc.job.prompt;
}

static char **foil_field(struct app *app)
{
	return &app->doc.job.foil;
}

static void prompt_typed(struct app *app)
{
	live(app, &app->doc.job.prompt, false);
}

static void foil_typed(struct app *app)
{
	live(app, &app->doc.job.foil, true);
}

/* While it was typed it was let be, even if it could not be answered. */
static void live_taken(struct app *app)
{
	refuse_from(app, app->taken, app->line_before);
	if (app->shot && app->shot->serial == app->serial)
		refuse_answered(app);
}

/* What was typed since the line began is undone. */
static void live_left(struct app *app)
{
	job_set(app->line == LINE_FOIL ? foil_field(app) : prompt_field(app), app->line_before);
	if (!app->line_changed)
		return;
	app_unchange(app);
	history_add(app->input.history, app->input.text.s);
	app_say(app, STYLE_DIM, "as it was before; Up in that line brings back what was typed");
}

static void search_typed(struct app *app)
{
	free(app->search);
	app->search = app->input.text.n ? xstrdup(app->input.text.s) : NULL;
}

static void metric_taken(struct app *app)
{
	act_metric(app, app->input.text.s);
}

static void edit_taken(struct app *app)
{
	struct arena *scratch = arena_new();
	struct edit parsed;
	struct str line;
	struct err err;

	str_init(&line);
	if (app->editing >= app->doc.job.edits) {
		app_say(app, STYLE_WARNING, "that edit is gone");
	} else if (!edit_parse(app->input.text.s, &parsed, scratch, &err)) {
		app_say_err(app, &err);
	} else {
		edit_print(&parsed, &line);
		if (!refuse_edit(app, line.s)) {
			app_change(app);
			job_set(&app->doc.job.edit[app->editing].line, line.s);
		}
	}
	str_done(&line);
	arena_free(scratch);
}

static void search_taken(struct app *app)
{
	act_search(app, app->input.text.s);
}

static void search_left(struct app *app)
{
	str_clear(&app->input.text);
	app->input.at = 0;
	search_typed(app);
}

static void save_taken(struct app *app)
{
	act_write(app, app->input.text.s);
}

static void note_taken(struct app *app)
{
	places_set_note(app, app->input.text.s);
}

static void command_taken(struct app *app)
{
	run_command(app, app->input.text.s);
}

static const struct line_row {
	const char *label, *history, *command;
	void (*typed)(struct app *app);	  /* after every change; NULL: nothing */
	void (*taken)(struct app *app);	  /* Enter; NULL: nothing more */
	void (*left)(struct app *app);	  /* Esc: puts back what `typed` did; NULL: nothing to put back */
	char **(*field)(struct app *app); /* that is typed in live; NULL: none */
	const char *example;		  /* shown while nothing is typed; NULL: none */
} rows[LINE_KINDS] = {
	[LINE_PROMPT] = { "prompt", "prompts", NULL, prompt_typed, live_taken, live_left, prompt_field },
	[LINE_FOIL] = { "foil", "prompts", NULL, foil_typed, live_taken, live_left, foil_field },
	[LINE_METRIC] = { "metric", "metrics", "metric", NULL, metric_taken, NULL, NULL,
			  "logit_diff \" Mary\" \" John\"; Tab lists the kinds, and likely tokens" },
	[LINE_EDIT] = { "edit", "edits", "edit", NULL, edit_taken, NULL, NULL, "head 3.0 zero; Tab lists what may come next" },
	[LINE_SEARCH] = { "/", NULL, NULL, search_typed, search_taken, search_left, NULL, "a token, label or word of this pane" },
	[LINE_SAVE] = { "save as", NULL, "write", NULL, save_taken, NULL, NULL, "a name, or a path with a slash" },
	[LINE_NOTE] = { "note", NULL, NULL, NULL, note_taken, NULL, NULL, "what you want to remember of this cell" },
	[LINE_COMMAND] = { ":", "commands", "", NULL, command_taken, NULL, NULL,
			   "a command; Tab lists them, C-p lists everything" },
};

const char *lines_label(enum line_kind kind)
{
	return rows[kind].label;
}

const char *lines_example(enum line_kind kind)
{
	return rows[kind].example;
}

const char *lines_command(enum line_kind kind)
{
	return rows[kind].command;
}

const char *lines_history(enum line_kind kind)
{
	return rows[kind].history;
}

enum line_kind lines_history_owner(enum line_kind kind)
{
	int owner = 0;

	while (rows[kind].history && (!rows[owner].history || strcmp(rows[owner].history, rows[kind].history)))
		owner++;
	return rows[kind].history ? (enum line_kind)owner : kind;
}

static struct input_history *history_of(struct app *app, enum line_kind kind)
{
	return rows[kind].history ? &app->history[lines_history_owner(kind)] : NULL;
}

/* ------------------------------------------------------------------------------------------------ typing */

static void forget_completion(struct app *app)
{
	app->complete_at = -1;
	free(app->complete_typed);
	app->complete_typed = NULL;
}

static void typed(struct app *app)
{
	forget_completion(app);
	if (rows[app->line].typed)
		rows[app->line].typed(app);
}

void lines_begin(struct app *app, enum line_kind kind, const char *text)
{
	app->line = kind;
	app->line_changed = false;
	if (rows[kind].field)
		job_set(&app->line_before, *rows[kind].field(app));
	forget_completion(app);
	input_start(&app->input, text, history_of(app, kind));
}

void lines_open_again(struct app *app)
{
	app->line = app->taken;
	app->line_changed = false;
}

void lines_type(struct app *app, const struct key *key)
{
	char bytes[4];

	if (!app->line)
		lines_begin(app, LINE_PROMPT, app->doc.job.prompt);
	if (key->kind == K_PASTE)
		input_insert(&app->input, key->paste, strlen(key->paste));
	else
		input_insert(&app->input, bytes, utf8_encode(key->c, bytes));
	typed(app);
}

static void end(struct app *app)
{
	if (app->input.history)
		history_add(app->input.history, app->input.text.s);
	forget_completion(app);
	app->line = LINE_NONE;
}

void act_line_accept(struct app *app, const char *argument)
{
	enum line_kind kind = app->line;

	(void)argument;
	end(app);
	app->taken = kind;
	if (rows[kind].taken)
		rows[kind].taken(app);
}

void act_line_leave(struct app *app, const char *argument)
{
	(void)argument;
	if (rows[app->line].left)
		rows[app->line].left(app);
	app->line = LINE_NONE;
	forget_completion(app);
}

#define EDITING(id, verb) \
	void act_line_##id(struct app *app, const char *argument) \
	{ \
		(void)argument; \
		if (verb(&app->input)) \
			typed(app); \
	}
EDITING(left, input_left)
EDITING(right, input_right)
EDITING(word_left, input_word_left)
EDITING(word_right, input_word_right)
EDITING(home, input_home)
EDITING(end, input_end)
EDITING(backspace, input_backspace)
EDITING(delete, input_delete)
EDITING(kill_word, input_kill_word)
EDITING(kill_left, input_kill_left)
EDITING(kill_right, input_kill_right)
EDITING(kill_word_right, input_kill_word_right)
EDITING(yank, input_yank)
EDITING(yank_older, input_yank_older)
EDITING(undo, input_undo)
EDITING(swap, input_swap)
EDITING(upper, input_upper)
EDITING(lower, input_lower)
EDITING(capital, input_capital)
EDITING(find_older, input_find_older)
EDITING(older, input_older)
EDITING(newer, input_newer)

/* ------------------------------------------------------------------------------------------------ after `:` */

static void complete_step(struct app *app, int by)
{
	struct completion done;
	const char *line;
	int at;

	if (!app->complete_typed)
		app->complete_typed = xstrdup(app->input.text.s);
	line = app->complete_typed;
	completion_of_line(app, app->line, line, &done);
	if (done.list.n) {
		/* One step after the last is what was typed. */
		at = app->complete_at + by;
		if (at >= done.list.n)
			at = -1;
		if (at < -1)
			at = done.list.n - 1;
		app->complete_at = at;
		str_clear(&app->input.text);
		str_add(&app->input.text, line);
		app->input.at = app->input.text.n;
		if (at >= 0)
			input_replace(&app->input, done.from, done.list.item[at].text);
		if (at >= 0 && done.more && !text_ends(done.list.item[at].text, "/"))
			input_insert(&app->input, " ", 1);
		if (done.list.n == 1) /* the only one: what comes after it may be completed next */
			forget_completion(app);
	}
	completion_done(&done);
}

void act_line_complete(struct app *app, const char *argument)
{
	(void)argument;
	complete_step(app, 1);
}

void act_line_complete_back(struct app *app, const char *argument)
{
	(void)argument;
	complete_step(app, -1);
}

void act_command(struct app *app, const char *argument)
{
	if (!app->models_n)
		app_ask_for(app, REQUEST_LISTS, "models"); /* for completion */
	lines_begin(app, LINE_COMMAND, argument ? argument : "");
}

/* By its word; a `!` at the end goes only with what writes files, and says that it may replace one. */
static const struct action *find_command(const char *word, size_t n, bool *replace, bool *ambiguous)
{
	const struct action *action = action_for_word(word, n, ambiguous);

	*replace = !action && n > 1 && word[n - 1] == '!';
	if (*replace)
		action = action_for_word(word, n - 1, ambiguous);
	return *replace && action && action->wants != WANTS_FILE && action->wants != WANTS_CIRCUIT ? NULL : action;
}

/* The commands whose words begin with what was typed; where none does, those that hold it, or that it begins as. */
static void near_commands(const char *typed, size_t n, struct str *out)
{
	for (int pass = 0; pass < 2 && !out->n; pass++)
		for (int i = 0; i < ACTION_COUNT; i++) {
			size_t length = strcspn(actions[i].words, " ");
			bool near = pass ? memmem(actions[i].words, length, typed, n) ||
						    (length >= 3 && n >= 3 && !strncmp(actions[i].words, typed, 3))
					 : length >= n && !strncmp(actions[i].words, typed, n);

			if (length && near)
				str_addf(out, "%s:%.*s", out->n ? ", " : "", (int)length, actions[i].words);
		}
}

/* Where the keys do what somebody typed a word for. */
static void near_keys(const char *typed, size_t n, struct str *out)
{
	for (int i = 0; i < ACTION_COUNT && !out->n; i++)
		if (n >= 3 && !*actions[i].words && !strncmp(actions[i].label, typed, n) && !actions[i].label[n])
			str_addf(out, "the key %.*s (%s)", (int)strcspn(actions[i].keys, " "), actions[i].keys, actions[i].help);
}

static void no_command(struct app *app, const char *typed, size_t n, bool ambiguous)
{
	struct str near;

	str_init(&near);
	if (!ambiguous)
		near_keys(typed, n, &near);
	if (!near.n)
		near_commands(typed, n, &near);
	if (ambiguous)
		app_say(app, STYLE_ERROR, ":%.*s is ambiguous: %s", (int)n, typed, near.s);
	else if (near.n)
		app_say(app, STYLE_ERROR, "no command :%.*s; did you mean %s?", (int)n, typed, near.s);
	else
		app_say(app, STYLE_ERROR, "no command :%.*s; Tab lists them", (int)n, typed);
	str_done(&near);
}

/* "edit head 5.1 zero", as it is typed after `:`. */
void run_command(struct app *app, const char *line)
{
	const struct action *action;
	struct str argument;
	bool ambiguous, replace;
	size_t n;

	line += strspn(line, " :");
	n = strcspn(line, " ");
	if (!n)
		return;
	action = find_command(line, n, &replace, &ambiguous);
	if (!action) {
		no_command(app, line, n, ambiguous);
		return;
	}
	str_init(&argument);
	str_addf(&argument, "%s%s", replace ? "! " : "", line + n + strspn(line + n, " "));
	app_run(app, action, argument.s);
	str_done(&argument);
}
