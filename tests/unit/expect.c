/* expect.c - what a preset expects: each form, each wrong form with its sentence, and what holds on a table. */
#include <stdlib.h>

#include "engine/analysis/expect.h"
#include "tests/tap.h"

static struct table *small(int rows, int cols)
{
	struct err err = { 0 };
	struct table *t = table_new(rows, cols, &err);

	for (int i = 0; i < rows * cols; i++)
		t->value[i] = (float)i;
	return t;
}

/* layer × position: tokens a " red" " red", words in the cells, one cell that cannot be. */
static struct table *lens(void)
{
	struct table *t = small(2, 3);
	const char *const token[] = { "a", " red", " red" };

	axis_numbers(t, &t->rows, DIM_LAYER);
	for (int i = 0; i < 3; i++)
		axis_token(t, &t->cols, i, i, token[i], strlen(token[i]), token[i]);
	table_set_words(t);
	table_set_word(t, 5, 7, " Mary", 5, "·Mary");
	table_set_word(t, 4, 8, "\xff", 1, "?");
	t->value[3] = NAN;
	return t;
}

/* layer × head: the strongest are 1.0 (-9), 2.1 (8), 0.1 (3). */
static struct table *heads(void)
{
	static const float values[] = { 1, 3, -9, 2, NAN, 8 };
	struct table *t = small(3, 2);

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	memcpy(t->value, values, sizeof values);
	return t;
}

/* Named parts: ranked by their first column alone. */
static struct table *parts(void)
{
	static const float values[] = { 0.5f, 9, -2, 0, 1, 0 };
	static const char *const name[] = { "0.mlp", "head 1.0", "embed" };
	struct table *t = small(3, 2);

	for (int i = 0; i < 3; i++)
		axis_label(t, &t->rows, i, name[i]);
	axis_label(t, &t->cols, 0, "change");
	axis_label(t, &t->cols, 1, "other one");
	memcpy(t->value, values, sizeof values);
	return t;
}

static void hold(const struct table *t, const char *line, bool holds, const char *actual)
{
	struct arena *arena = arena_new();
	struct err err = { 0 };
	struct expect e;
	struct str there;

	str_init(&there);
	if (CHECK_THAT(expect_parse(line, &e, arena, &err), "%s: reads %s", line, err.text)) {
		CHECK_THAT(expect_hold(&e, t, 3.25, &there) == holds, "%s: %s", line, holds ? "holds" : "does not hold");
		CHECK_TEXT(there.s, actual);
	}
	str_done(&there);
	arena_free(arena);
}

static void test_cells(void)
{
	struct table *t = lens(), *p = parts();

	hold(t, "cell 1 2 > 4.9", true, "5");
	hold(t, "cell 1 2 > 5", false, "5");
	hold(t, "cell -1 -1 < 5.1", true, "5");
	hold(t, "  cell\t0  a  <  0", false, "0");
	hold(t, "cell 0 -2 = 1.02 ± 0.03", true, "1");
	hold(t, "cell 0 1 = 1.02 +- 0.01", false, "1");
	hold(t, "cell 0 1 = 1.015 ± 0.01", false, "1");
	hold(t, "cell 1 0 > -100", false, "no number");
	hold(t, "cell 1 0 = 0 ± 1e9", false, "no number");
	hold(t, "cell 1 2 word \" Mary\"", true, "\" Mary\"");
	hold(t, "cell 1 2 word \"\\u0020Mary\"", true, "\" Mary\"");
	hold(t, "cell 1 2 word Mary", false, "\" Mary\"");
	hold(t, "cell 1 1 word \"\xef\xbf\xbd\"", true, "\"\xef\xbf\xbd\"");
	hold(t, "cell 0 0 word \" Mary\"", false, "no word");
	hold(p, "cell embed change word x", false, "no word");
	hold(p, "cell \"head 1.0\" \"change\" < -1", true, "-2");
	hold(p, "cell -1 \"other one\" = 0 ± 0", true, "0");
	hold(p, "cell 1 change = -2 ± 0", true, "-2");
	hold(t, "cell 2 0 > 1", false, "there is no row 2");
	hold(t, "cell -3 0 > 1", false, "there is no row -3");
	hold(t, "cell 0 \"0\" > 1", false, "there is no column 0");
	hold(t, "cell 0 \" blue\" > 1", false, "there is no column \" blue\"");
	hold(t, "cell 0 \" red\" > 1", false, "there is more than one column \" red\"");
	axis_token(t, &t->cols, 0, 0, "1", 1, "1");
	hold(t, "cell 0 1 = 1 ± 0", true, "1");
	hold(t, "cell 0 \"1\" = 0 ± 0", true, "0");
	table_unref(t);
	table_unref(p);
}

