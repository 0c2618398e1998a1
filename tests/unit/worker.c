/* worker.c - the mailbox: answers arrive whole, the newest job wins, cancelling stops, and leaving does not wait for an answer. */
#include "engine/session/worker.h"
#include "engine/base/intern.h"
#include "engine/run/vector_file.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODEL "models/demo"
#define PROMPT "Once upon a time there was a little girl"

/* No measure of anything: long enough for a sweep under a sanitizer on a busy machine. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { PATIENCE_MS = 600000 };
#else
enum { PATIENCE_MS = 60000 };
#endif

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void ask_for(struct job *job, const char *prompt, const char *const *analyses)
{
	job_init(job);
	job_set(&job->model, MODEL);
	job_set(&job->prompt, prompt);
	for (; *analyses; analyses++)
		job_pane_init(&job->pane[job->panes++], analysis_find(*analyses));
}

/* Looks that had the metric of the job before as this one's. */
static int mixed_up;

/* Looks until the worker rests on this job; NULL when it does not in time. `looks` counts the news on the way. */
static const struct snapshot *wait_for(struct worker *w, unsigned serial, int *looks)
{
	struct pollfd news = { .fd = worker_fd(w), .events = POLLIN };
	long end = now() + PATIENCE_MS;
	const struct snapshot *s = worker_look(w);

	while (s->serial != serial || s->state != WORK_IDLE) {
		if (now() > end || poll(&news, 1, PATIENCE_MS) <= 0)
			return NULL;
		s = worker_look(w);
		mixed_up += (s->state == WORK_LOADING || s->state == WORK_RUNNING) && !s->unprepared;
		if (looks)
			++*looks;
	}
	return s;
}

/*
 * How many words a slow prompt has where many were meant: a sixteenth of the work, where sanitizers do it at a tenth of the
 * pace.
 */
static int fewer(int words)
{
	return INSTRUMENTED ? words / 4 : words;
}

static void test_answers(struct worker *w)
{
	struct job job;
	int looks = 0;
	const struct snapshot *s;

	ask_for(&job, PROMPT, (const char *const[]){ "logit-lens", "attention", "next-token", NULL });
	s = wait_for(w, worker_ask(w, &job), &looks);
	if (CHECK_THAT(s != NULL, "a job is answered")) {
		CHECK(s->panes == 3 && s->pane[0].table && s->pane[1].table && s->pane[2].table);
		CHECK(!s->error && s->has_model && s->has_metric && s->tokens == 10 && !s->pane[2].stale);
		CHECK_TEXT(s->pane[1].question.analysis->name, "attention");
		CHECK_THAT(looks >= 1 && looks <= 12, "with news on the way (%d looks)", looks);
	}
	job_add_edit(&job, "head 1.0 zero");
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->pane[0].table && s->pane[0].before, "an edited answer has the unedited one beside it");
	CHECK_THAT(s && s->metric - s->metric_unedited != 0, "and the metric moved");
	job.edit[0].on = false;
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->metric - s->metric_unedited == 0 && !s->pane[0].before,
		   "the edit switched off leaves no difference at all");
	job_done(&job);
}

/* An error belongs to the job; the answers before it stay. */
static void test_errors(struct worker *w)
{
	struct job job;
	const struct snapshot *s;

	ask_for(&job, PROMPT, (const char *const[]){ "next-token", NULL });
	job_add_edit(&job, "head 77.0 zero");
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->error && strstr(s->error, "77"), "a wrong edit is one sentence: %s", s && s->error ? s->error : "none");
	job_remove_edit(&job, 0);
	job_set(&job.model, "no/such/model");
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->error && s->has_model && s->tokens == 10 && s->unprepared, "without the model the answers before stay");
	job_done(&job);
}

