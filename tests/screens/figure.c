/*
 * figure.c - figures of tables made by hand, byte for byte as tests/screens/golden/NAME.svg (UPDATE_GOLDEN=1, then look
 * at them), and what any bytes in a label, a word or a prompt become. That parsers read what the program writes is in
 * tests/figures.py.
 */
#include "tests/screens/samples.h"
#include "tests/tap.h"
#include "tests/screens/golden.h"
#include "tui/figure/cells.h"
#include "tui/figure/figure.h"
#include "tui/figure/format.h"
#include "tui/figure/sheet.h"
#include "tui/figure/svg.h"
#include "tui/views/view.h"

static struct job job;
static struct snapshot *of;
static struct str out;

static const char *figure_as(const struct table *t, const struct table *before, const char *theme, const char *technique,
			     const char *view)
{
	struct job_pane pane;
	struct answer a = { .table = t, .before = before, .job = &job, .pane = &pane, .of = of };
	struct err err = { 0 };
	struct theme *th = theme_open(theme, (struct theme_for){ DEPTH_TRUE, false }, NULL, &err);

	job_pane_init(&pane, analysis_find(technique));
	pane.view.name = view;
	str_clear(&out);
	figure_svg(&a, th, &out);
	theme_free(th);
	return out.s;
}

static const char *figure(const struct table *t, const struct table *before, const char *theme, const char *technique)
{
	return figure_as(t, before, theme, technique, NULL);
}

/* How often it is there. */
static int count(const char *text, const char *what)
{
	int n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void test_golden(void)
{
	struct table *lens = sample_lens(4, 6), *attention = sample_attention(8), *heads = sample_heads(4, 5),
		     *ranking = sample_ranking(true);
	struct table *bars = sample_components(3, 0), *before = sample_components(3, 1), *many = sample_attention(120);

	figure(lens, NULL, "print", "logit-lens");
	check_golden_as("figure-lens.svg", &out);
	figure(attention, NULL, "print", "attention");
	check_golden_as("figure-attention.svg", &out);
	figure(heads, NULL, "dusk", "head-attribution");
	check_golden_as("figure-heads-dusk.svg", &out);
	figure(bars, before, "print", "direct-attribution");
	check_golden_as("figure-bars.svg", &out);
	figure(ranking, NULL, "print", "next-token");
	check_golden_as("figure-ranking.svg", &out);
	figure(many, NULL, "print", "attention");
	CHECK_THAT(count(out.s, "<rect") < 5000, "7260 cells without numbers are fewer rectangles: %d", count(out.s, "<rect"));
	for (int i = 0; i < 7; i++)
		table_unref((struct table *[]){ lens, attention, heads, ranking, bars, before, many }[i]);
}

static bool is_xml_text(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\n') || *s == 0x7f)
			return false;
	return true;
}

static void test_attention(void)
{
	struct table *t = sample_attention(8);
	const char *svg = figure(t, NULL, "print", "attention");

	CHECK_THAT(count(svg, "<g><title>query") == 36, "a triangle: what cannot be is not drawn");
	CHECK(strstr(svg, ">query</text>") && strstr(svg, ">key</text>"));
	CHECK_THAT(strstr(svg, "<title>attention · layer 12 head 4 · weight</title>"),
		   "the title says technique, object and quantity");
	CHECK(strstr(svg, "Prompt “The &lt;b&gt; &amp; “c””") && strstr(svg, "Edits: head 1.0 zero."));
	CHECK(!strstr(svg, "head 0.0 zero"));
	table_unref(t);
}

static void test_hostile(void)
{
	struct table *t = sample_hostile();
	const char *svg;
	struct str text;

	t->title = "a \x1b]0;x\a\xE2\x80\xAE<title>\"&' \xEF\xBF\xBF";
	t->footnote = "]]>";
	svg = figure(t, NULL, "print", "logit-lens");
	CHECK_THAT(is_xml_text(svg), "no control characters");
	CHECK(strstr(svg, "␛]0;x␇\\u{202E}&lt;title&gt;&quot;&amp;&#39; \\u{FFFF}"));
	CHECK(!strstr(svg, "]]>") && !strstr(svg, "\xE2\x80\xAE") && !strstr(svg, "\xE2\x80\x8B"));
	str_init(&text);
	svg_characters(&text, "a\0b\xED\xA0\x80\xEF\xBF\xBE\xC2\x9B", 11);
	CHECK_TEXT(text.s, "a␀b\\xED\\xA0\\x80\\u{FFFE}\\u{9B}");
	str_done(&text);
	table_unref(t);
}

/* Each view that fits a table has a picture, and a sheet of text. */
static void test_views(void)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	struct table *tables[] = { sample_lens(4, 6),	   sample_tiles(3, 4),	    sample_ranking(true), sample_components(3, 0),
				   sample_tokens_read(20), sample_training(20, 12), sample_graph(3, 5, 2) };

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		struct view_way ways[VIEW_WAYS];
		int n = view_ways(tables[i], ways);

		for (int k = 0; k < n; k++) {
			struct job_pane pane;
			struct answer a = { .table = tables[i], .job = &job, .pane = &pane, .of = of };

			job_pane_init(&pane, analysis_find("logit-lens"));
			pane.view = (struct job_view){ .name = view_words[ways[k].view], .zoom = zoom_words[ways[k].zoom] };
			CHECK_THAT(count(figure_as(tables[i], NULL, "print", "logit-lens", pane.view.name), "<text") > 5,
				   "table %zu as %s", i, pane.view.name);
			CHECK(is_xml_text(out.s));
			str_clear(&out);
			sheet_ans(&a, theme, &out);
			CHECK_THAT(count(out.s, "\n") > 4, "table %zu as %s %s: %d lines", i, pane.view.name, pane.view.zoom,
				   count(out.s, "\n"));
		}
		table_unref(tables[i]);
	}
	theme_free(theme);
}

