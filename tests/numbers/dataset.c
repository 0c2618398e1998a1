/*
 * dataset.c - the mean over a file of prompts against tables asked one by one, and what is kept when the work is interrupted.
 */
#include "engine/session/dataset.h"

#include <math.h>
#include <string.h>

#include "engine/numbers/pool.h"
#include "tests/scratch.h"
#include "tests/tap.h"

static const char *const prompts[] = { "Tom has a red ball. Lily has a blue car. Tom has a red",
				       "Lily has a red ball. Tom has a blue car. Lily has a red",
				       "Mom has a blue ball. Lily has a red car. Mom has a blue" };
enum { N = sizeof prompts / sizeof *prompts };

static struct session *session;
static struct arena *arena;

static void ask_for(struct job *job, const char *analysis, const char *words)
{
	struct err err = { 0 };

	job_init(job);
	job_pane_init(&job->pane[job->panes++], analysis_find(analysis));
	if (words)
		CHECK_THAT(job_pane_set(&job->pane[0], words, &err), "%s", err.text);
}

static char *write_prompts(const char *name, int n)
{
	struct str s;
	char *path;

	str_init(&s);
	for (int i = 0; i < n; i++)
		str_addf(&s, "{\"prompt\":\"%s\",\"answer\":\" ball\",\"wrong\":\" car\"}\n", prompts[i % N]);
	path = scratch_file(name, s.s, s.n);
	str_done(&s);
	return path;
}

static struct table *answer(const struct job *job, const char *path, const char *keep, struct dataset *over, struct err *err)
{
	*err = (struct err){ 0 };
	return dataset_answer(session, job, 0, path, keep, over, arena, NULL, NULL, NULL, NULL, err);
}

static void check_mean(void)
{
	char *path = write_prompts("three.jsonl", N);
	struct table *one[N], *t;
	struct dataset over;
	struct err err;
	struct job job;
	double metric[N], unedited, sum = 0;

	ask_for(&job, "ablation-sweep", NULL);
	t = answer(&job, path, NULL, &over, &err);
	job_set(&job.metric, "logit_diff \" ball\" \" car\"");
	for (int i = 0; i < N; i++) {
		job_set(&job.prompt, prompts[i]);
		one[i] = session_prepare(session, &job, NULL, NULL, &err) &&
					 session_metric_values(session, &metric[i], &unedited, NULL, &err)
				 ? session_answer(session, 0, NULL, NULL, &err)
				 : NULL;
		sum += metric[i];
	}
	if (CHECK_THAT(t && one[0] && one[1] && one[2] && t->error, "three prompts %s", err.text)) {
		int wrong = 0;

		for (int k = 0; k < t->rows.n * t->cols.n; k++) {
			double a = (double)one[0]->value[k], b = (double)one[1]->value[k], c = (double)one[2]->value[k],
			       mean = (a + b + c) / 3;
			double sd = sqrt(((a - mean) * (a - mean) + (b - mean) * (b - mean) + (c - mean) * (c - mean)) / 2);

			wrong += fabs(mean - (double)t->value[k]) > 1e-6 || fabs(sd / sqrt(3) - (double)t->error[k]) > 1e-6;
		}
		CHECK_THAT(!wrong, "%d cells are not the mean of three, or its standard error", wrong);
		CHECK_THAT(fabs(over.value - sum / 3) < 1e-9 && over.n == 3, "the metric's mean: %g", over.value);
		CHECK_THAT(!strcmp(over.metric, "logit_diff of answer and wrong"), "%s", over.metric);
		CHECK_THAT(!strstr(t->title, "logit") && strstr(t->title, "mean over 3 prompts"),
			   "the metric is not in the title: %s", t->title);
		CHECK_THAT(check_holds(&t->check) && strstr(t->check.name, "worst of 3"), "%s", t->check.name);
	}
	for (int i = 0; i < N; i++)
		table_unref(one[i]);
	table_unref(t);
	job_done(&job);
	free(path);
}

