/* complete.c - see complete.h: a row for each kind of argument. */
#include "tui/app/complete.h"

#include <stdio.h>
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/complete_metric.h"
#include "tui/app/complete_path.h"
#include "tui/app/export_line.h"
#include "tui/app/typing.h"
#include "tui/figure/figure.h"
#include "tui/figure/format.h"

void completion_offer(struct completion *c, const char *typed, const char *text, const char *what)
{
	if (!strncmp(text, typed, strlen(typed)))
		list_add(&c->list, text, what);
}

/* The last word of the argument, and how many are before it. */
static const char *last_word(const char *argument, int *before)
{
	const char *word = argument;

	*before = 0;
	for (const char *s = argument; *s; s++)
		if (*s == ' ') {
			word = s + 1;
			*before += s > argument && s[-1] != ' ';
		}
	return word;
}

/* ------------------------------------------------------------------------------------------------ each kind */

static void complete_analysis(const struct app *app, const char *argument, struct completion *c)
{
	(void)app;
	for (int i = 0; analysis_list[i]; i++)
		completion_offer(c, argument, analysis_list[i]->name, analysis_list[i]->blurb);
}

/* By name, or a file anywhere. */
static void complete_preset(const struct app *app, const char *argument, struct completion *c)
{
	for (int i = 0; i < app->presets_n; i++)
		completion_offer(c, argument, app->presets[i].name, app->presets[i].title);
	if (*argument)
		complete_path(argument, ".yaml", &c->list);
}

/* What would be replaced; where a folder is typed, what is there. */
static void complete_save(const struct app *app, const char *argument, struct completion *c)
{
	for (int i = 0; i < app->presets_n; i++)
		if (!app->presets[i].shipped)
			completion_offer(c, argument, app->presets[i].name, app->presets[i].title);
	if (strchr(argument, '/'))
		complete_path(argument, ".yaml .yml", &c->list);
}

/* Models of this machine by name, or a folder or file anywhere. */
static void complete_model(const struct app *app, const char *argument, struct completion *c)
{
	for (int i = 0; i < app->models_n; i++)
		if (!*argument || *app->models[i].name != '/') /* a path is found below */
			completion_offer(c, argument, app->models[i].name,
					 app->models[i].recent ? "opened lately" : app->models[i].place);
	if (*argument)
		complete_path(argument, ".gguf", &c->list);
}

static void complete_theme(const struct app *app, const char *argument, struct completion *c)
{
	for (int i = 0; i < app->themes_n; i++)
		completion_offer(c, argument, app->themes[i], NULL);
}

static void complete_diff(const struct app *app, const char *argument, struct completion *c)
{
	(void)app;
	completion_offer(c, argument, "none", "the table as it is");
	completion_offer(c, argument, "edits", "edited minus unedited");
	completion_offer(c, argument, "foil", "prompt minus foil");
	completion_offer(c, argument, "on-foil", "the foil's own");
}

static void complete_prompts(const struct app *app, const char *argument, struct completion *c)
{
	(void)app;
	completion_offer(c, argument, "none", "of the prompt again");
	complete_path(argument, asset_prompts.endings, &c->list);
}

static void complete_circuit(const struct app *app, const char *argument, struct completion *c)
{
	(void)app;
	complete_path(argument, ".yaml", &c->list);
}

/* The views that fit the table of this pane, then how large its cells are. */
static void complete_view(const struct app *app, const char *argument, struct completion *c)
{
	struct answer_shown answer = { 0 };
	int before;
	const char *word = last_word(argument, &before);

	c->from += (size_t)(word - argument);
	if (app->doc.job.panes)
		question_answer(app, app->focus, &answer);
	for (int i = 0; i < VIEW_COUNT; i++)
		if (!answer.table || i == VIEW_OWN || view_for(answer.table, (enum view_id)i) == (enum view_id)i)
			completion_offer(c, word, view_words[i], view_titles[i]);
	for (int i = 0; i < ZOOM_COUNT; i++)
		completion_offer(c, word, zoom_words[i], NULL);
}

