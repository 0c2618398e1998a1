/*
 * dataset.c - the mean over a file of prompts against tables asked one by one; what is kept when the work is interrupted; shards,
 * merged to the bits of a single run.
 */
#include "engine/session/dataset.h"

#include <math.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/intern.h"
#include "engine/numbers/pool.h"
#include "engine/session/session.h"
#include "tests/scratch.h"
#include "tests/tap.h"

static const char *const prompts[] = { "Tom has a red ball. Lily has a blue car. Tom has a red",
				       "Lily has a red ball. Tom has a blue car. Lily has a red",
				       "Mom has a blue ball. Lily has a red car. Mom has a blue" };
enum { N = sizeof prompts / sizeof *prompts };

static struct session *session;

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

/* As the command line asks it; the question in words is the metric and the edits. */
static struct table *answer_files(struct job *job, const char *path, struct dataset_files files, struct err *err)
{
	struct table *t = NULL;
	struct str question;

	*err = (struct err){ 0 };
	str_init(&question);
	str_addf(&question, "%s", job->metric ? job->metric : "");
	for (int e = 0; e < job->edits; e++)
		str_addf(&question, " %s", job->edit[e].line);
	files.question = question.s;
	job->pane[0].over = intern(path);
	session_files(session, &files);
	if (session_open(session, job, NULL, NULL, err))
		t = session_answer(session, 0, NULL, NULL, err);
	session_files(session, &(struct dataset_files){ 0 });
	job->pane[0].over = NULL;
	str_done(&question);
	return t;
}

static struct table *answer(struct job *job, const char *path, const char *keep, struct err *err)
{
	return answer_files(job, path, (struct dataset_files){ .resume = keep }, err);
}

static bool same_bits(const struct table *a, const struct table *b)
{
	size_t n = a ? (size_t)a->rows.n * (size_t)a->cols.n : 0;

	return a && b && a->rows.n == b->rows.n && a->cols.n == b->cols.n && !memcmp(a->value, b->value, n * sizeof *a->value) &&
	       !memcmp(a->error, b->error, n * sizeof *a->error) && a->over->value == b->over->value && a->over->n == b->over->n &&
	       !strcmp(a->title, b->title);
}

