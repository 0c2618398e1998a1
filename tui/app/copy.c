/*
 * copy.c - see copy.h. `:copy [cell|row|column|table] [tsv|csv|markdown]`; `y` is the cell, C-y the table.
 *
 * Labels and words are as the screen shows them, so a cell can hold neither a tab nor a line break nor anything that a terminal
 * obeys. Numbers have as many digits as read back to the same float; in markdown, which is for people, as many as the screen shows.
 */
#include "tui/app/copy.h"

#include <math.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/app/binding.h"
#include "tui/app/shell_word.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"
#include "tui/panes/pane.h"

enum part { PART_CELL, PART_ROW, PART_COLUMN, PART_TABLE, PARTS };
static const char *const part_words[PARTS] = { "cell", "row", "column", "table" };

enum style_of_copy { AS_TSV, AS_CSV, AS_MARKDOWN, STYLES_OF_COPY };
static const char *const style_words[STYLES_OF_COPY] = { "tsv", "csv", "markdown" };

/* Asks for the copy, and tells what it is and how long: "copied the row layer 3: 5 cells · 38 bytes". */
static void copy_text(struct app *app, const struct str *text, const char *what)
{
	struct str size;

	str_init(&size);
	text_bytes(text->n, &size);
	app_ask_for(app, REQUEST_COPY, text->s);
	app_say(app, STYLE_DIM, "copied %s · %s", what, size.s);
	str_done(&size);
}

/* The table under the focus with the cursor in it; NULL with a message when there is none. */
static const struct table *table_here(struct app *app, int *row, int *col)
{
	struct answer_shown answer = { 0 };

	if (app_pane(app))
		question_answer(app, app->focus, &answer);
	if (answer.table)
		cursor_in(app, answer.table, row, col);
	else
		app_say(app, STYLE_WARNING, "there is no table in this pane yet");
	return answer.table;
}

/* ---- fields ---- */

static void add_csv(struct str *out, const char *text)
{
	if (!text[strcspn(text, "\",")]) {
		str_add(out, text);
		return;
	}
	str_add_char(out, '"');
	for (; *text; text++)
		str_addf(out, *text == '"' ? "\"\"" : "%c", *text);
	str_add_char(out, '"');
}

static void add_markdown(struct str *out, const char *text)
{
	for (; *text; text++)
		str_addf(out, strchr("\\`*_[]<>|", *text) ? "\\%c" : "%c", *text);
}

struct sheet {
	struct str *out;
	enum style_of_copy style;
	bool begun; /* a field is in the line already */
};

static void field(struct sheet *s, const char *text)
{
	static const char *const between[] = { "\t", ",", " | " };
	struct str safe;

	str_init(&safe);
	utf8_safe(&safe, text, strlen(text), false);
	str_add(s->out, s->begun ? between[s->style] : s->style == AS_MARKDOWN ? "| " : "");
	s->begun = true;
	if (s->style == AS_CSV)
		add_csv(s->out, safe.s);
	else if (s->style == AS_MARKDOWN)
		add_markdown(s->out, safe.s);
	else
		str_add(s->out, safe.s);
	str_done(&safe);
}

static void end_line(struct sheet *s)
{
	str_add(s->out, s->style == AS_MARKDOWN ? " |\n" : "\n");
	s->begun = false;
}

/* A word, where there is one, is a field before its number. */
static void add_cell(struct sheet *s, const struct table *t, int row, int col)
{
	size_t cell = table_cell(t, row, col);
	struct str number;

	str_init(&number);
	if (s->style == AS_MARKDOWN)
		view_number(t, row, col, &number);
	else if (!isnan(t->value[cell]))
		str_addf(&number, "%.9g", (double)t->value[cell]);
	if (t->word)
		field(s, t->word_show[cell] ? t->word_show[cell] : "");
	field(s, number.s);
	str_done(&number);
}

/* ---- tables ---- */

struct range {
	int row, row_to, col, col_to; /* from, and after the last */
};

static void add_head(struct sheet *s, const struct table *t, const struct range *r)
{
	int fields = 1;

	field(s, t->rows.name ? t->rows.name : "");
	for (int c = r->col; c < r->col_to; c++) {
		if (t->word)
			field(s, "");
		field(s, t->cols.show[c]);
		fields += t->word ? 2 : 1;
	}
	end_line(s);
	for (int i = 0; s->style == AS_MARKDOWN && i < fields; i++)
		str_add(s->out, i ? " ---: |" : "| --- |");
	if (s->style == AS_MARKDOWN)
		str_add_char(s->out, '\n');
}

static void add_rows(struct sheet *s, const struct table *t, const struct range *r)
{
	for (int row = r->row; row < r->row_to; row++) {
		field(s, t->rows.show[row]);
		for (int c = r->col; c < r->col_to; c++)
			add_cell(s, t, row, c);
		end_line(s);
	}
}

