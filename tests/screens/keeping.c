/* keeping.c - what is saved, kept, and expected of what was saved. */
#include "tests/screens/stage.h"
#include "tui/app/binding.h"
#include "tui/app/remember.h"

/* What was saved is what was seen; opened again, it moves with the cursor as before. */
static void saving(void)
{
	struct stage s;
	struct preset saved;

	raise_curtain(&s);
	press(&s, "[ }");
	question_save(&s.app, &saved);
	CHECK_THAT(saved.job.pane[1].given[0] && saved.job.pane[1].args[0].number == FAKE_LAYERS - 2 &&
			   saved.job.pane[1].args[1].number == 1,
		   "a saved pane names its layer and head");
	app_opened(&s.app, &saved);
	fake_serve(&s.fake, &s.app);
	press(&s, "[");
	CHECK_THAT(asked_argument(&s.app, 1, "layer") == FAKE_LAYERS - 3, "an opened one follows the cursor");
	preset_done(&saved);
	drop_curtain(&s);
}

/* A preset that is opened and does not show what it says it does is told so once, and not for what the user changes then. */
static void expecting(void)
{
	struct stage s;
	struct preset doc;
	int said;

	raise_curtain(&s);
	preset_copy(&doc, &s.doc);
	preset_expect(&doc, -1, "metric > -1e9", 0);
	preset_expect(&doc, 0, "cell 0 0 > -1e9", 0);
	job_set(&doc.job.prompt, "The capital of France is not");
	said = s.app.messages.n;
	app_opened(&s.app, &doc);
	fake_serve(&s.fake, &s.app);
	CHECK_THAT(s.app.messages.n == said, "what holds is not worth a message");
	preset_expect(&doc, 0, "cell 0 0 > 1e9", 0);
	job_set(&doc.job.prompt, "The capital of France is now");
	app_opened(&s.app, &doc);
	fake_serve(&s.fake, &s.app);
	CHECK_THAT(s.app.messages.n == said + 1 && strstr(s.app.message.s, ": cell 0 0 > 1e9; it is "), "what drifts is said: %s",
		   s.app.message.s);
	preset_expect(&doc, -1, "metric > 1e9", 0);
	app_opened(&s.app, &doc); /* the same question: nothing is asked */
	press(&s, "e x");
	app_opened(&s.app, &doc);
	app_change(&s.app);
	job_set(&s.app.doc.job.prompt, "Something else"); /* before there is an answer */
	press(&s, "e y");
	for (int i = 0; i < s.app.messages.n; i++)
		CHECK_THAT(!strstr(s.app.messages.line[i], "metric > 1e9"), "not of another question: %s", s.app.messages.line[i]);
	preset_done(&doc);
	drop_curtain(&s);
	raise_curtain(&s);
	preset_expect(&s.app.doc, 1, "cell 0 0 > 2", 0);
	act_split(&s.app, "next-token");
	CHECK_THAT(s.app.doc.expect[0].pane == 2, "what is expected of a pane goes along with it");
	act_close(&s.app, NULL);
	CHECK_THAT(s.app.doc.expects == 1 && s.app.doc.expect[0].pane == 1, "and back");
	drop_curtain(&s);
}

static int kept_times(struct app *app)
{
	struct request r;
	int kept = 0;

	while (app_take(app, &r)) {
		kept += r.kind == REQUEST_KEEP;
		free(r.text);
	}
	return kept;
}

/* Which layer a pane shows is known when the model is: what was kept before that says another. */
static void keeping_what_follows(void)
{
	struct stage s;
	const struct snapshot *shot;
	struct snapshot early;
	long now = 100000;

	raise_curtain(&s);
	shot = s.app.shot;
	early = *shot;
	early.has_model = false;
	app_snapshot(&s.app, &early);
	app_tick(&s.app, now);
	app_tick(&s.app, now += 1000);
	kept_times(&s.app);
	app_snapshot(&s.app, shot);
	app_tick(&s.app, now);
	app_tick(&s.app, now += 1000);
	CHECK_THAT(kept_times(&s.app) == 1, "the session is kept again when the model is there");
	drop_curtain(&s);
}

/* At the end, too, what counts is the document, whoever changed it, and not whether a key was pressed. */
static void keeping_at_the_end(void)
{
	struct stage s;

	raise_curtain(&s);
	remember_kept(&s.app);
	CHECK_THAT(!remember_waits(&s.app), "what was kept does not wait");
	job_set(&s.app.doc.job.prompt, "Changed without a key");
	CHECK_THAT(remember_waits(&s.app), "a change that nobody noticed waits to be kept");
	job_set(&s.app.doc.job.prompt, "And once more");
	remember_kept(&s.app);
	CHECK_THAT(!remember_waits(&s.app), "what was kept is the document as it is, not as it was last noticed");
	drop_curtain(&s);
}

/* What was changed is kept when one rests, and now and then while one does not. */
static void keeping(void)
{
	struct stage s;
	int kept = 0, wait;
	long now = 100000;

	raise_curtain(&s);
	app_tick(&s.app, now);
	app_tick(&s.app, now += 1000);
	CHECK_THAT(kept_times(&s.app) == 1 && app_tick(&s.app, now += 1000) == -1 && !kept_times(&s.app), "it is kept once");
	press(&s, "Down");
	wait = app_tick(&s.app, now);
	CHECK_THAT(wait > 0 && wait <= 500 && !kept_times(&s.app), "a moment after the change: %d ms", wait);
	app_tick(&s.app, now += wait);
	CHECK(kept_times(&s.app) == 1);
	press(&s, "e");
	for (int i = 0; i < 60; i++) {
		press(&s, "'x");
		app_tick(&s.app, now += 100);
		kept += kept_times(&s.app);
	}
	CHECK_THAT(kept >= 3 && kept <= 6, "in six seconds of typing it is kept %d times", kept);
	press(&s, "Esc ? Esc z z");
	app_tick(&s.app, now += 5000);
	kept_times(&s.app);
	press(&s, "? Esc z z : Esc");
	CHECK_THAT(app_tick(&s.app, now += 5000) == -1 && !kept_times(&s.app), "looking around is nothing to keep");
	press(&s, "v");
	app_tick(&s.app, now += 100);
	app_tick(&s.app, now += 5000);
	CHECK_THAT(kept_times(&s.app) == 1, "another view of a pane is");
	drop_curtain(&s);
}

int main(void)
{
	saving();
	expecting();
	keeping_what_follows();
	keeping_at_the_end();
	keeping();
	return tap_done();
}
