/*
 * session.c - what a session does not do again: a switched edit, a moved cursor, the beginning of a prompt that continues
 * differently. And that an answer may be interrupted at any step by another one.
 */
#include "engine/session/session.h"

#include <stdlib.h>
#include <string.h>

#include "engine/numbers/pool.h"
#include "engine/run/run.h"
#include "tests/tap.h"

/* Prepares; says how much work there was, in layers. */
static int prepare(struct session *s, const struct job *job)
{
	struct task task = { 0 };
	struct notes notes = { 0 };
	struct err err = { 0 };

	CHECK_THAT(session_prepare(s, job, &task, &notes, &err), "it is prepared %s", err.text);
	notes_done(&notes);
	return atomic_load(&task.total);
}

static void test_switching(struct session *s, struct job *job)
{
	struct run *plain, *edited;
	struct table *table, *again;
	struct notes notes = { 0 };
	struct err err = { 0 };

	prepare(s, job);
	plain = run_ref(session_run(s));
	CHECK(plain == session_unedited(s));
	job_add_edit(job, "head 2.1 zero");
	CHECK_THAT(prepare(s, job) > 0, "an edit takes work");
	edited = run_ref(session_run(s));
	CHECK(edited != plain && session_unedited(s) == plain);
	table = session_answer(s, 0, NULL, &notes, &err);

	job->edit[0].on = false;
	CHECK_THAT(prepare(s, job) == 0 && session_run(s) == plain, "switched off, the run from before is there, without work");
	job->edit[0].on = true;
	CHECK_THAT(prepare(s, job) == 0 && session_run(s) == edited, "and switched on again, likewise");
	again = session_answer(s, 0, NULL, &notes, &err);
	CHECK_THAT(table && again == table, "its table too is the one from before");
	CHECK_THAT(session_run(s)->layer[0] == plain->layer[0] && session_run(s)->layer[1] == plain->layer[1] &&
			   session_run(s)->layer[2] != plain->layer[2],
		   "layers below the edit are the unedited run's own");
	table_unref(table);
	table_unref(again);
	run_unref(plain);
	run_unref(edited);
	notes_done(&notes);
	job_remove_edit(job, 0);
}

/* A mark that the forward pass would never leave, in a row that nothing later reads, is found again where that row was copied. */
static void test_prefix(struct session *s, struct job *job)
{
	const float mark = 12345;
	float *neuron;

	job_set(&job->prompt, "The cat sat on the mat and saw a bird.");
	prepare(s, job);
	neuron = (float *)(uintptr_t)run_at(session_run(s), SITE_MLP_POST, 3, 2);
	*neuron = mark;
	job_set(&job->prompt, "The cat sat on the mat and saw a fish.");
	prepare(s, job);
	CHECK_THAT(*run_at(session_run(s), SITE_MLP_POST, 3, 2) == mark,
		   "what comes before the changed token is not computed again");
	job_set(&job->prompt, "A dog sat on the mat and saw a fish.");
	prepare(s, job);
	CHECK_THAT(*run_at(session_run(s), SITE_MLP_POST, 3, 2) != mark, "what comes after it is");
}

/* Another question, which is answered whenever the first one makes a step. */
struct meanwhile {
	struct session *s;
	struct task *task; /* of the first answer */
	struct job job;
	int times, failed;
};

static void answer_meanwhile(void *context)
{
	struct meanwhile *m = context;
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct table *t = NULL;

	m->job.pane[0].args[1] = value_number(m->times++ % session_run(m->s)->T); /* the cursor moves each time */
	m->job.pane[0].given[1] = true;
	if (session_prepare(m->s, &m->job, NULL, &notes, &err))
		t = session_answer(m->s, 0, NULL, &notes, &err);
	m->failed += !t;
	table_unref(t);
	notes_done(&notes);
	atomic_store(&m->task->call, true);
}

