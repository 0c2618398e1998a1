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
	return !strcmp(a->name, "integrated-gradients") || !strcmp(a->name, "reagent");
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
		CHECK_THAT(!after.runs && !after.seconds && (after.measured || made <= 1), "%s: once it is there it takes nothing",
			   w->what);
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

int main(void)
{
	struct walk w;

	walk_open(&w, MODEL, PROMPT, FOIL);
	for (int i = 0; analysis_list[i]; i++)
		walk_choices(&w, analysis_list[i], check_runs);
	check_difference(&w);
	walk_close(&w);
	return tap_done();
}
