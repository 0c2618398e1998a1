/* canvas.c - cells, glyphs that keep the grid straight, lines that join, ASCII forms; and the names of keys. */
#include <stdlib.h>

#include "engine/base/err.h"
#include "tests/tap.h"
#include "tui/draw/canvas.h"
#include "tui/terminal/clipboard.h"
#include "tui/draw/frame.h"
#include "tui/draw/glyph.h"
#include "tui/terminal/key.h"
#include "tui/draw/layout.h"

static const struct ink plain = { INK_DEFAULT, INK_DEFAULT, 0, 'x' };

/* What the canvas shows, line by line. */
static const char *shown(const struct canvas *c)
{
	static struct str out;

	if (!out.s)
		str_init(&out);
	str_clear(&out);
	canvas_dump(c, &out);
	return out.s;
}

static void check_glyphs(void)
{
	static const struct {
		const char *text, *drawn;
		int columns;
	} rows[] = {
		{ "ascii", "ascii", 5 },
		{ "漢字", "漢字", 4 },
		{ "e\xCC\x81!", "e\xCC\x81!", 2 },
		{ "\x1b[2J", "␛[2J", 4 },
		{ "a\tb", "a␉b", 3 },
		{ "\x7f", "␡", 1 },
		{ "\xC2\x9B", "\xEF\xBF\xBD", 1 },
		{ "\xff", "\xEF\xBF\xBD", 1 },
		{ "🇫🇷", "FR", 2 },
		{ "👍🏽.", "👍.", 3 },
		{ "👩\xE2\x80\x8D👧!", "👩!", 3 },
		{ "a\xE2\x80\xAE"
		  "b",
		  "a\xEF\xBF\xBD"
		  "b",
		  3 },
		{ "\xCC\x81", "◌", 1 },
		{ "☁\xEF\xB8\x8F.", "☁.", 2 },
		{ "\xE2\x80\x8B", "\xEF\xBF\xBD", 1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct canvas c;
		char want[64];

		canvas_init(&c, 12, 1);
		CHECK_THAT(canvas_text(&c, 0, 0, plain, rows[i].text) == rows[i].columns, "row %zu takes %d columns", i,
			   rows[i].columns);
		snprintf(want, sizeof want, "%s\n", rows[i].drawn);
		CHECK_TEXT(shown(&c), want);
		canvas_done(&c);
	}
}

static void check_wide(void)
{
	struct canvas c;
	struct rect before;

	canvas_init(&c, 6, 1);
	canvas_text(&c, 0, 0, plain, "漢字");
	canvas_text(&c, 1, 0, plain, "x");
	CHECK_TEXT(shown(&c), " x字\n");
	canvas_text(&c, 5, 0, plain, "漢");
	CHECK_TEXT(shown(&c), " x字\n");
	before = canvas_clip(&c, (struct rect){ 1, 0, 2, 1 });
	canvas_text(&c, 0, 0, plain, "漢字");
	CHECK_TEXT(shown(&c), "\n");
	canvas_unclip(&c, before);
	canvas_field(&c, 0, 0, 4, ALIGN_LEFT, plain, "漢字漢");
	CHECK_TEXT(shown(&c), "漢…\n");
	canvas_field(&c, 0, 0, 6, ALIGN_RIGHT, plain, "abc");
	CHECK_TEXT(shown(&c), "   abc\n");
	canvas_field(&c, 0, 0, 3, ALIGN_RIGHT, plain, "abcdef");
	CHECK_TEXT(shown(&c), "ab…abc\n");
	canvas_done(&c);
}

static void check_lines(void)
{
	struct canvas c;

	canvas_init(&c, 7, 5);
	canvas_box(&c, (struct rect){ 0, 0, 4, 3 }, plain);
	canvas_box(&c, (struct rect){ 3, 0, 4, 3 }, plain);
	canvas_box(&c, (struct rect){ 0, 2, 7, 3 }, plain);
	CHECK_TEXT(shown(&c), "┌──┬──┐\n│  │  │\n├──┴──┤\n│     │\n└─────┘\n");
	canvas_text(&c, 1, 2, plain, "ab");
	canvas_tint_lines(&c, (struct rect){ 0, 2, 7, 1 }, (struct ink){ 1, 2, 0, 'F' });
	CHECK(c.cell[2 * 7].ink.mark == 'F' && c.cell[2 * 7 + 1].ink.mark == 'x');
	canvas_to_ascii(&c);
	CHECK_TEXT(shown(&c), "+--+--+\n|  |  |\n+ab+--+\n|     |\n+-----+\n");
	canvas_done(&c);
}

/* In ASCII a space in a token is no full stop, even where it is all there is; a dot that parts words is one. */
static void check_ascii(void)
{
	const struct ink other = { 1, 2, 0, 'o' };
	struct canvas c;

	canvas_init(&c, 14, 2);
	canvas_text(&c, 0, 0, plain, "a · b ·x  ·  .");
	canvas_text(&c, 0, 1, other, "to");
	canvas_text(&c, 3, 1, plain, "· .5");
	canvas_to_ascii(&c);
	CHECK_TEXT(shown(&c), "a . b _x  _  .\nto _ .5\n");
	canvas_done(&c);
}

static void check_paragraph(void)
{
	struct canvas c;

	canvas_init(&c, 8, 3);
	CHECK(canvas_paragraph(&c, (struct rect){ 0, 0, 8, 3 }, 0, plain, "one two three\n\nfour") == 4);
	CHECK_TEXT(shown(&c), "one two\nthree\n\n");
	canvas_reset(&c, 4, 2, plain);
	CHECK(canvas_paragraph(&c, (struct rect){ 0, 0, 4, 2 }, 1, plain, "unbreakable") == 3);
	CHECK_TEXT(shown(&c), "eaka\nble\n");
	CHECK(canvas_paragraph(&c, (struct rect){ 0, 0, 1, 2 }, 0, plain, "漢") == 1); /* it ends although nothing fits */
	canvas_done(&c);
}

static void check_keys(void)
{
	static const char *const names[] = {
		"a",	    "ß",    "Space", "C-r",   "M-x",	   "C-Space", "Enter", "Esc", "S-Tab",
		"C-M-Left", "PgUp", "F12",   "Click", "WheelDown", "C-\\",    "-",     "C--",
	};
	struct key key, other;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct str out;

		str_init(&out);
		CHECK_THAT(key_parse(names[i], &key), "%s is a key", names[i]);
		key_print(&key, &out);
		CHECK_TEXT(out.s, names[i]);
		str_done(&out);
	}
	CHECK(!key_parse("", &key) && !key_parse("ab", &key) && !key_parse("F13", &key) && !key_parse("S-a", &key));
	CHECK(key_of_mouse("0;10;5M", &key) && key.kind == K_CLICK && key.button == 1 && key.x == 9 && key.y == 4);
	CHECK(key_of_mouse("2;1;1M", &key) && key.kind == K_CLICK && key.button == 3);
	CHECK(key_of_mouse("32;300;200M", &key) && key.kind == K_DRAG && key.x == 299);
	CHECK(key_of_mouse("0;3;4m", &key) && key.kind == K_RELEASE && key_of_mouse("65;3;4M", &key) && key.kind == K_WHEEL_DOWN);
	CHECK(!key_of_mouse("0;0;4M", &key) && !key_of_mouse("0;3", &key) && !key_of_mouse("", &key) &&
	      !key_of_mouse("35;3;4M", &key));
	key = key_of_character(18);
	CHECK(key.kind == K_CHAR && key.mods == MOD_CTRL && key.c == 'r');
	CHECK(key_of_character(0).c == ' ' && key_of_character(28).c == '\\' && key_of_character(13).kind == K_ENTER);
	key_parse("C-r", &key);
	key_parse("r", &other);
	CHECK(!key_same(&key, &other) && key_same(&key, &key));
}