static void complete_value(const struct param *p, const char *value, struct completion *c)
{
	for (const struct choice *choice = p->choices; choice && choice->word; choice++)
		completion_offer(c, value, choice->word, choice->help);
	if (p->kind == PARAM_FILE || p->kind == PARAM_FOLDER)
		complete_path(value, p->kind == PARAM_FOLDER ? "" : p->file ? p->file->endings : NULL, &c->list);
}

/* KEY=VALUE of the pane's technique: first the key, after "=" its choices, or files. */
static void complete_setting(const struct app *app, const char *argument, struct completion *c)
{
	const struct param *params;
	const char *equals = strchr(argument, '=');

	if (!app->doc.job.panes)
		return;
	params = app->doc.job.pane[app->focus].analysis->params;
	if (equals) {
		char key[100];
		int i;

		snprintf(key, sizeof key, "%.*s", (int)(equals - argument), argument);
		i = param_find(params, key);
		c->from += (size_t)(equals + 1 - argument);
		if (i >= 0)
			complete_value(&params[i], equals + 1, c);
		return;
	}
	for (const struct param *p = params; p && p->name; p++) {
		char text[100];
		struct str range;

		str_init(&range);
		str_addf(&range, "%s · ", p->help);
		param_range_text(p, extent_of(app, p->dim), &range);
		snprintf(text, sizeof text, "%s=", p->name);
		completion_offer(c, argument, text, range.s);
		str_done(&range);
	}
}

/* The kind of file that the word before the last, an op, reads; NULL: none. */
static const struct asset_kind *after_file_op(const char *argument, const char *word, const struct place_word *target)
{
	const char *end = word, *start;

	while (end > argument && end[-1] == ' ')
		end--;
	for (start = end; start > argument && start[-1] != ' ';)
		start--;
	for (int i = 0; target && start > argument && i < EDIT_OPS; i++)
		if (strlen(edit_ops[i].word) == (size_t)(end - start) && !strncmp(edit_ops[i].word, start, (size_t)(end - start)))
			return edit_op_file(target->site, (enum edit_op)i);
	return NULL;
}

/* TARGET LAYER[.UNIT] [@POSITIONS] OP [FILE]: the place offered is where the cursor is. */
static void complete_edit(const struct app *app, const char *argument, struct completion *c)
{
	int before, layers = extent_of(app, DIM_LAYER), heads = extent_of(app, DIM_HEAD);
	const char *word = last_word(argument, &before);
	const struct place_word *target = place_word_find(argument, strcspn(argument, " "));
	const struct asset_kind *file = after_file_op(argument, word, target);
	char text[60];

	c->from += (size_t)(word - argument);
	c->more = true;
	if (before && target && target->site == SITE_LN_FINAL) /* it has no layer */
		before++;
	if (file) {
		complete_path(word, file->endings, &c->list);
		return;
	}
	if (before == 0) {
		for (int i = 0; place_words[i].word; i++)
			completion_offer(c, word, place_words[i].word, place_words[i].help);
	} else if (before == 1) {
		snprintf(text, sizeof text, "%d", cursor_get(app, DIM_LAYER, layers));
		if (target && site_table[target->site].unit == DIM_HEAD)
			snprintf(text, sizeof text, "%d.%d", cursor_get(app, DIM_LAYER, layers), cursor_get(app, DIM_HEAD, heads));
		if (layers)
			completion_offer(c, word, text, "where the cursor is");
	} else {
		snprintf(text, sizeof text, "@%d", cursor_get(app, DIM_POSITION, extent_of(app, DIM_POSITION)));
		if (before == 2 && extent_of(app, DIM_POSITION))
			completion_offer(c, word, text, "at the cursor's position only");
		snprintf(text, sizeof text, "@%d..", cursor_get(app, DIM_POSITION, extent_of(app, DIM_POSITION)));
		if (before == 2 && extent_of(app, DIM_POSITION))
			completion_offer(c, word, text, "from the cursor's position on, generated tokens included");
		for (int i = 0; i < EDIT_OPS; i++)
			if (!target || edit_op_fits(target->site, (enum edit_op)i))
				completion_offer(c, word, edit_ops[i].word, edit_ops[i].help);
	}
}

/* The themes that a figure may have, by "theme=NAME". */
static void complete_export_theme(const struct app *app, const char *word, struct completion *c)
{
	for (int i = 0; i < app->themes_n; i++) {
		char text[100];

		snprintf(text, sizeof text, "theme=%s", app->themes[i]);
		completion_offer(c, word, text, strcmp(app->themes[i], figure_theme) ? NULL : "what figures have, for paper");
	}
}