/*
 * The technique's table, made in a session of its own; with `meanwhile` it is interrupted again and again. NULL: it cannot
 * answer this.
 */
static struct table *answer_alone(const struct job *job, const struct analysis *a, struct meanwhile *meanwhile)
{
	struct task task = { 0 };
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct session *s = session_new();
	struct table *t = NULL;
	struct job own;

	job_copy(&own, job);
	own.panes = 1;
	job_pane_init(&own.pane[0], a);
	if (meanwhile) {
		task.called = answer_meanwhile;
		task.called_context = meanwhile;
		meanwhile->s = s;
		meanwhile->task = &task;
		job_copy(&meanwhile->job, job);
	}
	if (session_prepare(s, &own, NULL, &notes, &err)) {
		atomic_store(&task.call, meanwhile != NULL);
		t = session_answer(s, 0, &task, &notes, &err);
	}
	if (meanwhile)
		job_done(&meanwhile->job);
	notes_done(&notes);
	session_free(s);
	job_done(&own);
	return t;
}

static bool same_values(const struct table *a, const struct table *b)
{
	return a->rows.n == b->rows.n && a->cols.n == b->cols.n &&
	       !memcmp(a->value, b->value, (size_t)a->rows.n * (size_t)a->cols.n * sizeof *a->value);
}

/* A chunk of shared work must not be interrupted, and what is interrupted must not be changed by what comes between. */
static void test_interrupted(const struct job *job)
{
	int interrupted = 0;

	for (int i = 0; analysis_list[i]; i++) {
		struct meanwhile meanwhile = { 0 };
		struct table *plain = answer_alone(job, analysis_list[i], NULL),
			     *t = plain ? answer_alone(job, analysis_list[i], &meanwhile) : NULL;

		if (!plain)
			continue;
		CHECK_THAT(t && same_values(t, plain) && !meanwhile.failed, "%s, interrupted %d times, gives the same bits",
			   analysis_list[i]->name, meanwhile.times);
		interrupted += meanwhile.times > 0;
		table_unref(plain);
		table_unref(t);
	}
	CHECK_THAT(interrupted >= 8, "%d techniques were interrupted", interrupted);
}

/* A screen that shows a few cells of a long lens, and scrolls once it has them. */
struct window_watch {
	struct window window, next; /* what is seen: at first, and after the first look */
	int shown, whole, known;    /* tables that came; those with all of the window; cells of the first */
};

static struct window what_is_seen(void *context)
{
	return ((struct window_watch *)context)->window;
}

static void see(void *context, struct table *t)
{
	struct window_watch *s = context;
	const struct window *w = &s->window;
	bool whole = true;

	for (int i = w->row; i < w->row + w->rows; i++)
		for (int j = w->col; j < w->col + w->cols; j++)
			whole &= !isnan(t->value[table_cell(t, i, j)]);
	for (int i = 0; !s->shown && i < t->rows.n * t->cols.n; i++)
		s->known += !isnan(t->value[i]);
	s->shown++;
	s->whole += whole;
	s->window = s->next;
	table_unref(t);
}

static void test_visible_first(struct job *job)
{
	struct window_watch screen = { .window = { 1, 3, 90, 20 }, .next = { 0, 2, 5, 30 } };
	struct session *s = session_new();
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct table *plain, *t;
	struct str prompt;

	str_init(&prompt);
	for (int i = 0; i < 200; i++)
		str_add(&prompt, i % 3 ? " cat" : " dog");
	job_set(&job->prompt, prompt.s);
	str_done(&prompt);
	job_set(&job->foil, NULL);
	plain = answer_alone(job, analysis_find("logit-lens"), NULL);
	job_pane_init(&job->pane[0], analysis_find("logit-lens"));
	prepare(s, job);
	session_watch(s, see, what_is_seen, NULL, &screen);
	t = session_answer(s, 0, NULL, &notes, &err);
	CHECK_THAT(screen.shown >= 2 && screen.known > 0 && screen.known <= 126,
		   "a long lens shows a few cells as soon as it has them (%d of %d)", screen.known, t ? t->rows.n * t->cols.n : 0);
	CHECK_THAT(screen.whole == screen.shown, "those that are seen, also where the screen has scrolled to");
	CHECK_THAT(t && plain && same_values(t, plain) && check_holds(&t->check), "in whatever order, the whole is the same");
	table_unref(t);
	table_unref(plain);
	notes_done(&notes);
	session_free(s);
}

