/*
 * forecast.c - what a slow technique says beforehand is what it does: passes announced and passes made, for every technique, every
 * choice of every argument, and with a difference; what is there already costs nothing, and what was measured is marked as such.
 */
#include "tests/registry_walk.h"

#define MODEL "tests/fixtures/tiny/llama-grouped"
#define PROMPT "one two three two one"
#define FOIL "one three two two one"

/* It takes as many passes as it finds that it needs: what it says beforehand is the most. */
static bool adapts(const struct analysis *a)
{
	return !strcmp(a->name, "integrated-gradients") || !strcmp(a->name, "attribution-compare") || !strcmp(a->name, "reagent");
}

/* What it takes as a rule is near what it takes here. */
static void check_usual(const struct walk *w, const struct forecast *before, int made)
{
	CHECK_THAT(before->usual <= before->runs && (before->usual == before->runs) == !w->job.pane[0].analysis->usual_runs,
		   "%s: usually %d, at most %d", w->what, before->usual, before->runs);
	if (w->job.pane[0].analysis->usual_runs)
		CHECK_THAT(made < 3 * before->usual && 3 * made > before->usual, "%s: usually %d, %d made", w->what, before->usual,
			   made);
}

/* A session of its own: nothing is there already, neither tables nor gradients. */
static void check_runs(struct walk *w)
{
	const struct job_pane *pane = &w->job.pane[0];
	struct session *shared = w->session;
	struct task task = { 0 };
	struct forecast before, after;
	struct err err = { 0 };
	struct table *t;
	int made;

	/* a training says its steps, not its passes */
	if (pane->analysis->cost < COST_RUNS || pane->analysis->cost == COST_TRAINING)
		return;
	CHECK_THAT(pane->analysis->runs != NULL, "%s says how many passes it takes", pane->analysis->name);
	unit_file_arguments(&w->job, &session_model(shared)->config, w->samples);
	w->session = session_new();
	if (CHECK_THAT(session_prepare(w->session, &w->job, &task, NULL, &err), "%s %s", w->what, err.text)) {
		before = session_forecast(w->session, pane);
		made = atomic_load(&task.runs);
		t = session_answer(w->session, 0, &task, NULL, &err);
		made = atomic_load(&task.runs) - made;
		CHECK_THAT(t && (before.runs == made || (adapts(pane->analysis) && made > 0 && made < before.runs)),
			   "%s: %d announced, %d made %s", w->what, before.runs, made, err.text);
		check_usual(w, &before, made);
		CHECK_THAT(before.seconds >= 0 && (before.seconds > 0 || !before.runs) && !before.measured, "%s: at most %g s",
			   w->what, before.seconds);
		after = session_forecast(w->session, pane);
		CHECK_THAT(!after.runs && after.seconds == 0 && (after.measured || made <= 1),
			   "%s: once it is there it takes nothing", w->what);
		table_unref(t);
	}
	session_free(w->session);
	w->session = shared;
}

/* A difference is two answers; of a run without edits there is but one. */
static void check_difference(struct walk *w)
{
	struct job_pane *pane = &w->job.pane[0];
	struct forecast alone, both, unedited;
	struct err err = { 0 };

	job_pane_init(pane, analysis_find("ablation-sweep"));
	CHECK(session_prepare(w->session, &w->job, NULL, NULL, &err));
	alone = session_forecast(w->session, pane);
	pane->shown = SHOWN_MINUS_UNEDITED;
	unedited = session_forecast(w->session, pane);
	job_add_edit(&w->job, "head 1.0 zero");
	CHECK(session_prepare(w->session, &w->job, NULL, NULL, &err));
	both = session_forecast(w->session, pane);
	CHECK_THAT(alone.runs > 0 && both.runs == 2 * alone.runs && unedited.runs == alone.runs,
		   "%d runs, as a difference %d, without edits %d", alone.runs, both.runs, unedited.runs);
	job_remove_edit(&w->job, 0);
	job_set(&w->job.foil, NULL);
	job_pane_init(pane, analysis_find("activation-patching"));
	CHECK(session_prepare(w->session, &w->job, NULL, NULL, &err));
	CHECK_THAT(session_forecast(w->session, pane).runs == -1, "what cannot be answered takes no time");
	job_pane_init(pane, analysis_find("attention"));
	CHECK(session_forecast(w->session, pane).runs == 0);
}

static struct forecast with(struct walk *w, const char *a, const char *b)
{
	struct job_pane *pane = &w->job.pane[0];
	struct err err = { 0 };

	job_pane_init(pane, analysis_find("train-tuned-lens"));
	CHECK_THAT((!a || job_pane_set(pane, a, &err)) && (!b || job_pane_set(pane, b, &err)) &&
			   session_prepare(w->session, &w->job, NULL, NULL, &err),
		   "%s", err.text);
	return session_forecast(w->session, pane);
}