static void test_newest_wins(struct worker *w)
{
	struct job job;
	unsigned serial = 0;
	const struct snapshot *s;
	char prompt[100];

	for (int i = 0; i < 200; i++) {
		snprintf(prompt, sizeof prompt, "Once upon a time there was%.*s", i % 7 * 4, " big big big big big big big");
		ask_for(&job, prompt, (const char *const[]){ "logit-lens", "ablation-sweep", "next-token", NULL });
		if (i % 2)
			job_add_edit(&job, "head 2.1 zero");
		serial = worker_ask(w, &job);
		if (i % 5 == 0)
			worker_look(w);
		job_done(&job);
	}
	s = wait_for(w, serial, NULL);
	CHECK_THAT(s && s->panes == 3 && s->pane[1].table && !s->pane[1].stale && !s->unprepared,
		   "of 200 jobs in a burst the last one is answered");
}

static void test_cancel(struct worker *w)
{
	struct job job;
	const struct snapshot *s;
	struct str prompt;
	unsigned serial;
	long start;

	str_init(&prompt);
	for (int i = 0, words = fewer(220); i < words; i++)
		str_add(&prompt, " cat");
	ask_for(&job, prompt.s, (const char *const[]){ "ablation-sweep", NULL });
	serial = worker_ask(w, &job);
	while (worker_look(w)->serial != serial)
		;
	start = now();
	worker_cancel(w);
	s = wait_for(w, serial, NULL);
	CHECK_THAT(s && (!s->pane[0].table || s->pane[0].stale), "a cancelled job has no answer");
	CHECK_THAT(now() - start < 20000, "and stops soon (%ld ms)", now() - start);
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->pane[0].table && !s->pane[0].stale, "asked again it is answered");
	job_set(&job.prompt, " dog cat dog cat dog cat dog cat dog cat dog cat dog cat dog cat dog cat dog cat dog");
	worker_ask(w, &job);
	job_done(&job);
	str_done(&prompt);
}

/* A slow table is shown while it is made: cells that were shown stay as they were, and the whole one replaces it. */
static void test_partial(struct worker *w)
{
	struct pollfd news = { .fd = worker_fd(w), .events = POLLIN };
	const struct snapshot *s;
	struct table *seen = NULL, *whole;
	struct job job;
	struct str prompt;
	struct err err = { 0 };
	int partials = 0, most = 0, fell = 0, changed = 0;
	unsigned serial;

	str_init(&prompt);
	for (int i = 0, words = fewer(150); i < words; i++)
		str_add(&prompt, " bird");
	ask_for(&job, prompt.s, (const char *const[]){ "causal-tracing", NULL });
	CHECK(job_pane_set(&job.pane[0], "seeds=1", &err));
	serial = worker_ask(w, &job);
	for (;;) {
		int known = 0;

		s = worker_look(w);
		if (s->serial == serial && s->state == WORK_IDLE)
			break;
		if (s->serial != serial || !s->pane[0].table || !s->pane[0].table->unfinished || s->pane[0].table == seen) {
			if (poll(&news, 1, PATIENCE_MS) <= 0)
				break;
			continue;
		}
		table_unref(seen);
		seen = table_ref(s->pane[0].table);
		for (int i = 0; i < seen->rows.n * seen->cols.n; i++)
			known += !isnan(seen->value[i]);
		fell += known < most;
		most = known;
		partials++;
	}
	whole = s->pane[0].table;
	CHECK_THAT(partials >= 1 && most > 0 && !fell, "a slow table is seen growing (%d times, to %d cells)", partials, most);
	if (CHECK_THAT(whole && !whole->unfinished && whole->check.name && seen, "then it comes whole")) {
		for (int i = 0; i < seen->rows.n * seen->cols.n; i++)
			changed += !isnan(seen->value[i]) && memcmp(&seen->value[i], &whole->value[i], sizeof *seen->value);
		CHECK_THAT(!changed, "with the cells that were there already");
		CHECK_TEXT(seen->title, whole->title);
		CHECK_TEXT(seen->analysis, "causal-tracing");
	}
	table_unref(seen);
	job_done(&job);
	str_done(&prompt);
}

static int known_cells(const struct table *t)
{
	int known = 0;

	for (int i = 0; t && i < t->rows.n * t->cols.n; i++)
		known += !isnan(t->value[i]);
	return known;
}

