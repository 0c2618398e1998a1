/* expect.c - see expect.h: holding an expectation against a table. */
#include "engine/analysis/expect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"

/* ------------------------------------------------------------------------------------------------------------------ labels */

/* The same text as JSON has it, where bytes that are no UTF-8 are repaired. */
static bool same_text(const char *bytes, size_t n, const struct expect_word *word)
{
	struct str a, b;
	bool same;

	str_init(&a);
	str_init(&b);
	json_write_string(&a, bytes, n);
	json_write_string(&b, word->text, word->n);
	same = a.n == b.n && !memcmp(a.s, b.s, a.n);
	str_done(&a);
	str_done(&b);
	return same;
}

static bool index_of_word(const struct expect_word *word, int n, int *index)
{
	char *end;
	long x = strtol(word->text, &end, 10);

	if (word->quoted || end == word->text || *end || x < -n || x >= n)
		return false;
	*index = (int)(x < 0 ? x + n : x);
	return true;
}

enum { NO_LABEL = -1, TWO_LABELS = -2 };

static int find_label(const struct axis *axis, const struct expect_word *word)
{
	int found = NO_LABEL;

	if (axis->id && index_of_word(word, axis->n, &found))
		return found;
	for (int i = 0; i < axis->n; i++)
		if (same_text(axis->label[i], axis->label_bytes[i], word))
			found = found == NO_LABEL ? i : TWO_LABELS;
	if (found == NO_LABEL)
		index_of_word(word, axis->n, &found);
	return found;
}

/* As a line of `expect` has it: in quotes only where it must be. */
static void add_label(struct str *out, const char *text, size_t n)
{
	if (n && !memchr(text, 0, n) && text[0] != '"' && strcspn(text, " \t\n\r\\") == n)
		str_add_n(out, text, n);
	else
		json_write_string(out, text, n);
}

/* ------------------------------------------------------------------------------------------------------------------- cells */

static bool compare(const struct expect *e, double x)
{
	switch (e->test) {
	case EXPECT_MORE:
		return x > e->value;
	case EXPECT_LESS:
		return x < e->value;
	default:
		return fabs(x - e->value) <= e->margin; /* NaN is not near anything */
	}
}

static bool hold_number(const struct expect *e, double x, struct str *actual)
{
	if (isfinite(x))
		str_addf(actual, "%.4g", x);
	else
		str_add(actual, "no number");
	return compare(e, x);
}

static bool hold_word(const struct expect *e, const struct table *t, size_t cell, struct str *actual)
{
	if (!t->word || t->id[cell] < 0) {
		str_add(actual, "no word");
		return false;
	}
	json_write_string(actual, t->word[cell], t->word_bytes[cell]);
	return same_text(t->word[cell], t->word_bytes[cell], &e->label[0]);
}

static bool find_index(const struct axis *axis, const char *what, const struct expect_word *word, int *index, struct str *actual)
{
	*index = find_label(axis, word);
	if (*index >= 0)
		return true;
	str_add(actual, *index == NO_LABEL ? "there is no " : "there is more than one ");
	str_addf(actual, "%s ", what);
	add_label(actual, word->text, word->n);
	return false;
}

static bool hold_cell(const struct expect *e, const struct table *t, struct str *actual)
{
	int row, col;
	size_t cell;

	if (!find_index(&t->rows, "row", &e->row, &row, actual) || !find_index(&t->cols, "column", &e->col, &col, actual))
		return false;
	cell = table_cell(t, row, col);
	return e->test == EXPECT_WORD ? hold_word(e, t, cell, actual) : hold_number(e, (double)t->value[cell], actual);
}

/* --------------------------------------------------------------------------------------------------------------- strongest */

struct ranked_cell {
	float strength;
	int row, col;
};

static bool is_heads(const struct table *t)
{
	return t->rows.dim == DIM_LAYER && t->cols.dim == DIM_HEAD;
}

/* The strongest first; of equals the earlier. */
static int by_strength(const void *a, const void *b)
{
	const struct ranked_cell *x = a, *y = b;

	if (x->strength != y->strength)
		return x->strength < y->strength ? 1 : -1;
	return x->row != y->row ? x->row - y->row : x->col - y->col;
}

/* Rows by their first column (of a tree, those that are not split further), or the cells of a layer × head table; heap array. */
static struct ranked_cell *rank(const struct table *t, int *n)
{
	int cols = is_heads(t) ? t->cols.n : t->cols.n > 0;
	struct ranked_cell *list = xcalloc((size_t)t->rows.n * (size_t)cols + 1, sizeof *list);

	*n = 0;
	for (int r = 0; r < t->rows.n; r++) {
		for (int c = 0; c < cols; c++) {
			float x = t->value[table_cell(t, r, c)];

			if (!isnan(x) && !table_has_rows_of(t, r))
				list[(*n)++] = (struct ranked_cell){ fabsf(x), r, c };
		}
	}
	qsort(list, (size_t)*n, sizeof *list, by_strength);
	return list;
}

static void ranked_label(const struct table *t, const struct ranked_cell *it, struct str *out)
{
	str_add_n(out, t->rows.label[it->row], t->rows.label_bytes[it->row]);
	if (is_heads(t))
		str_addf(out, ".%s", t->cols.label[it->col]);
}

static bool is_named(const struct table *t, const struct ranked_cell *it, const struct expect_word *word)
{
	struct str label;
	bool same;
	int row;

	if (!is_heads(t) && index_of_word(word, t->rows.n, &row) && find_label(&t->rows, word) == row)
		return row == it->row;
	str_init(&label);
	ranked_label(t, it, &label);
	same = same_text(label.s, label.n, word);
	str_done(&label);
	return same;
}

static bool is_among(const struct table *t, const struct ranked_cell *list, int n, const struct expect_word *word)
{
	for (int i = 0; i < n; i++)
		if (is_named(t, &list[i], word))
			return true;
	return false;
}

static void say_ranked(const struct table *t, const struct ranked_cell *list, int n, struct str *actual)
{
	struct str label;

	str_init(&label);
	for (int i = 0; i < n; i++) {
		str_clear(&label);
		ranked_label(t, &list[i], &label);
		str_add(actual, i ? " " : "");
		add_label(actual, label.s, label.n);
	}
	str_add(actual, n ? "" : "no numbers");
	str_done(&label);
}

static bool hold_top(const struct expect *e, const struct table *t, struct str *actual)
{
	struct ranked_cell *list;
	bool ok = true;
	int n;

	list = rank(t, &n);
	n = n < e->top ? n : e->top;
	for (int i = 0; i < e->labels; i++)
		ok = ok &&
		     (e->test == EXPECT_IS ? i < n && is_named(t, &list[i], &e->label[i]) : is_among(t, list, n, &e->label[i]));
	say_ranked(t, list, n, actual);
	free(list);
	return ok;
}

bool expect_hold(const struct expect *e, const struct table *t, double metric, struct str *actual)
{
	if (e->of == EXPECT_METRIC)
		return hold_number(e, metric, actual);
	return e->of == EXPECT_CELL ? hold_cell(e, t, actual) : hold_top(e, t, actual);
}
