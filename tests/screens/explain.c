/* explain.c - x makes a cell the metric, the way is kept and drawn, Backspace goes back, u undoes a step; X closes a pane. */
#include "tests/scratch.h"
#include "tests/screens/stage.h"
#include "tui/app/effects.h"

static int focus_of(const struct stage *s, const char *technique)
{
	for (int i = 0; i < s->app.doc.job.panes; i++)
		if (!strcmp(s->app.doc.job.pane[i].analysis->name, technique))
			return i;
	return -1;
}

static void look_at(struct stage *s, const char *technique)
{
	char key[2] = { (char)('1' + focus_of(s, technique)) };

	press(s, key);
}

static void way(void)
{
	struct stage s;
	const struct job *job = &s.app.doc.job;

	raise_curtain(&s);
	press(&s, "Backspace");
	CHECK_THAT(strstr(s.app.message.s, "no step to go back") && !job->ways && !job->metric, "%s", s.app.message.s);
	CHECK(!s.app.layout.way.h);
	press(&s, ": 'technique_residual-norms Enter x");
	CHECK_THAT(job->ways == 0 && !job->metric, "what says nothing of its cells is refused: %s", s.app.message.s);
	press(&s, ": 'technique_attention Enter x");
	CHECK_THAT(job->metric && !strncmp(job->metric, "pattern ", 8) && job->ways == 1, "%s", s.app.message.s);
	CHECK_TEXT(job->way[0].spec, "logit \" Paris\"");
	CHECK(job->way[0].value == 14.2 && s.app.layout.way.h == 1);
	CHECK(line_has(&s, s.app.layout.way.y, "explain logit \" Paris\" 14.2") && line_has(&s, s.app.layout.way.y, "› pattern "));
	press(&s, "x");
	CHECK_THAT(job->ways == 2 && !strncmp(job->metric, "scores ", 7) && strstr(s.app.message.s, ", what decides the weight"),
		   "the same cell once more, one step further: %s %s", job->metric, s.app.message.s);
	press(&s, ": 'technique_head-attribution Enter x");
	CHECK_THAT(job->ways == 3 && !strncmp(job->metric, "part head ", 10) && strstr(job->metric, " of scores "), "%s",
		   job->metric);
	CHECK(line_has(&s, s.app.layout.way.y, "› part head "));
	press(&s, "Backspace");
	CHECK_THAT(job->ways == 2 && !strncmp(job->metric, "scores ", 7), "Backspace: %s", job->metric);
	press(&s, "u");
	CHECK_THAT(job->ways == 3 && !strncmp(job->metric, "part head ", 10), "u undoes it: %s", job->metric);
	press(&s, "u u u");
	CHECK_THAT(job->ways == 0 && !job->metric && !s.app.layout.way.h, "and the steps before");
	press(&s, "C-r");
	CHECK_THAT(job->ways == 1 && job->metric, "C-r makes one again");
	press(&s, "Backspace");
	CHECK_TEXT(job->metric, "logit \" Paris\"");
	press(&s, "C-_");
	press(&s, "x m C-u 'logit_\"_Rome\" Enter");
	CHECK_THAT(job->ways == 0, "another metric begins another way");
	drop_curtain(&s);
}

/* :circuit writes the way as a file of edges, and a file that is there only with !; :follow goes it again. */
static void keep_way(void)
{
	struct stage s;
	const struct job *job = &s.app.doc.job;
	struct str path, replace;
	char last[200];

	raise_curtain(&s);
	str_init(&path);
	str_init(&replace);
	str_addf(&path, "%s/way.yaml", scratch_folder());
	str_addf(&replace, "! %s", path.s);
	outside_circuit(&s.app, path.s);
	CHECK_THAT(strstr(s.app.message.s, "there is no way to keep yet"), "%s", s.app.message.s);
	press(&s, "Esc : 'technique_attention Enter x x : 'technique_head-attribution Enter x");
	snprintf(last, sizeof last, "%s", job->metric ? job->metric : "");
	outside_circuit(&s.app, path.s);
	CHECK_THAT(strstr(s.app.message.s, "way.yaml: the way, 3 edges"), "%s", s.app.message.s);
	outside_circuit(&s.app, path.s);
	CHECK_THAT(strstr(s.app.message.s, "is there already; :circuit! replaces it"), "%s", s.app.message.s);
	outside_circuit(&s.app, replace.s);
	CHECK_THAT(strstr(s.app.message.s, "3 edges"), "%s", s.app.message.s);
	press(&s, "Esc Backspace Backspace Backspace");
	CHECK(job->ways == 0);
	outside_follow(&s.app, path.s);
	CHECK_THAT(job->ways == 3 && !strcmp(job->metric, last) && strstr(s.app.message.s, "3 steps"), "%s: %s, not %s",
		   s.app.message.s, job->metric, last);
	CHECK_TEXT(job->way[0].spec, "logit \" Paris\"");
	press(&s, "Backspace");
	CHECK(job->ways == 2);
	press(&s, "u u");
	CHECK_THAT(job->ways == 0, "u undoes it");
	outside_follow(&s.app, "tests/nofile.yaml");
	CHECK_THAT(job->ways == 0 && strstr(s.app.message.s, "tests/nofile.yaml"), "%s", s.app.message.s);
	press(&s, "Esc : 'follow Enter");
	CHECK_THAT(s.app.line == LINE_COMMAND, "without a name the line to type it in");
	str_done(&path);
	str_done(&replace);
	drop_curtain(&s);
	scratch_done();
}