static void test_top(void)
{
	struct table *h = heads(), *p = parts(), *t = lens();

	hold(h, "top 1 is 1.0", true, "1.0");
	hold(h, "top 1 is 2.1", false, "1.0");
	hold(h, "top 2 is 1.0 2.1", true, "1.0 2.1");
	hold(h, "top 2 is 2.1 1.0", false, "1.0 2.1");
	hold(h, "top 3 has 0.1 1.0", true, "1.0 2.1 0.1");
	hold(h, "top 2 has 0.1", false, "1.0 2.1");
	hold(h, "top 9 has 2.0", false, "1.0 2.1 0.1 1.1 0.0");
	hold(p, "top 1 is \"head 1.0\"", true, "\"head 1.0\"");
	hold(p, "top 2 has embed", true, "\"head 1.0\" embed");
	hold(p, "top 2 has 0.mlp", false, "\"head 1.0\" embed");
	hold(p, "top 2 is 1 -1", true, "\"head 1.0\" embed");
	hold(t, "top 1 is 0", true, "0");
	for (int i = 0; i < 6; i++)
		t->value[i] = NAN;
	hold(t, "top 1 is 0", false, "no numbers");
	table_unref(h);
	table_unref(p);
	table_unref(t);
}

static void test_metric(void)
{
	hold(NULL, "metric > 3", true, "3.25");
	hold(NULL, "metric < 3", false, "3.25");
	hold(NULL, "metric = 3.2 ± 0.1", true, "3.25");
	hold(NULL, "metric = -3.2 ± 0.1", false, "3.25");
}

static void test_wrong(void)
{
	static const struct {
		const char *line, *sentence;
	} cases[] = {
		{ "", "expected cell ROW COLUMN > NUMBER, top N is LABEL or metric > NUMBER" },
		{ "cells 1 2 > 3", "expected cell ROW COLUMN > NUMBER, top N is LABEL or metric > NUMBER" },
		{ "\"cell\" 1 2 > 3", "expected cell ROW COLUMN > NUMBER, top N is LABEL or metric > NUMBER" },
		{ "cell", "cell needs a row and a column" },
		{ "cell 1", "cell needs a row and a column" },
		{ "cell 1 2", "expected >, <, = or word after the row and the column" },
		{ "cell 1 2 3", "expected >, <, = or word after the row and the column" },
		{ "cell 1 2 >", "a number is missing at its end" },
		{ "cell 1 2 > much", "\"much\" is not a number" },
		{ "cell 1 2 > \"3\"", "\"3\" is not a number" },
		{ "cell 1 2 < nan", "\"nan\" is not a number" },
		{ "cell 1 2 > 3 4", "unexpected \"4\" at its end" },
		{ "cell 1 2 = 3", "= needs a margin, such as = 0.61 ± 0.02" },
		{ "cell 1 2 = 3 4", "= needs a margin, such as = 0.61 ± 0.02" },
		{ "cell 1 2 = 3 ±", "a number is missing at its end" },
		{ "cell 1 2 = 3 ± -1", "a margin is not negative" },
		{ "cell 1 2 word", "word needs a text, such as word \" Mary\"" },
		{ "cell 1 2 word a b", "unexpected \"b\" at its end" },
		{ "cell 1 \" red > 3", "a quote is not closed" },
		{ "cell 1 \" red\"> 3", "a blank is expected after a text in quotes" },
		{ "top", "a number is missing at its end" },
		{ "top 0 is 1.0", "top needs a whole number from 1" },
		{ "top 1.5 is 1.0", "top needs a whole number from 1" },
		{ "top 2", "expected is or has after top and its number" },
		{ "top 2 are 1.0", "expected is or has after top and its number" },
		{ "top 2 is 1.0", "top 2 is needs 2 labels, in their order; has takes fewer" },
		{ "top 2 has", "top 2 has needs 1 to 2 labels" },
		{ "top 2 has 1.0 1.1 1.2", "top 2 has needs 1 to 2 labels" },
		{ "metric", "expected >, < or = after metric" },
		{ "metric word x", "expected >, < or = after metric" },
		{ "metric > 3 ± 1", "unexpected \"±\" at its end" },
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = { 0 };
		struct expect e;
		char sentence[300];

		snprintf(sentence, sizeof sentence, "expect '%s': %s", cases[i].line, cases[i].sentence);
		CHECK(!expect_parse(cases[i].line, &e, arena, &err) && err.kind == ERR_USAGE);
		CHECK_TEXT(err.text, sentence);
	}
	CHECK(!expect_parse("cell 1 \"\\q\" > 3", &(struct expect){ 0 }, arena, &(struct err){ 0 }));
	arena_free(arena);
}

int main(void)
{
	test_cells();
	test_top();
	test_metric();
	test_wrong();
	return tap_done();
}
