/* export.c - see export.h: aligned text for people, and CSV. JSON is in export_json.c. */
#include "engine/export/export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/utf8.h"

const char *answer_metric(const struct answer *a)
{
	return a->table->over ? a->table->over->metric : a->of->metric_spec;
}

double answer_value(const struct answer *a)
{
	return a->table->over ? a->table->over->value : a->of->metric;
}

double answer_unedited(const struct answer *a)
{
	return a->table->over ? a->table->over->unedited : a->of->metric_unedited;
}

/* Tokens are compared by their ids; words that are no tokens have none. */
static bool same_word(const struct table *t, size_t a, size_t b)
{
	return t->id[a] == t->id[b] && t->word_bytes[a] == t->word_bytes[b] && !memcmp(t->word[a], t->word[b], t->word_bytes[a]);
}

/* Whether every row has one word for all its cells, as a ranking has: then it is written once. */
static bool one_word_a_row(const struct table *t)
{
	for (int r = 0; t->word && r < t->rows.n; r++)
		for (int c = 1; c < t->cols.n; c++)
			if (!same_word(t, table_cell(t, r, c), table_cell(t, r, 0)))
				return false;
	return t->word && t->cols.n > 1;
}

/* --- CSV --- */

static void csv_field(struct str *out, const char *bytes, size_t n, bool first)
{
	struct str safe;

	str_init(&safe);
	utf8_safe(&safe, bytes, n, true);
	if (!first)
		str_add_char(out, ',');
	if (safe.s[strcspn(safe.s, "\",\r\n")] == '\0') {
		str_add(out, safe.s);
	} else {
		str_add_char(out, '"');
		for (const char *s = safe.s; *s; s++)
			str_addf(out, *s == '"' ? "\"\"" : "%c", *s);
		str_add_char(out, '"');
	}
	str_done(&safe);
}

static void csv_word(struct str *out, const struct table *t, size_t cell)
{
	csv_field(out, t->word[cell], t->word_bytes[cell], false);
}

static void csv_header(const struct table *t, bool once, struct str *out)
{
	struct str label;

	str_init(&label);
	csv_field(out, t->rows.name, strlen(t->rows.name), true);
	if (once)
		str_add(out, ",word");
	for (int c = 0; c < t->cols.n; c++) {
		csv_field(out, t->cols.label[c], t->cols.label_bytes[c], false);
		if (!t->word || once)
			continue;
		str_clear(&label);
		str_add_n(&label, t->cols.label[c], t->cols.label_bytes[c]);
		str_add(&label, ".word");
		csv_field(out, label.s, label.n, false);
	}
	str_add(out, "\r\n");
	str_done(&label);
}

void export_csv(const struct answer *a, struct str *out)
{
	const struct table *t = a->table;
	bool once = one_word_a_row(t);

	csv_header(t, once, out);
	for (int r = 0; r < t->rows.n; r++) {
		csv_field(out, t->rows.label[r], t->rows.label_bytes[r], true);
		if (once)
			csv_word(out, t, table_cell(t, r, 0));
		for (int c = 0; c < t->cols.n; c++) {
			float x = t->value[table_cell(t, r, c)];

			str_add_char(out, ',');
			if (isfinite(x))
				str_addf(out, "%.9g", (double)x);
			if (t->word && !once)
				csv_word(out, t, table_cell(t, r, c));
		}
		str_add(out, "\r\n");
	}
}

/* --- text --- */

/* Decimals that give a column's largest number four digits; whole numbers have none. */
static int decimals_of(const struct table *t, const float *value, int col)
{
	float largest = 0;
	bool whole = true;

	for (int c = 0; c < t->cols.n; c++)
		for (int r = 0; r < t->rows.n && (c == col || t->units == 1); r++) {
			float x = fabsf(value[table_cell(t, r, c)]);

			largest = isfinite(x) && x > largest ? x : largest;
			whole = whole && (!isfinite(x) || x == nearbyintf(x));
		}
	if (largest >= 1000 || whole)
		return 0;
	if (largest >= 100)
		return 1;
	if (largest >= 10)
		return 2;
	return largest < 0.1f && largest > 0 ? 5 : t->units > 1 ? 4 : 3; /* a ranking has room for its small probabilities */
}

static void print_number(struct str *out, float x, int decimals)
{
	size_t before = out->n;

	if (isnan(x))
		return;
	str_addf(out, "%.*f", decimals, (double)x);
	if (out->s[before] == '-' && strspn(out->s + before, "-0.") == out->n - before) { /* no "-0.000" */
		memmove(out->s + before, out->s + before + 1, out->n - before);
		out->n--;
	}
}

static void pad(struct str *out, int columns)
{
	while (columns-- > 0)
		str_add_char(out, ' ');
}

static int columns(const char *text)
{
	return utf8_columns(text, strlen(text));
}

static void right(struct str *out, const char *text, int width)
{
	pad(out, width - columns(text));
	str_add(out, text);
}

static void left(struct str *out, const char *text, int width)
{
	str_add(out, text);
	pad(out, width - columns(text));
}

/* How wide the parts of one column are. */
struct width {
	int word, number, whole, decimals;
};

/* The number; in a table with marks, one of them or a space after it. */
static void print_cell(struct str *out, const struct table *t, const float *value, size_t cell, int decimals)
{
	print_number(out, value[cell], decimals);
	if (t->mark)
		str_add_char(out, t->mark[cell] ? '!' : ' ');
}

static struct width measure(const struct table *t, const float *value, int c, bool words)
{
	struct width w = { .decimals = decimals_of(t, value, c) };
	struct str number;

