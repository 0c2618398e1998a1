/*
 * urgency.c - what is asked again and what is not, and what comes first: a training lives on while other questions are answered
 * between its steps, weights alone are read once for all prompts, a lens comes before a slow attribution. The techniques that train
 * and read weights are made here.
 */
#include "engine/session/worker.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "tests/tap.h"

#define MODEL "tests/fixtures/tiny/llama-grouped"

enum { PATIENCE_MS = 60000 };

/* ---- a technique that trains until it is told to stop, and one that reads weights ---- */

static atomic_int begun, steps, stopped, readings;
static atomic_bool enough;

static struct table *one_cell(const char *title, float value, struct err *err)
{
	struct table *t = table_new(1, 1, err);

	if (!t)
		return NULL;
	t->value[0] = value;
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	table_set_title(t, title, NULL, NULL);
	table_set_unit(t, "loss");
	return t;
}

static struct table *train(const struct ask *ask, struct err *err)
{
	atomic_fetch_add(&begun, 1);
	while (!atomic_load(&enough)) {
		if (!task_step(ask->task, atomic_fetch_add(&steps, 1), 1 << 20, err)) {
			atomic_fetch_add(&stopped, 1);
			return NULL;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	}
	return one_cell("training", 1, err);
}

static struct table *read_weights(const struct ask *ask, struct err *err)
{
	(void)ask;
	return one_cell("weights", (float)atomic_fetch_add(&readings, 1), err);
}

/* clang-format off */
static const struct analysis training = {
	.name = "test-training", .title = "Training", .blurb = "Trains.", .unit = "loss", .on = ON_CORPUS, .cost = COST_TRAINING,
		.compute = train,
};
static const struct analysis weights = {
	.name = "test-weights", .title = "Weights", .blurb = "Reads weights.", .unit = "loss", .cost = COST_READ,
		.compute = read_weights,
};
/* clang-format on */

/* ---- asking ---- */

static void begin(struct job *job)
{
	job_init(job);
	job_set(&job->model, MODEL);
	job_set(&job->prompt, "one two");
}

static void add_pane(struct job *job, const struct analysis *a)
{
	job_pane_init(&job->pane[job->panes++], a);
}

/* Looks until `there` says so of an answer to this job. */
static const struct snapshot *wait_until(struct worker *w, unsigned serial, bool (*there)(const struct snapshot *s))
{
	struct pollfd news = { .fd = worker_fd(w), .events = POLLIN };
	const struct snapshot *s = worker_look(w);

	while (s->serial != serial || !there(s)) {
		if (poll(&news, 1, PATIENCE_MS) <= 0)
			return NULL;
		s = worker_look(w);
	}
	return s;
}

static bool is_idle(const struct snapshot *s)
{
	return s->state == WORK_IDLE;
}

static bool others_are_there(const struct snapshot *s)
{
	for (int i = 0; i < s->panes; i++)
		if (s->pane[i].question.analysis != &training &&
		    (!s->pane[i].table || s->pane[i].stale || s->pane[i].table->unfinished))
			return false;
	return true;
}

/* The training begins after the others, when nothing more is published. */
static bool steps_go_on(void)
{
	int before = atomic_load(&steps);

	for (int i = 0; i < PATIENCE_MS && atomic_load(&steps) < before + 3; i++)
		poll(NULL, 0, 1);
	return atomic_load(&steps) >= before + 3;
}

static void test_training_lives_on(struct worker *w)
{
	static const char *const typed[] = { "one two t", "one two th", "one two thr", "one two three" };
	const struct snapshot *s;
	struct job job;

	begin(&job);
	add_pane(&job, &training);
	add_pane(&job, analysis_find("logit-lens"));
	add_pane(&job, analysis_find("ablation-sweep"));
	s = wait_until(w, worker_ask(w, &job), others_are_there);
	CHECK_THAT(s && steps_go_on(), "quick and slow panes are answered, and a training is under way");
	for (int i = 0; i < 4; i++) {
		job_set(&job.prompt, typed[i]);
		s = wait_until(w, worker_ask(w, &job), others_are_there);
		CHECK_THAT(s && s->tokens && steps_go_on() && atomic_load(&begun) == 1 && !atomic_load(&stopped),
			   "\"%s\" is answered, and the training continues (step %d)", typed[i], atomic_load(&steps));
	}
	job_add_edit(&job, "head 1.0 zero");
	job_set(&job.metric, "entropy");
	s = wait_until(w, worker_ask(w, &job), others_are_there);
	CHECK_THAT(s && steps_go_on() && atomic_load(&begun) == 1, "so it does with an edit and another metric");
	atomic_store(&enough, true);
	s = wait_until(w, worker_ask(w, &job), is_idle);
	CHECK_THAT(s && s->pane[0].table && !s->pane[0].stale && atomic_load(&begun) == 1 && !atomic_load(&stopped),
		   "in the end it is there, made once");

	/* Stopped alone; and with the pane that it was for. */
	atomic_store(&enough, false);
	job_pane_init(&job.pane[0], analysis_find("attention"));
	CHECK(wait_until(w, worker_ask(w, &job), is_idle) != NULL);
	job_set(&job.model, "tests/fixtures/tiny/gpt2-tied");
	job_pane_init(&job.pane[0], &training);
	s = wait_until(w, worker_ask(w, &job), others_are_there);
	CHECK_THAT(s && steps_go_on() && atomic_load(&begun) == 2, "another model is another training");
	worker_skip(w);
	s = wait_until(w, worker_look(w)->serial, is_idle);
	CHECK_THAT(s && s->pane[0].stopped && atomic_load(&stopped) == 1 && !s->pane[1].stopped, "Esc stops it, and nothing else");
	s = wait_until(w, worker_ask(w, &job), is_idle);
	CHECK_THAT(s && s->pane[0].stopped && atomic_load(&begun) == 2, "the same question leaves it stopped");
	job_set(&job.metric, "entropy @99");
	s = wait_until(w, worker_ask(w, &job), is_idle);
	CHECK(s && s->error);
	job_set(&job.metric, "entropy");
	s = wait_until(w, worker_ask(w, &job), others_are_there);
	CHECK_THAT(s && !s->error && s->pane[0].stopped && atomic_load(&begun) == 2,
		   "so does one after a question that could not be prepared");
	for (int i = 0; i < 40; i++) {
		job_set(&job.prompt, i % 2 ? "one two three one" : "one two");
		worker_ask(w, &job);
	}
	s = wait_until(w, worker_ask(w, &job), others_are_there);
	CHECK_THAT(s && s->pane[0].stopped && atomic_load(&begun) == 2, "and prompts that come faster than they are prepared");
	job.again++;
	s = wait_until(w, worker_ask(w, &job), others_are_there);
	CHECK_THAT(s && steps_go_on() && atomic_load(&begun) == 3, "asked for again it begins again");
	job.pane[0] = job.pane[1];
	job.panes = 1;
	CHECK_THAT(wait_until(w, worker_ask(w, &job), is_idle) && atomic_load(&stopped) == 2, "without its pane it stops");
	job_done(&job);
}

static void test_weights_are_read_once(struct worker *w)
{
	const struct snapshot *s;
	struct table *was;
	struct job job;

	begin(&job);
	add_pane(&job, &weights);
	add_pane(&job, analysis_find("next-token"));
	s = wait_until(w, worker_ask(w, &job), is_idle);
	was = s ? table_ref(s->pane[0].table) : NULL;
	job_set(&job.prompt, "three one two");
	job_set(&job.foil, "three one one");
	job_add_edit(&job, "head 1.0 zero");
	s = wait_until(w, worker_ask(w, &job), is_idle);
	CHECK_THAT(was && s && s->pane[0].table == was && !s->pane[0].before && s->pane[1].before,
		   "another prompt with an edit: the weights are what they were");
	job_pane_init(&job.pane[0], analysis_find("attention"));
	CHECK(wait_until(w, worker_ask(w, &job), is_idle) != NULL);
	job_pane_init(&job.pane[0], &weights);
	s = wait_until(w, worker_ask(w, &job), is_idle);
	CHECK_THAT(was && s && s->pane[0].table == was && atomic_load(&readings) == 1,
		   "also where the pane was gone meanwhile: read %d times", atomic_load(&readings));
	job_set(&job.model, "tests/fixtures/tiny/gpt2-tied");
	CHECK_THAT(wait_until(w, worker_ask(w, &job), is_idle) && atomic_load(&readings) == 2, "of another model they are read");
	table_unref(was);
	job_done(&job);
}

/* The slow pane is the first, and the one that is looked at. */
static void test_lens_before_attribution(struct worker *w)
{
	struct pollfd news = { .fd = worker_fd(w), .events = POLLIN };
	const struct snapshot *s;
	struct job job;
	unsigned serial;
	bool early = false;

	begin(&job);
	job_set(&job.foil, "two two");
	add_pane(&job, analysis_find("attribution-patching"));
	add_pane(&job, analysis_find("gradient-x-input"));
	add_pane(&job, analysis_find("logit-lens"));
	serial = worker_ask(w, &job);
	do {
		if (poll(&news, 1, PATIENCE_MS) <= 0)
			break;
		s = worker_look(w);
		early |= s->serial == serial && s->panes == 3 && s->pane[2].stale && (!s->pane[0].stale || !s->pane[1].stale);
	} while (s->serial != serial || s->state != WORK_IDLE);
	s = worker_look(w);
	CHECK_THAT(!early && !s->pane[0].stale && !s->pane[1].stale && !s->pane[2].stale,
		   "all three are answered, the lens first %s", s->error ? s->error : "");
	job_done(&job);
}

int main(void)
{
	struct err err = { 0 };
	struct worker *w = worker_new(&err);

	if (CHECK_THAT(w != NULL, "a worker starts %s", err.text)) {
		test_training_lives_on(w);
		test_weights_are_read_once(w);
		test_lens_before_attribution(w);
	}
	atomic_store(&enough, true);
	worker_free(w);
	return tap_done();
}