/* "the row layer 3: 5 cells" */
static void describe(const struct table *t, enum part part, const struct range *r, const char *text, struct str *out)
{
	if (part == PART_CELL)
		str_addf(out, "the cell: %s", text);
	else if (part == PART_TABLE)
		str_addf(out, "the table: %d × %d cells", t->rows.n, t->cols.n);
	else if (part == PART_ROW)
		str_addf(out, "the row %s %s: %d cells", t->rows.name ? t->rows.name : "", t->rows.show[r->row], t->cols.n);
	else
		str_addf(out, "the column %s %s: %d cells", t->cols.name ? t->cols.name : "", t->cols.show[r->col], t->rows.n);
}

static void copy_part(struct app *app, enum part part, enum style_of_copy style)
{
	const struct table *t;
	struct range r;
	struct str text, what;
	struct sheet s = { .out = &text, .style = style };
	int row, col;

	if (!(t = table_here(app, &row, &col)))
		return;
	if ((row < 0 && part != PART_TABLE && part != PART_COLUMN) || (col < 0 && (part == PART_CELL || part == PART_COLUMN)))
		return;
	r = (struct range){ 0, t->rows.n, 0, t->cols.n };
	if (part == PART_CELL || part == PART_ROW)
		r.row = row, r.row_to = row + 1;
	if (part == PART_CELL || part == PART_COLUMN)
		r.col = col, r.col_to = col + 1;
	str_init(&text);
	str_init(&what);
	if (part == PART_CELL) {
		add_cell(&s, t, row, col);
	} else {
		add_head(&s, t, &r);
		add_rows(&s, t, &r);
	}
	describe(t, part, &r, text.s, &what);
	copy_text(app, &text, what.s);
	str_done(&text);
	str_done(&what);
}

/* ---- actions ---- */

static int word_at(const char *const *words, int n, const char *text, size_t length)
{
	for (int i = 0; i < n; i++)
		if (strlen(words[i]) == length && !strncmp(words[i], text, length))
			return i;
	return -1;
}

static void copy_words(struct app *app, enum part part, const char *argument)
{
	enum style_of_copy style = AS_TSV;

	for (const char *word = argument ? argument : ""; *(word += strspn(word, " "));) {
		size_t n = strcspn(word, " ");
		int p = word_at(part_words, PARTS, word, n), k = word_at(style_words, STYLES_OF_COPY, word, n);

		if (p < 0 && k < 0) {
			app_say(app, STYLE_ERROR,
				"copy: unexpected \"%.*s\"; expected cell, row, column or table, and tsv, csv or "
				"markdown",
				(int)n, word);
			return;
		}
		part = p >= 0 ? (enum part)p : part;
		style = k >= 0 ? (enum style_of_copy)k : style;
		word += n;
	}
	copy_part(app, part, style);
}

void act_copy(struct app *app, const char *argument)
{
	copy_words(app, PART_CELL, argument);
}

void act_copy_table(struct app *app, const char *argument)
{
	copy_words(app, PART_TABLE, argument);
}

/* ---- the command line ---- */

static void add_quoted(struct str *out, const char *option, const char *value)
{
	str_addf(out, " %s%s", option, *option ? " " : "");
	shell_word(out, value);
}

void copy_command(struct app *app, const struct job *job, const struct job_pane *pane)
{
	static const char *const shown[] = { "", " --diff edits", " --diff foil", " --on foil" };
	const struct param *params = pane->analysis->params;
	struct str line, setting;

	str_init(&line);
	str_init(&setting);
	str_addf(&line, "lmscope print %s", pane->analysis->name);
	if (job->model)
		add_quoted(&line, "", job->model);
	if (pane->over)
		add_quoted(&line, "--over", pane->over);
	else
		add_quoted(&line, "-p", job->prompt);
	if (job->foil)
		add_quoted(&line, "--foil", job->foil);
	for (int i = 0; i < job->edits; i++)
		if (job->edit[i].on)
			add_quoted(&line, "-e", job->edit[i].line);
	if (job->metric)
		add_quoted(&line, "-m", job->metric);
	for (int i = 0; i < param_count(params); i++) {
		if (!pane->given[i])
			continue;
		str_clear(&setting);
		str_addf(&setting, "%s=", params[i].name);
		param_print(&params[i], pane->args[i], &setting);
		add_quoted(&line, "-s", setting.s);
	}
	str_done(&setting);
	str_add(&line, shown[pane->shown]);
	str_add(&line, job->bos == BOS_ALWAYS ? " --bos" : job->bos == BOS_NEVER ? " --no-bos" : "");
	copy_text(app, &line, "the command that prints this pane");
	str_done(&line);
}

void act_copy_command(struct app *app, const char *argument)
{
	struct job_pane pane;

	(void)argument;
	if (!app_pane(app))
		return;
	question_pane(app, app->focus, &pane);
	copy_command(app, &app->doc.job, &pane);
}