	str_init(&number);
	for (int r = 0; r < t->rows.n; r++) {
		size_t cell = table_cell(t, r, c);
		int n;

		str_clear(&number);
		print_cell(&number, t, value, cell, w.decimals);
		n = columns(number.s);
		w.number = n > w.number ? n : w.number;
		n = words ? columns(t->word_show[cell]) : 0;
		w.word = n > w.word ? n : w.word;
	}
	str_done(&number);
	w.whole = w.number + (w.word ? w.word + 1 : 0);
	w.whole = columns(t->cols.show[c]) > w.whole ? columns(t->cols.show[c]) : w.whole;
	return w;
}

/* Of a tree: how far a row is below the first ones, two columns a level. */
static int indent(const struct table *t, int row)
{
	int by = 0;

	for (int i = row; t->parent && t->parent[i] >= 0; i = t->parent[i])
		by += 2;
	return by;
}

static int widest_label(const struct table *t)
{
	int widest = columns(t->rows.name);

	for (int r = 0; r < t->rows.n; r++) {
		int n = indent(t, r) + columns(t->rows.show[r]);

		widest = n > widest ? n : widest;
	}
	return widest;
}

static void trim_line(struct str *out)
{
	while (out->n && out->s[out->n - 1] == ' ')
		out->s[--out->n] = '\0';
	str_add_char(out, '\n');
}

/* One column as text, under its label; each line is [rows.n + 1] strings that grow column by column. */
static void write_column(const struct table *t, const float *value, int c, bool words, struct str *line)
{
	struct width w = measure(t, value, c, words);
	struct str number;

	str_init(&number);
	str_add(&line[0], "  ");
	right(&line[0], t->cols.show[c], w.whole);
	for (int r = 0; r < t->rows.n; r++) {
		size_t cell = table_cell(t, r, c);

		str_clear(&number);
		print_cell(&number, t, value, cell, w.decimals);
		str_add(&line[r + 1], "  ");
		if (words)
			left(&line[r + 1], t->word_show[cell], w.whole - w.number);
		right(&line[r + 1], number.s, words ? w.number : w.whole);
	}
	str_done(&number);
}

static void labelled(struct str *out, const struct table *t, int row, int width)
{
	int by = indent(t, row);

	pad(out, by);
	left(out, t->rows.show[row], width - by);
}

static void write_labels(const struct table *t, bool once, struct str *line)
{
	int width = widest_label(t);
	int word = 0;

	left(&line[0], t->rows.name, width);
	for (int r = 0; r < t->rows.n; r++) {
		int n = once ? columns(t->word_show[table_cell(t, r, 0)]) : 0;

		word = n > word ? n : word;
	}
	pad(&line[0], once ? word + 2 : 0);
	for (int r = 0; r < t->rows.n; r++) {
		if (t->rows.id || t->rows.dim == DIM_COMPONENT)
			labelled(&line[r + 1], t, r, width);
		else
			right(&line[r + 1], t->rows.show[r], width);
		pad(&line[r + 1], once ? 2 : 0);
		if (once)
			left(&line[r + 1], t->word_show[table_cell(t, r, 0)], word);
	}
}

/* `value` is the table's own, or their standard errors. */
static void write_matrix(const struct table *t, const float *value, struct str *out)
{
	bool once = one_word_a_row(t);
	struct str *line = xcalloc((size_t)t->rows.n + 1, sizeof *line);

	for (int r = 0; r <= t->rows.n; r++)
		str_init(&line[r]);
	write_labels(t, once, line);
	for (int c = 0; c < t->cols.n; c++)
		write_column(t, value, c, t->word && !once, line);
	for (int r = 0; r <= t->rows.n; r++) {
		trim_line(&line[r]);
		str_add(out, line[r].s);
		str_done(&line[r]);
	}
	free(line);
}

void export_question(const struct answer *a, struct str *out)
{
	int written = 0;

	for (int i = 0; i < a->job->edits; i++) {
		const char *edit = a->job->edit[i].line;

		if (!a->job->edit[i].on)
			continue;
		str_add(out, written++ ? " · " : "edits: ");
		utf8_safe(out, edit, strlen(edit), false);
	}
	if (written)
		str_add_char(out, '\n');
	if (a->pane->analysis->metrics) {
		const char *spec = answer_metric(a);

		str_add(out, "metric: ");
		utf8_safe(out, spec, strlen(spec), false);
		str_addf(out, " = %.4f", answer_value(a));
		if (written)
			str_addf(out, " (unedited %.4f)", answer_unedited(a));
		str_add_char(out, '\n');
	}
}

void export_text(const struct answer *a, struct str *out)
{
	const struct table *t = a->table;

	utf8_safe(out, t->title, strlen(t->title), false);
	if (t->units == 1)
		str_addf(out, " [%s]", t->unit[0]);
	str_add_char(out, '\n');
	export_question(a, out);
	write_matrix(t, t->value, out);
	if (t->error) {
		str_addf(out, "standard errors over %s\n", t->error_over);
		write_matrix(t, t->error, out);
	}
	if (t->footnote)
		str_addf(out, "%s\n", t->footnote);
	if (t->check.name)
		str_addf(out, "check: %s%s%s%s: expected %.6g, actual %.6g%s\n", t->check.name, t->check.of ? " (" : "",
			 t->check.of ? t->check.of : "", t->check.of ? ")" : "", t->check.expected, t->check.actual,
			 check_holds(&t->check) ? "" : "; THIS DOES NOT HOLD");
}