/* Stopped in the middle of a line, it resumes to the same bits; another question is refused, and the file is as it was. */
static void check_kept(void)
{
	char *path = write_prompts("nine.jsonl", 9), *keep = scratch_path("kept.jsonl"), *text;
	struct table *whole, *again, *resumed;
	struct dataset over;
	struct err err;
	struct job job;
	size_t n, cut;

	ask_for(&job, "head-attribution", NULL);
	whole = answer(&job, path, NULL, &over, &err);
	again = answer(&job, path, keep, &over, &err);
	text = file_read(keep, 1 << 20, &n, &err);
	CHECK_THAT(text && whole && again &&
			   !memcmp(whole->value, again->value, sizeof(float) * (size_t)(whole->rows.n * whole->cols.n)),
		   "keeping changes nothing %s", err.text);
	for (cut = n / 2; text && text[cut - 1] == '\n';)
		cut--;
	free(scratch_file("kept.jsonl", text, cut));
	resumed = answer(&job, path, keep, &over, &err);
	CHECK_THAT(resumed && !memcmp(whole->value, resumed->value, sizeof(float) * (size_t)(whole->rows.n * whole->cols.n)) &&
			   !memcmp(whole->error, resumed->error, sizeof(float) * (size_t)(whole->rows.n * whole->cols.n)),
		   "resumed: the same bits %s", err.text);
	table_unref(resumed);
	resumed = answer(&job, path, keep, &over, &err); /* nothing is left to do */
	CHECK_THAT(resumed && !memcmp(whole->value, resumed->value, sizeof(float) * (size_t)(whole->rows.n * whole->cols.n)),
		   "read alone %s", err.text);
	table_unref(resumed);
	job_add_edit(&job, "head 1.0 zero");
	CHECK_THAT(!answer(&job, path, keep, &over, &err) && strstr(err.text, "another question"), "%s", err.text);
	job_remove_edit(&job, 0);
	free(scratch_file("kept.jsonl", "{\"question\":\"\"}\n", 16));
	CHECK_THAT(!answer(&job, path, keep, &over, &err) && strstr(err.text, "another question"), "%s", err.text);
	table_unref(whole);
	table_unref(again);
	job_done(&job);
	free(text);
	free(keep);
	free(path);
}

static void check_refusals(void)
{
	static const char unequal[] = "Tom has a ball\nTom has a red ball\n",
			  bad[] = "{\"prompt\":\"Tom\",\"answer\":\"\",\"wrong\":\"x\"}\n";
	char *path = scratch_file("unequal.txt", unequal, sizeof unequal - 1);
	struct dataset over;
	struct table *t;
	struct err err;
	struct job job;

	ask_for(&job, "residual-norms", NULL);
	CHECK_THAT(!answer(&job, path, NULL, &over, &err) && strstr(err.text, "unequal.txt: line 2: this table has"), "%s",
		   err.text);
	job_done(&job);
	ask_for(&job, "next-token", NULL);
	CHECK_THAT(!answer(&job, path, NULL, &over, &err) && strstr(err.text, "no mean of that"), "%s", err.text);
	job_done(&job);
	ask_for(&job, "attention-overview", NULL);
	t = answer(&job, path, NULL, &over, &err);
	CHECK_THAT(!!t, "layer × head maps do not mind the length %s", err.text);
	table_unref(t);
	job_done(&job);
	ask_for(&job, "activation-patching", NULL);
	CHECK_THAT(!answer(&job, path, NULL, &over, &err) && strstr(err.text, "unequal.txt: line 1: "), "%s", err.text);
	free(path);
	path = scratch_file("bad.jsonl", bad, sizeof bad - 1);
	CHECK_THAT(!answer(&job, path, NULL, &over, &err) && strstr(err.text, "bad.jsonl: line 1"), "%s", err.text);
	job_done(&job);
	free(path);
}

int main(void)
{
	session = session_new();
	arena = arena_new();
	check_mean();
	check_kept();
	check_refusals();
	arena_free(arena);
	session_free(session);
	pool_stop();
	scratch_done();
	return tap_done();
}
