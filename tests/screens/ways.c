/* ways.c - the ways to draw a pane's table: v, :view, and what is kept of them. */
#include "tests/screens/stage.h"
#include "tui/app/binding.h"

/* v leads through all views that fit the pane's table and back; a word names one; what does not fit is refused; it is
 * kept, and undone. */
static void walk(void)
{
	struct view_way ways[VIEW_WAYS];
	struct answer_shown answer;
	struct stage s;
	int n;

	raise_curtain(&s);
	press(&s, "1");
	question_answer(&s.app, 0, &answer);
	n = view_ways(answer.table, ways);
	CHECK_THAT(n >= 6 && ways[0].view == VIEW_OWN && ways[0].zoom == ZOOM_AUTO, "a lens has %d ways", n);
	for (int i = 1; i <= n; i++) {
		const struct job_view *view = &s.app.doc.job.pane[0].view;
		const struct view_way *way = &ways[i % n];

		press(&s, "v");
		CHECK_THAT((view->name ? view_find(view->name) : VIEW_OWN) == way->view &&
				   (view->zoom ? zoom_find(view->zoom) : ZOOM_AUTO) == way->zoom,
			   "way %d of %d: %s", i, n, s.app.message.s);
		CHECK_THAT(strlen(view_words[way->view]) && strstr(s.app.message.s, "view: "), "%s", s.app.message.s);
	}
	press(&s, ": 'view_half Enter v");
	CHECK_TEXT(s.app.doc.job.pane[0].view.zoom, "fit");
	press(&s, "U U");
	CHECK_THAT(!s.app.doc.job.pane[0].view.zoom, "U undoes it");
	CHECK_TEXT(s.app.message.s, "undone: the view of logit-lens");
	press(&s, ": 'view_bars Enter");
	CHECK_THAT(!s.app.doc.job.pane[0].view.name, "%s", s.app.message.s);
	CHECK_TEXT(s.app.message.s, "this table cannot be drawn as bars");
	press(&s, "Esc : 'view_nonsense Enter");
	CHECK_TEXT(s.app.message.s, "there is no view nonsense; Tab lists them");
	press(&s, "Esc : 'view_heat_number Enter");
	CHECK(!strcmp(s.app.doc.job.pane[0].view.name, "heat") && s.app.pane[0].view.shown == ZOOM_NUMBER);
	press(&s, ": 'technique_attention Enter");
	CHECK_THAT(!s.app.doc.job.pane[0].view.name && !s.app.doc.job.pane[0].view.zoom,
		   "another technique begins with its own view");
	drop_curtain(&s);
}

/* :over FILE: the mean over its prompts; kept, undone; none leads back, and what is no file is refused. */
static void over(void)
{
	struct stage s;
	char *text;

	raise_curtain(&s);
	press(&s, "1");
	press(&s, ": 'over_tests/nofile.txt Enter");
	CHECK_TEXT(s.app.message.s, "tests/nofile.txt: there is no such file; not applied");
	CHECK(!s.app.doc.job.pane[0].over);
	press(&s, "Esc : 'over Enter");
	CHECK_TEXT(s.app.message.s, "over takes a file of prompts, or none");
	press(&s, "Esc : 'over_tests/fixtures/cases/jsonl-bom/pl Tab Enter");
	CHECK_TEXT(s.app.message.s, "this pane: the mean over the prompts of tests/fixtures/cases/jsonl-bom/plain.jsonl");
	CHECK_TEXT(s.app.asked.pane[0].over, "tests/fixtures/cases/jsonl-bom/plain.jsonl");
	CHECK_THAT(screen_has(&s, "mean of 3 prompts"), "the title says so");
	CHECK_THAT(screen_has(&s, "± 0.25"), "the cell has its standard error");
	text = document_text(&s.app.doc);
	CHECK_THAT(strstr(text, "over: tests/fixtures/cases/jsonl-bom/plain.jsonl"), "and the preset has it: %s", text);
	free(text);
	press(&s, "x");
	CHECK_THAT(strstr(s.app.message.s, "this pane is a mean over prompts"), "%s", s.app.message.s);
	press(&s, "Esc U");
	CHECK_TEXT(s.app.message.s, "undone: the file of prompts");
	CHECK(!s.app.doc.job.pane[0].over && !screen_has(&s, "mean of 3 prompts"));
	press(&s, "C-r");
	CHECK(s.app.doc.job.pane[0].over != NULL);
	press(&s, ": 'over_none Enter");
	CHECK(!s.app.doc.job.pane[0].over && !screen_has(&s, "mean of 3 prompts"));
	drop_curtain(&s);
}

