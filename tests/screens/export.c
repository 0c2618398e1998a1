/*
 * export.c - what leaves the screen by :export and by copying: which file, in which form, and the message about it; what is there
 * already stays. The formats themselves are tested in figure.c and unit/export.c.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "tests/screens/fake.h"
#include "tests/scratch.h"
#include "tests/tap.h"
#include "tui/app/effects.h"
#include "tui/app/binding.h"

enum { W = 100, H = 30 };

static struct theme *theme;
static struct preset doc;
static struct app app;
static struct fake fake;
static struct canvas canvas;

static void press(const char *keys)
{
	CHECK_THAT(fake_keys(&fake, &app, keys), "every key of \"%s\" has a name", keys);
	app_draw(&app, &canvas);
}

/* Carries `:export …` out, with FOLDER in place of @; returns the message. */
static const char *export(const char *words)
{
	struct str line;

	str_init(&line);
	for (; *words; words++)
		str_addf(&line, *words == '@' ? "%s" : "%.1s", *words == '@' ? scratch_folder() : words);
	app.message.n = 0;
	outside_export(&app, W, H, line.s);
	str_done(&line);
	return app.message.s;
}

/* The export is made before anything of the message is read: C evaluates arguments in any order. */
static void check_says(const char *words, const char *expected, const char *what)
{
	const char *said = export(words);

	CHECK_THAT(strstr(said, expected) != NULL, "%s: %s", what, said);
}

static char *contents(const char *name)
{
	struct err err = { 0 };
	char *path = scratch_path(name), *bytes;
	size_t n;

	bytes = file_read(path, 1 << 22, &n, &err);
	free(path);
	return bytes ? bytes : xstrdup("");
}

static void check_begins(const char *name, const char *with)
{
	char *bytes = contents(name);

	CHECK_THAT(!strncmp(bytes, with, strlen(with)), "%s begins with %s", name, with);
	free(bytes);
}

