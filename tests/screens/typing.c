/* typing.c - a line is edited as readline would: what is killed comes back, in one piece, and every change can be undone. */
#include "tests/tap.h"
#include "tui/app/input.h"

#include <locale.h>
#include <stdlib.h>

static struct input in;
static struct input_history history;

static void begin(const char *text)
{
	input_start(&in, text, &history);
}

static void test_kills(void)
{
	begin("one two three");
	input_kill_word(&in);
	input_kill_word(&in);
	CHECK_TEXT(in.text.s, "one ");
	input_yank(&in);
	CHECK_TEXT(in.text.s, "one two three");
	input_home(&in);
	input_kill_word_right(&in);
	CHECK_TEXT(in.text.s, " two three");
	input_kill_right(&in);
	CHECK_TEXT(in.text.s, "");
	input_yank(&in);
	CHECK_TEXT(in.text.s, "one two three"); /* forward kills in a row are one */
	CHECK(input_yank_older(&in));
	CHECK_TEXT(in.text.s, "two three");
	CHECK(input_yank_older(&in));
	CHECK_TEXT(in.text.s, "one two three");
	input_left(&in);
	CHECK(!input_yank_older(&in)); /* only after a yank */
	begin("another line");
	input_kill_left(&in);
	CHECK_TEXT(in.text.s, "");
	input_yank(&in);
	input_yank_older(&in);
	CHECK_TEXT(in.text.s, "one two three"); /* from line to line */
}

/* Showing a long line takes as long as walking over it once: a moment here, where each cluster against each takes hours. */
static void test_long_window(void)
{
	struct str shown;
	bool left, right;
	int caret;

	str_init(&shown);
	input_end(&in);
	input_window(&in, 60, &shown, &caret, &left, &right);
	CHECK_THAT(caret == 40 && shown.n == 40 && left && !right, "at the end of a long line: %d of %zu", caret, shown.n);
	str_clear(&shown);
	input_home(&in);
	input_window(&in, 60, &shown, &caret, &left, &right);
	CHECK_THAT(caret == 0 && shown.n == 60 && !left && right, "at its start: %d of %zu", caret, shown.n);
	str_done(&shown);
}

/* A line may be a megabyte that was pasted. */
static void test_long_lines(void)
{
	enum { LONG = 400 << 10, TIMES = 30 };
	char *text = malloc(LONG + 1);
	struct input_history long_lines = { 0 };
	size_t bytes = 0;

	memset(text, 'x', LONG);
	text[LONG] = '\0';
	input_start(&in, text, NULL);
	for (int i = 0; i < TIMES; i++) {
		input_home(&in);
		input_insert(&in, "y", 1);
		text[0] = (char)('a' + i % 26);
		history_add(&long_lines, text);
	}
	for (int i = 0; i < in.pasts; i++)
		bytes += strlen(in.past[i].text);
	CHECK_THAT(bytes <= PAST_BYTES && bytes > PAST_BYTES / 2 && input_undo(&in) && in.text.n == LONG + TIMES - 1,
		   "undo keeps %zu bytes", bytes);
	CHECK_THAT(long_lines.n == HISTORY_BYTES / LONG && long_lines.line[long_lines.n - 1][0] == text[0],
		   "and the history %d lines", long_lines.n);
	history_done(&long_lines);
	test_long_window();
	begin("");
	free(text);
}

static void type(const char *text)
{
	for (; *text; text++)
		input_insert(&in, text, 1);
}

static void test_undo(void)
{
	begin("a");
	type("bc");
	type(" de");
	input_backspace(&in);
	CHECK_TEXT(in.text.s, "abc d");
	CHECK(input_undo(&in));
	CHECK_TEXT(in.text.s, "abc de");
	CHECK(input_undo(&in));
	CHECK_TEXT(in.text.s, "abc "); /* a word that was typed in one go */
	CHECK(input_undo(&in));
	CHECK(input_undo(&in));
	CHECK_TEXT(in.text.s, "a");
	CHECK(!input_undo(&in));
	begin("x y");
	input_kill_left(&in);
	input_yank(&in);
	input_yank(&in);
	input_undo(&in);
	CHECK_TEXT(in.text.s, "x y");
	input_undo(&in);
	input_undo(&in);
	CHECK_TEXT(in.text.s, "x y");
}

static void test_words(void)
{
	begin("ab");
	input_swap(&in);
	CHECK_TEXT(in.text.s, "ba");
	input_home(&in);
	CHECK(!input_swap(&in));
	begin("über dem fluss");
	input_home(&in);
	input_capital(&in);
	CHECK_TEXT(in.text.s, "Über dem fluss");
	input_upper(&in);
	CHECK_TEXT(in.text.s, "Über DEM fluss");
	input_home(&in);
	input_lower(&in);
	CHECK_TEXT(in.text.s, "über DEM fluss");
	CHECK(in.at == strlen("über"));
	begin("e\u0301a"); /* clusters stay whole */
	input_swap(&in);
	CHECK_TEXT(in.text.s, "ae\u0301");
}

static void test_history(void)
{
	history_add(&history, "the cat sat");
	history_add(&history, "a dog ran");
	history_add(&history, "the dog sat");
	begin("dog");
	CHECK(input_find_older(&in));
	CHECK_TEXT(in.text.s, "the dog sat");
	CHECK(input_find_older(&in));
	CHECK_TEXT(in.text.s, "a dog ran");
	CHECK(!input_find_older(&in));
	CHECK_TEXT(in.text.s, "a dog ran");
	input_undo(&in);
	input_undo(&in);
	CHECK_TEXT(in.text.s, "dog");
}

int main(void)
{
	setlocale(LC_ALL, "C.UTF-8");
	input_init(&in);
	test_kills();
	test_undo();
	test_long_lines();
	test_words();
	test_history();
	input_done(&in);
	history_done(&history);
	return tap_done();
}
