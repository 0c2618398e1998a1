/* job.c - jobs are values: copied whole, compared, their edits added and removed. */
#include "engine/session/job.h"
#include "tests/tap.h"

static void test_value(void)
{
	struct job a, b;

	job_init(&a);
	CHECK(a.prompt && !*a.prompt && !a.model && a.panes == 0);
	job_set(&a.prompt, "The capital of France is");
	job_set(&a.metric, "logit \" Paris\"");
	CHECK(job_add_edit(&a, "head 1.0 zero") == 0 && job_add_edit(&a, "mlp_out 2 mean") == 1);
	a.edit[1].on = false;
	job_pane_init(&a.pane[a.panes++], analysis_find("logit-lens"));
	job_copy(&b, &a);
	CHECK(job_equal(&a, &b) && a.prompt != b.prompt && a.edit[0].line != b.edit[0].line);
	b.edit[1].on = true;
	CHECK_THAT(!job_equal(&a, &b), "a toggled edit is another job");
	b.edit[1].on = false;
	b.pane[0].args[2] = value_number(2);
	CHECK_THAT(!job_equal(&a, &b), "another argument is another job");
	job_copy(&b, (job_done(&b), &a));
	job_set(&b.foil, "The capital of Italy is");
	CHECK(!job_equal(&a, &b) && !job_equal(&b, &a));
	job_set(&b.foil, NULL);
	CHECK(job_equal(&a, &b));
	job_set(&b.prompt, b.prompt);
	CHECK_TEXT(b.prompt, "The capital of France is");
	job_remove_edit(&b, 0);
	CHECK(b.edits == 1 && !strcmp(b.edit[0].line, "mlp_out 2 mean") && !job_equal(&a, &b));
	job_done(&a);
	job_done(&b);
}

static void test_pane(void)
{
	const struct analysis *attention = analysis_find("attention");
	struct err err = { 0 };
	struct job_pane pane;

	job_pane_init(&pane, attention);
	CHECK(pane.args[0].number == 0 && !pane.given[0] && pane.shown == SHOWN_RUN);
	CHECK(job_pane_set(&pane, "layer=-2", &err) && pane.args[0].number == -2 && pane.given[0] && !pane.given[1]);
	CHECK(job_pane_set(&pane, "show=value", &err) &&
	      !strcmp(param_word(&pane.analysis->params[2], pane.args[2].number), "value"));
	CHECK(!job_pane_set(&pane, "lyer=2", &err) && err.kind == ERR_USAGE);
	CHECK_TEXT(err.text, "attention has no argument \"lyer\"; it has layer, head, show");
	CHECK(!job_pane_set(&pane, "layer", &err) && err.kind == ERR_USAGE);
	CHECK(!job_pane_set(&pane, "show=values", &err) && err.kind == ERR_USAGE);
	CHECK(!strcmp(param_word(&pane.analysis->params[2], pane.args[2].number), "value"));
	CHECK_TEXT(err.text, "attention: show is values; expected weight, score, value, norm");
	job_pane_init(&pane, analysis_find("next-token"));
	CHECK(pane.args[0].number == 10 && pane.args[1].number == -1);
}

int main(void)
{
	test_value();
	test_pane();
	return tap_done();
}
