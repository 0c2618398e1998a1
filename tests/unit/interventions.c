/* interventions.c - what Space does is what the cell says: a cell's own edits, made in the prompt's run, give the cell's number. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/numbers/pool.h"
#include "engine/session/session.h"
#include "tests/tap.h"

enum says { RAW, CHANGE }; /* the cell is the metric under the edits, or how it changed */

static void add_lines(struct job *job, const char *lines)
{
	char line[600];

	while (*lines) {
		size_t n = strcspn(lines, "\n");

		snprintf(line, sizeof line, "%.*s", (int)n, lines);
		job_add_edit(job, line);
		lines += n + (lines[n] == '\n');
	}
}

/* The metric with those edits on top; and without. */
static bool measure(struct session *s, const struct job *job, const char *lines, double *edited, double *unedited)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct job with;
	bool ok;

	job_copy(&with, job);
	add_lines(&with, lines);
	ok = session_prepare(s, &with, NULL, &notes, &err) && session_metric_values(s, edited, unedited, NULL, &err);
	if (!ok)
		printf("# %s\n", err.text);
	notes_done(&notes);
	job_done(&with);
	return ok;
}

static void check_cells(struct session *s, struct job *job, const char *analysis, const char *const *settings, enum says says)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct table *t;
	int checked = 0, told = 0, n;
	double worst = 0;

	job_pane_init(&job->pane[0], analysis_find(analysis));
	for (; *settings; settings++)
		CHECK(job_pane_set(&job->pane[0], *settings, &err));
	t = session_prepare(s, job, NULL, &notes, &err) ? session_answer(s, 0, NULL, &notes, &err) : NULL;
	CHECK_THAT(t && t->edits, "%s: its cells say what they are the effect of %s", analysis, err.text);
	n = t ? t->rows.n * t->cols.n : 0;
	for (int i = 0; t && t->edits && i < n; i++) {
		double edited, unedited, gap;

		told += !isnan(t->value[i]) && t->edits[i];
		if (isnan(t->value[i]) || !t->edits[i] || i % (n / 7 + 1))
			continue;
		if (!measure(s, job, t->edits[i], &edited, &unedited))
			break;
		gap = fabs((says == RAW ? edited : edited - unedited) - (double)t->value[i]);
		worst = gap > worst ? gap : worst;
		checked++;
	}
	CHECK_THAT(told > 0 && checked >= 2 && worst < 2e-3, "%s: %d cells, made by hand, are at most %.2g off", analysis, checked,
		   worst);
	table_unref(t);
	notes_done(&notes);
}
/* A map whose cells are nothing that could be made in the prompt's run says so, and has no edits that would do something else. */
static void check_refusal(struct session *s, struct job *job, const char *analysis, const char *const *settings, const char *why)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct table *t;

	job_pane_init(&job->pane[0], analysis_find(analysis));
	for (; *settings; settings++)
		CHECK(job_pane_set(&job->pane[0], *settings, &err));
	t = session_prepare(s, job, NULL, &notes, &err) ? session_answer(s, 0, NULL, &notes, &err) : NULL;
	CHECK_THAT(t && !t->edits && t->no_edit && strstr(t->no_edit, why), "%s: %s", analysis,
		   t && t->no_edit ? t->no_edit : "its cells are not refused");
	table_unref(t);
	notes_done(&notes);
}
/* clang-format off */
#define SETTINGS(...) (const char *const[]){ __VA_ARGS__, NULL }
/* clang-format on */

int main(void)
{
	struct session *s = session_new();
	struct job job;

	job_init(&job);
	job_set(&job.model, "demo");
	job_set(&job.prompt, "Tom and Anna went to the park. Tom gave a ball to");
	job_set(&job.foil, "Tom and Anna went to the park. Anna gave a ball to");
	job_set(&job.metric, "logit \" Anna\"");
	job.panes = 1;
	check_cells(s, &job, "ablation-sweep", SETTINGS("site=head"), CHANGE);
	check_cells(s, &job, "ablation-sweep", SETTINGS("site=mlp_out", "op=mean"), CHANGE);
	check_cells(s, &job, "ablation-sweep", SETTINGS("site=parts"), CHANGE);
	check_cells(s, &job, "ablation-sweep", SETTINGS("site=neuron", "at=last"), CHANGE);
	check_cells(s, &job, "activation-patching", SETTINGS("show=raw"), RAW);
	check_cells(s, &job, "activation-patching", SETTINGS("show=raw", "site=head_position", "layer=2"), RAW);
	check_cells(s, &job, "attribution-patching", SETTINGS("exact=50", "site=attn_out"), CHANGE);
	check_cells(s, &job, "attention-knockout", SETTINGS("mode=mask"), CHANGE);
	check_cells(s, &job, "attention-knockout", SETTINGS("mode=zero", "map=spans", "from=1", "to=3"), CHANGE);
	check_cells(s, &job, "attention-knockout", SETTINGS("map=positions", "layer=1"), CHANGE);
	check_cells(s, &job, "causal-tracing", SETTINGS("show=raw", "seeds=1", "from=1", "to=2"), RAW);
	check_cells(s, &job, "causal-tracing", SETTINGS("show=raw", "seeds=1", "from=1", "to=2", "site=mlp_out", "window=3"), RAW);
	check_cells(s, &job, "path-patching", SETTINGS("show=raw"), RAW);
	check_cells(s, &job, "path-patching", SETTINGS("show=raw", "mlps=frozen"), RAW);
	check_cells(s, &job, "path-patching", SETTINGS("show=raw", "sender=mlp_out"), RAW);
	check_cells(s, &job, "path-patching", SETTINGS("show=raw", "sender=embed", "mlps=frozen"), RAW);
	check_refusal(s, &job, "activation-patching", SETTINGS("direction=denoising"), "the foil's run");
	check_refusal(s, &job, "path-patching", SETTINGS("direction=denoising"), "the foil's run");
	check_refusal(s, &job, "path-patching", SETTINGS("receiver=q", "layer=3"), "one receiver");
	job_add_edit(&job, "head 3.0 zero"); /* what is held is then not what freeze gives */
	check_refusal(s, &job, "path-patching", SETTINGS("sender=embed"), "other edits");
	job_done(&job);
	session_free(s);
	pool_stop();
	return tap_done();
}
