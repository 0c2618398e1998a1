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

/* , and ; are for graphs; a threshold is kept with the pane. # asks for numbers where there are colours, and takes them
 * back. */
static void thresholds(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "1 ;");
	CHECK_THAT(!s.app.doc.job.pane[0].view.threshold, "%s", s.app.message.s);
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

int main(void)
{
	thresholds();
	walk();
	return tap_done();
}