static void check_mean(void)
{
	char *path = write_prompts("three.jsonl", N);
	struct table *one[N], *t;
	struct err err;
	struct job job;
	double metric[N], unedited, sum = 0;

	ask_for(&job, "ablation-sweep", NULL);
	t = answer(&job, path, NULL, &err);
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
		CHECK_THAT(fabs(t->over->value - sum / 3) < 1e-9 && t->over->n == 3, "the metric's mean: %g", t->over->value);
		CHECK_THAT(!strcmp(t->over->metric, "logit_diff of answer and wrong"), "%s", t->over->metric);
		CHECK_THAT(!strstr(t->title, "logit") && strstr(t->title, "mean of 3 prompts"),
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
	struct err err;
	struct job job;
	size_t n, cut;

	ask_for(&job, "head-attribution", NULL);
	whole = answer(&job, path, NULL, &err);
	again = answer(&job, path, keep, &err);
	text = file_read(keep, 1 << 20, &n, &err);
	CHECK_THAT(text && same_bits(whole, again), "keeping changes nothing %s", err.text);
	for (cut = n / 2; text && text[cut - 1] == '\n';)
		cut--;
	free(scratch_file("kept.jsonl", text, cut));
	resumed = answer(&job, path, keep, &err);
	CHECK_THAT(same_bits(whole, resumed), "resumed: the same bits %s", err.text);
	table_unref(resumed);
	resumed = answer(&job, path, keep, &err); /* nothing is left to do */
	CHECK_THAT(same_bits(whole, resumed), "read alone %s", err.text);
	table_unref(resumed);
	job_add_edit(&job, "head 1.0 zero");
	CHECK_THAT(!answer(&job, path, keep, &err) && strstr(err.text, "another question"), "%s", err.text);
	job_remove_edit(&job, 0);
	free(scratch_file("kept.jsonl", "{\"question\":\"\"}\n", 16));
	CHECK_THAT(!answer(&job, path, keep, &err) && strstr(err.text, "this is no file of --resume"), "%s", err.text);
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
	struct table *t;
	struct err err;
	struct job job;

	ask_for(&job, "residual-norms", NULL);
	CHECK_THAT(!answer(&job, path, NULL, &err) && strstr(err.text, "unequal.txt: line 2: this table has"), "%s", err.text);
	job_done(&job);
	ask_for(&job, "next-token", NULL);
	CHECK_THAT(!answer(&job, path, NULL, &err) && strstr(err.text, "no mean of that"), "%s", err.text);
	job_done(&job);
	ask_for(&job, "attention-overview", NULL);
	t = answer(&job, path, NULL, &err);
	CHECK_THAT(!!t, "layer × head maps do not mind the length %s", err.text);
	table_unref(t);
	job_done(&job);
	ask_for(&job, "activation-patching", NULL);
	CHECK_THAT(!answer(&job, path, NULL, &err) && strstr(err.text, "unequal.txt: line 1: "), "%s", err.text);
	free(path);
	path = scratch_file("bad.jsonl", bad, sizeof bad - 1);
	CHECK_THAT(!answer(&job, path, NULL, &err) && strstr(err.text, "bad.jsonl: line 1"), "%s", err.text);
	job_done(&job);
	free(path);
}

/* A shard's file; NULL: it could not be made. */
static char *make_shard(struct job *job, const char *path, int shard, int shards)
{
	char name[40], *file;
	struct table *t;
	struct err err;

	snprintf(name, sizeof name, "shard-%d-%d.jsonl", shard, shards);
	file = scratch_path(name);
	t = answer_files(job, path, (struct dataset_files){ .resume = file, .shard = shard, .shards = shards }, &err);
	if (!CHECK_THAT(t && strstr(t->title, "shard "), "shard %d of %d: %s", shard, shards, t ? t->title : err.text)) {
		free(file);
		file = NULL;
	}
	table_unref(t);
	return file;
}

static void check_merged(const char *analysis, const char *words, int shards)
{
	char *path = write_prompts("ten.jsonl", 10), *file[4];
	struct table *whole, *merged, *odd;
	struct err err;
	struct job job;
	bool made = true;

	ask_for(&job, analysis, words);
	whole = answer(&job, path, NULL, &err);
	for (int i = shards - 1; i >= 0; i--) /* whichever comes first */
		made = (file[i] = make_shard(&job, path, i, shards)) && made;
	merged = made ? answer_files(&job, path, (struct dataset_files){ .merge = file, .merges = shards }, &err) : NULL;
	CHECK_THAT(same_bits(whole, merged), "%s: %d shards have the bits of a single run %s", analysis, shards, err.text);
	odd = made ? answer_files(&job, path, (struct dataset_files){ .merge = file, .merges = shards - 1 }, &err) : NULL;
	CHECK_THAT(!odd && strstr(err.text, "this is one of"), "one is missing: %s", err.text);
	free(file[0]);
	file[0] = made ? xstrdup(file[1]) : NULL;
	odd = made ? answer_files(&job, path, (struct dataset_files){ .merge = file, .merges = shards }, &err) : NULL;
	CHECK_THAT(!odd && strstr(err.text, " is that too"), "one is there twice: %s", err.text);
	table_unref(whole);
	table_unref(merged);
	job_done(&job);
	for (int i = 0; i < shards; i++)
		free(file[i]);
	free(path);
}

/* What does not belong together, one sentence each. */
static void check_unlike_shards(void)
{
	char *path = write_prompts("four.jsonl", 4), *file[2], *text;
	struct err err;
	struct job job;
	size_t n;

	ask_for(&job, "head-attribution", NULL);
	file[0] = make_shard(&job, path, 0, 2);
	job_add_edit(&job, "head 1.0 zero");
	file[1] = make_shard(&job, path, 1, 2);
	job_remove_edit(&job, 0);
	CHECK_THAT(!answer_files(&job, path, (struct dataset_files){ .merge = file, .merges = 2 }, &err) &&
			   strstr(err.text, "another question than the first"),
		   "%s", err.text);
	free(scratch_file("shard-1-2.jsonl", "", 0));
	CHECK_THAT(!answer_files(&job, path, (struct dataset_files){ .merge = file, .merges = 2 }, &err) &&
			   strstr(err.text, "no file of --resume"),
		   "%s", err.text);
	CHECK(!remove(file[1]));
	free(file[1]);
	file[1] = make_shard(&job, path, 1, 2);
	text = file_read(file[1], 1 << 20, &n, &err);
	while (n && text[n - 2] != '\n')
		n--;
	free(scratch_file("shard-1-2.jsonl", text, n - 1));
	CHECK_THAT(!answer_files(&job, path, (struct dataset_files){ .merge = file, .merges = 2 }, &err) &&
			   strstr(err.text, "prompt 4 is not in it yet"),
		   "%s", err.text);
	CHECK_THAT(!answer_files(&job, path, (struct dataset_files){ .resume = file[0], .shard = 1, .shards = 2 }, &err) &&
			   strstr(err.text, "kept for shard 1/2, not 2/2"),
		   "%s", err.text);
	free(write_prompts("four.jsonl", 5));
	CHECK_THAT(!answer_files(&job, path, (struct dataset_files){ .merge = file, .merges = 2 }, &err) &&
			   strstr(err.text, "another file of prompts"),
		   "%s", err.text);
	CHECK_THAT(!answer_files(&job, path, (struct dataset_files){ .resume = file[0], .shards = 6 }, &err) &&
			   strstr(err.text, "fewer than 6 shards"),
		   "%s", err.text);
	job_done(&job);
	free(text);
	free(file[0]);
	free(file[1]);
	free(path);
}

/* What one prompt has of its own is not the next one's. */
static void check_own(void)
{
	static const char text[] = "{\"prompt\":\"Tom has a red ball\",\"foil\":\"Tom has a big ball\",\"answer\":\" ball\"}\n"
				   "{\"prompt\":\"Tom has a red ball\"}\n";
	char *path = scratch_file("own.jsonl", text, sizeof text - 1);
	struct err err;
	struct job job;

	ask_for(&job, "activation-patching", NULL);
	CHECK_THAT(!answer(&job, path, NULL, &err) && strstr(err.text, "own.jsonl: line 2: ") && strstr(err.text, "foil"), "%s",
		   err.text);
	job_done(&job);
	free(path);
}

int main(void)
{
	session = session_new();
	check_mean();
	check_kept();
	check_refusals();
	check_merged("head-attribution", NULL, 4);
	check_merged("direct-attribution", "open=mlp_out 1", 3);
	check_unlike_shards();
	check_own();
	session_free(session);
	pool_stop();
	scratch_done();
	return tap_done();
}