/* A training says its steps: more of them, and longer ones, take longer; and no text need be named for that. */
static void check_training(struct walk *w)
{
	const struct forecast some = with(w, "steps=1000", NULL), more = with(w, "steps=2000", NULL),
			      large = with(w, "steps=1000", "batch=2048"), few = with(w, "steps=1000", "layers=0"),
			      squares = with(w, "steps=1000", "kind=regression"), none = with(w, "layers=0..99", NULL);

	CHECK_THAT(some.steps == 1000 && !some.runs && !some.prompts && some.seconds > 0 && more.steps == 2000,
		   "%d steps, %g s, %d runs", some.steps, some.seconds, some.runs);
	CHECK_THAT(more.seconds > 1.8 * some.seconds && more.seconds < 2.2 * some.seconds, "twice the steps: %g s, %g s",
		   some.seconds, more.seconds);
	CHECK_THAT(large.seconds > 3 * some.seconds && large.seconds < 5 * some.seconds, "four times the tokens: %g s, %g s",
		   some.seconds, large.seconds);
	CHECK_THAT(few.seconds < 0.9 * some.seconds && squares.seconds > 0 && !squares.runs,
		   "a layer %g s, a regression %g s, all %g s", few.seconds, squares.seconds, some.seconds);
	CHECK_THAT(none.seconds == 0 && !none.steps, "layers that there are not: %g s", none.seconds);
}

static struct forecast over(struct session *s, struct job *job, const char *name, int prompts, char **path)
{
	char text[2000] = "";

	for (int i = 0; i < prompts; i++)
		strcat(text, "one two three two one\n");
	*path = scratch_file(name, text, strlen(text));
	job->pane[0].over = *path;
	return session_forecast(s, &job->pane[0]);
}

/* A pane over a file says its prompts; each takes what the one that is there does. */
static void check_over(struct walk *w)
{
	struct job_pane *pane = &w->job.pane[0];
	struct forecast few, many, slow, first, after;
	struct session *fresh = session_new();
	struct err err = { 0 };
	char *path[4];

	job_pane_init(pane, analysis_find("residual-norms"));
	CHECK(session_prepare(w->session, &w->job, NULL, NULL, &err));
	few = over(w->session, &w->job, "few", 10, &path[0]);
	many = over(w->session, &w->job, "many", 40, &path[1]);
	CHECK_THAT(few.prompts == 10 && many.prompts == 40 && few.seconds > 0 && fabs(many.seconds / few.seconds - 4) < 1e-6,
		   "%d prompts %g s, %d prompts %g s", few.prompts, few.seconds, many.prompts, many.seconds);
	job_pane_init(pane, analysis_find("ablation-sweep"));
	slow = over(w->session, &w->job, "slow", 40, &path[2]);
	CHECK_THAT(slow.prompts == 40 && slow.seconds > many.seconds && many.measured && !slow.measured,
		   "with passes of its own %g s", slow.seconds);
	CHECK_THAT(session_open(fresh, &w->job, NULL, NULL, &err), "%s", err.text);
	first = over(fresh, &w->job, "first", 40, &path[3]);
	CHECK_THAT(first.prompts == 40 && first.seconds > 0, "where the job's own prompt is not asked, by the file's first: %g s",
		   first.seconds);
	session_free(fresh);
	pane->over = path[2];
	CHECK(session_prepare(w->session, &w->job, NULL, NULL, &err));
	table_unref(session_answer(w->session, 0, NULL, NULL, &err));
	after = session_forecast(w->session, pane);
	CHECK_THAT(!after.prompts && after.seconds == 0, "what is there takes nothing: %g s %s", after.seconds, err.text);
	for (int i = 0; i < 4; i++)
		free(path[i]);
}

/* Without a prompt nothing is known of what would read one. */
static void check_without_prompt(struct walk *w)
{
	struct session *fresh = session_new();
	struct err err = { 0 };
	struct job_pane pane;

	job_pane_init(&pane, analysis_find("occlusion"));
	if (CHECK_THAT(session_open(fresh, &w->job, NULL, NULL, &err), "%s", err.text))
		CHECK(!session_forecast(fresh, &pane).known);
	session_free(fresh);
}

int main(void)
{
	struct walk w;

	walk_open(&w, MODEL, PROMPT, FOIL);
	for (int i = 0; analysis_list[i]; i++)
		walk_choices(&w, analysis_list[i], check_runs);
	check_difference(&w);
	check_training(&w);
	check_over(&w);
	check_without_prompt(&w);
	walk_close(&w);
	return tap_done();
}
