/* refused.c - what cannot be answered is refused, or put back, and the line that was typed is open again. */
#include "tests/screens/stage.h"

/* The line that was typed is open again with its sentence, and nothing has changed or been asked. */
static void check_refused(struct stage *s, const char *keys, const char *why)
{
	char *before = document_text(&s->app.doc), *after;
	int asked = s->fake.asked, pasts = s->app.undo.past.n;
	enum line_kind line;

	press(s, keys);
	after = document_text(&s->app.doc);
	line = s->app.line;
	CHECK_THAT(!strcmp(before, after) && s->app.undo.past.n == pasts && s->fake.asked == asked, "%s changes nothing", keys);
	CHECK_THAT(s->app.message_style == STYLE_ERROR && strstr(s->app.message.s, why), "%s: %s", keys, s->app.message.s);
	CHECK_THAT(line && s->app.input.text.n, "%s: the line is open for correction", keys);
	press(s, "Esc");
	free(before);
	free(after);
}

static void refused_at_once(void)
{
	struct stage s;

	raise_curtain(&s);
	check_refused(&s, ": 'edit_head_99.1_zero Enter", "layers 0 … 3; not applied");
	check_refused(&s, ": 'edit_head_1.7_zero Enter", "heads 0 … 2");
	check_refused(&s, ": 'edit_head_1.1_@40_zero Enter", "position 40 is outside the prompt");
	check_refused(&s, ": 'edit_resid_post_1_add_nofile.npy_3 Enter", "nofile.npy");
	check_refused(&s, ": 'edit_head_1.1_patch Enter", "reads from the foil, and none is set");
	check_refused(&s, ": 'edit_head_9 Enter", "head 9");
	check_refused(&s, "m C-u 'logit_#9999 Enter", "the vocabulary has the tokens #0 … #511");
	check_refused(&s, "m C-u 'entropy_@40 Enter", "position 40 is outside the prompt");
	check_refused(&s, "m C-u 'sorrow Enter", "expected logit");
	check_refused(&s, "2 : 'set_layer=9 Enter", "there is no layer 9");
	check_refused(&s, ": 'set_colour=9 Enter", "no argument \"colour\"");
	check_refused(&s, ": 'technique_telepathy Enter", "no technique telepathy");
	check_refused(&s, ": 'sing Enter", "no command :sing");
	press(&s, ": 'edit_head_99.1_zero Enter C-w C-w '1.1_zero Enter");
	CHECK_THAT(!s.app.line && s.app.doc.job.edits == 1 && !strcmp(s.app.doc.job.edit[0].line, "head 1.1 zero"),
		   "corrected, it is taken");
	check_refused(&s, "E C-e C-w C-w '7.1_zero Enter", "layers 0 … 3");
	press(&s, "E C-o C-o C-o C-o Esc");
	CHECK_THAT(!strstr(s.app.doc.job.edit[0].line, "patch"), "an op that needs a foil is passed over where there is none: %s",
		   s.app.doc.job.edit[0].line);
	drop_curtain(&s);
}

/* Everything that has the word "bad" in it, and edits at positions that the prompt does not have. */
static const char *refuse_bad(const struct job *job, struct job_fault *fault)
{
	int words = 2;

	for (const char *c = job->prompt; *c; c++)
		words += *c == ' ';
	*fault = (struct job_fault){ JOB_WHOLE, 0 };
	if (job->model && strstr(job->model, "bad"))
		fault->part = JOB_MODEL;
	else if (strstr(job->prompt, "bad"))
		fault->part = JOB_PROMPT;
	else if (job->foil && strstr(job->foil, "bad"))
		fault->part = JOB_FOIL;
	else if (job->metric && strstr(job->metric, "bad"))
		fault->part = JOB_METRIC;
	else if (job->generate == 13)
		fault->part = JOB_GENERATE;
	else if (job->bos == BOS_NEVER)
		return "the sentence of the whole";
	if (fault->part != JOB_WHOLE)
		return "the sentence of the part";
	for (int i = 0; i < job->edits; i++)
		if (job->edit[i].on && (strstr(job->edit[i].line, "bad") || (strstr(job->edit[i].line, "@5") && words < 6))) {
			*fault = (struct job_fault){ JOB_EDIT, i };
			return "the sentence of an edit";
		}
	return NULL;
}

/* What the worker turns down is put back, and the line is open again. */
static void check_put_back(struct stage *s, const char *keys)
{
	char *before = document_text(&s->app.doc), *after;
	int pasts = s->app.undo.past.n;

	press(s, keys);
	after = document_text(&s->app.doc);
	CHECK_THAT(!strcmp(before, after) && s->app.undo.past.n == pasts, "%s: put back", keys);
	if (strcmp(before, after))
		printf("# %s\n# %s\n", before, after);
	CHECK_THAT(s->app.message_style == STYLE_ERROR && strstr(s->app.message.s, "; not applied"), "%s: %s", keys,
		   s->app.message.s);
	CHECK_THAT(s->app.line && s->app.input.text.n, "%s: the line is open for correction", keys);
	CHECK_THAT(!s->app.shot->error && s->app.shot->serial == s->app.serial && !s->app.shot->pane[0].stale,
		   "%s: the screen is answered", keys);
	press(s, "Esc Esc");
	free(before);
	free(after);
}

