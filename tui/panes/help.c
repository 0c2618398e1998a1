/* help.c - pages to read: the keys available here, the cell under the cursor, the messages. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/places.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"

static void add_action(struct list *list, const struct action *action, bool ascii)
{
	size_t word = strcspn(action->words, " ");
	struct str keys;

	str_init(&keys);
	action_keys(action, 4, ascii, &keys);
	if (word)
		str_addf(&keys, "%s:%.*s", keys.n ? "  " : "", (int)word, action->words);
	list_add(list, keys.s, action->help)->style = STYLE_KEY;
	str_done(&keys);
}

/* What a person wants to do, in the order in which one learns it, and the group of actions.def that it is. */
static const struct topic_of_help {
	const char *word, *group;
} help_topics[] = {
	{ "all", NULL },      { "moving", "Move" },	{ "looking", "Panes" }, { "asking", "Ask" },  { "editing", "Intervene" },
	{ "saving", "Keep" }, { "program", "Program" }, { "typing", "Typing" }, { "lists", "Lists" },
};
enum { HELP_TOPICS = sizeof help_topics / sizeof *help_topics };

/* The rows of a topic that count in these places, and not in those. */
static void add_topic(struct list *list, int topic, unsigned where, unsigned not_where, bool ascii)
{
	bool first = true;

	for (int i = 0; i < ACTION_COUNT; i++) {
		if (strcmp(help_topics[topic].group, actions[i].group) || !(actions[i].where & where) ||
		    (actions[i].where & not_where))
			continue;
		if (first)
			list_heading(list, help_topics[topic].word);
		first = false;
		add_action(list, &actions[i], ascii);
	}
}

/* "all  ‹moving›  looking  …" */
static void add_topic_words(struct list *list, int shown)
{
	struct str words;

	str_init(&words);
	for (int i = 0; i < HELP_TOPICS; i++)
		str_addf(&words, i == shown ? "‹%s›" : " %s ", help_topics[i].word);
	list_add(list, words.s, NULL)->style = STYLE_HINT;
	str_done(&words);
}

/* What the focused pane shows, and what to look for in it. */
static void add_technique(struct list *list, const struct analysis *a)
{
	list_heading(list, a->title);
	list_add(list, a->blurb, NULL);
	for (const char *line = a->picture; *line; line += strcspn(line, "\n") + 1)
		list_addf(list, NULL, "%.*s", (int)strcspn(line, "\n"), line)->style = STYLE_LABEL;
}

/* First what counts where `?` was pressed, then the rest; or one topic. A search looks in all of them. */
static void fill_help(const struct app *app, struct list *list)
{
	const struct analysis *a = app->doc.job.panes ? app->doc.job.pane[app->focus].analysis : NULL;
	const int topic = app->filter.n ? 0 : app->help_topic;
	bool ascii = theme_ascii(app->theme);

	add_topic_words(list, topic);
	if (topic) {
		add_topic(list, topic, ~0u, 0, ascii);
		return;
	}
	if (a && (app->help_where & W_MAIN))
		add_technique(list, a);
	for (int i = 1; i < HELP_TOPICS; i++)
		add_topic(list, i, app->help_where, 0, ascii);
	for (int i = 1; i < HELP_TOPICS; i++)
		add_topic(list, i, ~0u, app->help_where, ascii);
	list_heading(list, "techniques");
	for (int i = 0; analysis_list[i]; i++)
		list_add(list, analysis_list[i]->name, analysis_list[i]->blurb);
}

const struct popup popup_help = { .title = "Keys", .where = W_HELP, .fill = fill_help };

static void show_topic(struct app *app, int topic)
{
	app->help_topic = topic;
	popup_open(app, &popup_help);
}

void act_help_topic(struct app *app, const char *argument)
{
	(void)argument;
	show_topic(app, (app->help_topic + 1) % HELP_TOPICS);
}

void act_help_topic_back(struct app *app, const char *argument)
{
	(void)argument;
	show_topic(app, (app->help_topic + HELP_TOPICS - 1) % HELP_TOPICS);
}

static void no_such_topic(struct app *app, const char *word)
{
	struct str all;

	str_init(&all);
	for (int i = 0; i < HELP_TOPICS; i++)
		str_addf(&all, "%s%s", i ? ", " : "", help_topics[i].word);
	app_say(app, STYLE_ERROR, "help has no topic \"%s\"; expected %s", word, all.s);
	str_done(&all);
}

void act_help(struct app *app, const char *argument)
{
	int topic = 0;

	if (app->popup == &popup_help) {
		popup_close(app);
		return;
	}
	while (argument && *argument && topic < HELP_TOPICS && strncmp(help_topics[topic].word, argument, strlen(argument)))
		topic++;
	app->help_where = app_where(app);
	show_topic(app, topic % HELP_TOPICS);
	if (topic == HELP_TOPICS && !popup_filter(app, argument)) { /* no topic: what has the word in it */
		popup_close(app);
		no_such_topic(app, argument);
	}
}

/* ------------------------------------------------------------------------------------------------ the cell */