/* , and ; are for graphs; a threshold is kept with the pane. # asks for numbers where there are colours, and takes them
 * back. */
static void thresholds(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "1 ;");
	CHECK_THAT(s.app.doc.job.pane[0].view.threshold == 0, "%s", s.app.message.s);
	CHECK_TEXT(s.app.message.s, "no graph in this pane: , and ; set the weight from which edges are shown");
	press(&s, ": 'threshold_0.07 Enter");
	CHECK(s.app.doc.job.pane[0].view.threshold == 0.07);
	press(&s, ": 'threshold_much Enter");
	CHECK_TEXT(s.app.message.s, "threshold much: expected a weight from 0 up");
	press(&s, "Esc U");
	CHECK(s.app.doc.job.pane[0].view.threshold == 0);
	press(&s, "#");
	CHECK(s.app.doc.job.pane[0].view.zoom && !strcmp(s.app.doc.job.pane[0].view.zoom, "number"));
	press(&s, "#");
	CHECK(!s.app.doc.job.pane[0].view.zoom);
	drop_curtain(&s);
}

/* Where the cursor is in a tree. */
static const char *row_label(const struct stage *s)
{
	struct answer_shown answer;
	int row, col;

	question_answer(&s->app, s->app.focus, &answer);
	cursor_in(&s->app, answer.table, &row, &col);
	return answer.table->rows.show[row];
}

static const char *open_rows(const struct stage *s)
{
	const struct job_pane *pane = &s->app.doc.job.pane[s->app.focus];
	const char *text = pane->args[param_find(pane->analysis->params, "open")].text;

	return text ? text : "";
}

static void go_to_row(struct stage *s, const char *label)
{
	for (int i = 0; i < 40; i++)
		press(s, "Up");
	for (int i = 0; i < 40 && strcmp(row_label(s), label); i++)
		press(s, "Down");
	CHECK_TEXT(row_label(s), label);
}

/*
 * Right opens a closed row and goes into an open one; left closes it, and goes to the row above; what is open is an argument,
 * which U undoes. In other views the arrows move.
 */
static void opening(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "1 : 'technique_direct-attribution Enter");
	go_to_row(&s, "1.attn");
	press(&s, "Right");
	CHECK_THAT(!*open_rows(&s), "bars do not open");
	press(&s, ": 'view_tree Enter");
	go_to_row(&s, "2.attn");
	press(&s, "Right");
	CHECK_TEXT(open_rows(&s), "attn_out 2");
	CHECK_TEXT(row_label(&s), "2.attn");
	CHECK(screen_has(&s, "▾ 2.attn") && screen_has(&s, "▸ 1.attn") && screen_has(&s, "head 2.1"));
	press(&s, "Right");
	CHECK_THAT(!strncmp(row_label(&s), "head 2.", 7), "right goes into it: %s", row_label(&s));
	press(&s, "Right");
	CHECK_TEXT(open_rows(&s), "attn_out 2");
	press(&s, "Left");
	CHECK_TEXT(row_label(&s), "2.attn");
	go_to_row(&s, "1.attn");
	press(&s, "l");
	CHECK_TEXT(open_rows(&s), "attn_out 2; attn_out 1");
	go_to_row(&s, "2.attn");
	press(&s, "Left");
	CHECK_TEXT(open_rows(&s), "attn_out 1");
	CHECK(screen_has(&s, "▸ 2.attn") && !screen_has(&s, "head 2.1"));
	CHECK_TEXT(row_label(&s), "2.attn");
	press(&s, "U");
	CHECK_TEXT(open_rows(&s), "attn_out 2; attn_out 1");
	CHECK(screen_has(&s, "head 2.1"));
	drop_curtain(&s);
}

