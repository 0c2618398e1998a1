/*
 * technique_memory.c - what techniques take beside the prompt's run, at most: four runs of it. Each is asked in a process of its
 * own, which begins as the one before began.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/analysis/analysis.h"
#include "engine/base/big.h"
#include "engine/numbers/pool.h"
#include "engine/run/gradient.h"
#include "engine/run/run.h"
#include "engine/session/args.h"
#include "engine/session/job.h"
#include "tests/tap.h"

/* Tokens of a long prompt, whose pages can be counted, and of short ones, where what is fixed would show. */
enum { LONG = 150, PLAYERS_10 = 11, PLAYERS_20 = 21, MIDDLING = 40 };
static const double MOST_RUNS = 4;

static const struct memory_question {
	int T;
	const char *asks; /* a technique and its arguments */
} questions[] = {
	{ PLAYERS_10, "shapley how=mask" },
	{ PLAYERS_20, "shapley how=mask samples=20" },
	{ PLAYERS_20, "shapley how=mean samples=20" },
	{ PLAYERS_10, "lime how=mask" },
	{ PLAYERS_10, "occlusion how=mask" },
	{ PLAYERS_10, "ablation-sweep" },
	{ PLAYERS_10, "context-mixing method=value_zeroing" },
	{ MIDDLING, "occlusion how=mask" },
	{ MIDDLING, "occlusion how=remove" },
	{ MIDDLING, "atman" },
	{ LONG, "gradient-x-input" },
	{ LONG, "integrated-gradients steps=8" },
	{ LONG, "smoothgrad samples=4" },
	{ LONG, "relevance" },
	{ LONG, "occlusion how=mask" },
	{ LONG, "shapley how=mask samples=2" },
	{ LONG, "lime samples=20" },
	{ LONG, "context-mixing method=alti" },
	{ LONG, "context-mixing method=decompx layer=1" },
	{ LONG, "context-rollout method=alti" },
	{ LONG, "alti-logit" },
	{ LONG, "information-flow per_head=yes" },
	{ LONG, "direct-attribution depth=3" },
	{ LONG, "score-attribution" },
	{ LONG, "path-attribution" },
};

struct asked_run {
	struct model *model;
	struct run *run;
	struct metric metric;
};

static bool ask_it(const struct asked_run *a, const char *asks, struct err *err)
{
	struct ask ask = { .model = a->model, .run = a->run, .unedited = a->run, .metric = &a->metric };
	char text[256], *rest = text, *word;
	struct value args[PARAM_MAX];
	struct notes notes = { 0 };
	struct gradient *g = NULL;
	struct table *t = NULL;
	struct job_pane pane;
	bool ok = true;

	snprintf(text, sizeof text, "%s", asks);
	ask.notes = &notes;
	job_pane_init(&pane, analysis_find(strtok_r(rest, " ", &rest)));
	while (ok && (word = strtok_r(rest, " ", &rest)))
		ok = job_pane_set(&pane, word, err);
	if (ok && (pane.analysis->needs & NEEDS_GRADIENT))
		ok = (g = gradient_new(a->run, &a->metric, a->run, 0, NULL, err)) != NULL;
	ask.gradient = g;
	if (ok) {
		args_of_run(&pane, a->metric.position, a->run->T, args);
		t = analysis_compute(pane.analysis, &ask, args, err);
	}
	table_unref(t);
	gradient_unref(g);
	notes_done(&notes);
	return t != NULL;
}

/* A line of this process' status, in bytes. */
static double status_bytes(const char *format)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kilobytes = 0;
	char line[160];

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, format, &kilobytes) == 1)
			break;
	if (f)
		fclose(f);
	return (double)kilobytes * 1024;
}

/* The peak of what is resident begins here. */
static bool forget_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "we");
	const bool ok = f && fputs("5", f) >= 0;

	return f && fclose(f) == 0 && ok;
}

/* Bytes at the peak beside what was there: large arrays as they are counted, or all pages of a long prompt. */
static double peak_of(const struct asked_run *a, const struct memory_question *q, bool pages, struct err *err)
{
	const double before = status_bytes("VmRSS: %llu");
	const size_t used = big_used();

	big_watch();
	if ((pages && !forget_peak()) || !ask_it(a, q->asks, err))
		return -1;
	return pages ? status_bytes("VmHWM: %llu") - before : (double)(big_most() - used);
}

/* In a process of its own; negative: it failed, and the child has printed why. */
static double peak_alone(const struct asked_run *a, const struct memory_question *q, bool pages)
{
	double peak = -1;
	int fd[2];
	pid_t child;

	if (pipe(fd) || (child = fork()) < 0)
		return -1;
	if (!child) {
		struct err err = { 0 };

		peak = peak_of(a, q, pages, &err);
		if (peak < 0)
			fprintf(stderr, "# %s: %s\n", q->asks, err.text);
		_exit(write(fd[1], &peak, sizeof peak) != sizeof peak);
	}
	close(fd[1]);
	if (read(fd[0], &peak, sizeof peak) != sizeof peak)
		peak = -1;
	close(fd[0]);
	waitpid(child, NULL, 0);
	return peak;
}

static void check_question(struct asked_run *a, const struct memory_question *q)
{
	const bool pages = q->T == LONG;
	const double one = (double)run_bytes(&a->model->config, q->T, RUN_ALL);
	int32_t tokens[LONG];
	struct run_order order = { .model = a->model, .tokens = tokens, .T = q->T };
	struct err err = { 0 };
	double peak;

	if (pages && INSTRUMENTED)
		return;
	for (int t = 0; t < q->T; t++)
		tokens[t] = (13 + 7919 * t) % a->model->config.V;
	a->metric = (struct metric){ .kind = METRIC_LOGIT, .target = { 0, -1 }, .position = q->T - 1 };
	if (!CHECK_THAT((a->run = run_new(&order, NULL, &err)) != NULL, "%d tokens run %s", q->T, err.text))
		return;
	peak = peak_alone(a, q, pages);
	CHECK_THAT(peak >= 0 && peak <= MOST_RUNS * one, "%s at %d tokens: %.2f runs' memory", q->asks, q->T, peak / one);
	run_unref(a->run);
}

int main(void)
{
	struct asked_run a = { 0 };
	struct err err = { 0 };

	pool_threads(1); /* a fork has no helpers */
	if (CHECK_THAT((a.model = model_open("models/demo", NULL, NULL, &err)) != NULL, "demo %s", err.text))
		for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
			check_question(&a, &questions[i]);
	model_free(a.model);
	pool_stop();
	return tap_done();
}