/* Looks until `enough` is true, or all is done; whether it was. */
static bool watch(struct worker *w, unsigned serial, bool (*enough)(const struct snapshot *s))
{
	struct pollfd news = { .fd = worker_fd(w), .events = POLLIN };
	const struct snapshot *s = worker_look(w);

	while (s->serial != serial || (s->state != WORK_IDLE && !enough(s))) {
		if (poll(&news, 1, PATIENCE_MS) <= 0)
			return false;
		s = worker_look(w);
	}
	return enough(s);
}

static bool sweep_is_seen(const struct snapshot *s)
{
	return s->pane[0].table && s->pane[0].table->unfinished && !s->pane[0].stale;
}

static bool sweep_is_far(const struct snapshot *s)
{
	return sweep_is_seen(s) && known_cells(s->pane[0].table) >= s->pane[0].table->rows.n * s->pane[0].table->cols.n / 2;
}

static bool attention_is_there(const struct snapshot *s)
{
	return s->panes > 1 && !s->pane[1].stale;
}

static void ask_for_sweep(struct job *job, int words)
{
	struct err err = { 0 };
	struct str prompt;

	str_init(&prompt);
	words = fewer(words);
	for (int i = 0; i < words; i++)
		str_add(&prompt, i % 2 ? " tree" : " house");
	ask_for(job, prompt.s, (const char *const[]){ "causal-tracing", "attention", NULL });
	CHECK(job_pane_set(&job->pane[0], "seeds=1", &err) && job_pane_set(&job->pane[1], "layer=0", &err));
	str_done(&prompt);
}

/* The cursor moves while a sweep is made: the quick pane is answered, again and again, and the sweep resumes where it was. */
static void test_goes_on(struct worker *w)
{
	const struct snapshot *s;
	struct table *attention[8] = { NULL }, *whole;
	struct job job;
	int known = 0, fell = 0, amid = 0, alike = 0;
	unsigned serial;

	ask_for_sweep(&job, 180);
	CHECK_THAT(watch(w, worker_ask(w, &job), sweep_is_far), "a sweep is half done");
	for (int i = 0; i < 8; i++) {
		job.pane[1].args[0] = value_number(i % 4);
		job.pane[1].args[1] = value_number(i / 4);
		job.pane[1].given[1] = true;
		serial = worker_ask(w, &job);
		CHECK_THAT(watch(w, serial, attention_is_there), "the cursor's pane is answered");
		s = worker_look(w);
		attention[i] = table_ref(s->pane[1].table);
		amid += s->pane[0].table && s->pane[0].table->unfinished;
		fell += known_cells(s->pane[0].table) < known;
		known = known_cells(s->pane[0].table);
	}
	CHECK_THAT(amid >= 1, "before the sweep is done (%d of 8 times)", amid);
	while ((s = worker_look(w))->state != WORK_IDLE) {
		fell += known_cells(s->pane[0].table) < known;
		known = known_cells(s->pane[0].table);
		poll(NULL, 0, 5);
	}
	CHECK_THAT(!fell, "and the sweep loses nothing");
	whole = s ? table_ref(s->pane[0].table) : NULL;
	CHECK_THAT(whole && !whole->unfinished && check_holds(&whole->check) && s->pane[1].table == attention[7],
		   "both are there in the end");
	for (int i = 0; i < 8; i++)
		for (int k = 0; k < i; k++)
			alike += attention[i] && attention[k] && !strcmp(attention[i]->title, attention[k]->title);
	CHECK_THAT(!alike, "each answer was to its own question");
	for (int i = 0; i < 8; i++)
		table_unref(attention[i]);
	job_done(&job);

	/* Undisturbed, it gives the same. */
	ask_for_sweep(&job, 180);
	job_add_edit(&job, "head 0.0 scale 1"); /* another question with the same answer */
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && whole && s->pane[0].table && s->pane[0].table != whole &&
			   known_cells(s->pane[0].table) == known_cells(whole) &&
			   !memcmp(s->pane[0].table->value, whole->value,
				   (size_t)(whole->rows.n * whole->cols.n) * sizeof *whole->value),
		   "interrupted or not, a sweep gives the same bits");
	table_unref(whole);
	job_done(&job);
}