static void note_running(void *context, const char *which)
{
	str_addf(context, "%s;", which);
}

/* Each prompt whose run is made, and none that is there already. */
static void test_running(struct job *job)
{
	struct session *s = session_new();
	struct str said;
	struct job edited;

	str_init(&said);
	session_watch(s, NULL, NULL, note_running, &said);
	prepare(s, job);
	CHECK_TEXT(said.s, "prompt;foil;");
	str_clear(&said);
	job_copy(&edited, job);
	job_add_edit(&edited, "head 1.1 zero");
	prepare(s, &edited);
	CHECK_TEXT(said.s, "edited prompt;");
	str_clear(&said);
	prepare(s, job);
	CHECK_TEXT(said.s, "");
	job_done(&edited);
	str_done(&said);
	session_free(s);
}

/* Says which part of a job is at fault, by what it is and not by its sentence; the job before stays prepared. */
static void check_fault(struct session *s, struct job *job, enum job_part part, int edit)
{
	const struct run *before = session_run(s);
	struct notes notes = { 0 };
	struct err err = { 0 };
	bool ok = session_prepare(s, job, NULL, &notes, &err);
	struct job_fault fault = session_fault(s);

	CHECK_THAT(!ok && fault.part == part && fault.edit == edit, "part %d, edit %d: %s", (int)fault.part, fault.edit, err.text);
	CHECK(session_run(s) == before);
	notes_done(&notes);
}

static void test_faults(struct session *s, struct job *job)
{
	struct job bad;
	char *long_prompt = xcalloc(1, 4001);

	prepare(s, job);
	job_copy(&bad, job);
	job_set(&bad.model, "nowhere");
	check_fault(s, &bad, JOB_MODEL, 0);
	job_set(&bad.model, job->model);
	memset(long_prompt, 'a', 4000);
	job_set(&bad.prompt, long_prompt);
	check_fault(s, &bad, JOB_PROMPT, 0);
	job_set(&bad.prompt, job->prompt);
	job_set(&bad.foil, long_prompt);
	check_fault(s, &bad, JOB_FOIL, 0);
	job_set(&bad.foil, NULL);
	job_set(&bad.metric, "logit #99999");
	check_fault(s, &bad, JOB_METRIC, 0);
	job_add_edit(&bad, "head 77.1 zero");
	job_add_edit(&bad, "head 1.1 zero");
	job_add_edit(&bad, "head 1.2 mean nofile.txt");
	bad.edit[0].on = false;
	check_fault(s, &bad, JOB_EDIT, 2);
	bad.edit[0].on = true;
	check_fault(s, &bad, JOB_EDIT, 0);
	free(long_prompt);
	job_done(&bad);
}

int main(void)
{
	struct session *s = session_new();
	struct job job;
	struct job_pane pane;

	job_init(&job);
	job_set(&job.model, "demo");
	job_set(&job.prompt, "Once upon a time there was a cat");
	job_pane_init(&pane, analysis_find("next-token"));
	job.pane[job.panes++] = pane;
	test_switching(s, &job);
	test_prefix(s, &job);
	test_faults(s, &job);
	job_set(&job.foil, "The cat sat on the mat and saw a bird.");
	test_interrupted(&job);
	test_running(&job);
	test_visible_first(&job);
	job_done(&job);
	session_free(s);
	pool_stop();
	return tap_done();
}