static void test_pane(void)
{
	press("2");
	export("@/a.svg");
	CHECK_THAT(strstr(app.message.s, "wrote ") && strstr(app.message.s, "/a.svg: attention · layer") &&
			   strstr(app.message.s, " cells, ") && strstr(app.message.s, " kB"),
		   "it says what was written: %s", app.message.s);
	check_begins("a.svg", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	export("@/a.txt");
	check_begins("a.txt", "attention · layer");
	export("@/a.csv");
	check_begins("a.csv", "query,");
	export("@/a.json");
	check_begins("a.json", "{\"analysis\":\"attention\"");
	export("@/a.ans");
	check_begins("a.ans", "\033[0;");
}

/* JSON and CSV of a pane hold the very numbers that the pane shows. */
static void test_same_numbers(void)
{
	struct answer_shown shown;
	struct err err = { 0 };
	char *bytes = contents("a.json");
	struct json *json = json_parse(bytes, strlen(bytes), "a.json", &err);
	bool same = json != NULL;

	question_answer(&app, app.focus, &shown);
	for (int r = 0; json && r < shown.table->rows.n; r++)
		for (int c = 0; c < shown.table->cols.n; c++) {
			float value = shown.table->value[table_cell(shown.table, r, c)];
			double x;

			if (json_double(json_at(json_at(json_get(json_root(json), "values"), (size_t)r), (size_t)c), &x))
				same = same && (float)x == value;
			else
				same = same && value != value;
		}
	CHECK_THAT(same, "the numbers are the pane's");
	json_free(json);
	free(bytes);
}

static void test_overwriting(void)
{
	char *before, *path = scratch_path("a.txt"), *after;

	free(scratch_file("a.txt", "mine", 4));
	check_says("@/a.txt", "is there already; :export! replaces it", "it says why");
	before = contents("a.txt");
	CHECK_TEXT(before, "mine");
	CHECK(strstr(export("! @/a.txt"), "wrote "));
	after = contents("a.txt");
	CHECK_THAT(strcmp(after, "mine") != 0, "! replaces it");
	free(before);
	free(after);
	free(path);
}

static void test_refusals(void)
{
	char *folder = scratch_path("folder.svg"), *link = scratch_path("null.svg"), *own = scratch_path("link.svg"),
	     *target = scratch_path("a.svg");
	struct stat st;

	check_says("@/a.png", "expected .txt, .json, .csv, .svg, .ans", "it says why");
	check_says("screen @/a.json", "expected .txt, .svg, .ans", "it says why");
	check_says("@/nowhere/b.svg", "there is no folder", "it says why");
	mkdir(folder, 0700);
	check_says("! @/folder.svg", "is no file", "it says why");
	CHECK(!symlink("/dev/null", link));
	check_says("! @/null.svg", "is no file", "a device is not written over");
	CHECK_THAT(!stat("/dev/null", &st) && S_ISCHR(st.st_mode), "and stays");
	CHECK(!symlink(target, own));
	CHECK_THAT(strstr(export("! @/link.svg"), "wrote ") && !lstat(own, &st) && S_ISLNK(st.st_mode), "a link is followed");
	free(folder);
	free(link);
	free(own);
	free(target);
}

/* Text without what SGR adds. */
static char *without_colors(const char *s)
{
	struct str out;

	str_init(&out);
	while (*s)
		if (*s == '\033')
			s += strcspn(s, "m") + 1;
		else
			str_add_char(&out, *s++);
	return str_take(&out);
}

/* Without the blanks at the ends of lines. */
static char *trimmed(const char *s)
{
	struct str out;

	str_init(&out);
	for (; *s; s++) {
		while (*s == '\n' && out.n && out.s[out.n - 1] == ' ')
			out.s[--out.n] = '\0';
		str_add_char(&out, *s);
	}
	return str_take(&out);
}

static void test_screen(void)
{
	struct str dump;
	char *text, *ans, *plain, *clean, *svg;

	export("screen @/s.txt");
	CHECK_THAT(strstr(app.message.s, "the screen, 100 × 30"), "%s", app.message.s);
	export("screen @/s.ans");
	export("screen @/s.svg");
	app.message.n = 0;
	app.message.s[0] = '\0';
	canvas_reset(&canvas, W, H, theme_ink(theme, STYLE_TEXT));
	app_draw(&app, &canvas);
	str_init(&dump);
	canvas_dump(&canvas, &dump);
	text = contents("s.txt");
	ans = contents("s.ans");
	plain = without_colors(ans);
	clean = trimmed(plain);
	svg = contents("s.svg");
	CHECK(strstr(text, "attention") && strstr(text, "next token"));
	CHECK_THAT(!strcmp(clean, text), "coloured text is the same text");
	CHECK(strstr(svg, ">attention</text>"));
	CHECK_THAT(!strstr(text, ":export"), "the line that asked is not in it");
	free(text);
	free(ans);
	free(plain);
	free(clean);
	free(svg);
	str_done(&dump);
	canvas_reset(&canvas, 120, 40, theme_ink(theme, STYLE_TEXT));
	app_draw(&app, &canvas);
}

/* The theme is an argument of its own: a file may have its name in its own. */
static void test_theme(void)
{
	char *paper, *dusk;

	export("@/p.svg");
	export("@/d.svg theme=dusk");
	paper = contents("p.svg");
	dusk = contents("d.svg");
	CHECK_THAT(strstr(paper, "#ffffff") && *dusk && !strstr(dusk, "\"100%\" fill=\"#ffffff\""), "theme=dusk is no white paper");
	CHECK(strstr(export("@/a theme=dusk b.svg"), "/a theme=dusk b.svg: "));
	check_says("@/e.svg theme=nothing", "nothing", "a theme that is not there is named");
	check_says("@/e.svg theme=", "theme", "and so is none");
	free(paper);
	free(dusk);
}

static void test_line(void)
{
	struct str line;

	press(": 'export Enter");
	CHECK_THAT(app.line == LINE_COMMAND && !strcmp(app.input.text.s, "export attention.svg"),
		   "without a file: a name to begin with: %s", app.input.text.s);
	press("Esc");
	str_init(&line);
	str_addf(&line, ": 'export_%s/a.sv Tab", scratch_folder());
	press(line.s);
	CHECK_THAT(strstr(app.input.text.s, "/a.svg"), "Tab completes a path: %s", app.input.text.s);
	press("Esc");
	str_clear(&line);
	str_addf(&line, ": 'export!_%s/z.svg Enter", scratch_folder());
	fake.exported[0] = '\0';
	press(line.s);
	CHECK_THAT(!strncmp(fake.exported, "! /", 3), "export! is told: %s", fake.exported);
	press(": 'zoom! Enter");
	CHECK_THAT(strstr(app.message.s, "no command"), "no other command takes !: %s", app.message.s);
	press("Esc");
	str_done(&line);
}

static void test_stale(void)
{
	char *bytes;

	press("Slow e 'x Esc");
	check_says("@/stale.svg", "still being computed", "old numbers are not exported");
	bytes = contents("stale.svg");
	CHECK(!*bytes);
	free(bytes);
}

static void check_copy(const char *keys, const char *begins, const char *said)
{
	fake.copied[0] = '\0';
	press(keys);
	CHECK_THAT(!strncmp(fake.copied, begins, strlen(begins)), "%s copies what begins as it should", keys);
	CHECK_THAT(strstr(app.message.s, said), "%s says: %s", keys, app.message.s);
}

static void test_copies(void)
{
	press("3");
	check_copy("y", "", "copied the cell: ");
	CHECK(fake.copied[0] && !strchr(fake.copied, '\n'));
	check_copy("C-y", "layer\t0\t1\t2\n0\t", "copied the table: 4 × 3 cells · ");
	check_copy(": 'copy_row Enter", "layer\t0\t1\t2\n3\t", "copied the row layer 3: 3 cells · ");
	check_copy(": 'copy_column_csv Enter", "layer,0\n0,", "copied the column head 0: 4 cells · ");
	check_copy(": 'copy_table_markdown Enter", "| layer | 0 | 1 | 2 |\n| --- | ---: | ---: | ---: |\n| 0 | ",
		   "copied the table");
	check_copy(": 'copy_nonsense Enter", "", "unexpected \"nonsense\"");
	press("Esc");
	press("1");
	check_copy(": 'copy_table_markdown Enter", "| layer |  | ", "copied the table");
	check_copy("Y", "lmscope print logit-lens", "copied the command");
}

int main(void)
{
	theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	fake_document(&doc);
	app_init(&app, &doc, theme);
	fake_serve(&fake, &app);
	canvas_init(&canvas, 120, 40);
	app_draw(&app, &canvas);
	test_pane();
	test_same_numbers();
	test_overwriting();
	test_refusals();
	test_screen();
	test_theme();
	test_line();
	test_copies();
	test_stale();
	canvas_done(&canvas);
	app_done(&app);
	fake_done(&fake);
	preset_done(&doc);
	theme_free(theme);
	scratch_done();
	return tap_done();
}