/* A sweep that is asked again with an edit: until the new cells are known the old ones are there, all of them, and then they go. */
static void test_older_stays(struct worker *w)
{
	const struct snapshot *s;
	struct table *whole;
	struct job job;
	unsigned serial;

	ask_for_sweep(&job, 120);
	s = wait_for(w, worker_ask(w, &job), NULL);
	whole = s ? table_ref(s->pane[0].table) : NULL;
	CHECK_THAT(whole && !s->pane[0].older, "a whole table has none beside it");
	job_add_edit(&job, "head 0.0 zero");
	serial = worker_ask(w, &job);
	CHECK_THAT(watch(w, serial, sweep_is_seen) && worker_look(w)->pane[0].older == whole,
		   "the last whole table stays beside a part of the next");
	job_add_edit(&job, "head 1.0 zero");
	serial = worker_ask(w, &job);
	CHECK_THAT(watch(w, serial, sweep_is_seen) && worker_look(w)->pane[0].older == whole, "also when that was never finished");
	s = wait_for(w, serial, NULL);
	CHECK_THAT(s && s->pane[0].table && !s->pane[0].table->unfinished && !s->pane[0].older,
		   "and goes when the new one is whole");
	table_unref(whole);
	job_done(&job);
}

/* What the new job does not ask for stops, even when others are on top of it. */
static void test_unwanted(struct worker *w)
{
	const struct snapshot *s;
	struct job job;
	clock_t begun;

	ask_for_sweep(&job, 160);
	CHECK_THAT(watch(w, worker_ask(w, &job), sweep_is_seen), "another sweep is under way");
	job.pane[1].args[0] = value_number(1);
	worker_ask(w, &job);
	job.pane[0] = job.pane[1];
	job.panes = 1;
	begun = clock(); /* of work, not of waiting for a busy machine */
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->panes == 1 && s->pane[0].table && !s->pane[0].stale,
		   "the sweep's pane is closed, the other one answered");
	begun = (clock() - begun) / (CLOCKS_PER_SEC / 1000);
	CHECK_THAT(begun < (INSTRUMENTED ? 5000 : 500), "at once (%ld ms)", (long)begun);
	CHECK_TEXT(s->pane[0].table->analysis, "attention");
	job_done(&job);
}

#define FOUR " dog cat house tree" /* of sixty-four tokens a sweep takes long enough to be seen on a busy machine */
/* One sweep is stopped: what waits for its turn is answered, and asked again it is made. */
static void test_skip(struct worker *w)
{
	const struct snapshot *s;
	struct job job;

	ask_for(&job, FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR,
		(const char *const[]){ "causal-tracing", "ablation-sweep", NULL });
	CHECK_THAT(watch(w, worker_ask(w, &job), sweep_is_seen), "a sweep is under way");
	s = worker_look(w);
	CHECK_THAT(s->answering == 0 && s->queued == 1, "pane %d is made, %d wait", s->answering, s->queued);
	worker_skip(w);
	s = wait_for(w, s->serial, NULL);
	CHECK_THAT(s && s->pane[0].stopped && (!s->pane[0].table || s->pane[0].table->unfinished),
		   "the first is stopped where it was");
	CHECK_THAT(s && s->pane[1].table && !s->pane[1].stale && !s->pane[1].stopped && !s->queued, "and the second is answered");
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->pane[0].stopped, "the same question, as after a move, leaves it stopped");
	job.again++;
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && !s->pane[0].stopped && s->pane[0].table && !s->pane[0].table->unfinished, "asked again the first is made");
	job_done(&job);
}

static char *write_prompts(int n)
{
	struct str s;
	char *path;

	str_init(&s);
	for (int i = 0; i < n; i++)
		str_addf(&s, "bird cat dog tree bird cat dog %s\n", i % 2 ? "tree" : "house");
	path = scratch_file("over.txt", s.s, s.n);
	str_done(&s);
	return path;
}

static int prompts_so_far(const struct snapshot *s, int pane)
{
	const struct table *t = s->pane[pane].table;

	return t && t->over && !s->pane[pane].stale ? t->over->n : 0;
}

static bool mean_is_seen(const struct snapshot *s)
{
	return prompts_so_far(s, 0) > 0 && s->pane[0].table->unfinished;
}

/* One that began again would be of fewer. */
static bool mean_is_far(const struct snapshot *s)
{
	return mean_is_seen(s) && prompts_so_far(s, 0) >= 100;
}