static void test_numbers(void)
{
	static const struct {
		double x;
		const char *text;
	} rows[] = { { 0, "0" },	  { 3, "3" },	   { 0.5, "0.5" },  { 0.05, "0.05" },
		     { -1.256, "-1.26" }, { -0.001, "0" }, { 12.999, "13" } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		str_clear(&out);
		svg_number(&out, rows[i].x);
		CHECK_TEXT(out.s, rows[i].text);
	}
}

static void test_formats(void)
{
	struct err err = { 0 };

	CHECK(format_of_file("a.b/fig.svg", false, &err) == format_find("svg") &&
	      format_of_file("x.txt", true, &err) == format_find("text"));
	CHECK(!format_of_file("fig.png", false, &err) && err.kind == ERR_USAGE);
	CHECK_TEXT(err.text, "\"fig.png\": the name's end says how a pane is written; expected .txt, .json, .csv, .svg, .ans");
	CHECK_THAT(!format_of_file("all.csv", true, &err) && !strstr(err.text, ".csv,"), "a screen is no table");
	CHECK(!format_of_file("a.svg/fig", false, &err) && !format_of_file("svg", false, &err));
}

/* Colours as a terminal is told them, given back at the end of each line. */
static void test_cells(void)
{
	struct canvas c;
	struct ink red = { INK_INDEX(1), INK_DEFAULT, INK_BOLD, 0 }, plain = { INK_DEFAULT, INK_DEFAULT, 0, 0 };

	canvas_init(&c, 8, 2);
	canvas_reset(&c, 8, 2, plain);
	canvas_text(&c, 0, 0, red, "a<");
	canvas_text(&c, 2, 0, (struct ink){ INK_RGB(0x010203), INK_INDEX(200), 0, 0 }, "漢");
	canvas_text(&c, 0, 1, (struct ink){ INK_INDEX(9), INK_INDEX(12), 0, 0 }, "z");
	str_clear(&out);
	cells_ans(&c, &out);
	CHECK_TEXT(out.s, "\033[0;1;31ma<\033[0;38;2;1;2;3;48;5;200m漢\033[0m\n\033[0;91;104mz\033[0m\n");
	str_clear(&out);
	cells_svg(&c, &out);
	CHECK(strstr(out.s, ">a&lt;</text>") && strstr(out.s, "fill=\"#010203\"") && is_xml_text(out.s));
	canvas_done(&c);
}

static void test_sheet(void)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	struct table *t = sample_lens(4, 6);
	struct job_pane pane;
	struct answer a = { .table = t, .job = &job, .pane = &pane, .of = of };

	job_pane_init(&pane, analysis_find("logit-lens"));
	str_clear(&out);
	sheet_ans(&a, theme, &out);
	CHECK(strstr(out.s, "logit lens") && strstr(out.s, "·Paris") && strstr(out.s, "\033[0m\n"));
	CHECK_THAT(count(out.s, "\n") == 9, "title, edits, metric, head, four layers and the legend: %d lines", count(out.s, "\n"));
	table_unref(t);
	theme_free(theme);
}

int main(void)
{
	of = xcalloc(1, sizeof *of);
	of->model = (struct model_facts){ .name = "tiny", .family = "gpt2", .L = 4, .H = 5 };
	snprintf(of->metric_spec, sizeof of->metric_spec, "logit \" Paris\"");
	of->metric = 14.2;
	of->metric_unedited = 15.5;
	str_init(&out);
	job_init(&job);
	job_set(&job.prompt, "The <b> & “c”");
	job_add_edit(&job, "head 1.0 zero");
	job_add_edit(&job, "head 0.0 zero");
	job.edit[1].on = false;
	test_golden();
	test_views();
	test_attention();
	test_hostile();
	test_numbers();
	test_formats();
	test_cells();
	test_sheet();
	job_done(&job);
	str_done(&out);
	snapshot_free(of);
	return tap_done();
}