static void put_back(void)
{
	struct stage s;

	raise_curtain(&s);
	s.fake.refuses = refuse_bad;
	press(&s, "3 Space");
	check_put_back(&s, ": 'edit_head_1.1_mean_bad.txt Enter");
	check_put_back(&s, "E C-e C-u 'head_1.1_mean_bad.txt Enter");
	check_put_back(&s, "m C-u 'logit_\"_bad\" Enter");
	press(&s, "m C-u 'entropy Enter");
	check_put_back(&s, "m C-u 'logit_\"_bad\" Enter");
	check_put_back(&s, ": 'model_bad Enter");
	check_put_back(&s, ": 'bos_never Enter");
	check_put_back(&s, ": 'generate_13 Enter");
	check_put_back(&s, "e '_bad Enter");
	check_put_back(&s, "f '_bad Enter");
	press(&s, "e '_bad");
	CHECK_THAT(s.app.line == LINE_PROMPT && strstr(s.app.doc.job.prompt, "bad"),
		   "while it is typed it may be on its way to something else");
	press(&s, "'ger Backspace Backspace Backspace C-w Enter : 'edit_head_2.1_@5_zero Enter");
	CHECK(s.app.doc.job.edits == 2 && s.app.doc.job.edit[1].on);
	press(&s, "e C-u 'short Enter");
	CHECK_THAT(s.app.doc.job.edits == 2 && !s.app.doc.job.edit[1].on && s.app.doc.job.edit[0].on &&
			   !strcmp(s.app.doc.job.prompt, "short"),
		   "an edit that a shorter prompt has no place for is switched off: %s", s.app.message.s);
	press(&s, "Esc u");
	CHECK_THAT(s.app.doc.job.edit[1].on && !strcmp(s.app.doc.job.prompt, "The capital of France is "),
		   "and is on again when the prompt is back: %s", s.app.doc.job.prompt);
	drop_curtain(&s);
}

/* From the command line or a preset: what cannot be is off, with a message. */
static void refused_at_the_start(void)
{
	struct stage s = { .theme = theme_builtin((struct theme_for){ DEPTH_256, false }) };

	fake_document(&s.doc);
	job_add_edit(&s.doc.job, "head 1.1 zero");
	job_add_edit(&s.doc.job, "head 1.2 mean bad.txt");
	job_set(&s.doc.job.metric, "logit \" bad\"");
	app_init(&s.app, &s.doc, s.theme);
	s.fake.refuses = refuse_bad;
	fake_serve(&s.fake, &s.app);
	CHECK_THAT(s.app.doc.job.edits == 2 && s.app.doc.job.edit[0].on && !s.app.doc.job.edit[1].on, "the impossible edit is off");
	CHECK_THAT(!s.app.doc.job.metric && !s.app.undo.past.n, "the impossible metric is not there");
	CHECK_THAT(strstr(s.app.message.s, "; not applied") && s.app.messages.n == 2, "both are said");
	CHECK_THAT(!s.app.line && !s.app.shot->error && s.app.shot->serial == s.app.serial, "and the rest is answered");
	drop_curtain(&s);
}

/* Typed before anything was answered: what it was opened with is there again. */
static void refused_before_an_answer(void)
{
	static const char *const keys[] = { "e", " ", "b", "a", "d", "Enter" };
	struct stage s = { .theme = theme_builtin((struct theme_for){ DEPTH_256, false }) };
	struct key key;

	fake_document(&s.doc);
	app_init(&s.app, &s.doc, s.theme);
	s.fake.refuses = refuse_bad;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (CHECK_THAT(fake_parse(*keys[i] == ' ' ? "Space" : keys[i], &key), "%s", keys[i]))
			app_event(&s.app, &key);
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is bad");
	fake_serve(&s.fake, &s.app);
	CHECK_THAT(!strcmp(s.app.doc.job.prompt, "The capital of France is") && !s.app.shot->error, "put back: %s; %s",
		   s.app.doc.job.prompt, s.app.message.s);
	CHECK_THAT(s.app.line == LINE_PROMPT && strstr(s.app.message.s, "; not applied"), "open for correction: %s",
		   s.app.message.s);
	drop_curtain(&s);
}

static bool is_seen(struct stage *s, const char *text)
{
	app_draw(&s->app, &s->canvas);
	return screen_has(s, text);
}

/* Why the question before had no answer says nothing of the one that is being answered. */
static void old_refusal(void)
{
	static const char why[] = "it learns from a text";
	struct stage s;
	struct snapshot_pane *pane;

	raise_curtain(&s);
	pane = (struct snapshot_pane *)&s.app.shot->pane[0];
	table_unref(pane->table);
	pane->table = NULL;
	pane->error = xstrdup(why);
	CHECK_THAT(is_seen(&s, why), "it is the answer");
	pane->stale = true;
	s.app.now = s.app.asked_at;
	CHECK_THAT(is_seen(&s, why), "the next one is expected at once");
	s.app.now = s.app.asked_at + 60000;
	CHECK_THAT(!is_seen(&s, why), "the next one takes a while");
	free(pane->error);
	pane->error = NULL;
	drop_curtain(&s);
}

int main(void)
{
	old_refusal();
	refused_at_once();
	put_back();
	refused_at_the_start();
	refused_before_an_answer();
	return tap_done();
}