/* Backspace leads to the cell that one came from, in its pane. */
static void back(void)
{
	struct stage s;
	int cursor[DIM_COUNT], focus;

	raise_curtain(&s);
	press(&s, ": 'technique_attention Enter Up Left");
	memcpy(cursor, s.app.doc.cursor, sizeof cursor);
	focus = s.app.focus;
	press(&s, "x");
	CHECK_THAT(s.app.doc.job.ways == 1, "%s", s.app.message.s);
	press(&s, "Down Right Tab ] }");
	CHECK(memcmp(cursor, s.app.doc.cursor, sizeof cursor) && s.app.focus != focus);
	press(&s, "Backspace");
	CHECK(s.app.doc.job.ways == 0 && s.app.focus == focus && !memcmp(cursor, s.app.doc.cursor, sizeof cursor));
	drop_curtain(&s);
}

/* Differences are of two runs. */
static void refused(void)
{
	struct stage s;

	raise_curtain(&s);
	look_at(&s, "head-attribution");
	press(&s, "Space d x");
	CHECK_THAT(s.app.doc.job.ways == 0 && strstr(s.app.message.s, "edited − unedited"), "%s", s.app.message.s);
	drop_curtain(&s);
}

/* After an arrow the answer is not there yet: x waits for it, and any other key lets it be. */
static void waiting(void)
{
	struct stage s;
	const struct job *job = &s.app.doc.job;

	raise_curtain(&s);
	press(&s, ": 'technique_attention Enter Slow [ x");
	CHECK_THAT(job->ways == 0 && strstr(s.app.message.s, "when its number is there"), "%s", s.app.message.s);
	press(&s, "Answer");
	CHECK_THAT(job->ways == 1 && job->metric && !strncmp(job->metric, "pattern 2.0 ", 12), "it came: %s %s",
		   job->metric ? job->metric : "", s.app.message.s);
	drop_curtain(&s);
	raise_curtain(&s);
	press(&s, ": 'technique_attention Enter Slow [ x Tab Answer");
	CHECK_THAT(job->ways == 0 && !job->metric, "another key was pressed since: %s", job->metric ? job->metric : "");
	drop_curtain(&s);
	raise_curtain(&s); /* this pane's own question is as it was */
	look_at(&s, "head-attribution");
	for (const char *const *name = (const char *const[]){ "[", "x", NULL }; *name;
	     name++) { /* before the worker gets the first */
		struct key key;

		if (CHECK(fake_parse(*name, &key)))
			app_event(&s.app, &key);
	}
	CHECK_THAT(job->ways == 1 && !strncmp(job->metric, "part head 2.", 12), "the cell is known: %s", s.app.message.s);
	drop_curtain(&s);
}

/* A part keeps the scale of the run without edits: where the cell has another number, the screen says so. */
static void edited(void)
{
	struct stage s;

	raise_curtain(&s);
	look_at(&s, "head-attribution");
	press(&s, "Space x");
	CHECK_THAT(s.app.doc.job.ways == 1 && strstr(s.app.message.s, "this metric is 12.89, its cell was ") &&
			   strstr(s.app.message.s, ": a part is weighed as in the run without edits"),
		   "%s", s.app.message.s);
	drop_curtain(&s);
}

static void closing(void)
{
	struct stage s;
	int panes;

	raise_curtain(&s);
	panes = s.app.doc.job.panes;
	press(&s, "X");
	CHECK_THAT(s.app.doc.job.panes == panes - 1, "X closes a pane");
	press(&s, ": 'close Enter");
	CHECK_THAT(s.app.doc.job.panes == panes - 2, "and so does :close");
	drop_curtain(&s);
}

int main(void)
{
	way();
	keep_way();
	back();
	refused();
	waiting();
	edited();
	closing();
	return tap_done();
}