/* Before the answer is there, the old rows are drawn: more can be opened, once each, and none is closed twice. */
static void opening_slowly(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "1 : 'technique_direct-attribution Enter : 'view_tree Enter");
	go_to_row(&s, "2.attn");
	press(&s, "Slow Right Right");
	CHECK_TEXT(open_rows(&s), "attn_out 2");
	CHECK(screen_has(&s, "▸ 2.attn"));
	go_to_row(&s, "1.attn");
	press(&s, "Right");
	CHECK_TEXT(open_rows(&s), "attn_out 2; attn_out 1");
	press(&s, "U U");
	CHECK_THAT(!*open_rows(&s), "each press that opened something is a step: %s", open_rows(&s));
	drop_curtain(&s);
}

/* The cursor stays on its row, whatever opens above it; where the row goes it is on the one that had it. */
static void following(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "1 : 'technique_direct-attribution Enter : 'view_tree Enter");
	go_to_row(&s, "1.attn");
	press(&s, "Right");
	CHECK(screen_has(&s, "head 1.2"));
	go_to_row(&s, "2.mlp");
	press(&s, "U");
	CHECK(!screen_has(&s, "head 1.2"));
	CHECK_TEXT(row_label(&s), "2.mlp");
	press(&s, "C-r");
	CHECK(screen_has(&s, "head 1.2"));
	CHECK_TEXT(row_label(&s), "2.mlp");
	go_to_row(&s, "head 1.2");
	press(&s, "U");
	CHECK_TEXT(row_label(&s), "1.attn");
	go_to_row(&s, "2.mlp");
	press(&s, "x"); /* a part is made of what comes before it, and that row is not among them */
	CHECK_THAT(s.app.doc.cursor[DIM_COMPONENT] == CURSOR_UNSET, "at the strongest row: %s", row_label(&s));
	drop_curtain(&s);
}

static struct place place_here(const struct stage *s)
{
	struct place place;

	CHECK(cursor_place(&s->app, &place));
	return place;
}

/* Enter on a node lists its edges, and :edges all that are shown: choosing goes there. */
static void edges(void)
{
	struct stage s;
	struct place top, below;

	raise_curtain(&s);
	press(&s, ": 'edges Enter");
	CHECK_THAT(screen_has(&s, "this pane has no graph"), "an empty list says why");
	press(&s, "Esc 1 : 'technique_information-flow Enter z C-Home");
	top = place_here(&s);
	CHECK_THAT(top.site == SITE_RESID_POST && top.layer == FAKE_LAYERS - 1, "%d", top.layer);
	press(&s, "Enter");
	CHECK(screen_has(&s, "go to where it comes from") && screen_has(&s, "scores 3.1 @"));
	press(&s, "'0.600 Enter"); /* its own stream */
	below = place_here(&s);
	CHECK_THAT(below.layer == top.layer - 1 && below.position == top.position, "down its stream: %d", below.layer);
	press(&s, "Enter");
	CHECK(screen_has(&s, "go to where it is read"));
	press(&s, "Esc C-Home Enter 'scores Enter");
	CHECK_THAT(s.app.doc.job.metric && !strncmp(s.app.doc.job.metric, "scores 3.1 @", 12), "%s", s.app.message.s);
	press(&s, ": 'threshold_0.3 Enter : 'edges Enter");
	CHECK(screen_has(&s, "edges between tokens from the threshold up") && screen_has(&s, "0.331  layer 1  4 ·France ← 1 The") &&
	      !screen_has(&s, "0.600  layer"));
	press(&s, "Enter");
	below = place_here(&s);
	CHECK_THAT(!s.app.popup && below.layer == 1 && below.position == 4, "it goes where that edge goes: %d %d", below.layer,
		   below.position);
	drop_curtain(&s);
}

/* Another technique's components are others: its table begins where it is read from. */
static void other_components(void)
{
	struct stage s;
	struct place first, now;

	raise_curtain(&s);
	press(&s, "1 : 'technique_information-flow Enter");
	first = place_here(&s);
	press(&s, ": 'technique_direct-attribution Enter Down Down");
	CHECK(s.app.doc.cursor[DIM_COMPONENT] != CURSOR_UNSET);
	press(&s, ": 'technique_information-flow Enter");
	now = place_here(&s);
	CHECK_THAT(place_equal(&first, &now) && now.site == SITE_RESID_POST, "layer %d position %d, was %d %d", now.layer,
		   now.position, first.layer, first.position);
	drop_curtain(&s);
}

int main(void)
{
	edges();
	other_components();
	following();
	opening();
	opening_slowly();
	thresholds();
	over();
	walk();
	return tap_done();
}