/* The mean so far is still there, of no fewer prompts, and the other pane answers the new prompt. */
static bool typed_beside_mean(const struct snapshot *s)
{
	return mean_is_seen(s) && s->pane[1].table && !s->pane[1].stale;
}

/* A mean over a file of prompts is seen growing, lives on while somebody types, is stopped, and comes whole. */
static void test_over(struct worker *w)
{
	char *path = write_prompts(400);
	const struct snapshot *s;
	struct job job;
	int before;

	ask_for(&job, " dog", (const char *const[]){ "ablation-sweep", "residual-norms", NULL });
	job.pane[0].over = intern(path);
	CHECK_THAT(watch(w, worker_ask(w, &job), mean_is_seen), "a mean is seen growing");
	CHECK_THAT(watch(w, worker_look(w)->serial, mean_is_far), "and getting on");
	before = prompts_so_far(worker_look(w), 0);
	CHECK_THAT(strstr(worker_look(w)->pane[0].table->title, " of 400 prompts"), "%s", worker_look(w)->pane[0].table->title);
	job_set(&job.prompt, " dog cat");
	CHECK_THAT(watch(w, worker_ask(w, &job), typed_beside_mean), "another prompt does not stop it");
	s = worker_look(w);
	CHECK_THAT(prompts_so_far(s, 0) >= before, "nor begins it again: %d prompts, then %d", before, prompts_so_far(s, 0));
	worker_skip(w);
	s = wait_for(w, s->serial, NULL);
	CHECK_THAT(s && s->pane[0].stopped && s->pane[0].table->unfinished, "stopped, it keeps what there is");
	free(write_prompts(3));
	job.again++;
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && prompts_so_far(s, 0) == 3 && !s->pane[0].table->unfinished &&
			   strstr(s->pane[0].table->title, "mean of 3 prompts"),
		   "then it comes whole");
	job_add_edit(&job, "head 1.0 zero");
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && !s->pane[0].before && s->pane[1].before &&
			   s->pane[0].table->over->value != s->pane[0].table->over->unedited,
		   "an edit counts for the mean");
	free(write_prompts(0));
	job_remove_edit(&job, 0);
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && !s->pane[0].table && s->pane[0].error && strstr(s->pane[0].error, "there is no prompt in it"), "%s",
		   s && s->pane[0].error ? s->pane[0].error : "no error");
	CHECK_THAT(s && s->pane[1].table && !s->pane[1].stale, "which is its own pane's alone");
	job_done(&job);
	free(path);
}

static bool some_text(const struct snapshot *s)
{
	return s->generated_tokens >= 3;
}

static bool text_goes_on(const struct snapshot *s)
{
	return attention_is_there(s) && s->generated_tokens >= 3;
}

/* A text is not begun again when a cursor moves, nor its unedited half when an edit's strength does. */
static void test_text_goes_on(struct worker *w)
{
	const struct snapshot *s;
	struct job job;
	char *plain;

	ask_for(&job, PROMPT, (const char *const[]){ "next-token", "attention", NULL });
	job_add_edit(&job, "resid_post 2 scale 1.5");
	job.generate = 60;
	CHECK_THAT(watch(w, worker_ask(w, &job), some_text), "a text begins");
	for (int i = 0; i < 4; i++) {
		job.pane[1].args[0] = value_number(i);
		job.pane[1].given[0] = true;
		CHECK_THAT(watch(w, worker_ask(w, &job), text_goes_on), "a cursor moves, and the text stays");
	}
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->generated_tokens == 60 && s->plain_tokens == 60, "it is completed, and so is the unedited one");
	plain = s && s->plain_tokens ? s->plain[59].text : NULL;
	CHECK(plain != NULL);
	job_set(&job.edit[0].line, "resid_post 2 scale 1.6");
	worker_ask(w, &job);
	do
		s = worker_look(w);
	while (s->state != WORK_IDLE && s->plain_tokens == 60);
	CHECK_THAT(s->state == WORK_IDLE && s->plain_tokens == 60, "another strength: the unedited text stays");
	job_done(&job);
}