static void check_clipboard(void)
{
	struct str out;
	char *large = calloc(1, CLIPBOARD_LIMIT + 1);

	str_init(&out);
	CHECK(clipboard_sequence("Paris", 5, false, &out));
	CHECK_TEXT(out.s, "\033]52;c;UGFyaXM=\a");
	str_clear(&out);
	CHECK(clipboard_sequence("ab", 2, true, &out));
	CHECK_TEXT(out.s, "\033]52;c;YWI=\a\033Ptmux;\033\033]52;c;YWI=\a\033\\");
	str_clear(&out);
	CHECK(large && !clipboard_sequence(large, CLIPBOARD_LIMIT + 1, false, &out) && out.n == 0);
	free(large);
	str_done(&out);
}

/* However narrow the pane and long its title: it tells that it shows the numbers of another question. */
static void check_stale_frames(void)
{
	static const char *const progress[] = { NULL, "stale · 12/30", "stale · 1200/3000" };
	struct theme *theme = theme_builtin((struct theme_for){ .depth = DEPTH_MONO });
	struct canvas c;

	for (int w = PANE_LEAST_W; w <= 90; w++)
		for (int i = 0; i < 6; i++) {
			struct frame f = { .rect = { 0, 0, w, 3 },
					   .title = { .technique = "next token",
						      .object = "after position 11",
						      .quantity = "probability, logit" },
					   .unit = "probability",
					   .mark = i % 2 ? "edited − unedited" : "edited",
					   .right = "2 attention",
					   .progress = progress[i / 2],
					   .stale = true };

			canvas_init(&c, w, 3);
			frame_draw(&c, theme, &f);
			if (!CHECK_THAT(strstr(shown(&c), "stale") != NULL, "a frame of %d columns, %s, says that it is stale", w,
					f.mark))
				printf("# %s", shown(&c));
			canvas_done(&c);
		}
	theme_free(theme);
}

int main(void)
{
	check_stale_frames();
	check_glyphs();
	check_wide();
	check_lines();
	check_ascii();
	check_paragraph();
	check_keys();
	check_clipboard();
	return tap_done();
}