static void add_axis(const struct app *app, struct list *list, const struct axis *axis, int i)
{
	const char *label;
	struct str detail;
	char number[16];

	if (i < 0 || i >= axis->n)
		return;
	str_init(&detail);
	label = axis->show ? axis->show[i] : axis->label[i];
	snprintf(number, sizeof number, "%d", i);
	str_add(&detail, label);
	if (axis->id) {
		str_addf(&detail, "   token %d at %d of %d", axis->id[i], i, axis->n);
		if (axis->dim == DIM_POSITION && app->shot && i < app->shot->tokens && app->shot->token[i].special)
			str_add(&detail, " · special");
	} else if (!strcmp(label, number)) {
		str_addf(&detail, " of 0 … %d", axis->n - 1);
	} else if (axis->dim != DIM_QUANTITY) {
		str_addf(&detail, "   number %d of 0 … %d", i, axis->n - 1);
	}
	list_add(list, axis->name, detail.s);
	str_done(&detail);
}

static void add_number(struct list *list, const char *what, const struct table *t, int row, int col)
{
	const char *unit = t->unit ? t->unit[t->units > 1 ? col : 0] : "";
	float x = t->value[table_cell(t, row, col)];
	struct str detail;

	str_init(&detail);
	if (isnan(x))
		str_add(&detail, "none: no value here");
	else
		str_addf(&detail, "%.9g %s", (double)x, unit ? unit : "");
	list_add(list, what, detail.s);
	str_done(&detail);
}

static void add_word(struct list *list, const struct table *t, size_t cell)
{
	struct str hex;

	if (!t->word || !t->word[cell])
		return;
	str_init(&hex);
	for (size_t i = 0; i < t->word_bytes[cell] && i < 24; i++)
		str_addf(&hex, "%s%02x", i ? " " : "", (unsigned char)t->word[cell][i]);
	list_add(list, "word", t->word_show[cell]);
	list_addf(list, hex.s, "%s", "its bytes");
	str_clear(&hex);
	str_addf(&hex, "%d", t->id[cell]);
	list_add(list, "token id", hex.s);
	str_done(&hex);
}

/* Where the table's numbers run, and where this one is among them. */
static void add_range(struct list *list, const struct table *t, bool sink_in)
{
	bool skip_first = t->skip_first && !sink_in;
	struct str detail;
	float lo, hi;

	if (t->units > 1 || !table_range(t, skip_first, &lo, &hi))
		return;
	str_init(&detail);
	text_number((double)lo, &detail);
	str_add(&detail, " … ");
	text_number((double)hi, &detail);
	if (skip_first)
		str_add(&detail, ", the first token left out");
	list_add(list, "the table", detail.s);
	str_done(&detail);
}

/* A row with unlike columns is shown whole. */
static void add_row(struct list *list, const struct table *t, int row)
{
	for (int k = 0; k < t->cols.n; k++)
		add_number(list, t->cols.show ? t->cols.show[k] : t->cols.label[k], t, row, k);
}

static void fill_inspect(const struct app *app, struct list *list)
{
	struct answer_shown answer = { 0 };
	const struct table *t;
	struct str args;
	int row, col;

	if (app->doc.job.panes)
		question_answer(app, app->focus, &answer);
	if (!(t = answer.table))
		return;
	cursor_in(app, t, &row, &col);
	if (row < 0 || col < 0)
		return;
	str_init(&args);
	question_args(app, app->focus, &args);
	list->title = "the cell under the cursor";
	list_add(list, t->analysis ? t->analysis : "",
		 args.n							       ? args.s
		 : param_count(app->doc.job.pane[app->focus].analysis->params) ? "default arguments"
									       : "takes no arguments");
	add_axis(app, list, &t->rows, row);
	add_axis(app, list, &t->cols, col);
	if (places_note(app, app->focus, t, row, col))
		list_add(list, "note", places_note(app, app->focus, t, row, col));
	add_word(list, t, table_cell(t, row, col));
	if (t->cols.dim == DIM_QUANTITY && t->cols.n > 1)
		add_row(list, t, row);
	else
		add_number(list, "value", t, row, col);
	if (answer.before && row < answer.before->rows.n && col < answer.before->cols.n)
		add_number(list, "without edits", answer.before, row, col);
	add_range(list, t, app->pane[app->focus].sink_in);
	if (t->check.name) {
		str_clear(&args);
		str_addf(&args, "%.9g, expected %.9g, gap %.2g, allowed %.2g", t->check.actual, t->check.expected,
			 fabs(t->check.actual - t->check.expected), t->check.tolerance * fmax(1, fabs(t->check.expected)));
		if (t->check.of)
			str_addf(&args, " · %s", t->check.of);
		list_add(list, t->check.name, args.s)->style = check_holds(&t->check) ? STYLE_TEXT : STYLE_ERROR;
	}
	str_done(&args);
}

const struct popup popup_inspect = { .title = "the cell under the cursor", .fill = fill_inspect, .empty = "there is no table yet" };

/* ------------------------------------------------------------------------------------------------ messages */

static void fill_messages(const struct app *app, struct list *list)
{
	for (int i = app->messages.n - 1; i >= 0; i--)
		list_add(list, app->messages.line[i], NULL);
}

static const struct popup popup_messages = {
	.title = "Messages, newest first", .fill = fill_messages, .empty = "no messages yet", .keep_order = true
};

void act_messages(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_messages);
}