/* Questions come faster than they can be answered, as from a held key: some are answered all the same, before the last one. */
static void test_held_key(struct worker *w)
{
	const struct snapshot *s;
	struct job job;
	struct str prompt;
	struct table *seen = NULL;
	unsigned serial = 0;
	int answered = 0;
	long start;

	str_init(&prompt);
	for (int i = 0, words = fewer(240); i < words; i++)
		str_add(&prompt, i % 2 ? " red" : " blue");
	ask_for(&job, prompt.s, (const char *const[]){ "next-token", "attention", NULL });
	job_add_edit(&job, "head 0.0 zero");
	s = wait_for(w, worker_ask(w, &job), NULL);
	seen = s ? table_ref(s->pane[0].table) : NULL;
	start = now();
	for (int i = 0; answered < 2 && now() - start < PATIENCE_MS; i++) {
		char line[60];
		long until = now() + 5;

		snprintf(line, sizeof line, "head 0.0 scale %d", i + 2);
		job_set(&job.edit[0].line, line);
		serial = worker_ask(w, &job);
		while (now() < until)
			poll(NULL, 0, 1);
		s = worker_look(w);
		if (s->pane[0].table && s->pane[0].table != seen) { /* stale by now, perhaps, and something to see */
			table_unref(seen);
			seen = table_ref(s->pane[0].table);
			answered++;
		}
	}
	table_unref(seen);
	CHECK_THAT(answered >= 2, "while a key is held there is something to see (%d times)", answered);
	s = wait_for(w, serial, NULL);
	CHECK_THAT(s && !s->pane[0].stale && s->pane[0].table, "and the last one is answered");
	job_done(&job);
	str_done(&prompt);
}

static void write_vector(const char *path, size_t n, float value)
{
	float *v = xcalloc(n, sizeof *v);
	struct err err = { 0 };

	v[0] = value;
	CHECK_THAT(vector_npy_write(path, v, n, &err), "a vector is written %s", err.text);
	free(v);
}

/* The question is the same, and the file that its edit reads is not. */
static void test_another_file(struct worker *w)
{
	const struct snapshot *s = worker_look(w);
	char *path = scratch_path("v.npy"), line[200];
	size_t D = (size_t)s->model.D;
	struct job job;
	double before;

	write_vector(path, D, 1);
	snprintf(line, sizeof line, "resid_post 2 add %s 5", path);
	ask_for(&job, PROMPT, (const char *const[]){ "next-token", "attention", NULL });
	job_add_edit(&job, line);
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->pane[0].table, "an edit that reads a file %s", s && s->error ? s->error : "");
	before = s ? s->metric : 0;
	write_vector(path, D, -200);
	job.pane[1].args[0] = value_number(1);
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && fabs(s->metric - before) > 1e-3, "written again, it is read again when the cursor moves (%g, %g)", before,
		   s ? s->metric : 0);
	job_done(&job);
	free(path);
}

static void test_generation(struct worker *w)
{
	struct job job;
	const struct snapshot *s;

	ask_for(&job, PROMPT, (const char *const[]){ "next-token", NULL });
	job.generate = 12;
	s = wait_for(w, worker_ask(w, &job), NULL);
	CHECK_THAT(s && s->generated_tokens == 12 && !s->generating, "tokens are generated");
	job_done(&job);
}

int main(void)
{
	struct err err = { 0 };
	struct worker *w = worker_new(&err);

	if (CHECK_THAT(w != NULL, "a worker starts %s", err.text)) {
		CHECK(worker_look(w)->state == WORK_IDLE && !worker_look(w)->has_model);
		test_answers(w);
		test_errors(w);
		test_newest_wins(w);
		test_generation(w);
		test_partial(w);
		test_older_stays(w);
		test_goes_on(w);
		test_unwanted(w);
		test_skip(w);
		test_over(w);
		test_text_goes_on(w);
		test_another_file(w);
		test_held_key(w);
		test_cancel(w);
	}
	worker_free(w); /* in the middle of a job */
	worker_free(NULL);
	scratch_done();
	CHECK_THAT(!mixed_up,
		   "while a job's runs are made, metric and predictions are said to be those of the one before (%d looks)",
		   mixed_up);
	return tap_done();
}