/* [screen] FILE [theme=NAME]: files that would be replaced, and folders; then the theme. */
static void complete_export(const struct app *app, const char *argument, struct completion *c)
{
	const struct export_line line = export_line_read(argument);
	struct str endings;

	if (line.last) {
		c->from += (size_t)(line.last - argument);
		complete_export_theme(app, line.last, c);
		if (c->list.n)
			return;
		c->from -= (size_t)(line.last - argument);
	}
	str_init(&endings);
	c->from += (size_t)(line.file - argument);
	if (!line.screen) {
		completion_offer(c, argument, "screen", "all of the screen, not the pane alone");
		c->more = c->list.n > 0;
	}
	argument = line.file;
	for (const struct format *f = formats; f->word; f++)
		str_addf(&endings, ".%s ", f->extension);
	complete_path(argument, endings.s, &c->list);
	str_done(&endings);
}

static void complete_copy(const struct app *app, const char *argument, struct completion *c)
{
	int before;
	const char *word = last_word(argument, &before);

	(void)app;
	c->from += (size_t)(word - argument);
	completion_offer(c, word, "cell", "under the cursor");
	completion_offer(c, word, "row", "of the cursor, with the labels above");
	completion_offer(c, word, "column", "of the cursor, with the labels beside it");
	completion_offer(c, word, "table", "all of it");
	completion_offer(c, word, "tsv", "separated by tabs: for spreadsheets");
	completion_offer(c, word, "csv", "separated by commas");
	completion_offer(c, word, "markdown", "a table for a page, with as many digits as the screen shows");
}

static void (*const completers[WANTS_COUNT])(const struct app *app, const char *argument, struct completion *c) = {
	[WANTS_EDIT] = complete_edit,	      [WANTS_SETTING] = complete_setting, [WANTS_METRIC] = complete_metric,
	[WANTS_ANALYSIS] = complete_analysis, [WANTS_PRESET] = complete_preset,	  [WANTS_THEME] = complete_theme,
	[WANTS_DIFF] = complete_diff,	      [WANTS_VIEW] = complete_view,	  [WANTS_FILE] = complete_export,
	[WANTS_CIRCUIT] = complete_circuit,   [WANTS_PROMPTS] = complete_prompts, [WANTS_COPY] = complete_copy,
	[WANTS_MODEL] = complete_model,	      [WANTS_SAVE] = complete_save,
};

/* ------------------------------------------------------------------------------------------------ the line */

static void complete_command(const char *typed, struct completion *c)
{
	c->more = true;
	for (int i = 0; i < ACTION_COUNT; i++) {
		char word[40];

		snprintf(word, sizeof word, "%.*s", (int)strcspn(actions[i].words, " "), actions[i].words);
		if (*word)
			completion_offer(c, typed, word, actions[i].help);
	}
}

void completion_make(const struct app *app, const char *line, struct completion *out)
{
	const char *start = line + strspn(line, " :"), *argument;
	const struct action *action;
	bool ambiguous;
	size_t n = strcspn(start, " ");

	memset(out, 0, sizeof *out);
	list_init(&out->list);
	out->from = (size_t)(start - line);
	if (!start[n]) {
		complete_command(start, out);
		return;
	}
	action = action_for_word(start, n, &ambiguous);
	if (!action && n > 1 && start[n - 1] == '!') /* :export! */
		action = action_for_word(start, n - 1, &ambiguous);
	argument = start + n + strspn(start + n, " ");
	out->from = (size_t)(argument - line);
	if (action && completers[action->wants])
		completers[action->wants](app, argument, out);
}

void completion_of_line(const struct app *app, enum line_kind kind, const char *line, struct completion *out)
{
	const char *command = lines_command(kind);
	struct str whole;

	str_init(&whole);
	str_addf(&whole, "%s%s%s", command, *command ? " " : "", line);
	completion_make(app, whole.s, out);
	out->from -= out->from < whole.n - strlen(line) ? out->from : whole.n - strlen(line);
	str_done(&whole);
}

void completion_done(struct completion *c)
{
	list_done(&c->list);
}
