/*
 * gradient_techniques.c - what the techniques that stand on gradients mean, measured by runs: gradient × input of a token is the
 * metric's slope as that embedding grows; an estimate of a patch differs from the patch by the square of what was patched.
 */
#include <stdlib.h>

#include "engine/model/model.h"
#include "engine/run/run.h"
#include "engine/session.h"
#include "tests/tap.h"

#define PROMPT "one two three two one"

struct setting {
	const char *name;
	const struct run *run;
	const struct metric *metric;
};

static double value_of(const struct setting *s, const char *line, const struct run *foil)
{
	struct err err = { 0 };
	struct run_order order = { .model = s->run->model, .tokens = s->run->tokens, .T = s->run->T, .edits = &line, .edit_count = line != NULL,
				   .unedited = s->run, .foil = foil };
	struct run *r = run_new(&order, NULL, &err);
	double value = NAN;

	if (!r || !metric_value(s->metric, r, s->run, &value, NULL, &err))
		CHECK_THAT(false, "%s: %s %s", s->name, line ? line : "no edit", err.text);
	run_unref(r);
	return value;
}

static struct table *answer(const struct setting *s, const char *name, const struct run *foil, const struct gradient *g, const char *site)
{
	const struct analysis *a = analysis_find(name);
	struct err err = { 0 };
	struct ask ask = { .model = s->run->model, .run = s->run, .unedited = s->run, .foil = foil, .metric = s->metric, .gradient = g };
	struct job_pane pane;
	struct table *t = NULL;

	job_pane_init(&pane, a);
	if (!site || job_pane_set(&pane, site, &err))
		t = analysis_compute(a, &ask, pane.args, &err);
	if (!t)
		CHECK_THAT(false, "%s: %s answers %s", s->name, name, err.text);
	return t;
}

static void check_input(const struct setting *s, const struct gradient *g)
{
	const double step = 0.02;
	struct table *product = answer(s, "gradient-x-input", NULL, g, NULL), *norm = answer(s, "gradient-x-input", NULL, g, "show=norm");
	double worst = 0;
	float length = 0, *d = xmalloc((size_t)s->run->model->config.D * sizeof *d);

	/* Where nothing is added to an embedding or normalises it, an edit there is one on the input. */
	for (int t = 0; product && !s->run->model->W_pos && !s->run->model->embed_norm.there && t < s->run->T; t++) {
		char line[100];
		double longer, shorter;

		snprintf(line, sizeof line, "embed 0 @%d scale %.9g", t, 1 + step);
		longer = value_of(s, line, NULL);
		snprintf(line, sizeof line, "embed 0 @%d scale %.9g", t, 1 - step);
		shorter = value_of(s, line, NULL);
		worst = fmax(worst, fabs((longer - shorter) / (2 * step) - (double)product->value[t]));
	}
	CHECK_THAT(worst < 5e-3, "%s: products are slopes, within %.2g", s->name, worst);
	CHECK_THAT(product && check_holds(&product->check) && (fabs(product->check.expected) > 0.1 || s->run->model->embed_norm.there), "%s: together %.5f, measured %.5f", s->name,
		   product ? product->check.actual : NAN, product ? product->check.expected : NAN);
	gradient_input(g, 0, d);
	for (int i = 0; i < s->run->model->config.D; i++)
		length += powf(d[i], 2);
	free(d);
	if (norm)
		CHECK_THAT(fabsf(norm->value[0] - sqrtf(length)) <= 1e-5f * sqrtf(length), "%s: norm %g", s->name, (double)norm->value[0]);
	table_unref(product);
	table_unref(norm);
}

/* The prompt with a little noise on its embeddings: a foil as near as one likes. */
static struct run *near_foil(const struct setting *s, double by)
{
	struct err err = { 0 };
	char line[60];
	const char *lines[] = { line };
	struct run_order order = { .model = s->run->model, .tokens = s->run->tokens, .T = s->run->T, .edits = lines, .edit_count = 1,
				   .unedited = s->run };

	snprintf(line, sizeof line, "embed 0 noise %.9g 3", by);
	return run_new(&order, NULL, &err);
}

/* The largest |exact − estimate| over a map, and the largest exact effect. */
static double gap(const struct setting *s, const struct gradient *g, const char *site, double by, double *effect)
{
	struct run *foil = near_foil(s, by);
	char argument[40];
	struct table *t;
	double now = value_of(s, NULL, NULL), worst = 0;

	snprintf(argument, sizeof argument, "site=%s", site);
	t = answer(s, "attribution-patching", foil, g, argument);
	*effect = 0;
	for (int i = 0; t && i < t->rows.n * t->cols.n; i++) {
		bool head = !strcmp(site, "head");
		char line[60];
		double exact;

		snprintf(line, sizeof line, head ? "%s %d.%d patch" : "%s %d @%d patch", site, i / t->cols.n, i % t->cols.n);
		exact = value_of(s, line, foil) - now;
		*effect = fmax(*effect, fabs(exact));
		worst = fmax(worst, fabs(exact - (double)t->value[i]));
	}
	table_unref(t);
	run_unref(foil);
	return worst;
}

static void check_patching(const struct setting *s, const struct gradient *g)
{
	static const char *const sites[] = { "resid_pre", "attn_out", "mlp_out", "head" };

	for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
		double large, small, wide = gap(s, g, sites[i], 0.1, &large), near = gap(s, g, sites[i], 0.01, &small);

		CHECK_THAT(near < 0.1 * small && small > 1e-4, "%s %s: a small patch of effect %.3g is estimated within %.2g", s->name, sites[i], small,
			   near);
		CHECK_THAT(near < 0.05 * wide + 2e-5, "%s %s: a tenth of the difference has a hundredth of the gap: %.2g and %.2g", s->name, sites[i],
			   near, wide);
	}
}

static void check_model(const char *name, const char *folder)
{
	struct session *session = session_new();
	struct err err = { 0 };
	struct job job;

	job_init(&job);
	job_set(&job.model, folder);
	job_set(&job.prompt, PROMPT);
	if (CHECK_THAT(session_prepare(session, &job, NULL, NULL, &err), "%s %s", name, err.text)) {
		struct setting s = { name, session_run(session), session_metric(session) };
		struct gradient *g = gradient_new(s.run, s.metric, s.run, 0, NULL, &err);

		if (CHECK_THAT(g, "%s has a gradient %s", name, err.text)) {
			check_input(&s, g);
			check_patching(&s, g);
		}
		gradient_unref(g);
	}
	job_done(&job);
	session_free(session);
}

int main(void)
{
	static const char *const models[] = { "tests/fixtures/tiny/gpt2-tied", "tests/fixtures/tiny/llama-grouped",
					      "tests/fixtures/families/gemma2", "tests/fixtures/families/gpt_neox",
					      "tests/fixtures/families/bloom", "tests/fixtures/families/opt" };

	for (size_t i = 0; i < sizeof models / sizeof *models; i++)
		check_model(strrchr(models[i], '/') + 1, models[i]);
	return tap_done();
}
